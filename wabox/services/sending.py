"""How the messages of one conversation leave, one after the other (promise P5).

The Cloud API has no idempotency key, so three rules keep a bubble from reaching the customer twice:

1. ``sending`` is committed before the POST. The unit of work that creates a message writes it as ``sending`` at once when
   nothing else of that conversation waits, so the rule costs no commit of its own; for the messages behind it the mark
   shares the commit with what became of the one before. A message that was settled meanwhile is not sent: the mark says so.
2. When nobody can know whether a message left (the answer timed out, a 5xx, a crash between the POST and its mark), it is
   ``unknown`` and waits: its id travels in ``biz_opaque_callback_data``, and a delivery status that carries it settles the
   doubt. Everything behind it waits too.
3. After ``settle_after`` without a status the message's own policy decides: ``repeat`` it, waiting longer each time and three
   times at most, or, with ``once``, give it up with a reason. What a restart finds in doubt waits as long from then on: while
   the server was away no status could come.

What certainly did not leave is repeated: at the pace of its number or after a pause (:mod:`wabox.services.numbers`). A pause
of minutes for one message alone (its template is paused) does not hold up what follows it. What is late for the service window
leaves as the template that the flow named for that, or not at all. A text waits a moment for the media before it, which is
slower at Meta. Every failure is on record with a reason, and becomes an event of its conversation (``delivery.failed``).
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from wabox.core import window
from wabox.core.changed import changed
from wabox.core.delivery import Attempt, DeliveryStatus, OutboundMessage
from wabox.core.measures import Measures
from wabox.core.ports import Clock, Messenger, SendResult, Sessions
from wabox.errors import StorageError
from wabox.services.news import News
from wabox.services.numbers import Numbers

log = structlog.get_logger(__name__)

IN_FLIGHT = 128
"""POSTs under way at once: Meta's 80 messages/s per number need 24 at 0.3 s each; upgraded numbers need more."""
SETTLE_AFTER = 30_000
"""ms to wait for the status of a message whose outcome is unknown. Meta's statuses take seconds; facts: 30 to 120 s."""
DOUBTS = 3
"""How often a message may end in doubt before it is given up: whoever never confirms will not confirm the next one either."""
HOLD = 5.0
"""s that what follows media waits for Meta's word that it is on its way; a phone that is off must not stall it."""
HELD = frozenset({"image", "video", "audio", "document", "sticker"})
LONGEST_PAUSE = 300.0
"""s between two tries of one message, unless Meta asks for more."""
LONGEST_PAIR_PAUSE = 4096.0
"""s between two tries while Meta says that this customer gets too many."""
TOLD = 100
"""Failures told per transaction."""
CHAIN = 32
"""Messages of one conversation held in memory; the rest stays in the store until these have left."""


@dataclass(slots=True)
class _Chain:
    """A chain while it is being sent."""

    messages: deque[OutboundMessage]
    learnt: list[Attempt] = field(default_factory=list)
    """What is known for good and not written yet: it shares the next commit."""
    refused: int = 0
    """Times in a row that Meta found the messages to this customer too fast."""

    def drop(self) -> None:
        self.messages.popleft()

    def put(self, message: OutboundMessage) -> None:
        """The first one is this now."""
        self.messages[0] = message


