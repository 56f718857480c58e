"""Lanes: one conversation, one order, in this process (promise P3).

A lane exists while its conversation has something to handle: a queue and one task. The inbox table is the truth; a lane holds
at most :data:`HELD` of its messages and reads the rest when it gets there, so a customer who floods us, or a conversation whose
handling fails again and again, cannot fill the memory; nor can what a start finds. A failing lane holds the one message it is
stuck on.

``seq`` (the place in the inbox) tells what a lane has: everything of its conversation up to ``last``. Messages are fed in the
order of commits, so a lane that read further than it was fed recognises what comes late.

A customer whose messages come faster than anybody types (a loop between two bots, most often) is handled at :data:`PACE` after
the first :data:`BURST`; the rest waits on disk. Others do not notice, and no message is lost.

Starting a lane costs a step of the statechart before it first waits, and then a write. When thousands come due at once, they
start a few per turn of the event loop, and none while many writes wait, so that webhooks are answered in between; customers
start before timers, and timers only while hardly a write waits: a webhook stands behind whatever was handed in before it. Where
that moment never comes, one timer starts every :data:`AGED` seconds all the same: late is allowed, never is not.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence

import structlog

from wabox.core.ports import Handle
from wabox.errors import Unavailable
from wabox.sqlite.inbox import Row, Waits

log = structlog.get_logger(__name__)

Load = Callable[[str, int, int], Sequence[Row]]
"""Inbox rows of a conversation after a place, up to a limit; fewer: there are no more."""

HELD = 64
"""Messages of one conversation in memory."""
STARTS = 16
"""Lanes started per turn of the event loop."""
AGED = 0.02
"""s after which the oldest timer starts, however many writes wait."""
BUSY_SECONDS = 0.002
"""Before looking again whether the store is still busy."""
BURST, PACE = 100, 5.0
"""Messages of one customer that are handled at once, and per second from then on."""
PACED = 4096
"""Customers whose last messages are remembered, before those that were quiet since are forgotten."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""s before a message that failed is tried again; doubles each time."""


class _Lane:
    __slots__ = ("beyond", "failing", "id", "last", "paced", "pausing", "rows", "task", "timer")

    def __init__(self, conversation_id: str, *, timer: bool = False) -> None:
        self.id = conversation_id
        self.timer = timer
        """It has timers only, and starts after customers."""
        self.rows: deque[Row] = deque()
        self.last = 0
        """The place of the last message that was held here."""
        self.beyond = False
        """The inbox has messages after ``last``."""
        self.failing = False
        self.pausing = False
        """Waiting before the next try, or for its turn."""
        self.paced = False
        """Its customer writes too fast."""
        self.task: asyncio.Task[None] | None = None


