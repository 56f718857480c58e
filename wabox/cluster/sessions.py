"""The ports Sessions, Timers and Calls on Redis Cluster.

The owner of a lane keeps its conversations in memory: a turn costs one write and no read. Nothing is believed for that: every
write names the version that it was computed from, and whoever is not the owner any more is refused and reads again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

import msgspec
import structlog

from wabox.cluster.alone import Alone
from wabox.cluster.begun import Begun
from wabox.cluster.changing import REMEMBERED, SEPARATOR, written
from wabox.cluster.document import (
    Document,
    answered,
    committed,
    digest,
    dropped,
    failure,
    folded,
    grave,
    put_back,
    read,
    ring,
    settled,
)
from wabox.cluster.entry import Entry
from wabox.cluster.leases import Leases
from wabox.cluster.shards import SWEEP, Shards
from wabox.core.changed import changed
from wabox.core.conversation import CommitResult, Session, UnitOfWork
from wabox.core.delivery import Attempt, OutboundMessage, StatusUpdate
from wabox.core.invocation import Invocation, Outcome
from wabox.core.message import InboundMessage
from wabox.core.ports import Clock
from wabox.errors import ConversationError, Unavailable

log = structlog.get_logger(__name__)

Publish = Callable[[Sequence[InboundMessage]], Awaitable[None]]
"""Puts messages into their lanes, durably."""

SNAPSHOT_LIMIT = 1024 * 1024
RECENT = 4096
"""Conversations in memory: about 2 KB each."""
AGAIN = 30_000
"""ms after which a due timer that a sweep took and nobody handled is taken again."""
DROPPED = "somebody took it out"
WRITTEN, KNOWN = 0, 1


class RedisSessions:
    """Sessions, Timers and Calls."""

    def __init__(self, shards: Shards, leases: Leases, clock: Clock, publish: Publish) -> None:
        self._shards = shards
        self._leases = leases
        self._clock = clock
        self._publish = publish
        self._recent: OrderedDict[str, Document] = OrderedDict()
        self._alone = Alone()
        """The lane and the sender of one conversation write one after the other."""
        self._told: set[str] = set()
        """Failures that are on their way to their conversation."""
        self._callers: dict[str, str] = {}
        """Whose call it is, by its id."""
        self.begun = Begun(clock)

    # ---- Sessions ------------------------------------------------------------------------------------------------------

    async def open(self, conversation_id: str) -> Session:
        return (await self._document(conversation_id)).session

    async def commit(self, unit: UnitOfWork) -> CommitResult:
        if unit.snapshot is not None and len(unit.snapshot) > SNAPSHOT_LIMIT:
            raise ConversationError(
                f"The conversation {unit.conversation_id} has grown to {len(unit.snapshot)} bytes of state; "
                f"the limit is {SNAPSHOT_LIMIT}. Does a flow keep appending to its context?"
            )
        ids = [digest(id_, unit.number_id) for id_ in unit.handled]
        async with self._alone(unit.conversation_id):
            while True:
                old = await self._document(unit.conversation_id)
                if old.session.sequence != unit.expected and not ids:
                    return "conflict"
                new, marks = committed(old, unit)
                waiting = {row.id for row in old.work.outbox}
                sends = [row for row in new.work.outbox if row.id not in waiting]
                fresh = self.begun.committing(sends)
                code = await self._write(old, new, Entry.of(new, unit=unit, marks=marks), ids, unit.expected)
                if code == WRITTEN:
                    self.begun.committed(sends)
                    self._callers.update((call.id, unit.conversation_id) for call in unit.invoke)
                    return "committed"
                self.begun.refused(fresh)
                if code == KNOWN:
                    return "duplicate"
                # The document moved on. Only if that was not the session (a status, say) is the unit still right.
                old = await self._document(unit.conversation_id)
                if old.erased and unit.expected:
                    raise Unavailable(
                        f"{unit.conversation_id} was forgotten meanwhile"
                    )  # it comes again, and is judged
                if old.session.sequence != unit.expected:
                    return "conflict"

    async def settle(self, attempts: Sequence[Attempt], *, durable: bool = True) -> frozenset[str]:
        late: set[str] = set()
        theirs: dict[str, list[Attempt]] = {}
        for attempt in attempts:
            whose = attempt.conversation_id or self._whose(attempt.outbound_id)
            if whose is None:
                late.add(attempt.outbound_id)
            else:
                theirs.setdefault(whose, []).append(attempt)
        for conversation_id, some in theirs.items():
            late |= await self._settle(conversation_id, some)
        return frozenset(late)

    async def _settle(self, conversation_id: str, attempts: Sequence[Attempt]) -> set[str]:
        async with self._alone(conversation_id):
            while True:
                old = await self._document(conversation_id)
                if self.begun.elsewhere(old.work.outbox, attempts):
                    self._recent.pop(conversation_id, None)  # it may be old
                    old = await self._document(conversation_id)
                    if elsewhere := self.begun.elsewhere(old.work.outbox, attempts):
                        raise Unavailable(f"another worker is sending {', '.join(elsewhere)}")
                if old.session.sequence == 0:  # it was forgotten meanwhile
                    late = {attempt.outbound_id for attempt in attempts}
                    self.begun.settled(attempts, late)
                    return late
                new, marks, late = settled(old, attempts)
                fresh = self.begun.settling(attempts)
                if await self._write(old, new, Entry.of(new, marks=marks, at=self._clock())) == WRITTEN:
                    self.begun.settled(attempts, late)
                    return late
                self.begun.refused(fresh)

    async def fold(self, conversation_id: str, status: StatusUpdate, outbound_id: str) -> bool:
        """What a delivery status means for a message that is not settled yet; whether it was about one."""
        async with self._alone(conversation_id):
            while True:
                old = await self._document(conversation_id)
                new = folded(old, status, outbound_id)
                if new is None and conversation_id in self._recent:
                    # It may be somebody else's conversation, whose messages we do not know.
                    del self._recent[conversation_id]
                    old = await self._document(conversation_id)
                    new = folded(old, status, outbound_id)
                if new is None:
                    return False
                if await self._write(old, new, None) == WRITTEN:
                    return True

    async def put_back(self, conversation_id: str, message: OutboundMessage) -> None:
        """A message that Meta took and could not deliver is sent once more."""
        await self.change(conversation_id, partial(put_back, message=message))

    async def drop(self, conversation_id: str, outbound_id: str) -> None:
        """Take out a message that still has to leave."""
        async with self._alone(conversation_id):
            while True:
                old = await self._document(conversation_id)
                new, marks = dropped(old, outbound_id, self._clock(), DROPPED)
                entry = Entry.of(new, marks=marks, at=self._clock())
                if new is old or await self._write(old, new, entry) == WRITTEN:
                    return

    def idle(self, conversation_id: str) -> bool:
        """Nothing of this conversation waits to be sent, as far as is known here; whoever commits is told if that is old."""
        found = self._recent.get(conversation_id)
        return found is not None and not found.work.outbox

    def leaves(self, conversation_id: str, messages: Sequence[OutboundMessage]) -> bool:
        """Whether the unit that was just stored made these the first of their conversation: the caller sends them, now."""
        found = self._recent.get(conversation_id)
        if found is None or [row.id for row in found.work.outbox] != [message.id for message in messages]:
            return False
        return self.begun.post(found.work.outbox[0])

    async def pending(self, conversation_id: str, limit: int) -> Sequence[OutboundMessage]:
        now = self._clock()
        outbox = (await self._document(conversation_id)).work.outbox
        if not outbox or self.begun.doubtful(outbox):
            # Ours may be old: the lane was another worker's, which committed something, or sends or settles it now.
            outbox = (await self.fresh(conversation_id)).work.outbox
        return [row for row in outbox if (row.due_at or 0) <= now][:limit]

    async def unsent(self) -> Sequence[str]:
        return await self._indexed("u", "-inf", "+inf")

    async def row(self, conversation_id: str, outbound_id: str) -> OutboundMessage | None:
        """A message that still has to leave, as it is now."""
        outbox = (await self.fresh(conversation_id)).work.outbox
        return next((row for row in outbox if row.id == outbound_id), None)

    async def due(self, now: int) -> Sequence[str]:
        """Also those that may leave at once: whoever owns the conversation now may not have written them."""
        return await self._indexed("u", "-inf", now)

    async def tell(self, limit: int) -> int:
        messages: dict[str, InboundMessage] = {}
        waiting: set[str] = set()
        for conversation_id in await self._indexed("u", 0, 0):
            document = await self._readable(conversation_id)
            if document is None:
                continue
            for row in document.work.untold:
                waiting.add(row.id)
                message = failure(document.session, row, self._clock())
                if message is not None and row.id not in self._told and len(messages) < limit:
                    messages[row.id] = message
        await self._publish(list(messages.values()))  # not told, if that fails
        self._told = self._told & waiting | messages.keys()
        return len(messages)

    # ---- Timers --------------------------------------------------------------------------------------------------------

    async def sweep(self, now: int, limit: int, *, since: int = 0) -> int:
        moved = 0
        some = {p: ("ZCOUNT", self._shards.key(p, "t"), f"({since}", now) for p in self._leases.mine}
        for partition, count in (await self._shards.each(some)).items():
            if moved >= limit:
                break
            if count:
                moved += await self._sweep(partition, now, limit - moved, since)
        return moved

    async def _sweep(self, partition: int, now: int, limit: int, since: int) -> int:
        key = self._shards.key(partition, "t")
        due = await self._shards.call(partition, SWEEP, [key], f"({since}", now, limit, now + AGAIN)
        messages: list[InboundMessage] = []
        for member in due:
            conversation_id, _, name = member.decode().rpartition(SEPARATOR)
            document = await self._readable(conversation_id, fresh=True)
            if document is None:
                continue
            timer = document.work.timers.get(name)
            message = ring(document.session, name, timer) if timer is not None and timer[0] <= now else None
            if message is not None:
                messages.append(message)
            elif timer is None:
                await self._shards.run(partition, ("ZREM", key, member))
        await self._publish(messages)
        return len(messages)

    # ---- Calls ---------------------------------------------------------------------------------------------------------

    async def calls(self) -> Sequence[Invocation]:
        found: list[Invocation] = []
        for partition in self._leases.alone:
            (members,) = await self._shards.run(partition, ("SMEMBERS", self._shards.key(partition, "c")))
            for member in members:
                if (document := await self._readable(member.decode())) is not None:
                    found += document.work.calls
        self._callers.update((call.id, call.conversation_id) for call in found)
        return sorted(found, key=lambda call: call.created_at)

    async def began(self, invocation_id: str) -> int | None:
        conversation_id = self._callers.get(invocation_id)
        if conversation_id is None:
            return None
        async with self._alone(conversation_id):
            while True:
                old = await self._document(conversation_id)
                call = next((call for call in old.work.calls if call.id == invocation_id), None)
                if call is None:
                    self._callers.pop(invocation_id, None)
                    return None
                tried = changed(call, attempts=call.attempts + 1)
                calls = tuple(tried if other is call else other for other in old.work.calls)
                if await self._write(old, changed(old, work=changed(old.work, calls=calls)), None) == WRITTEN:
                    return tried.attempts

    async def answer(self, invocation: Invocation, outcome: Outcome) -> None:
        document = await self._document(invocation.conversation_id)
        self._callers.pop(invocation.id, None)
        message = answered(document, invocation, outcome, self._clock())
        await self._publish([] if message is None else [message])

    async def change(self, conversation_id: str, change: Callable[[Document], Document]) -> bool:
        """Write what ``change`` makes of it, whosever it is; False when it leaves it as it is."""
        async with self._alone(conversation_id):
            while True:
                old = await self.fresh(conversation_id)
                new = change(old)
                if new is old or old.session.sequence == 0:  # it was forgotten meanwhile
                    return False
                if await self._write(old, new, None) == WRITTEN:
                    return True

    # ---- forgetting ----------------------------------------------------------------------------------------------------

    async def erase(self, conversation_id: str) -> bool:
        """Forget all of it; whether there was any. What was written before and comes later is dropped (:meth:`buried`)."""
        partition = self._shards.partition(conversation_id)
        names = (f"s:{conversation_id}", f"d:{conversation_id}", "u", "t", "c", grave(conversation_id))
        keys = [self._shards.key(partition, name) for name in names]
        async with self._alone(conversation_id):
            while True:
                old = await self.fresh(conversation_id)
                timers = [f"{conversation_id}{SEPARATOR}{name}" for name in old.work.timers]
                now = max(self._clock(), old.forgotten + 1)
                self._recent.pop(conversation_id, None)
                if await self._shards.erase(partition, keys, conversation_id, old.version, now, REMEMBERED, *timers):
                    return old.session.sequence > 0

    async def buried(self, message: InboundMessage) -> bool:
        """Whether its customer was forgotten after it was written."""
        forgotten = (await self._document(message.conversation_id)).forgotten
        return forgotten > 0 and forgotten >= message.timestamp

    # ---- the document --------------------------------------------------------------------------------------------------

    async def _document(self, conversation_id: str) -> Document:
        found = self._recent.get(conversation_id)
        if found is None:
            found = await self.fresh(conversation_id)
            self._remember(found)
        return found

    async def fresh(self, conversation_id: str) -> Document:
        """As Redis has it now. Raises ConversationError when it cannot be read."""
        partition = self._shards.partition(conversation_id)
        key = self._shards.key(partition, f"s:{conversation_id}")
        stone = self._shards.key(partition, grave(conversation_id))
        (version, session, work), forgotten = await self._shards.run(
            partition, ("HMGET", key, "v", "b", "o"), ("GET", stone)
        )
        try:
            return read(conversation_id, version, session, work, forgotten)
        except (ValueError, msgspec.MsgspecError) as error:
            raise ConversationError(f"The conversation {conversation_id} cannot be read from Redis: {error}") from error

    async def _readable(self, conversation_id: str, *, fresh: bool = False) -> Document | None:
        """One of many that are looked at; None if it is damaged, which must not hold up the others."""
        try:
            found = await (self.fresh if fresh else self._document)(conversation_id)
            work = found.work
            if fresh or work.untold or (work.outbox and not self.begun.doubtful(work.outbox)):
                return found
            return await self.fresh(conversation_id)  # another worker may have read a status, and written what it means
        except ConversationError as error:
            log.error("conversation.unreadable", conversation=conversation_id, reason=str(error))
            return None

    def _remember(self, document: Document) -> None:
        id_ = document.session.conversation_id
        self._recent[id_] = document
        self._recent.move_to_end(id_)
        while len(self._recent) > RECENT:
            self._recent.popitem(last=False)

    def forget(self, conversation_ids: Iterable[str] | None = None) -> None:
        """Read these (all) anew: others may have written them."""
        for id_ in list(self._recent) if conversation_ids is None else conversation_ids:
            self._recent.pop(id_, None)

    async def _write(
        self, old: Document, new: Document, entry: Entry | None, ids: Sequence[bytes] = (), expected: int | None = None
    ) -> int:
        """Store what differs, fenced by the old version; the script's word."""
        id_ = old.session.conversation_id
        partition = self._shards.partition(id_)
        # A unit of an older session can only turn out to be known: no version is the right one for it.
        stale = expected is not None and old.session.sequence != expected
        change = written(old, new, entry, ids, self._clock(), version=-1 if stale else old.version)
        keys = [self._shards.key(partition, name) for name in (f"s:{id_}", f"d:{id_}", "u", "t", "c", "r", grave(id_))]
        try:
            code, version = await self._shards.write(partition, keys, change)
        except BaseException:
            self._recent.pop(id_, None)  # it may have happened all the same
            raise
        if code == WRITTEN:
            self._remember(changed(new, version=version))
        else:
            self._recent.pop(id_, None)
        return code

    def _whose(self, outbound_id: str) -> str | None:
        """For callers that do not know: rare, and their message is among the last that were written."""
        for id_, document in reversed(self._recent.items()):
            if any(row.id == outbound_id for row in document.work.outbox):
                return id_
        return None

    async def _indexed(self, name: str, low: int | str, high: int | str) -> list[str]:
        found: list[str] = []
        ranges = {p: ("ZRANGEBYSCORE", self._shards.key(p, name), low, high) for p in self._leases.mine}
        for members in (await self._shards.each(ranges)).values():
            found += [member.decode() for member in members]
        return found
