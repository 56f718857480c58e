"""Jobs and a clock that somebody sets."""

from __future__ import annotations

import asyncio

from wabox.scheduler import Steps, guarded


def test_a_clock_that_is_set_is_noticed_once() -> None:
    """Forward and back; what it is corrected by every day is not worth a word."""
    wall, steady = [1_000_000.0], [50.0]
    steps = Steps(lambda: wall[0], lambda: steady[0])
    said = []
    for passes, set_by in ((1.0, 0.0), (1.0, 7200.0), (1.0, 0.0), (1.0, 0.4), (1.0, -7200.0), (3.0, 0.0)):
        steady[0] += passes
        wall[0] += passes + set_by
        said.append(round(steps.look()))
    assert said == [0, 7200, 0, 0, -7200, 0]


async def test_a_job_that_comes_due_while_it_runs_is_left_out() -> None:
    """A sweep that takes longer than its second is not begun again beside itself, and is begun again after it."""
    begun, goes_on = 0, asyncio.Event()

    async def sweep() -> None:
        nonlocal begun
        begun += 1
        await goes_on.wait()

    job = guarded(sweep, "timers")
    first = asyncio.create_task(job())
    await asyncio.sleep(0)
    await job()
    assert begun == 1
    goes_on.set()
    await first
    await job()
    assert begun == 2
