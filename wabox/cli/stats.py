"""``wabox stats``: what happened, from the counters in the data folder; the server may run or not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wabox.errors import WaboxError

if TYPE_CHECKING:
    from wabox.services.meter import MeterReport
    from wabox.services.stats import Stats

UNITS = {"h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}
BARS = "▁▂▃▄▅▆▇█"
ROWS = 12
"""Of one table; --all shows the rest."""


def stats(
    since: Annotated[str, typer.Option(metavar="7d", help="How far back: 24h, 7d, 4w.")] = "7d",
    everything: Annotated[bool, typer.Option("--all", help="Every row of every table.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    data: Annotated[Path | None, typer.Option(help="Where everything is kept. Default: data/.")] = None,
) -> None:
    """How the bot does. Where people give up, who decides what they mean, what it costs.

    Drop-off is the share of those who came to a state and whose conversation ended there because they did not come back.
    Counters are kept by the hour, for 400 days; of what the server measures, the last minute may be missing.

    Example:  wabox stats --since 30d
    """
    from dataclasses import asdict

    from wabox.app import wall_clock
    from wabox.cli.looking import looking, settings_for
    from wabox.services.meter import month_of, report
    from wabox.services.stats import stats as put_together

    settings = settings_for(data)
    now = wall_clock()
    begin = now - _span(since)
    with looking(settings) as glance:
        found = put_together(glance.tallied(begin, now), begin, now)
        month = month_of(now, settings.timezone)
        meter = report(glance.metered(month.begin, month.end), month, settings.timezone)
    if as_json:
        typer.echo(json.dumps({**asdict(found), "meter": asdict(meter)}, ensure_ascii=False))
        return
    for line in lines(found, meter, None if everything else ROWS):
        typer.echo(line.rstrip())


def _span(given: str) -> int:
    """ms. Raises WaboxError."""
    found = re.fullmatch(r"([1-9]\d{0,4})([hdw])", given.strip())
    if found is None:
        raise WaboxError(f"--since {given!r} is no time: write 24h, 7d or 4w")
    return int(found[1]) * UNITS[found[2]]


def lines(found: Stats, meter: MeterReport, most: int | None = ROWS) -> Iterator[str]:
    """At most 80 columns."""
    begin = datetime.fromtimestamp(found.since / 1000).astimezone()
    yield f"since {begin:%d %b %Y %H:%M}"
    yield f"messages in  {found.inbound:>8,.0f}  {spark(found.course)}"
    yield f"handed over  {sum(found.handoffs.values()):>8,.0f}  {spark(found.handed)}"
    back = ", ".join(f"{n:,.0f} {how}" for how, n in found.returns.items()) or "nobody"
    yield f"out {found.outbound:,.0f}, failed {found.failed:,.0f}, errors {found.errors:,.0f}; came back: {back}"
    if not found.inbound and not found.outbound:
        return
    yield from _table("flow", ("started", "done", "expired", "reset"), [
        (row.flow, (_n(row.started), _n(row.done), _n(row.expired), _n(row.reset))) for row in found.flows
    ], most)  # fmt: skip
    yield from _table("state", ("entered", "gave up", "drop-off"), [
        (f"{row.flow} › {row.state}", (_n(row.entered), _n(row.expired), _share(row.drop_off)))
        for row in sorted(found.states, key=lambda row: (-row.expired, -row.entered))
    ], most)  # fmt: skip
    for title, counts in (
        ("who decided", found.tiers),
        ("not understood", found.fallbacks),
        ("intent", found.intents),
        ("handed over after", found.handoffs),
        ("rated", found.ratings),
        ("people were told", found.alerts),
        ("language model", found.llm_requests),
    ):
        whole = sum(counts.values())
        rows = [(name, (_n(n), _share(n / whole if whole else None))) for name, n in counts.items()]
        yield from _table(title, ("", ""), rows, most)
    yield from _table("how long", ("count", "p50", "p95", "p99"), [
        (row.what, (_n(row.count), time_of(row.p50), time_of(row.p95), time_of(row.p99))) for row in found.times
    ], None)  # fmt: skip
    if found.llm_spent:
        yield f"\nthe language model cost {found.llm_spent:,.4f}"
    for number in meter.numbers:
        used = f"{number.used:,} of {number.free:,} free messages in {meter.month.name}"
        yield f"\nnumber {number.number_id}: {used}, {number.billed:,} billed"


def _table(
    title: str, heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]], most: int | None
) -> Iterator[str]:
    if not rows:
        return
    shown = rows if most is None else rows[:most]
    wide = 80 - 10 * len(heads)
    yield ""
    yield title[:wide].ljust(wide) + "".join(head.rjust(10) for head in heads)
    for name, cells in shown:
        name = name if len(name) < wide - 2 else name[: wide - 3] + "…"
        yield ("  " + name).ljust(wide) + "".join(cell.rjust(10) for cell in cells)
    if len(shown) < len(rows):
        yield f"  … and {len(rows) - len(shown)} more: --all"


def spark(points: Sequence[float]) -> str:
    """One character a point."""
    top = max(points, default=0)
    return "".join(BARS[round(point / top * (len(BARS) - 1))] if point and top else "·" for point in points)


def _n(value: float) -> str:
    return f"{value:,.0f}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def time_of(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.2g} ms"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
