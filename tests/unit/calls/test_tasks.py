"""Tasks of `actions.py`: whatever they do, the server goes on and the conversation gets a result."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from tests.fakes import NOW
from wabox.calls.tasks import TaskCalls
from wabox.core.action import TaskInput
from wabox.core.invocation import Invocation, Outcome


def call(name: str = "t", timeout: int = 5000, given: Any = None) -> Invocation:
    return Invocation(
        id="key",
        conversation_id="c",
        chart="m",
        name="x",
        armed=1,
        request={"action": name, "input": given},
        timeout=timeout,
        retries=0,
        created_at=NOW,
    )


async def made(task: Any, invocation: Invocation | None = None) -> Outcome:
    invocation = invocation or call()
    return await TaskCalls(lambda _: {"t": task}).call(invocation, invocation.request)


async def test_plain_and_async_functions() -> None:
    def plain(given: TaskInput) -> Any:
        return [given.input, given.key, threading.current_thread() is threading.main_thread()]

    async def later(given: TaskInput) -> Any:
        await asyncio.sleep(0)
        return given.conversation_id

    assert (await made(plain, call(given={"a": 1}))).output == [{"a": 1}, "key", False]
    assert (await made(later)).output == "c"


async def test_a_task_that_raises() -> None:
    def broken(given: TaskInput) -> Any:
        raise ValueError("no stock file")

    outcome = await made(broken)
    assert outcome.error is not None
    assert "the task t failed: ValueError: no stock file (test_tasks.py, line" in outcome.error
    assert outcome.again


async def test_a_task_that_must_not_be_repeated_is_not() -> None:
    def broken(given: TaskInput) -> Any:
        raise ConnectionError("after the money left")

    invocation = call()
    once = {**invocation.request, "idempotency": False}
    assert not (await TaskCalls(lambda _: {"t": broken}).call(invocation, once)).again


@pytest.mark.parametrize("result", [{1, 2}, float("nan"), object()])
async def test_a_result_that_cannot_be_stored(result: Any) -> None:
    assert (await made(lambda given: result)).error is not None


async def test_a_result_that_is_too_large() -> None:
    outcome = await made(lambda given: "x" * 300_000)
    assert outcome.error is not None
    assert not outcome.again


async def test_a_task_that_is_not_there() -> None:
    assert (await made(None, call("other"))).error == "there is no task 'other' in actions.py"


async def test_one_that_hangs_is_given_up_and_too_many_are_refused() -> None:
    """The event loop goes on meanwhile, also when the task is async and blocks."""
    free = threading.Event()

    async def hangs(given: TaskInput) -> Any:
        free.wait()

    calls = TaskCalls(lambda _: {"t": hangs}, threads=1)
    slow = call(timeout=20)
    assert "took longer than 0.02 s" in str((await calls.call(slow, slow.request)).error)
    assert "1 tasks are running or hang" in str((await calls.call(slow, slow.request)).error)
    free.set()
