"""The composition root of a cluster's processes: what :mod:`wabox.app` is for one machine.

``web`` takes webhooks in and needs the broker alone. A ``worker`` owns lanes: it steps conversations, sends, looks after timers
and calls, and brings records over. ``all`` is both. Nothing coordinates them but the engines.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import random
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

import structlog

from wabox.adapters import (
    advisor_of,
    briefs_of,
    caller_of,
    graph_of,
    media_of,
    messenger_of,
    steady_clock,
    traces_of,
)
from wabox.app import FLUSH, wall_clock
from wabox.bots import following_of
from wabox.cluster.ending import end
from wabox.cluster.leader import Leader
from wabox.cluster.records import meter
from wabox.cluster.records.queries import PUBLISHED
from wabox.cluster.store import ClusterStore, Place, open_cluster
from wabox.clusterdesk import Deskwork
from wabox.clusterfigures import ClusterFigures
from wabox.clusterfiles import Filework
from wabox.clusteroutbox import SharedRates, StoredOutbox, patience
from wabox.core.keep import DAY, Keep, keep_of
from wabox.core.measures import Measures
from wabox.core.message import Arrival, OtherChange
from wabox.core.ports import Caller, Clock, Messenger
from wabox.errors import StorageError
from wabox.flowfile.bot import Bot, load_bot
from wabox.services.briefs import Cases
from wabox.services.following import Acquainted, Following
from wabox.services.invocations import Invocations
from wabox.services.messages import Messages
from wabox.services.outbox import Outbox
from wabox.services.outward import Kept, Outward, outward_of
from wabox.services.pace import RATE
from wabox.services.presence import Presence
from wabox.services.slots import prepare
from wabox.services.tallies import Tallies
from wabox.services.timers import fire
from wabox.services.uploads import Uploads
from wabox.services.versions import Served, served
from wabox.settings import ClusterSettings, Settings
from wabox.whatsapp.graph import GraphClient

log = structlog.get_logger(__name__)

Role = Literal["all", "web", "worker"]
ROLES: Final[tuple[Role, ...]] = ("all", "web", "worker")
GRACE: Final = 1.5
"""s for what is being handled, and then for what is being sent, to end with the process."""
ASK: Final = 0.5
"""s between two looks whether somebody else has settled a message in doubt."""
TOGETHER: Final = 0.1
"""s in which partitions of a dead worker come together, so that one look does for many."""
SWEEP: Final = 1.0
"""s between two looks for due timers and messages, on the average: workers must not look in step."""


def place_of(settings: ClusterSettings, partitions: int) -> Place:
    return Place(
        redis=tuple(address.reveal() for address in settings.redis),
        rabbitmq=tuple(address.reveal() for address in settings.rabbitmq),
        postgres=settings.postgres.reveal(),
        name=settings.name,
        partitions=partitions,
        durability="primary" if settings.durability == "primary" else "replicated",
    )


def worker_name() -> str:
    """No other process has it: the host, the process, and something drawn."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


