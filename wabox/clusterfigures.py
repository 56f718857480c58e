"""The figures of a process of a cluster: part of the composition of :mod:`wabox.clusterapp`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from wabox import __version__
from wabox.cluster.leader import Leader
from wabox.cluster.store import ClusterStore
from wabox.core.figure import Sample
from wabox.core.measures import Measures
from wabox.core.ports import Clock
from wabox.errors import StorageError
from wabox.services.figures import FRESH, measured, month, process
from wabox.services.following import Following
from wabox.services.meter import Meter
from wabox.services.tallies import Tallies


class ClusterFigures:
    def __init__(
        self,
        store: ClusterStore,
        role: str,
        measures: Measures,
        tallies: Tallies,
        meter: Meter,
        following: Following,
        stopped: Callable[[], Mapping[str, str]],
        leader: Leader,
        clock: Clock,
    ) -> None:
        """``stopped``: numbers from which this process sends nothing, and why."""
        self._store = store
        self._role = role
        self._measures = measures
        self._tallies = tallies
        self._meter = meter
        self._following = following
        self._stopped = stopped
        self._leader = leader
        self._clock = clock
        self._counted: Sequence[Sample] = ()
        self._counted_at = -FRESH

    async def samples(self) -> Sequence[Sample]:
        """For ``/metrics``: of this process; from a worker also what all share, which every worker tells alike."""
        found = await self._own()
        return found if self._role == "web" else [*found, *await self.counted()]

    async def all(self) -> Sequence[Sample]:
        """For people: of this process, and of what all share. A web process has that counted here, not for scrapers."""
        return [*await self._own(), *await self.counted()]

    async def _own(self) -> Sequence[Sample]:
        store, live = self._store, self._following.versions.live
        try:
            await store.broker.reach()
        except StorageError:
            reachable = False
        else:
            reachable = True
        found = [*measured(self._measures), *self._tallies.samples(), *process()]
        on = live.version
        found.append(Sample(name="info", labels=(__version__, live.bot.name, "" if on is None else on.id), value=1))
        found.append(Sample(name="cluster_version_missing", value=self._following.wrong is not None))
        found.append(Sample(name="cluster_broker_reachable", value=reachable))
        found += [Sample(name="number_stopped", labels=(number,), value=1) for number in self._stopped()]
        if self._role == "web":
            return found
        found.append(Sample(name="queue_messages", value=store.lanes.backlog))
        found.append(Sample(name="cluster_partitions", value=len(store.leases.mine)))
        found.append(Sample(name="cluster_partitions_closed", value=len(store.shards.gates.closed)))
        found.append(Sample(name="cluster_leads", value=self._leader.leads.is_set()))
        found.append(Sample(name="cluster_unreplicated_total", value=store.shards.unreplicated))
        return found

    async def counted(self) -> Sequence[Sample]:
        """What all share, as PostgreSQL counts it; nothing while that is away."""
        try:
            if self._clock() - self._counted_at >= FRESH:
                names = ("conversations", "outbox_messages", "handoffs_waiting", "dead_letters", "handoffs_untold")
                counts = zip(names, await self._store.counts(), strict=True)
                found = [Sample(name=name, value=count) for name, count in counts]
                self._counted, self._counted_at = [*found, *await month(self._meter)], self._clock()
        except StorageError:
            return []
        return self._counted
