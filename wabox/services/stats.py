"""What happened since then, put together from the counters by the hour: for ``wabox stats``, the API and the console."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from wabox.core.figure import Sample
from wabox.core.histogram import quantile
from wabox.core.tally import HOUR, VALUE, Counts, Tally
from wabox.services.tallies import samples

COLUMNS = 40
"""Points of a sparkline at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long something took, seconds."""

    what: str
    count: float
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StateStats:
    flow: str
    state: str
    entered: float
    expired: float
    """Conversations that ended there because nobody came back."""

    @property
    def drop_off(self) -> float | None:
        """Share of those who came."""
        return min(1.0, self.expired / self.entered) if self.entered else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStats:
    flow: str
    started: float
    done: float
    expired: float
    reset: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    since: int
    """ms since the epoch."""
    until: int
    inbound: float
    """Messages of customers."""
    outbound: float
    failed: float
    """Messages that did not arrive."""
    errors: float
    """Of flows, actions, calls; and turns that failed."""
    returns: Mapping[str, float]
    """Customers who came back, by how long they were away."""
    tiers: Mapping[str, float]
    intents: Mapping[str, float]
    """The most frequent."""
    fallbacks: Mapping[str, float]
    handoffs: Mapping[str, float]
    """By intent."""
    ratings: Mapping[str, float]
    """By the customers' marks; ``skipped``: WhatsApp was closed when the case was."""
    alerts: Mapping[str, float]
    """By what became of them."""
    flows: Sequence[FlowStats]
    states: Sequence[StateStats]
    times: Sequence[Times]
    llm_requests: Mapping[str, float]
    llm_spent: float
    every: int
    """Hours that a point covers."""
    course: Sequence[float]
    """Customers' messages, the oldest point first."""
    handed: Sequence[float]
    """Cases opened, likewise."""


def stats(counts: Counts, since: int, until: int) -> Stats:
    """The counters of these hours (ms since the epoch)."""
    total: Counter[Tally] = Counter()
    for found in counts.values():
        for tally, n in found.items():
            total[tally] += n  # type: ignore[assignment]
    every = max(1, -(-(until - since) // (HOUR * COLUMNS)))
    inbound = sum(n for tally, n in total.items() if _customer(tally))
    return Stats(
        since=since,
        until=until,
        inbound=inbound,
        outbound=total[Tally("outbound_messages_total")],
        failed=total[Tally("outbound_failures_total")],
        errors=total[Tally("flow_errors_total")] + total[Tally("turn_failures_total")],
        returns=_by(total, "returns_total"),
        tiers=_by(total, "understood_total"),
        intents=_by(total, "intents_total"),
        fallbacks=_by(total, "fallbacks_total"),
        handoffs=_by(total, "handoffs_total"),
        ratings=_by(total, "handoff_ratings_total"),
        alerts=_alerts(total),
        flows=list(_flows(total)),
        states=sorted(_states(total), key=lambda row: (row.flow, -row.expired, -row.entered, row.state)),
        times=list(_times(samples(total))),
        llm_requests=_by(total, "llm_requests_total"),
        llm_spent=total[Tally("llm_spent_total")],
        every=every,
        course=_course(counts, since, until, every, "messages_total"),
        handed=_course(counts, since, until, every, "handoffs_total"),
    )


def _customer(tally: Tally) -> bool:
    return tally.name == "messages_total" and tally.labels[:1] == ("whatsapp",)


def _by(total: Mapping[Tally, float], name: str) -> dict[str, float]:
    """By the first label, most first."""
    rows = [(tally.labels[0], n) for tally, n in total.items() if tally.name == name and tally.bucket == VALUE]
    return dict(sorted(rows, key=lambda row: (-row[1], row[0])))


def _alerts(total: Mapping[Tally, float]) -> dict[str, float]:
    """``email accepted``, ``ntfy refused`` …"""
    return {" ".join(tally.labels): n for tally, n in sorted(total.items()) if tally.name == "alerts_total"}


def _flows(total: Mapping[Tally, float]) -> Iterator[FlowStats]:
    ended: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for tally, n in total.items():
        if tally.name == "conversations_ended_total":
            flow, _, outcome = tally.labels
            ended[flow][outcome] += n  # type: ignore[assignment]
    started = _by(total, "conversations_started_total")
    for flow in sorted({*started, *ended}):
        how = ended[flow]
        yield FlowStats(
            flow=flow, started=started.get(flow, 0), done=how["done"], expired=how["expired"], reset=how["reset"]
        )


def _states(total: Mapping[Tally, float]) -> Iterator[StateStats]:
    places = {tally.labels[:2] for tally in total if tally.name in ("state_entries_total", "conversations_ended_total")}
    for flow, state in places:
        yield StateStats(
            flow=flow,
            state=state,
            entered=total.get(Tally("state_entries_total", (flow, state)), 0),
            expired=total.get(Tally("conversations_ended_total", (flow, state, "expired")), 0),
        )


def _times(found: Iterator[Sample]) -> Iterator[Times]:
    for sample in sorted(found, key=lambda sample: (sample.name, sample.labels)):
        middle = quantile(sample.bounds, sample.counts, 0.5)
        if middle is None:
            continue
        p95, p99 = (quantile(sample.bounds, sample.counts, share) or 0.0 for share in (0.95, 0.99))
        what = " ".join((sample.name.removesuffix("_seconds").replace("_", " "), *sample.labels))
        yield Times(what=what, count=sum(sample.counts), p50=middle, p95=p95, p99=p99)


def _course(counts: Counts, since: int, until: int, every: int, name: str) -> list[float]:
    first = since // HOUR
    points = [0.0] * max(1, -(-(-(-until // HOUR) - first) // every))
    for hour, found in counts.items():
        place = (hour - first) // every
        if 0 <= place < len(points):
            for tally, n in found.items():
                if tally.name == name and (name != "messages_total" or _customer(tally)):
                    points[place] += n
    return points
