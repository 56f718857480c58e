"""``wabox top``: the running server at a glance, as it works."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from wabox.settings import Settings

WIDTH: Final = 80
STATES: Final = 6
WAYS: Final = (
    ("webhook answered", "webhook_ack_seconds"),
    ("waited for its turn", "queue_wait_seconds"),
    ("turn", "turn_seconds"),
    ("commit", "writer_commit_seconds"),
    ("sent to WhatsApp", "send_seconds"),
    ("webhook to delivered", "delivery_seconds"),
    ("timer late", "timer_lateness_seconds"),
)
"""A message's way, in its order."""
FAULTS: Final = (
    ("turns failed", "turn_failures_total"),
    ("slow turns", "turns_slow_total"),
    ("flow errors", "flow_errors_total"),
    ("not sent", "outbound_failures_total"),
    ("unreadable", "dead_letters"),
    ("nobody told", "handoffs_untold"),
)

DOWN: Final = (
    ("store_writable", "THE DATABASE TAKES NOTHING"),
    ("cluster_broker_reachable", "RABBITMQ DOES NOT ANSWER"),
)
"""Figures that are 0 when something is away; a process has one of them."""


def top(
    once: Annotated[bool, typer.Option("--once", help="One look, then end; so it does without a terminal.")] = False,
    every: Annotated[float, typer.Option(metavar="SECONDS", min=0.5, help="Between two looks.")] = 2.0,
    as_json: Annotated[bool, typer.Option("--json", help="One look, as one JSON object.")] = False,
    data: Annotated[Path | None, typer.Option(help="The server's data folder. Default: data/.")] = None,
    server: Annotated[
        str | None, typer.Option("--server", metavar="URL", help="The server, if it is not this folder's.")
    ] = None,
) -> None:
    """The running server, live. Throughput, latencies, queues, states, errors and tiers; q leaves.

    Example:  wabox top --once
    """
    import asyncio

    from wabox.cli.looking import settings_for

    settings = settings_for(data)
    if as_json or once or not sys.stdout.isatty():
        found = asyncio.run(_look(settings, server))
        typer.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(frame(found, None, 0.0)))
        return
    from wabox.cli.topscreen import TopApp

    TopApp(lambda: _look(settings, server), every).run()


async def _look(settings: Settings, server: str | None) -> list[dict[str, Any]]:
    """Every figure, once. Raises WaboxError."""
    from wabox.cli.running import line_to

    async with line_to(settings, server) as line:
        found: list[dict[str, Any]] = await line.call("GET", "/api/v1/figures")
        return found


@dataclass(frozen=True, slots=True)
class Look:
    """Figures by name, their labels beside them."""

    samples: Mapping[str, Sequence[Mapping[str, Any]]]

    def value(self, name: str) -> float:
        return float(sum(one["value"] for one in self.samples.get(name, ())))

    def largest(self, name: str, most: int) -> list[tuple[tuple[str, ...], float]]:
        """By label, the largest first."""
        found = [(tuple(one["labels"]), float(one["value"])) for one in self.samples.get(name, ()) if one["value"]]
        return sorted(found, key=lambda one: -one[1])[:most]

    def times(self, name: str) -> tuple[list[float], list[float]]:
        """Bounds, and counts below each and above the last."""
        bounds: list[float] = []
        counts: list[float] = []
        for one in self.samples.get(name, ()):
            bounds = list(one["bounds"])
            counts = [a + b for a, b in zip(counts or [0.0] * len(one["counts"]), one["counts"], strict=True)]
        return bounds, counts


def looked(samples: Sequence[Mapping[str, Any]]) -> Look:
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for one in samples:
        by_name.setdefault(one["name"], []).append(one)
    return Look(by_name)


def frame(
    now: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]] | None, seconds: float
) -> Iterator[str]:
    """At most 80 columns. Rates and latencies of the time between two looks; without a look before, since the start."""
    new, old = looked(now), looked(before or ())
    if before is None:
        import time

        seconds = max(1.0, time.time() - new.value("process_start_time_seconds"))
    (labels, _), *_ = new.largest("info", 1) or [(("", "", ""), 1.0)]
    over = "since its start" if before is None else f"in {seconds:.0f} s"
    memory = new.value("process_resident_memory_bytes") / 1e6
    cpu = (new.value("process_cpu_seconds_total") - old.value("process_cpu_seconds_total")) / seconds
    yield f"wabox {labels[0]}  {labels[1]} {labels[2]}  {memory:.0f} MB  CPU {cpu:.0%}  ({over})"
    down = "".join(f"  {words}" for name, words in DOWN if name in new.samples and not new.value(name))
    stopped = ", ".join(labels[0] for labels, _ in new.largest("number_stopped", 3))
    yield f"conversations {new.value('conversations'):,.0f}{down}{f'  STOPPED: {stopped}' if stopped else ''}"[:WIDTH]
    yield ""
    yield f"{'':24}{'a second':>12}{'p50':>12}{'p95':>12}{'p99':>12}"
    for title, name in WAYS:
        bounds, counts = new.times(name)
        _, past = old.times(name)
        counts = [a - b for a, b in zip(counts, past or [0.0] * len(counts), strict=True)]
        many = sum(counts)
        shares = "".join(f"{_share(bounds, counts, part):>12}" for part in (0.5, 0.95, 0.99))
        yield f"{title:24}{many / seconds:>12.1f}{shares}"
    yield ""
    yield "   ".join(_waiting(new))[:WIDTH]
    yield _row("decided", [(labels[0], n) for labels, n in new.largest("understood_total", 8)])
    yield _row("errors", [(title, new.value(name)) for title, name in FAULTS if new.value(name)])
    if "conversations_in_state" not in new.samples:
        return
    yield ""
    yield f"{'state, active within 7 days':56}{'conversations':>24}"
    for (flow, state), many in new.largest("conversations_in_state", STATES):
        name = f"{flow} › {state}"
        yield f"  {name if len(name) < 54 else name[:53] + '…':54}{many:>24,.0f}"


def _waiting(new: Look) -> Iterator[str]:
    """What the process knows of: that of a web process in a cluster waits in RabbitMQ."""
    yield "waiting"
    if "queue_messages" in new.samples:
        yield f"to be handled {new.value('queue_messages'):,.0f}"
    oldest = f" (oldest {new.value('outbox_oldest_seconds'):,.0f} s)" if "outbox_oldest_seconds" in new.samples else ""
    yield f"to leave {new.value('outbox_messages'):,.0f}{oldest}"
    yield f"for a person {new.value('handoffs_waiting'):,.0f}"


def _row(title: str, parts: Sequence[tuple[str, float]]) -> str:
    return f"{title:10}{'   '.join(f'{name} {n:,.0f}' for name, n in parts) or 'none'}"[:WIDTH]


def _share(bounds: Sequence[float], counts: Sequence[float], part: float) -> str:
    from wabox.cli.stats import time_of
    from wabox.core.histogram import quantile

    found = quantile(bounds, counts, part)
    return "–" if found is None else time_of(found)
