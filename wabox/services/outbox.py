"""The outbox: what was committed leaves, one message of a conversation at a time, in order (promise P5).

Each conversation with unsent messages has a chain, and one task that works it off (:mod:`wabox.services.sending`). A chain
holds some messages in memory; the store has them all, and what a restart interrupted is taken up from there. Conversations
do not wait for each other; all together they hold at most ``in_flight`` connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from wabox.core.changed import changed
from wabox.core.delivery import DeliveryStatus, OutboundMessage, StatusUpdate
from wabox.core.measures import Measures
from wabox.core.ports import Clock, Messenger, Sessions
from wabox.errors import StorageError
from wabox.services.news import News
from wabox.services.numbers import Numbers
from wabox.services.pace import RATE
from wabox.services.sending import CHAIN, HOLD, IN_FLIGHT, SETTLE_AFTER, TOLD, Sender, unmarked

log = structlog.get_logger(__name__)

ARRIVED = frozenset({DeliveryStatus.DELIVERED, DeliveryStatus.READ})


class Outbox:
    """Sends what the store says is unsent. Holds nothing that a restart could lose."""

    def __init__(
        self,
        sessions: Sessions,
        messenger: Messenger,
        clock: Clock,
        *,
        jitter: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        in_flight: int = IN_FLIGHT,
        settle_after: int = SETTLE_AFTER,
        rate: float = RATE,
        hold: float = HOLD,
        measures: Measures | None = None,
        steady: Clock | None = None,
        came: Callable[[str, DeliveryStatus], None] = lambda outbound_id, status: None,
        ask: float = math.inf,
        patience: Callable[[OutboundMessage], int | None] = lambda row: None,
        share: Callable[[], float] = lambda: 1.0,
    ) -> None:
        """``jitter`` returns 0 ≤ x < 1; ``settle_after`` is in ms, ``hold`` in s (0: nothing waits for media), ``rate`` in
        messages a second per number (0: no limit but Meta's). ``steady``: ms of a clock that nobody can set, for the pace.
        ``came`` is told of delivery statuses, and of what failed here, once that is stored. ``ask`` and ``patience``: see
        ``Sender``; ``share``: see ``Numbers``."""
        self._sessions = sessions
        self._measures = measures or Measures()
        self._clock = clock
        self._jitter = jitter
        self._sleep = sleep
        self._news = News(sleep)
        self._came = came
        self._numbers = Numbers(steady or clock, rate=rate, jitter=jitter, sleep=sleep, share=share)
        self._sender = Sender(
            sessions,
            messenger,
            clock,
            numbers=self._numbers,
            news=self._news,
            jitter=jitter,
            sleep=sleep,
            in_flight=in_flight,
            settle_after=settle_after,
            hold=hold,
            measures=self._measures,
            came=came,
            ask=ask,
            patience=patience,
        )
        self._chains: dict[str, deque[OutboundMessage]] = {}
        # Conversations that have messages in the store beyond their chain, with how often more were added there: a read
        # that another delivery overtook must be made again.
        self._beyond: dict[str, int] = {}
        # What the last read of a conversation's chain brought: a delivery that it overtook must not add the same again.
        self._read: dict[str, set[str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def recover(self) -> int:
        """Take up what a restart interrupted; how many conversations have unsent messages."""
        waiting = await self._sessions.unsent()
        for conversation_id in waiting:
            self._beyond[conversation_id] = 0
            self._start(conversation_id, deque())
        return len(waiting)

    def idle(self, conversation_id: str, number_id: str) -> bool:
        """Nothing of this conversation waits: its next message may be committed as ``sending``."""
        return conversation_id not in self._chains and not self._numbers.far(number_id)

    def busy(self, number_id: str) -> bool:
        """Nothing needless may leave from this number now: it is stopped, or messages wait for their turn."""
        return self._numbers.far(number_id)

    @property
    def numbers(self) -> Sequence[str]:
        """Those that have sent something since the start."""
        return self._numbers.known

    def limit(self, number_id: str, rate: float) -> None:
        """Meta says how many messages a second this number may send."""
        self._numbers.limit(number_id, rate)

    def take(self, *, rate: float, hold: float) -> None:
        """The owner has set these anew; see :meth:`__init__`."""
        self._numbers.pace(rate)
        self._sender.hold = hold

    @property
    def stopped(self) -> Mapping[str, str]:
        """Numbers from which nothing leaves at present, and why."""
        return self._numbers.shut

    def deliver(self, conversation_id: str, messages: Sequence[OutboundMessage]) -> None:
        """Send these, just committed, after what already waits."""
        known = self._read.get(conversation_id, ())
        messages = [message for message in messages if message.id not in known]
        if not messages:
            return
        chain = self._chains.get(conversation_id)
        if chain is None:
            self._start(conversation_id, deque(messages))
        elif conversation_id in self._beyond or len(chain) + len(messages) > CHAIN:
            self._beyond[conversation_id] = self._beyond.get(conversation_id, 0) + 1
        else:
            chain.extend(messages)

    async def hear(self, statuses: Sequence[StatusUpdate]) -> None:
        """Delivery statuses came and are stored."""
        failed = False
        for status in statuses:
            self._news.came(status.outbound_id)
            if status.outbound_id is not None:
                self._came(status.outbound_id, status.status)
            if status.status in ARRIVED:
                self._measures.delivered(status.outbound_id, self._clock())
            if status.status is DeliveryStatus.FAILED:
                failed = True
                if status.scope == "number" and status.again is not None:
                    self._numbers.stop(status.number_id, status.reason or "", status.again)
        if failed:
            await self.look()

    async def look(self) -> None:
        """Tell conversations what failed, and take up what is due: now and then, and whenever there is reason to."""
        while await self._sessions.tell(TOLD) == TOLD:
            pass
        for conversation_id in await self._sessions.due(self._clock()):
            self._wake(conversation_id)

    async def stop(self, timeout: float = 5.0) -> None:
        """Let POSTs under way finish, up to ``timeout`` seconds; the store knows the rest. What is marked as being sent and did
        not leave waits again: nobody must doubt it after the next start."""
        self._sender.stopping = True
        posting = self._sender.posting
        marked = [chain[0] for chain in self._chains.values() if chain and chain[0].status is DeliveryStatus.SENDING]
        back = [message for message in marked if message.id not in self._sender.posted]
        for task in self._tasks - posting:
            task.cancel()
        if posting:
            await asyncio.wait(posting, timeout=timeout)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if back:
            with contextlib.suppress(StorageError):
                await self._sessions.settle([unmarked(message, self._clock()) for message in back])

    def _wake(self, conversation_id: str) -> None:
        if self._sender.stopping:
            return
        if conversation_id in self._chains:
            self._beyond.setdefault(conversation_id, 0)
        else:
            self._beyond[conversation_id] = 0
            self._start(conversation_id, deque())

    def _start(self, conversation_id: str, chain: deque[OutboundMessage]) -> None:
        self._chains[conversation_id] = chain
        task = asyncio.create_task(self._run(conversation_id, chain))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, conversation_id: str, chain: deque[OutboundMessage]) -> None:
        try:
            while not self._sender.stopping:
                try:
                    await self._sender.send(chain)
                except Exception as error:
                    if isinstance(error, StorageError):
                        log.warning("outbox.store_unavailable", conversation=conversation_id, error=str(error))
                    else:
                        log.error("outbox.bug", conversation=conversation_id, exc_info=error)
                    self._beyond.setdefault(conversation_id, 0)
                    await self._sleep(1.0 + self._jitter())
                if conversation_id not in self._beyond:
                    return
                await self._reload(conversation_id, chain)
        finally:
            # No await since the chain was found empty, so nobody can have added to it meanwhile.
            del self._chains[conversation_id]
            self._beyond.pop(conversation_id, None)
            self._read.pop(conversation_id, None)

    async def _reload(self, conversation_id: str, chain: deque[OutboundMessage]) -> None:
        seen = self._beyond[conversation_id]
        rows = await self._pending(conversation_id, CHAIN)
        self._read.setdefault(conversation_id, set()).update(row.id for row in rows)
        chain.clear()
        for row in rows:
            doubtful = row.status in (DeliveryStatus.SENDING, DeliveryStatus.UNKNOWN)
            chain.append(self._doubtful(row) if doubtful else row)
        if len(rows) < CHAIN and self._beyond[conversation_id] == seen:
            del self._beyond[conversation_id]

    def _doubtful(self, row: OutboundMessage) -> OutboundMessage:
        """A message of which only the store knows that somebody began to send it: its doubt begins now."""
        return changed(row, status=DeliveryStatus.UNKNOWN, attempted_at=self._clock())

    async def _pending(self, conversation_id: str, limit: int) -> Sequence[OutboundMessage]:
        while True:
            try:
                return await self._sessions.pending(conversation_id, limit)
            except StorageError as error:
                log.warning("outbox.store_unavailable", conversation=conversation_id, error=str(error))
                await self._sleep(1.0 + self._jitter())
