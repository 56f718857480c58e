"""The numbers as they stand now, from where each is known: this process, the database, the meter, the purse.

What asks for them may be a scraper every few seconds and a person at ``wabox top`` besides, so what the database has to count
is counted once in :data:`FRESH` at most, on its own thread.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from wabox import __version__
from wabox.core.figure import Sample
from wabox.core.histogram import Histogram
from wabox.core.llm import MILLION
from wabox.core.measures import Measures
from wabox.core.ports import Clock
from wabox.errors import StorageError
from wabox.services.meter import Meter
from wabox.services.tallies import Tallies
from wabox.services.versions import Versions
from wabox.settings import Settings
from wabox.sqlite.store import SqliteStore

FRESH = 5_000
"""ms that what was counted in the database is good for."""
PAGE = resource.getpagesize()


class Figures:
    def __init__(
        self,
        settings: Settings,
        measures: Measures,
        store: SqliteStore,
        meter: Meter,
        versions: Versions,
        stopped: Callable[[], Mapping[str, str]],
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._store = store
        self._meter = meter
        self._versions = versions
        self._stopped = stopped
        self._clock = clock
        self.measures = measures
        self.tallies = Tallies(store.tallies, measures, clock)
        self._counted: list[Sample] = []
        self._counted_at = float("-inf")

    async def samples(self) -> Sequence[Sample]:
        """Every figure that there is something to say of. A database that cannot be read takes its own ones away only."""
        found = [*self._measured(), *self._standing(), *process()]
        try:
            found += await self._count()
        except StorageError:
            found.append(Sample(name="store_writable", value=0))
        else:
            found.append(Sample(name="store_writable", value=float(self._store.writer.trouble is None)))
        return found

    def _measured(self) -> Iterator[Sample]:
        yield from measured(self.measures)
        yield histogram("writer_batch_operations", self._store.writer.batches)
        yield histogram("writer_commit_seconds", self._store.writer.commits)

    def _standing(self) -> Iterator[Sample]:
        store, live = self._store, self._versions.live
        yield Sample(name="queue_messages", value=store.lanes.backlog)
        yield Sample(name="queue_timers", value=store.lanes.due)
        yield Sample(name="writer_waiting_operations", value=store.writer.waiting)
        yield Sample(name="writer_oldest_seconds", value=store.writer.age)
        for number in self._stopped():
            yield Sample(name="number_stopped", labels=(number,), value=1)
        published = live.version.id if live.version is not None else ""
        yield Sample(name="info", labels=(__version__, live.bot.name, published), value=1)

    async def _count(self) -> list[Sample]:
        now = self._clock()
        if now - self._counted_at >= FRESH:
            await self.tallies.fold()
            self._counted = [*await self._store.levels.samples(now), *await month(self._meter), *await self._money(now)]
            self._counted_at = now
        return [*self._counted, *self.tallies.samples()]

    async def _money(self, now: int) -> list[Sample]:
        llm = self._settings.llm
        if llm is None:
            return []
        zone = ZoneInfo(self._versions.live.bot.manners.timezone)
        spent = await self._store.purse.spent("", datetime.fromtimestamp(now / 1000, zone).date().isoformat())
        return [
            Sample(name="llm_spent_today", value=spent.day / MILLION),
            Sample(name="llm_limit_today", value=llm.max_day),
        ]


def measured(measures: Measures) -> Iterator[Sample]:
    """What a process measures while it works, on one machine and in a cluster."""
    for (name, labels), times in measures.times().items():
        yield histogram(name, times, labels)
    for status, count in measures.webhooks.items():
        yield Sample(name="webhooks_total", labels=(str(status),), value=count)
    for told, count in measures.alerts.items():
        yield Sample(name="alerts_total", labels=told, value=count)
    yield Sample(name="turn_failures_total", value=measures.failures)
    yield Sample(name="turn_conflicts_total", value=measures.conflicts)
    yield Sample(name="turns_slow_total", value=measures.slow)


async def month(meter: Meter) -> list[Sample]:
    """What was delivered in this month, and the free messages. Raises StorageError."""
    found: list[Sample] = []
    for number in (await meter.month()).numbers:
        found.append(Sample(name="free_messages_used", labels=(number.number_id,), value=number.used))
        found.append(Sample(name="free_messages_limit", labels=(number.number_id,), value=number.free))
        delivered: dict[tuple[str, str, str], list[int]] = {}
        for row in number.rows:
            # A broadcast's name is the owner's of the day: one flow for all of them.
            key = (number.number_id, row.source.partition(":")[0] or "unknown", row.category)
            both = delivered.setdefault(key, [0, 0])
            both[0] += row.delivered
            both[1] += row.billed
        for key, (count, billed) in delivered.items():
            found.append(Sample(name="month_delivered_messages", labels=key, value=count))
            found.append(Sample(name="month_billed_messages", labels=key, value=billed))
    return found


def histogram(name: str, times: Histogram, labels: tuple[str, ...] = ()) -> Sample:
    return Sample(name=name, labels=labels, value=times.sum, bounds=times.bounds, counts=tuple(times.counts))


def process() -> Iterator[Sample]:
    times = os.times()
    yield Sample(name="process_cpu_seconds_total", value=times.user + times.system)
    try:
        resident = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE
        fields = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace").rpartition(") ")[2].split()
        uptime = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
    except (OSError, IndexError, ValueError):
        return  # not Linux
    yield Sample(name="process_resident_memory_bytes", value=resident)
    ticks = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    yield Sample(name="process_start_time_seconds", value=round(time.time() - uptime + ticks))