class SqliteLanes:
    """The port ``Lanes`` over the inbox."""

    def __init__(
        self,
        load: Load,
        *,
        waiting: Callable[[], Sequence[Waits]] = list,
        busy: Callable[[], bool] = lambda: False,
        calm: Callable[[], bool] = lambda: True,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``waiting``: what a start finds, in the order of arrival. ``busy``: whether what is under way is enough for now;
        ``calm``: whether it is so little that timers may go on, too."""
        self._monotonic = monotonic
        self._paces: dict[str, float] = {}
        """When each customer's messages so far would have come at :data:`PACE`."""
        self._most_paces = PACED
        self._load = load
        self._waiting = waiting
        self._busy = busy
        self._calm = calm
        self._sleep = sleep
        self._handle: Handle | None = None
        self._lanes: dict[str, _Lane] = {}
        self._customers: deque[_Lane] = deque()
        self._timers: deque[_Lane] = deque()
        self._timer_at = 0.0
        """When one of them last started, or the first of them came."""
        self._pump_scheduled = False
        self._backlog = 0
        self._due = 0
        self._fresh = 0
        self._left = 0
        """Messages up to this place were there before the start."""

    @property
    def backlog(self) -> int:
        """Messages held, waiting or being handled; not those on disk: what a start found and has not come to, and what a
        flooding or failing conversation has beyond its share."""
        return self._backlog

    @property
    def due(self) -> int:
        """How many of them are timers."""
        return self._due

    @property
    def fresh(self) -> int:
        """How many of them customers wrote since the start: what a crash left over is no reason to turn others away."""
        return self._fresh

    def run(self, handle: Handle) -> None:
        """Begin: what is in the inbox first, then what is fed.

        Of what is there only the conversations are held; each is read when its turn comes. So a hundred thousand messages that
        a crash left over keep no webhook waiting, and are never in memory all at once.
        """
        self._handle = handle
        for conversation_id, _, last, timer in self._waiting():
            self._left = max(self._left, last)
            self._new(conversation_id, timer=timer).beyond = True
        self._pump()

    def feed(self, rows: Iterable[Row]) -> None:
        """Take messages that were just committed, in the order of their places."""
        if self._handle is None:
            return  # run() or the next start reads them
        for row in rows:
            seq, message = row
            lane = self._lanes.get(message.conversation_id)
            if lane is None:
                lane = self._new(message.conversation_id, timer=message.channel == "timer")
            elif lane.timer and lane.task is None and message.channel != "timer":
                lane.timer = False
                self._customers.append(lane)  # among the timers it is passed over, once it has begun
            if lane.beyond or seq <= lane.last:
                continue
            if lane.failing or (lane.paced and lane.rows) or len(lane.rows) >= HELD:
                lane.beyond = True
            else:
                self._hold(lane, row)
        if not self._pump_scheduled:
            self._pump()

    async def drain(self, timeout: float) -> None:
        """Take nothing new; wait up to ``timeout`` seconds for what is being handled. What is left stays in the inbox."""
        self._handle = None
        self._customers.clear()
        self._timers.clear()
        running: set[asyncio.Task[None]] = set()
        for lane in self._lanes.values():
            if lane.task is not None:
                running.add(lane.task)
                if lane.pausing:
                    lane.task.cancel()
        if running:
            _, late = await asyncio.wait(running, timeout=timeout)
            for task in late:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        self._lanes.clear()
        self._backlog = self._due = self._fresh = 0

    def _new(self, conversation_id: str, *, timer: bool) -> _Lane:
        lane = self._lanes[conversation_id] = _Lane(conversation_id, timer=timer)
        if timer and not self._timers:
            self._timer_at = self._monotonic()
        (self._timers if timer else self._customers).append(lane)
        return lane

    def _pump(self) -> None:
        self._pump_scheduled = False
        busy, now = self._busy(), self._monotonic()
        if self._timers and now - self._timer_at >= AGED:
            self._start(self._timers.popleft())
            self._timer_at = now
        for _ in range(0 if busy else STARTS):
            if self._customers:
                self._start(self._customers.popleft())
            elif self._timers and self._calm():
                self._start(self._timers.popleft())
                self._timer_at = now
            else:
                busy = True
                break
        if self._customers or self._timers:
            self._pump_scheduled = True
            asyncio.get_running_loop().call_later(BUSY_SECONDS if busy else 0, self._pump)

    def _start(self, lane: _Lane) -> None:
        if lane.task is None:
            lane.task = asyncio.create_task(self._work(lane))

    async def _work(self, lane: _Lane) -> None:
        pause = FIRST_PAUSE
        while (handle := self._handle) is not None:
            try:
                if not lane.rows:
                    if lane.beyond:
                        self._read_on(lane)
                    if not lane.rows:
                        # No await since the queue was found empty: whatever comes now makes a new lane.
                        del self._lanes[lane.id]
                        return
                message = lane.rows[0][1]
                if message.channel == "whatsapp" and (wait := self._too_fast(lane)) > 0:
                    await self._pause(lane, wait)
                await handle(message)
            except Exception as error:  # noqa: BLE001 - whatever it was, the message is still to be handled
                self._report(lane, error, pause)
                self._let_go(lane)
                await self._pause(lane, pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                lane.failing = False
                pause = FIRST_PAUSE
                self._drop(lane.rows.popleft())

    async def _pause(self, lane: _Lane, seconds: float) -> None:
        lane.pausing = True
        await self._sleep(seconds)
        lane.pausing = False

    def _too_fast(self, lane: _Lane) -> float:
        """s to wait before the next message of this customer is handled."""
        now = self._monotonic()
        at = max(self._paces.get(lane.id, 0.0), now)
        self._paces[lane.id] = at + 1 / PACE
        wait = at - now - BURST / PACE
        if len(self._paces) > self._most_paces:
            self._paces = {id_: at for id_, at in self._paces.items() if at > now}
            self._most_paces = max(PACED, 2 * len(self._paces))
        if wait > 0:
            if not lane.paced:
                log.warning("lane.throttled", conversation=lane.id)
            lane.paced = True
            self._keep_first(lane)
        else:
            lane.paced = False
        return wait

    def _read_on(self, lane: _Lane) -> None:
        limit = 1 if lane.paced else HELD
        rows = self._load(lane.id, lane.last, limit)
        for row in rows:
            self._hold(lane, row)
        lane.beyond = len(rows) == limit

    def _let_go(self, lane: _Lane) -> None:
        """Hold only the message that failed."""
        lane.failing = True
        self._keep_first(lane)

    def _keep_first(self, lane: _Lane) -> None:
        while len(lane.rows) > 1:
            self._drop(lane.rows.pop())
            lane.beyond = True
        if lane.rows:
            lane.last = lane.rows[0][0]

    def _hold(self, lane: _Lane, row: Row) -> None:
        lane.rows.append(row)
        lane.last = row[0]
        self._backlog += 1
        self._due += row[1].channel == "timer"
        self._fresh += self._is_fresh(row)

    def _drop(self, row: Row) -> None:
        self._backlog -= 1
        self._due -= row[1].channel == "timer"
        self._fresh -= self._is_fresh(row)

    def _is_fresh(self, row: Row) -> bool:
        return row[0] > self._left and row[1].channel != "timer"

    def _report(self, lane: _Lane, error: Exception, pause: float) -> None:
        message = lane.rows[0][1].message_id if lane.rows else None
        if isinstance(error, Unavailable):
            log.warning("lane.waits", conversation=lane.id, message=message, seconds=pause, error=str(error))
        else:
            log.error("lane.failed", conversation=lane.id, message=message, seconds=pause, exc_info=error)
