"""``invoke: {action: …}``: a task of the bot's ``actions.py``, in a thread of its own.

A task is the author's code and may block, also when it is ``async`` and calls something that is not. In a thread it can
hold up nobody but itself. One that does not end in its time is given up; its thread cannot be stopped, so it is counted,
and when too many hang new ones are refused instead of filling the machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import threading
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from wabox.core.action import Task, TaskInput, copied
from wabox.core.invocation import Invocation, Outcome
from wabox.engine.value import plain

LARGEST = 256 * 1024
"""Characters of a result as JSON."""
THREADS = 64

Tasks = Callable[[str | None], Mapping[str, Task]]
"""The tasks, by name, that belong to a chart (its reference), in the version of the bot that the conversation is on."""
Settled = Callable[[str], Awaitable[None]]
"""Waits a little for the files that a conversation has just sent: a task may want to open them."""


async def _now() -> None:
    """Nothing to wait for."""


class TaskCalls:
    """Calls tasks."""

    def __init__(
        self,
        tasks: Tasks,
        *,
        threads: int = THREADS,
        media: str = "",
        settled: Settled = lambda conversation_id: _now(),
    ) -> None:
        """``media``: the folder of customers' files."""
        self._tasks = tasks
        self._media = media
        self._settled = settled
        self._most = threads
        self._running = 0

    async def call(self, invocation: Invocation, request: Mapping[str, Any]) -> Outcome:
        """One try. Never raises for what the task does."""
        name = request["action"]
        task = self._tasks(request.get("chart")).get(name)
        if task is None:
            return Outcome(error=f"there is no task {name!r} in actions.py")
        if self._running >= self._most:
            return Outcome(error=f"{self._running} tasks are running or hang; {name} was not begun", again=True)
        await self._settled(invocation.conversation_id)
        given = TaskInput(
            input=copied(request["input"]),
            key=invocation.id,
            conversation_id=invocation.conversation_id,
            media=self._media,
        )
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Outcome] = loop.create_future()

        def settle(outcome: Outcome) -> None:
            self._running -= 1
            if not done.done():
                done.set_result(outcome)

        def run() -> None:
            outcome = _run(task, given, name)
            with contextlib.suppress(RuntimeError):  # the server has stopped; the call is repeated after the next start
                loop.call_soon_threadsafe(settle, outcome)

        self._running += 1
        threading.Thread(target=run, name=f"task {name}", daemon=True).start()
        try:
            async with asyncio.timeout(invocation.timeout / 1000):
                outcome = await done
        except TimeoutError:
            # Not again: it may still be at work.
            return Outcome(error=f"the task {name} took longer than {invocation.timeout / 1000:g} s")
        return outcome if request.get("idempotency", True) else replace(outcome, again=False)


def _run(task: Task, given: TaskInput, name: str) -> Outcome:
    try:
        result = task(given)
        if inspect.iscoroutine(result):
            result = asyncio.run(result)
        # Also to tell here, where its author reads it, what could not be stored later.
        written = json.dumps(plain(result), allow_nan=False)
    except BaseException as error:  # noqa: BLE001 - the author's code may raise anything; its thread ends here
        return Outcome(error=f"the task {name} failed: {type(error).__name__}: {error}{_place(error)}", again=True)
    if len(written) > LARGEST:
        return Outcome(error=f"the task {name} returned {len(written)} characters; {LARGEST} are the most")
    return Outcome(output=json.loads(written))


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({frames[-1].filename.rpartition('/')[2]}, line {frames[-1].lineno})" if len(frames) > 1 else ""
