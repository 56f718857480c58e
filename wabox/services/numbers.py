"""The business numbers: how fast each may send, and whether it may send at all.

What stops a whole number (an expired token, a block, an account that is locked or does not pay, too many calls, no way to
Meta) would refuse every message alike. So the first refusal shuts the number: nothing more is tried from it but one message
after each pause, and the first that Meta takes opens it again. Nothing is lost meanwhile, nobody has to restart anything, and
a person is told when one must act.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog

from wabox.core.delivery import OutboundMessage
from wabox.core.ports import Clock, SendResult
from wabox.services.pace import Pace, Pairs

log = structlog.get_logger(__name__)

LONGEST_PAUSE = 60.0
"""s between two tries while Meta only says "slower"; where a person must act, Meta's error says how long."""
FAR = 1000.0
"""ms: a queue so long that its messages are not marked as being sent yet."""
TELL_EVERY = 60_000.0
"""ms between two lines of log about a quota that runs out."""


@dataclass(slots=True)
class _Number:
    pace: Pace | None
    changed: asyncio.Event
    until: float = 0.0
    """When it may be tried again, while ``reason`` is set."""
    reason: str | None = None
    """Why it is shut."""
    alert: bool = False
    refusals: int = 0
    """In a row."""
    watcher: object | None = None
    """Who waits for the next try, or makes it."""
    told_usage: float = 0.0


class Numbers:
    """What is known about each number; a restart finds it out anew."""

    def __init__(
        self,
        clock: Clock,
        *,
        rate: float,
        jitter: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        share: Callable[[], float] = lambda: 1.0,
    ) -> None:
        """``rate``: messages a second per number; 0: as fast as it goes, also to one customer. ``share``: how much of every
        number's rate is this process's now, 0 < x ≤ 1."""
        self._clock = clock
        self._rate = rate
        self._jitter = jitter
        self._sleep = sleep
        self._share = share
        self._numbers: dict[str, _Number] = {}
        self._pairs = Pairs() if rate else None

    @property
    def shut(self) -> Mapping[str, str]:
        """Why nothing leaves, by number."""
        return {id_: number.reason for id_, number in self._numbers.items() if number.reason is not None}

    @property
    def known(self) -> tuple[str, ...]:
        return tuple(self._numbers)

    def limit(self, number_id: str, rate: float) -> None:
        """Meta says how many messages a second this number may send; nothing where the owner said to know no limit."""
        number = self._number(number_id)
        if number.pace is not None and number.pace.full != rate:
            log.info("number.rate", number=number_id, rate=rate, before=number.pace.full)
            number.pace.limit(rate)

    def pace(self, rate: float) -> None:
        """So many messages a second for every number from now on; 0: as fast as it goes."""
        self._rate = rate
        self._pairs = (self._pairs or Pairs()) if rate else None
        for number in self._numbers.values():
            if not rate or number.pace is None:
                number.pace = Pace(rate) if rate else None
            else:
                number.pace.limit(rate)

    def far(self, number_id: str) -> bool:
        """A message that is ready now would have to wait."""
        number = self._numbers.get(number_id)
        if number is None:
            return False
        return number.reason is not None or (number.pace is not None and number.pace.ahead(self._clock()) > FAR)

    def take(self, message: OutboundMessage) -> float | None:
        """A place for this message: seconds until it comes. None: the number is shut, see :meth:`opened`."""
        number = self._number(message.number_id)
        if number.reason is not None:
            return None
        now = self._clock()
        wait = number.pace.take(now, self._share()) if number.pace is not None else 0.0
        if self._pairs is not None:
            wait = max(wait, self._pairs.take(message.conversation_id, now))
        return wait / 1000

    async def opened(self, number_id: str) -> object | None:
        """Wait until the number is open (None), or until this message is to try whether it is (a ticket).

        Whoever has a ticket says what came of it, to :meth:`learn`, and gives it back, to :meth:`untried`.
        """
        number = self._number(number_id)
        while number.reason is not None:
            if number.watcher is not None:
                await number.changed.wait()
                continue
            ticket = number.watcher = object()
            try:
                while (left := number.until - self._clock()) > 0:
                    await self._sleep(left / 1000)
            except BaseException:
                self.untried(number_id, ticket)
                raise
            return ticket
        return None

    def untried(self, number_id: str, ticket: object) -> None:
        """The message that was to try need not any more: if it did not, another one must."""
        number = self._number(number_id)
        if number.watcher is ticket:
            number.watcher = None
            self._wake(number)

    def learn(self, number_id: str, result: SendResult, *, tried: bool) -> None:
        """What Meta said. ``tried``: to the message that was to find out whether the number is open."""
        number = self._number(number_id)
        if result.verdict == "retry" and result.scope == "number":
            if number.reason is None or tried:
                self._shut(number_id, number, result)
            return
        if tried:
            self._open(number_id, number)
        if result.verdict == "sent" and number.pace is not None:
            number.pace.sent(result.usage)
            if result.usage is not None and self._clock() - number.told_usage > TELL_EVERY:
                number.told_usage = self._clock()
                log.warning("number.quota", number=number_id, percent=result.usage, rate=round(number.pace.rate, 1))

    def stop(self, number_id: str, reason: str, wait: float) -> None:
        """A delivery status says that nothing from this number is delivered until somebody acts; ``wait`` in s."""
        number = self._number(number_id)
        if number.reason is None:
            self._shut(number_id, number, SendResult(verdict="retry", reason=reason, wait=wait, alert=True))

    def _shut(self, number_id: str, number: _Number, result: SendResult) -> None:
        first = number.reason is None or (result.alert and not number.alert)
        number.refusals += 1
        growing = 0.0 if result.alert else min(2.0 ** min(number.refusals - 1, 16), LONGEST_PAUSE)
        pause = max(result.wait or 0.0, growing) * (1 + 0.25 * self._jitter())
        number.reason = result.reason or "refused"
        number.alert = result.alert
        number.until = self._clock() + pause * 1000
        number.watcher = None
        if number.pace is not None and not result.alert:
            number.pace.refused()
        if first and result.alert:
            log.error("number.stopped", number=number_id, reason=result.reason, next_try_in_seconds=round(pause))
        else:
            log.warning("number.waits", number=number_id, reason=result.reason, next_try_in_seconds=round(pause))
        self._wake(number)

    def _open(self, number_id: str, number: _Number) -> None:
        log.info("number.resumed", number=number_id, after=number.reason)
        number.reason, number.alert, number.refusals, number.watcher = None, False, 0, None
        self._wake(number)

    def _wake(self, number: _Number) -> None:
        number.changed.set()
        number.changed = asyncio.Event()

    def _number(self, number_id: str) -> _Number:
        number = self._numbers.get(number_id)
        if number is None:
            pace = Pace(self._rate) if self._rate else None
            number = self._numbers[number_id] = _Number(pace=pace, changed=asyncio.Event())
        return number
