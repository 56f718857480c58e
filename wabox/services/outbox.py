"""The sender: what was committed leaves, one message of a conversation at a time, in order (promise P5).

The Cloud API has no idempotency key, so three rules keep a bubble from reaching the customer twice:

1. ``sending`` is committed before the POST. The unit of work that creates a message writes it as ``sending`` at once when
   nothing else of that conversation waits, so the rule costs no commit of its own; for the messages behind it the mark
   shares the commit with what became of the one before.
2. When nobody can know whether a message left (the answer timed out, a 5xx, a crash between the POST and its mark), it is
   ``unknown`` and waits: its id travels in ``biz_opaque_callback_data``, and a delivery status that carries it settles the
   doubt. Everything behind it waits too.
3. After ``settle_after`` without a status the message's own policy decides: ``repeat`` it, waiting longer each time and three
   times at most, or, with ``once``, give it up with a reason. What a restart finds in doubt waits as long from then on: while
   the server was away no status could come.

What certainly did not leave (refused connection, 429) is repeated with growing, jittered pauses. Conversations do not wait
for each other; all together they hold at most ``in_flight`` connections.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import structlog

from wabox.core.delivery import Attempt, DeliveryStatus, OutboundMessage
from wabox.core.ports import Clock, Messenger, SendResult, Sessions
from wabox.errors import StorageError

log = structlog.get_logger(__name__)

IN_FLIGHT = 128
"""POSTs under way at once: Meta's 80 messages/s per number need 24 at 0.3 s each; upgraded numbers need more."""
SETTLE_AFTER = 30_000
"""ms to wait for the status of a message whose outcome is unknown. Meta's statuses take seconds; facts: 30 to 120 s."""
DOUBTS = 3
"""How often a message may end in doubt before it is given up: whoever never confirms will not confirm the next one either."""
LONGEST_LOOK = 8.0
"""s between two looks for a status that does not come."""
LONGEST_PAUSE = 300.0
"""s between two tries of one message, unless Meta asks for more."""
CHAIN = 32
"""Messages of one conversation held in memory; the rest stays in the store until these have left."""


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
    ) -> None:
        """``jitter`` returns 0 ≤ x < 1; ``settle_after`` is in ms."""
        self._sessions = sessions
        self._messenger = messenger
        self._clock = clock
        self._jitter = jitter
        self._sleep = sleep
        self._slots = asyncio.Semaphore(in_flight)
        self._settle_after = settle_after
        self._chains: dict[str, deque[OutboundMessage]] = {}
        # Conversations that have messages in the store beyond their chain, with how often more were added there: a read
        # that another delivery overtook must be made again.
        self._beyond: dict[str, int] = {}
        # What the last read of a conversation's chain brought: a delivery that it overtook must not add the same again.
        self._read: dict[str, set[str]] = {}
        self._doubts: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._posting: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def recover(self) -> int:
        """Take up what a restart interrupted; how many conversations have unsent messages."""
        waiting = await self._sessions.unsent()
        for conversation_id in waiting:
            self._beyond[conversation_id] = 0
            self._start(conversation_id, deque())
        return len(waiting)

    def idle(self, conversation_id: str) -> bool:
        """Nothing of this conversation waits: its next message may be committed as ``sending``."""
        return conversation_id not in self._chains

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

    async def stop(self, timeout: float = 5.0) -> None:
        """Let POSTs under way finish, up to ``timeout`` seconds; the store knows the rest."""
        self._stopping = True
        for task in self._tasks - self._posting:
            task.cancel()
        if self._posting:
            await asyncio.wait(self._posting, timeout=timeout)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, conversation_id: str, chain: deque[OutboundMessage]) -> None:
        self._chains[conversation_id] = chain
        task = asyncio.create_task(self._run(conversation_id, chain))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, conversation_id: str, chain: deque[OutboundMessage]) -> None:
        try:
            while not self._stopping:
                try:
                    await self._send_all(chain)
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
            chain.append(replace(row, status=DeliveryStatus.UNKNOWN, attempted_at=self._clock()) if doubtful else row)
        if len(rows) < CHAIN and self._beyond[conversation_id] == seen:
            del self._beyond[conversation_id]

    async def _pending(self, conversation_id: str, limit: int) -> Sequence[OutboundMessage]:
        while True:
            try:
                return await self._sessions.pending(conversation_id, limit)
            except StorageError as error:
                log.warning("outbox.store_unavailable", conversation=conversation_id, error=str(error))
                await self._sleep(1.0 + self._jitter())

    async def _send_all(self, chain: deque[OutboundMessage]) -> None:
        learnt: list[Attempt] = []
        while chain and not self._stopping:
            message = chain[0]
            if message.status is DeliveryStatus.UNKNOWN:
                # It is about to wait, perhaps long: what has left must not be in doubt for as long.
                await self._settle(learnt)
                settled = await self._wait_for_status(message)
                if settled is None:
                    chain.popleft()
                else:
                    chain[0] = settled
                continue
            if message.status is DeliveryStatus.QUEUED:
                await self._settle(learnt, self._attempt(message, DeliveryStatus.SENDING))
            result = await self._post(message)
            match result.verdict:
                case "sent":
                    self._doubts.pop(message.id, None)
                    learnt.append(self._attempt(message, DeliveryStatus.SENT, wamid=result.wamid))
                    chain.popleft()
                case "failed":
                    self._doubts.pop(message.id, None)
                    log.warning("outbox.failed", outbound=message.id, reason=result.reason)
                    learnt.append(self._attempt(message, DeliveryStatus.FAILED, reason=result.reason))
                    chain.popleft()
                case "retry":
                    await self._settle(learnt, self._attempt(message, DeliveryStatus.QUEUED, reason=result.reason))
                    pause = max(result.wait or 0.0, min(2.0 ** min(message.attempts, 16), LONGEST_PAUSE))
                    log.info("outbox.waits", outbound=message.id, seconds=round(pause), reason=result.reason)
                    await self._sleep(pause * (1 + 0.25 * self._jitter()))
                    chain[0] = replace(message, status=DeliveryStatus.QUEUED, attempts=message.attempts + 1)
                case "unknown":
                    await self._settle(learnt, self._attempt(message, DeliveryStatus.UNKNOWN, reason=result.reason))
                    chain[0] = replace(message, status=DeliveryStatus.UNKNOWN, attempted_at=self._clock())
        if learnt:
            # A ``sent`` mark that a crash takes with it leaves a ``sending`` row, and its status webhook settles that.
            await self._sessions.settle(learnt, durable=False)

    async def _settle(self, learnt: list[Attempt], *more: Attempt) -> None:
        """Write what was learnt, and ``more``; what was learnt for good is not lost when the store cannot write now."""
        if not learnt and not more:
            return
        final = learnt.copy()
        learnt.clear()
        try:
            await self._sessions.settle([*final, *more])
        except StorageError:
            if final:
                await self._sessions.settle(final, durable=False)
            raise

    async def _post(self, message: OutboundMessage) -> SendResult:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - every chain runs in a task of its own
        async with self._slots:
            self._posting.add(task)
            try:
                return await self._messenger.send(message)
            except Exception as error:
                log.error("outbox.bug", outbound=message.id, exc_info=error)
                return SendResult(verdict="unknown", reason=type(error).__name__)
            finally:
                self._posting.discard(task)

    async def _wait_for_status(self, message: OutboundMessage) -> OutboundMessage | None:
        """Wait until a status settles ``message`` (None) or its policy must decide (the message, to be sent again)."""
        doubts = self._doubts[message.id] = self._doubts.get(message.id, 0) + 1
        deadline = (message.attempted_at or self._clock()) + self._settle_after * 4 ** (doubts - 1)
        look = 1.0
        while True:
            rows = await self._sessions.pending(message.conversation_id, CHAIN)
            if all(row.id != message.id for row in rows):
                del self._doubts[message.id]
                return None
            left = deadline - self._clock()
            if left <= 0:
                break
            await self._sleep(min(left / 1000, look))
            look = min(look * 2, LONGEST_LOOK)
        if message.policy == "repeat" and doubts < DOUBTS:
            log.warning("outbox.repeated", outbound=message.id, reason="no delivery status came")
            return replace(message, status=DeliveryStatus.QUEUED, attempts=message.attempts + 1)
        del self._doubts[message.id]
        reason = "nobody knows whether it was delivered: WhatsApp neither confirmed nor refused it"
        log.warning("outbox.failed", outbound=message.id, reason=reason)
        await self._sessions.settle([self._attempt(message, DeliveryStatus.FAILED, reason=reason)])
        return None

    def _attempt(
        self, message: OutboundMessage, status: DeliveryStatus, *, wamid: str | None = None, reason: str | None = None
    ) -> Attempt:
        return Attempt(outbound_id=message.id, status=status, at=self._clock(), wamid=wamid, reason=reason)
