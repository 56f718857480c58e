"""All storage ports of a cluster, wired: what :class:`~wabox.sqlite.store.SqliteStore` is for one machine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog

from wabox.cluster.agreement import Agreement
from wabox.cluster.broker import Broker, close
from wabox.cluster.bus import Bus
from wabox.cluster.desk import ClusterDesk
from wabox.cluster.ending import end
from wabox.cluster.events import Events
from wabox.cluster.ingress import DEADLINE, RabbitIngress
from wabox.cluster.lanes import RabbitLanes
from wabox.cluster.leases import Leases
from wabox.cluster.partition import PARTITIONS
from wabox.cluster.records import broadcasts, media, retention
from wabox.cluster.records.accounts import PostgresAccounts
from wabox.cluster.records.alerts import PATIENCE, PostgresAlerts
from wabox.cluster.records.bundles import PostgresBundles
from wabox.cluster.records.database import Database
from wabox.cluster.records.drain import BATCH, drain
from wabox.cluster.records.outgoing import PostgresOutgoing
from wabox.cluster.records.people import PostgresPeople
from wabox.cluster.records.purse import PostgresPurse
from wabox.cluster.records.queries import PostgresRecords
from wabox.cluster.records.tallies import PostgresTallies
from wabox.cluster.register import ClusterRegister
from wabox.cluster.router import Router
from wabox.cluster.sessions import RedisSessions
from wabox.cluster.shards import Durability, Shards
from wabox.cluster.topology import Topology
from wabox.cluster.whose import Whose
from wabox.core.changed import changed
from wabox.core.conversation import CommitResult, ConversationSummary, Record, Session, UnitOfWork
from wabox.core.delivery import Attempt, Delivery, DeliveryStatus, OutboundMessage
from wabox.core.handoff import Handoff
from wabox.core.invocation import Invocation, Outcome
from wabox.core.keep import DEFAULT, Keep
from wabox.core.message import Arrival
from wabox.core.ports import Clock, Handle, StoreStats
from wabox.core.version import Version
from wabox.errors import Unavailable

log = structlog.get_logger(__name__)

PAUSE = 0.5
"""s between two looks for records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the engines are."""

    redis: tuple[str, ...] = field(repr=False)
    rabbitmq: tuple[str, ...] = field(repr=False)
    postgres: str = field(repr=False)
    name: str = "wabox"
    """Of this bot's part of them: queues, keys and tables of another name are another bot's."""
    partitions: int = PARTITIONS
    durability: Durability = "replicated"
    deadline: float = DEADLINE
    """s for the broker to confirm what a webhook brought."""


async def open_cluster(
    place: Place,
    clock: Clock,
    worker: str,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    shards: bool = True,
) -> ClusterStore:
    """Connect. ``worker``: a name that no other process has. ``shards``: Redis must be there; whoever only takes messages in
    goes on without. Raises Unavailable, or SettingsError for what is no address."""
    router = Router.of(place.redis)
    if shards:
        await router.start()
    return ClusterStore(place, router, clock, worker, sleep)


class ClusterStore:
    """Ingress, Lanes, Sessions, Timers, Calls, Records, Versions."""

    def __init__(
        self, place: Place, router: Router, clock: Clock, worker: str, sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._clock = clock
        self.place = place
        self.shards = Shards(router, place.partitions, place.durability, prefix=f"{place.name}:")
        self.broker = Broker(place.rabbitmq)
        self.topology = Topology(place.partitions, place.name)
        self.database = Database(place.postgres, place.name)
        self.bus = Bus(self.database)
        self.outgoing = PostgresOutgoing(self.database, self._drop_all)
        self._ingress = RabbitIngress(self.broker, self.topology, place.deadline)
        self.leases = Leases(self.shards, worker)
        self._sessions = RedisSessions(self.shards, self.leases, clock, self._ingress.publish)
        self._whose = Whose(self.shards, self.database, self._sessions, self._ingress.publish, clock)
        self._agreement = Agreement(self._sessions, clock)
        self._records = PostgresRecords(self.database)
        self.accounts = PostgresAccounts(self.database, clock, sleep=sleep)
        self.bundles = PostgresBundles(self.database)
        self.desk = ClusterDesk(self.database, self._sessions, self.settled)
        self.alerts = PostgresAlerts(self.database)
        self.purse = PostgresPurse(self.database)
        self.tallies = PostgresTallies(self.database)
        self.lanes = RabbitLanes(
            self.broker,
            self.topology,
            self.shards.gates,
            worker,
            moved=self._sessions.forget,
            given=self.leases.given,
            sleep=sleep,
        )
        self.register = ClusterRegister(
            self.database,
            PostgresPeople(self.database),
            self._sessions,
            self._whose,
            self.outgoing,
            self.settle_records,
            place.partitions,
            clock,
        )
        self.events = Events(self.broker, self.topology, self.database, self._sessions, clock)
        self.recorded = asyncio.Event()
        """Set whenever records came into PostgreSQL here."""
        self._draining: asyncio.Task[None] | None = None
        self._hearing: asyncio.Task[None] | None = None
        self._closed = False

    def run(self, handle: Handle) -> None:
        """Begin to handle messages: each in the conversation that it belongs to."""
        self.lanes.run(self._whose.handling(handle))

    def hear(self) -> None:
        """Begin to hear what other processes say."""
        self._hearing = asyncio.get_running_loop().create_task(self.bus.run())

    async def begin(self) -> None:
        """Begin to look after partitions, to bring records over and to read statuses: all of a worker that is not the lanes."""
        await self.leases.look()
        self.leases.run()
        self.events.run()
        self._draining = asyncio.get_running_loop().create_task(self._drain_for_ever())

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self.lanes.drain(0)
        await self.events.stop()
        await end(self._draining)
        await self.bus.aclose()
        await self.leases.aclose()
        await self.broker.aclose()
        await self.shards.aclose()
        await self.accounts.aclose()
        await self.database.aclose()

    def _open(self) -> None:
        if self._closed:
            raise Unavailable("wabox is stopping")

    # ---- Ingress -------------------------------------------------------------------------------------------------------

    @property
    def crowded(self) -> bool:
        return self._ingress.crowded

    async def put(self, arrival: Arrival) -> None:
        await self._ingress.put(arrival)

    # ---- Sessions, Timers, Calls ---------------------------------------------------------------------------------------

    async def open(self, conversation_id: str) -> Session:
        self._open()
        return await self._sessions.open(conversation_id)

    async def commit(self, unit: UnitOfWork) -> CommitResult:
        self._open()
        return await self._sessions.commit(unit)

    async def settle(self, attempts: Sequence[Attempt], *, durable: bool = True) -> frozenset[str]:
        return await self._sessions.settle(attempts, durable=durable)

    async def pending(self, conversation_id: str, limit: int) -> Sequence[OutboundMessage]:
        return await self._sessions.pending(conversation_id, limit)

    def idle(self, conversation_id: str) -> bool:
        return self._sessions.idle(conversation_id)

    def leaves(self, conversation_id: str, messages: Sequence[OutboundMessage]) -> bool:
        return self._sessions.leaves(conversation_id, messages)

    def unposted(self, row: OutboundMessage) -> bool:
        return self._sessions.begun.post(row)

    async def unsent(self) -> Sequence[str]:
        return await self._sessions.unsent()

    async def due(self, now: int) -> Sequence[str]:
        return await self._sessions.due(now)

    async def tell(self, limit: int) -> int:
        return await self._sessions.tell(limit)

    async def ours(self, wamid: str) -> bool:
        return await self._records.ours(wamid)

    async def sweep(self, now: int, limit: int, *, since: int = 0) -> int:
        return await self._sessions.sweep(now, limit, since=since)

    async def calls(self) -> Sequence[Invocation]:
        return await self._sessions.calls()

    async def began(self, invocation_id: str) -> int | None:
        return await self._sessions.began(invocation_id)

    async def answer(self, invocation: Invocation, outcome: Outcome) -> None:
        await self._sessions.answer(invocation, outcome)

    # ---- Records -------------------------------------------------------------------------------------------------------

    async def append(self, conversation_id: str, records: Sequence[Record]) -> None:
        await self._records.append(conversation_id, records)

    async def transcript(self, conversation_id: str, limit: int = 200) -> Sequence[Record]:
        return await self._records.transcript(conversation_id, limit)

    async def conversations(self, limit: int = 100) -> Sequence[ConversationSummary]:
        return await self._records.conversations(limit)

    async def handoffs(self, limit: int = 100) -> Sequence[Handoff]:
        return await self._records.handoffs(limit)

    async def deliveries(self, limit: int = 100, *, failed: bool = False) -> Sequence[Delivery]:
        return await self._records.deliveries(limit, failed=failed)

    async def delivery(self, outbound_id: str) -> Delivery | None:
        found = await self._records.delivery(outbound_id)
        return None if found is None else found[0]

    async def send_again(self, outbound_id: str) -> Delivery | None:
        found = await self._records.delivery(outbound_id)
        if found is None:
            return None
        delivery, message = found
        row = await self._sessions.row(delivery.conversation_id, outbound_id)
        if row is not None and row.status is not DeliveryStatus.QUEUED:
            return changed(delivery, status=row.status, attempts=row.attempts, attempted_at=row.attempted_at)
        if delivery.status is DeliveryStatus.FAILED:
            again = changed(message, status=DeliveryStatus.QUEUED, due_at=None, reason=None, code=None)
            await self._sessions.put_back(delivery.conversation_id, again)
            await self._records.queued(outbound_id)
        elif delivery.status is DeliveryStatus.QUEUED:
            now = Attempt(
                outbound_id=outbound_id,
                status=DeliveryStatus.QUEUED,
                at=self._clock(),
                conversation_id=delivery.conversation_id,
            )
            await self._sessions.settle([now])
        found = await self._records.delivery(outbound_id)
        return None if found is None else found[0]

    async def drop(self, outbound_id: str) -> Delivery | None:
        found = await self._records.delivery(outbound_id)
        if found is None:
            return None
        delivery, _ = found
        await self._sessions.drop(delivery.conversation_id, outbound_id)
        await self.settled()
        found = await self._records.delivery(outbound_id)
        return None if found is None else found[0]

    async def _drop_all(self, messages: Sequence[tuple[str, str]]) -> None:
        for conversation_id, outbound_id in messages:
            await self._sessions.drop(conversation_id, outbound_id)
        for partition in {self.shards.partition(conversation_id) for conversation_id, _ in messages}:
            await self.settle_records(partition)

    async def enter(self, broadcast: int, at_most: int) -> int:
        """Put recipients of a broadcast that are due into their conversations' lanes; how many. Raises Unavailable."""
        return await broadcasts.enter(self.database, broadcast, self._clock(), at_most, self._ingress.publish)

    async def stats(self) -> StoreStats:
        """``inbox``: what waits in the lanes, as the broker counts it, and what this worker has of it."""
        self._open()
        conversations, outbox, waiting, dead = await self._records.counts()
        inbox = await self.waiting()
        return StoreStats(
            conversations=conversations, inbox=inbox, outbox=outbox, handoffs_waiting=waiting, dead_letters=dead
        )

    async def counts(self) -> tuple[int, ...]:
        """Conversations, messages that still have to leave, cases that wait, dead letters, cases that nobody was told of: what
        PostgreSQL knows alone."""
        self._open()
        return *await self._records.counts(), await self.alerts.untold(self._clock() - PATIENCE)

    async def waiting(self) -> int:
        """Messages in the lanes that nobody has; and those that this worker has."""
        channel = await self.broker.channel()
        count = self.lanes.backlog
        for partition in range(self.topology.partitions):
            found = await channel.queue_declare(self.topology.lane(partition), passive=True)
            count += found.message_count or 0
        await close(channel)
        return count

    async def scan(self, look: Callable[[str, bytes], None]) -> None:
        await self._records.scan(look)

    async def prune(self, now: int, keep: Keep = DEFAULT) -> None:
        await retention.prune(self.database, keep, now)
        await self.alerts.prune(now)
        if (before := keep.before("contacts", now)) is not None:
            await self.register.expire(before)
        await self.purse.prune(now)
        if (before := keep.before("media", now)) is not None:
            await media.erase_before(self.database, before)
        await media.tidy(self.database, now)
        await self.tallies.prune(now)

    async def settled(self) -> None:
        """Bring over every record that is there now."""
        for partition in range(self.topology.partitions):
            await self.settle_records(partition)
        for partition in await self._recorded():  # what was agreed to in one conversation was written into others
            await self.settle_records(partition)

    async def settle_records(self, partition: int) -> None:
        """Bring over what one partition has."""
        count = BATCH
        while count == BATCH:
            count = await drain(
                self.shards, self.database, partition, self.events.follow, self._agreement.spread, self.tallies.saw
            )
            if count:
                self.recorded.set()

    async def brought(self, conversation_id: str) -> None:
        """Bring over what is recorded of this conversation. Raises Unavailable."""
        await self.settle_records(self.shards.partition(conversation_id))

    async def _drain_for_ever(self) -> None:
        while True:
            for partition in await self._recorded():
                try:
                    await self.settle_records(partition)
                except Unavailable as error:
                    log.warning("cluster.records_wait", reason=str(error))
                    break
                except Exception as error:  # the next look may do better, and must come
                    log.error("cluster.records_failed", partition=partition, exc_info=error)
            await asyncio.sleep(PAUSE)

    async def _recorded(self) -> list[int]:
        """Partitions with records that are not in PostgreSQL yet."""
        try:
            lengths = await self.shards.each(
                {p: ("XLEN", self.shards.key(p, "r")) for p in range(self.topology.partitions)}
            )
        except Exception as error:  # the next look may do better, and must come
            log.error("cluster.records_failed", exc_info=error)
            return []
        return [partition for partition, length in lengths.items() if length]

    # ---- Versions ------------------------------------------------------------------------------------------------------

    async def versions(self, bot: str) -> Sequence[Version]:
        return await self._records.versions(bot)

    async def make_live(self, version: Version, expected: str | None) -> Version | None:
        return await self._records.make_live(version, expected)

    async def every_version(self) -> Sequence[Version]:
        """Of all bots."""
        return await self._records.every_version()

    async def bring_versions(self, came: Sequence[Version]) -> int:
        """Take in those of another store; how many were not here."""
        return await self._records.bring_versions(came)

    async def forget_version(self, bot: str, id_: str) -> bool:
        return await self._records.forget_version(bot, id_)
