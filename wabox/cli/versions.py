"""``wabox flows versions`` and ``wabox flows diff``: what was published, who is on it, and what a change means for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wabox.core.version import VersionReport
    from wabox.engine.chart import Chart
    from wabox.engine.difference import Difference
    from wabox.settings import Settings

Data = Annotated[Path | None, typer.Option(help="Where everything is kept. Default: data/.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
SHOWN = 8


def versions(
    bot: Annotated[str | None, typer.Argument(help="A folder in flows/, or a path. Default: the only one.")] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Every published version of a bot, and the conversations on it.

    live: new conversations begin on it. draining: some that began earlier are still on it. retired: none is; kept for a
    rollback.

    Example:  wabox flows versions shop
    """
    import asyncio

    settings, name, _ = _where(bot, data)
    reports = asyncio.run(_reports(settings, name))
    if as_json:
        from dataclasses import asdict

        for report in reports:
            typer.echo(json.dumps(asdict(report), ensure_ascii=False))
        return
    if not reports:
        typer.echo(f"{name} was never published; wabox publish, or the first wabox serve, does that")
    for report in reports:
        typer.echo(_told(report))


def diff(
    old: Annotated[str, typer.Argument(help="live, a number or hash, . for the bot's folder, or a folder.")] = "live",
    new: Annotated[str, typer.Argument(help="The same.")] = ".",
    bot: Annotated[str | None, typer.Option(help="A folder in flows/, or a path. Default: the only one.")] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """What differs between two versions. And how many conversations are there now.

    States that are gone or renamed, events no longer taken, other timers, other variables.

    Example:  wabox flows diff live . --bot shop

    Example:  wabox flows diff 3 4
    """
    import asyncio

    from wabox.engine.difference import differences

    settings, name, folder = _where(bot, data)
    reports = asyncio.run(_reports(settings, name, old, new))
    before, after = (_charts(word, settings, name, folder, reports) for word in (old, new))
    found = [(one, _people(one, after, reports)) for one in differences(before, after)]
    if as_json:
        from dataclasses import asdict

        for one, people in found:
            typer.echo(json.dumps({**asdict(one), "conversations": people}, ensure_ascii=False))
        return
    if not found:
        same = {chart.ref for chart in before.values()} == {chart.ref for chart in after.values()}
        what = "no chart differs (texts, intents and actions.py may)" if same else "only what is said and done differs"
        typer.echo(f"{what}; every conversation can go on")
    for one, people in found:
        there = f"  ← {people} conversation{'' if people == 1 else 's'} there" if people and not one.harmless else ""
        sign = "+" if one.harmless else "-" if one.kind.endswith("-removed") else "~"
        typer.echo(f"{sign} {one.chart}{' ' + one.place if one.place else ''}: {one.sentence}{there}")


def _where(bot: str | None, data: Path | None) -> tuple[Settings, str, Path]:
    import logging

    from wabox.cli import logs
    from wabox.cli.looking import settings_here
    from wabox.flowfile.folder import find_bot

    logs.configure(terminal=True, level=logging.WARNING)
    settings = settings_here(data)
    folder = find_bot(bot or settings.bot, settings.root).resolve()
    return settings, folder.name, folder


async def _reports(settings: Settings, bot: str, *words: str) -> Sequence[VersionReport]:
    """Every version; the copies of those that the words mean are on this machine."""
    from wabox.cli.running import desk
    from wabox.sqlite.connection import DATABASE

    if settings.cluster is None and not (settings.data / DATABASE).exists():
        return ()
    async with desk(settings, bot) as at:
        reports = await at.reports()
        for word in words:
            if (known := found(reports, word)) is not None:
                await at.bring(known.version)
        return reports


def _charts(
    word: str, settings: Settings, bot: str, folder: Path, reports: Sequence[VersionReport]
) -> Mapping[str, Chart]:
    from wabox.errors import FlowError
    from wabox.flowfile.bot import load_bot
    from wabox.flowfile.folder import is_bot
    from wabox.flowfile.published import Shelf

    path = folder if word == "." else settings.root / word
    known = found(reports, word)
    if known is not None:
        path = Shelf(settings.data, bot).check(known.version.id)
    elif word == "live":
        raise FlowError(f"{bot} was never published, so nothing of it is live; wabox publish makes it so")
    elif not is_bot(path):
        there = ", ".join(str(one.version.number) for one in reports) or "none"
        raise FlowError(f"{word!r} is neither a version of {bot} (there are: {there}) nor a bot's folder")
    loaded = load_bot(path, language=settings.language, context=settings.context, name=bot, published=True)
    return loaded.charts.live


def found(reports: Sequence[VersionReport], word: str) -> VersionReport | None:
    """The version that a person means: ``live``, its number, its hash or the beginning of it."""
    if word == "live":
        return next((one for one in reports if one.status == "live"), None)
    exact = [one for one in reports if word in (str(one.version.number), one.version.id)]
    near = [one for one in reports if len(word) >= 4 and one.version.id.startswith(word)]
    return exact[0] if exact else near[0] if len(near) == 1 else None


def _people(one: Difference, new: Mapping[str, Chart], reports: Sequence[VersionReport]) -> int:
    """How many conversations stand at the place, on another version than the new one."""
    chart = new.get(one.chart)
    count = 0
    for standing in (standing for report in reports for standing in report.standings):
        frames = [
            leaves
            for ref, *leaves in standing.frames
            if ref.partition("@")[0] == one.chart and (chart is None or ref != chart.ref)
        ]
        everywhere = not one.place or one.kind.startswith("variable")
        inside = any(leaf == one.place or leaf.startswith(f"{one.place}.") for leaves in frames for leaf in leaves)
        if frames and (everywhere or inside):
            count += standing.conversations
    return count


def _told(report: VersionReport) -> str:
    from wabox.cli.publish import where

    version = report.version
    since = f"live since {_time(version.live_from)}"
    if version.live_until is not None:
        since = f"was live until {_time(version.live_until)}"
    people = f"{report.conversations} conversation{'' if report.conversations == 1 else 's'}"
    lines = [
        f"{version.number:>4}  {version.id}  {report.status:<8}  {since}  {people if report.conversations else ''}"
    ]
    if report.until is not None:
        lines.append(f"        let go at {_time(report.until)} at the latest (max_pin)")
    for one in report.standings[:SHOWN]:
        outcome = "" if report.status == "live" else f": {one.outcome}, {one.reason}"
        lines.append(f"        {one.conversations:>6} in {where(one)}{outcome}")
    if len(report.standings) > SHOWN:
        rest = sum(one.conversations for one in report.standings[SHOWN:])
        lines.append(f"        {rest:>6} in {len(report.standings) - SHOWN} other places")
    return "\n".join(line.rstrip() for line in lines)


def _time(ms: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(ms / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