class ClusterApp:
    """One process. Made by :func:`build_cluster`."""

    def __init__(
        self,
        store: ClusterStore,
        role: Role,
        clock: Clock,
        messages: Messages,
        outbox: Outbox,
        invocations: Invocations,
        presence: Presence,
        messenger: Messenger,
        following: Following,
        leader: Leader,
        measures: Measures,
        desk: Deskwork,
        files: Filework,
        outward: Outward,
        rates: SharedRates,
        graph: GraphClient | None,
        keep: Keep,
    ) -> None:
        self.store = store
        self._keep = keep
        self._looked_for_idle = -1
        self.desk, self.files = desk, files
        self.outward, self.rates, self._graph = outward, rates, graph
        store.events.heard = self._hear
        self.role = role
        self.clock = clock
        self.following, self._leader = following, leader
        self.publishing, self.versions = following.publishing, following.versions
        self.measures = measures
        self.tallies = Tallies(store.tallies, measures, clock)
        self.figures = ClusterFigures(
            store, role, measures, self.tallies, outward.meter, following, lambda: outbox.stopped, leader, clock
        )
        self._messages = messages
        self._outbox = outbox
        self._invocations = invocations
        self._presence = presence
        self._messenger = messenger
        self._sweeping: asyncio.Task[None] | None = None
        self._stirred = asyncio.Event()
        """Partitions came to this worker: what a dead one left is in them."""

    @property
    def bot(self) -> Bot:
        """The live one, as far as this process knows."""
        return self.versions.live.bot

    async def start(self) -> None:
        """Begin. Raises Unavailable while the engines are not there."""
        self.store.bus.hear(PUBLISHED, lambda _: self.following.wake())
        self.store.bus.missed(self.following.wake)
        self.desk.begin()
        self.following.run()
        self.files.run()
        try:
            await self.store.broker.reach()  # the first webhook need not wait for it
        except StorageError as error:
            self.store.broker.lost(str(error))
        if self.role == "web":
            return
        self._leader.run()  # a web process does not reach the conversations
        prepare(self.bot, self.clock())
        self.store.leases.gained = self._stirred.set
        await self.store.begin()
        self.store.run(self.files.noting(self._messages.handle))
        await self._outbox.recover()
        await self._invocations.recover()
        self._sweeping = asyncio.get_running_loop().create_task(self._sweep())

    async def _sweep(self) -> None:
        while True:
            try:
                if self._stirred.is_set():
                    self._stirred.clear()
                    await self._invocations.recover()
                await fire(self.store, self.clock)
                await self._outbox.look()
            except StorageError as error:
                log.warning("cluster.sweep_waits", reason=str(error))
            except Exception as error:  # the next look may do better, and must come
                log.error("cluster.sweep_failed", exc_info=error)
            pause = SWEEP * (0.5 + random.random())  # noqa: S311 - nobody guesses at it
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stirred.wait()
                    await asyncio.sleep(TOGETHER)

    async def _hear(self, others: Sequence[OtherChange]) -> None:
        await self.outward.hear(others)
        await self.rates.spread(others)

    async def prune(self) -> None:
        """Forget what is past its keep; only the leader does. Idle customers, which is more work, once a day."""
        if self._leader.leads.is_set():
            day = self.clock() // DAY
            keep = self._keep if day != self._looked_for_idle else replace(self._keep, contacts=0)
            await self.store.prune(self.clock(), keep)
            self._looked_for_idle = day

    async def advance(self) -> None:
        """Broadcasts go on; only the leader sees to it."""
        if self._leader.leads.is_set():
            await self.outward.broadcasts.advance()

    async def look_at_templates(self) -> None:
        """Ask WhatsApp for them once a day; only the leader does."""
        if self._leader.leads.is_set():
            await self.outward.templates.refresh()

    async def look_at_meter(self) -> None:
        """Add up what was delivered, and warn; only the leader does."""
        if self._leader.leads.is_set():
            await meter.fold(self.store.database)
            await self.outward.meter.look()

    async def stop(self) -> None:
        """Finish what is being handled; what was not finished goes to another worker."""
        self.desk.changes.close()
        await end(self._sweeping)
        await self.following.stop()
        await self._leader.aclose()
        await self.store.lanes.drain(GRACE)
        await self._messages.aclose()
        await self.desk.stop(GRACE)
        await self._invocations.stop()
        await self._presence.stop()
        await self._outbox.stop(GRACE)
        await self.files.stop()
        await self._messenger.aclose()
        if self._graph is not None:
            await self._graph.aclose()
        with contextlib.suppress(StorageError):
            await self.tallies.fold()
        await self.store.close()
        if self.measures.traces is not None:
            await asyncio.to_thread(self.measures.traces.close, FLUSH)
        log.info("stopped")

    async def accept(self, arrival: Arrival) -> None:
        """Durable in the broker when this returns. Raises Unavailable: Meta brings it again."""
        await self._messages.accept(arrival)

    @property
    def crowded(self) -> bool:
        return self._messages.crowded

    @property
    def stopped(self) -> Mapping[str, str]:
        """Numbers from which this process sends nothing at present, and why."""
        return self._outbox.stopped

    async def probe(self) -> dict[str, Any]:
        """For ``/readyz``: a web process is ready when the broker takes messages, a worker also while some shards are away."""
        broker: bool | str = True
        try:
            await self.store.broker.reach()
        except StorageError as error:
            broker = str(error)
        gates = self.store.shards.gates.closed
        return {
            "broker": broker,
            "role": True,
            "lanes": self.store.lanes.backlog,
            "partitions": len(self.store.leases.mine),
            "closed": len(gates),
            "stopped": dict(self._outbox.stopped),
            # A process that cannot load what was published answers with the version before: that is no reason to send its
            # customers elsewhere.
            "version": self.following.standing(),
        }


