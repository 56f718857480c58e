"""Counts the transcript and what the process measured into the store, off the reply path.

Every minute, and when somebody asks. Lines are read and counted on the thread that answers people; what goes to the writer is
one small operation a thousand lines. A line is counted once, whatever dies when: the counters and the place up to which they
count share a transaction. What only this process knew (latencies) loses the last minute at most.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Protocol

from wabox.core.figure import FIGURES, Sample
from wabox.core.histogram import SECONDS
from wabox.core.measures import Measures
from wabox.core.ports import Clock
from wabox.core.tally import HOUR, SUM, VALUE, Counts, Tally

MOST = 250
"""Steps of a thousand lines at a time: a database of an older wabox is counted bit by bit."""


class Store(Protocol):
    async def count(self) -> tuple[Counts, int, bool]:
        """The next lines that are not counted, up to which, and whether there may be more. Raises Unavailable."""

    async def add(self, counts: Counts, upto: int | None = None) -> None:
        """Write them; ``upto``: everything up to there is counted now. Raises Unavailable."""


class Tallies:
    def __init__(self, store: Store, measures: Measures, clock: Clock) -> None:
        self._store = store
        self._measures = measures
        self._clock = clock
        self._since_start: Counter[Tally] = Counter()
        self._written: Mapping[Tally, float] = {}
        self._upto = -1
        self._lock = asyncio.Lock()

    async def fold(self) -> None:
        """Count what is new. Raises Unavailable; what was not written is counted the next time."""
        async with self._lock:
            for _ in range(MOST):
                counts, upto, more = await self._store.count()
                if upto != self._upto:
                    await self._store.add(counts, upto)
                    self._upto = upto
                for found in counts.values():
                    for tally, n in found.items():
                        self._since_start[tally] += n  # type: ignore[assignment]
                if not more:
                    break
            measured = dict(_measured(self._measures))
            fresh = {tally: n - before for tally, n in measured.items() if n != (before := self._written.get(tally, 0))}
            if fresh:
                await self._store.add({self._clock() // HOUR: fresh})
            self._written = measured

    def samples(self) -> Iterator[Sample]:
        """What this process has read from the transcript."""
        yield from samples(self._since_start)


def samples(found: Mapping[Tally, float]) -> Iterator[Sample]:
    """Counters as figures."""
    times: dict[tuple[str, tuple[str, ...]], list[float]] = {}
    for tally, n in found.items():
        if tally.name not in FIGURES:
            continue  # of another release
        if tally.bucket == VALUE:
            yield Sample(name=tally.name, labels=tally.labels, value=n)
            continue
        counts = times.setdefault((tally.name, tally.labels), [0.0] * (len(SECONDS) + 2))
        counts[tally.bucket if 0 <= tally.bucket <= len(SECONDS) else -1] += n
    for (name, labels), counts in times.items():
        yield Sample(name=name, labels=labels, value=counts[-1], bounds=SECONDS, counts=tuple(counts[:-1]))


def _measured(measures: Measures) -> Iterator[tuple[Tally, float]]:
    for (name, labels), times in measures.times().items():
        for bucket, count in enumerate(times.counts):
            if count:
                yield Tally(name, labels, bucket), count
        yield Tally(name, labels, SUM), times.sum
    for told, count in measures.alerts.items():
        yield Tally("alerts_total", told), count
    yield Tally("turn_failures_total"), measures.failures
    yield Tally("turns_slow_total"), measures.slow
