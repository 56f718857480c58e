"""Makes the calls that committed units of work asked for (``invoke``), and brings their results back.

At least once: the row is there before the call and goes with its result. Whoever is called twice gets the same key twice. A
try that fails is repeated, with pauses that grow, as often as the flow says and only where that can help and does no harm.
Then the conversation gets ``error.invoke.<id>``: it never waits for ever.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

import structlog

from wabox.core.invocation import Invocation, Outcome
from wabox.core.ports import Caller, Calls
from wabox.errors import StorageError

log = structlog.get_logger(__name__)

T = TypeVar("T")

IN_FLIGHT = 64
"""Calls under way at once."""
EACH = 8
"""Of them to one host, and tasks of ``actions.py``: a host that does not answer must not take the places of the others."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""s before the second try; doubled each time."""
STORE_PAUSE = 1.0
"""s before a store that did not answer is asked again."""
CRASHES = 3
"""Tries beyond the retries that a call gets when wabox was stopped in the middle of each: then the call itself is suspected."""


class Invocations:
    """Holds nothing that a restart could lose."""

    def __init__(
        self,
        calls: Calls,
        caller: Caller,
        *,
        jitter: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        in_flight: int = IN_FLIGHT,
        each: int = EACH,
    ) -> None:
        """``jitter`` returns 0 ≤ x < 1."""
        self._calls = calls
        self._caller = caller
        self._jitter = jitter
        self._sleep = sleep
        self._slots = asyncio.Semaphore(in_flight)
        self._each: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(each))
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way: set[str] = set()

    async def recover(self) -> int:
        """Take up what a restart interrupted; how many there are."""
        waiting = await self._calls.calls()
        self.run(waiting)
        return len(waiting)

    def run(self, invocations: Sequence[Invocation]) -> None:
        """Make these, just committed."""
        for invocation in invocations:
            if invocation.id in self._under_way:
                continue  # what recovery finds in the store may be ours
            self._under_way.add(invocation.id)
            task = asyncio.create_task(self._run(invocation))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """What is not finished is repeated after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._caller.aclose()

    async def _run(self, invocation: Invocation) -> None:
        try:
            await self._made(invocation)
        finally:
            self._under_way.discard(invocation.id)

    async def _made(self, invocation: Invocation) -> None:
        try:
            outcome = await self._tried(invocation)
        except Exception as error:
            # A bug of ours must not leave the conversation waiting, nor make the call again at every start.
            log.error("call.failed", call=invocation.name, exc_info=error)
            outcome = Outcome(error=f"the call could not be made: {type(error).__name__}")
        if outcome is None:
            return
        log.info(
            "call",
            conversation=invocation.conversation_id,
            chart=invocation.chart,
            call=invocation.name,
            error=outcome.error,
            status=outcome.status,
        )
        try:
            await self._stored(lambda: self._calls.answer(invocation, outcome))
        except Exception as error:
            log.error("call.unwritable", call=invocation.name, exc_info=error)
            plain = Outcome(error=f"the result cannot be stored: {type(error).__name__}")
            await self._stored(lambda: self._calls.answer(invocation, plain))

    async def _tried(self, invocation: Invocation) -> Outcome | None:
        """The result at last; None when nobody waits for it any more."""
        tries = 0
        while True:
            async with self._each[_where(invocation)], self._slots:
                begun = await self._stored(lambda: self._calls.began(invocation.id))
                if begun is None:
                    return None
                if begun > invocation.retries + 1 + CRASHES:
                    return Outcome(error=f"given up after {begun - 1} tries, wabox stopped during several of them")
                if tries == 0 and begun > 1 and not _repeatable(invocation):
                    return Outcome(error="wabox stopped during the call, so nobody knows whether it was received")
                outcome = await self._caller.call(invocation)
            tries += 1
            if outcome.error is None or not outcome.again or tries > invocation.retries:
                return outcome
            pause = min(FIRST_PAUSE * 2 ** (tries - 1), LONGEST_PAUSE) * (0.5 + self._jitter())
            await self._sleep(max(pause, min(outcome.wait or 0.0, LONGEST_PAUSE)))

    async def _stored(self, write: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await write()
            except StorageError as error:
                log.warning("call.later", error=str(error))
                await self._sleep(STORE_PAUSE)


def _where(invocation: Invocation) -> str:
    """Who is called."""
    http = invocation.request.get("http")
    return "" if http is None else urlsplit(str(http.get("url"))).netloc


def _repeatable(invocation: Invocation) -> bool:
    request = invocation.request.get("http", invocation.request)
    return bool(request.get("idempotency", True))