async def build_cluster(
    settings: Settings,
    folder: Path,
    role: Role,
    partitions: int,
    *,
    clock: Clock = wall_clock,
    messenger: Messenger | None = None,
    caller: Caller | None = None,
    worker: str | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> ClusterApp:
    """Connected, not begun. It serves the published version of the bot in ``folder`` (absolute); it publishes it if none is.

    ``say`` is told what the operator should know. Raises Unavailable, SettingsError, FlowError, SpoiltCopy.
    """
    assert settings.cluster is not None  # noqa: S101 - who calls this has looked
    messenger = messenger or messenger_of(settings)
    worker = worker or worker_name()
    store = await open_cluster(place_of(settings.cluster, partitions), clock, worker, shards=role != "web")
    store.register.number_id = settings.number_id
    leader = Leader(store.database)
    following = following_of(
        settings,
        folder.name,
        store,
        store.bundles,
        clock,
        warm=prepare,
        leads=leader.leads.is_set,
    )
    try:
        # Webhooks are taken in while PostgreSQL is away, also by a machine that never saw a version.
        await following.begin(
            folder, say, instead=functools.partial(_plain, settings, folder) if role == "web" else None
        )
    except BaseException:
        await store.close()
        raise
    versions = following.versions
    measures = Measures(traces_of(settings, folder.name))
    media = media_of(settings)
    files = Filework(settings, store, None if role == "web" else media, clock)
    if media is not None:
        messenger = Uploads(messenger, media, files.library, versions.file)
    caller = caller or caller_of(settings, versions, str(files.folder.folder.absolute()), files.settled)
    graph = graph_of(settings)
    kept = Kept(open=store.desk.session, put=store.put, enter=store.enter, outgoing=store.outgoing)
    outward = outward_of(
        settings,
        kept,
        graph,
        clock,
        lambda: versions.live.bot,
        stopped=lambda: outbox.stopped,
        crowded=lambda: messages.crowded,
    )
    desk = Deskwork(
        settings,
        store,
        worker,
        lambda: versions.live.bot,
        clock,
        caller,
        measures,
        leader,
        files.library,
        outward.sends,
    )
    outbox = StoredOutbox(
        store,
        messenger,
        clock,
        jitter=random.random,
        rate=RATE if settings.rate is None else settings.rate,
        hold=settings.hold,
        measures=measures,
        steady=steady_clock if clock is wall_clock else clock,
        came=desk.changes.came,
        ask=ASK,
        patience=functools.partial(patience, store.leases),
        share=lambda: store.leases.share,
    )
    presence = Presence(messenger, clock, busy=outbox.busy, after=settings.typing, read=settings.read)
    invocations = Invocations(store, Acquainted(caller, versions), jitter=random.random)
    messages = Messages(
        versions=versions,
        ingress=store,
        sessions=store,
        outbox=outbox,
        invocations=invocations,
        presence=presence,
        clock=clock,
        measures=measures,
        hearing=files.hearing(),
        advisor=advisor_of(settings, store.purse, clock),
        slow=settings.slow,
        answers=desk.answers,
        changes=desk.changes,
    )
    messages.colleagues = desk.colleagues
    cases = Cases(store.desk.page, store.desk.find, store.put, store.brought)
    messages.briefs = briefs_of(settings, cases, messages.advisor, lambda: versions.live.bot, clock)
    return ClusterApp(
        store,
        role,
        clock,
        messages,
        outbox,
        invocations,
        presence,
        messenger,
        following,
        leader,
        measures,
        desk,
        files,
        outward,
        SharedRates(settings, graph, outbox, store.bus),
        graph,
        keep_of(settings.keep),
    )


def _plain(settings: Settings, folder: Path) -> Served:
    return served(load_bot(folder, language=settings.language, context=settings.context, manners=settings.manners))