class Sender:
    def __init__(
        self,
        sessions: Sessions,
        messenger: Messenger,
        clock: Clock,
        *,
        numbers: Numbers,
        news: News,
        jitter: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        in_flight: int,
        settle_after: int,
        hold: float,
        measures: Measures,
        monotonic: Callable[[], float] = time.perf_counter,
        came: Callable[[str, DeliveryStatus], None] = lambda outbound_id, status: None,
        ask: float = math.inf,
        patience: Callable[[OutboundMessage], int | None] = lambda row: None,
    ) -> None:
        """``ask``: s between two looks whether a doubt is over, where another process may learn of it. ``patience``: ms to
        wait for the status of a message as the store has it, where that is not ``settle_after``."""
        self._sessions = sessions
        self._came = came
        self._messenger = messenger
        self._clock = clock
        self._numbers = numbers
        self._news = news
        self._jitter = jitter
        self._sleep = sleep
        self._slots = asyncio.Semaphore(in_flight)
        self._settle_after = settle_after
        self._ask = ask
        self._patience = patience
        self.hold = hold
        self._measures = measures
        self._monotonic = monotonic
        self._doubts: dict[str, int] = {}
        self._counted: set[str] = set()
        """Messages whose doubt was counted and that were not posted since: a store that fails makes no new doubt."""
        self.posting: set[asyncio.Task[None]] = set()
        """Tasks with a POST under way."""
        self.posted: set[str] = set()
        """Of the messages at the heads of chains, those that may have left, until that is written."""
        self.stopping = False

    async def send(self, messages: deque[OutboundMessage]) -> None:
        """Until none is left; they are taken out as they are settled, and more may be added. Raises StorageError."""
        chain = _Chain(messages)
        while messages and not self.stopping:
            message = messages[0]
            if message.status is DeliveryStatus.UNKNOWN:
                # It is about to wait, perhaps long: what has left must not be in doubt for as long.
                await self._settle(chain)
                settled = await self._wait_for_status(message)
                if settled is None:
                    chain.drop()
                else:
                    chain.put(settled)
                continue
            wait = self._numbers.take(message)
            if wait == 0:
                await self._leave(chain)
                continue
            await self._unmark(chain)
            if wait is not None:
                await self._sleep(wait)
                if message.number_id not in self._numbers.shut:
                    await self._leave(chain)
            elif (ticket := await self._numbers.opened(message.number_id)) is not None:
                try:
                    await self._leave(chain, tries=True)
                finally:
                    self._numbers.untried(message.number_id, ticket)
        if chain.learnt:
            # A crash before this is written leaves a row that says `sending`; its delivery status settles that.
            await self._sessions.settle(chain.learnt, durable=False)

    async def _leave(self, chain: _Chain, *, tries: bool = False) -> None:
        """Send the first message, now. ``tries``: it is to find out whether its number is open."""
        message = await self._marked(chain)
        if message is None:
            chain.drop()
            return
        chain.put(changed(message, status=DeliveryStatus.SENDING))
        await self._leave_marked(chain, message, tries=tries)
        self.posted.discard(message.id)

    async def _leave_marked(self, chain: _Chain, message: OutboundMessage, *, tries: bool) -> None:
        held = self.hold > 0 and len(chain.messages) > 1 and message.body.get("type") in HELD
        if not held:
            result = await self._post(message)
            self._numbers.learn(message.number_id, result, tried=tries)
            await self._learn(chain, message, result)
            return
        self._news.expect(message.id)  # before the POST: the status may overtake the answer
        try:
            result = await self._post(message)
            self._numbers.learn(message.number_id, result, tried=tries)
            await self._learn(chain, message, result)
            if result.verdict == "sent":
                await self._settle(chain)
                await self._news.wait(message.id, self.hold)
        finally:
            self._news.forget(message.id)

    async def _learn(self, chain: _Chain, message: OutboundMessage, result: SendResult) -> None:
        chain.refused = chain.refused + 1 if result.verdict == "retry" and result.scope == "pair" else 0
        match result.verdict:
            case "sent":
                self._certain(message.id)
                chain.learnt.append(self._attempt(message, DeliveryStatus.SENT, wamid=result.wamid))
                chain.drop()
            case "retry" if result.tries is None or message.attempts + 1 < result.tries:
                await self._retry(chain, message, result)
            case "failed" if result.closed and message.otherwise is not None:
                # Meta's clock is the one that counts.
                await self._settle(chain, self._attempt(message, DeliveryStatus.QUEUED, reason=result.reason))
                chain.put(changed(message, status=DeliveryStatus.QUEUED, closes_at=0))
            case "failed" | "retry":
                await self._fail(chain, message, result.reason, result.code)
                chain.drop()
            case "unknown":
                await self._settle(chain, self._attempt(message, DeliveryStatus.UNKNOWN, reason=result.reason))
                chain.put(changed(message, status=DeliveryStatus.UNKNOWN, attempted_at=self._clock()))
            case _:
                raise ValueError(f"the messenger answered {result.verdict!r}")

    async def _unmark(self, chain: _Chain) -> None:
        """The first message is about to wait, so it must not say that it is being sent."""
        message = chain.messages[0]
        if message.status is DeliveryStatus.QUEUED:
            await self._settle(chain)
        else:
            await self._settle(chain, self._attempt(message, DeliveryStatus.QUEUED))
            chain.put(changed(message, status=DeliveryStatus.QUEUED))

    async def _marked(self, chain: _Chain) -> OutboundMessage | None:
        """The first message, marked as being sent; None when it must not leave (any more)."""
        message = chain.messages[0]
        if message.closes_at is not None and self._clock() >= message.closes_at:
            session = await self._sessions.open(message.conversation_id)
            # 0: Meta has refused it for that already.
            closes_at = window.closes(session.opened_at) if message.closes_at else 0
            if closes_at is not None and self._clock() >= closes_at:
                if message.otherwise is None:
                    await self._fail(chain, message, window.REASON, window.CLOSED)
                    return None
                return await self._mark(
                    chain, changed(message, body=message.otherwise, otherwise=None, closes_at=None), instead=True
                )
        if message.status is DeliveryStatus.QUEUED:
            return await self._mark(chain, message)
        return message

    async def _mark(self, chain: _Chain, message: OutboundMessage, *, instead: bool = False) -> OutboundMessage | None:
        """``instead``: it is not what was written."""
        attempt = self._attempt(message, DeliveryStatus.SENDING)
        late = await self._settle(chain, changed(attempt, body=message.body) if instead else attempt)
        if message.id not in late:
            return message
        log.info("outbox.settled_meanwhile", outbound=message.id)
        self._certain(message.id)
        return None

    async def _retry(self, chain: _Chain, message: OutboundMessage, result: SendResult) -> None:
        """It did not leave."""
        attempt = changed(self._attempt(message, DeliveryStatus.QUEUED, reason=result.reason), code=result.code)
        pause = max(result.wait or 0.0, min(2.0 ** min(message.attempts, 16), LONGEST_PAUSE))
        again = changed(message, status=DeliveryStatus.QUEUED, attempts=message.attempts + 1)
        if result.later:
            log.info("outbox.later", outbound=message.id, seconds=round(pause), reason=result.reason)
            await self._settle(chain, changed(attempt, due_at=self._clock() + round(pause * 1000)))
            chain.drop()
            return
        await self._settle(chain, attempt)
        chain.put(again)
        if result.scope == "number":
            return  # its number says when
        if result.scope == "pair":
            pause = min(4.0 ** min(chain.refused - 1, 16), LONGEST_PAIR_PAUSE)
        log.info("outbox.waits", outbound=message.id, seconds=round(pause), reason=result.reason)
        await self._sleep(pause * (1 + 0.25 * self._jitter()))

    async def _fail(self, chain: _Chain | None, message: OutboundMessage, reason: str | None, code: int | None) -> None:
        self._certain(message.id)
        log.warning("outbox.failed", outbound=message.id, reason=reason)
        attempt = changed(self._attempt(message, DeliveryStatus.FAILED, reason=reason), code=code)
        await self._settle(chain, attempt)
        self._came(message.id, DeliveryStatus.FAILED)
        with contextlib.suppress(StorageError):  # the next look tells it
            await self._sessions.tell(TOLD)

    async def _wait_for_status(self, message: OutboundMessage) -> OutboundMessage | None:
        """Wait until a status settles ``message`` (None) or its policy must decide (the message, to be sent again)."""
        if message.id not in self._counted:
            self._counted.add(message.id)
            self._doubts[message.id] = self._doubts.get(message.id, 0) + 1
        doubts = self._doubts[message.id]
        since = min(message.attempted_at or self._clock(), self._clock())
        self._news.expect(message.id)
        try:
            while True:
                # The status may have come before anybody waited for it.
                rows = await self._sessions.pending(message.conversation_id, CHAIN)
                found = next((row for row in rows if row.id == message.id), None)
                if found is None or found.due_at is not None:
                    self._certain(message.id)
                    return None
                message = changed(message, policy=found.policy)  # a person may have taken over
                # Whoever sets the clock back by hours must not make it wait for hours.
                patience = (self._patience(found) or self._settle_after) * 4 ** (doubts - 1)
                left = min(since + patience - self._clock(), patience)
                if left <= 0:
                    break
                await self._news.wait(message.id, min(left / 1000, self._ask))
        finally:
            self._news.forget(message.id)
            self.posted.discard(message.id)
        if message.policy == "repeat" and doubts < DOUBTS:
            log.warning("outbox.repeated", outbound=message.id, reason="no delivery status came")
            return changed(message, status=DeliveryStatus.QUEUED, attempts=message.attempts + 1)
        reason = "nobody knows whether it was delivered: WhatsApp neither confirmed nor refused it"
        await self._fail(None, message, reason, None)
        return None

    def _certain(self, outbound_id: str) -> None:
        """What became of it is known."""
        self._doubts.pop(outbound_id, None)
        self._counted.discard(outbound_id)

    async def _settle(self, chain: _Chain | None, *more: Attempt) -> frozenset[str]:
        """Write what was learnt, and ``more``; what was learnt for good is not lost when the store cannot write now.

        Says which of ``more`` came too late: those messages are settled already.
        """
        final = chain.learnt.copy() if chain is not None else []
        if not final and not more:
            return frozenset()
        if chain is not None:
            chain.learnt.clear()
        try:
            return await self._sessions.settle([*final, *more])
        except StorageError:
            if final:
                await self._sessions.settle(final, durable=False)
            raise

    async def _post(self, message: OutboundMessage) -> SendResult:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - every chain runs in a task of its own
        async with self._slots:
            self.posting.add(task)
            self.posted.add(message.id)
            self._counted.discard(message.id)
            began = self._monotonic()
            try:
                result = await self._messenger.send(message)
            except Exception as error:
                log.error("outbox.bug", outbound=message.id, exc_info=error)
                result = SendResult(verdict="unknown", reason=type(error).__name__)
            finally:
                self.posting.discard(task)
            self._measures.posted(message.id, result.verdict, self._monotonic() - began)
            return result

    def _attempt(
        self, message: OutboundMessage, status: DeliveryStatus, *, wamid: str | None = None, reason: str | None = None
    ) -> Attempt:
        return Attempt(
            outbound_id=message.id,
            status=status,
            at=self._clock(),
            wamid=wamid,
            reason=reason,
            conversation_id=message.conversation_id,
        )


def unmarked(message: OutboundMessage, at: int) -> Attempt:
    """It was marked as being sent, and did not leave."""
    return Attempt(outbound_id=message.id, status=DeliveryStatus.QUEUED, at=at, conversation_id=message.conversation_id)
