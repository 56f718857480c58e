"""Jobs and a clock that somebody sets."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from wabox import scheduler
from wabox.scheduler import Steps, guarded, leading


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


DESK = ("look_at_waiting", "look_at_offers", "look_at_alarms", "fold")
OWN = ("prune", "advance", "look_at_templates", "look_at_meter")


async def test_a_worker_looks_whether_it_leads_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look comes by itself, and again; none comes after the end."""
    every = ("SWEEP_SECONDS", "WAITING_SECONDS", "PRUNE_SECONDS", "SHARED_SECONDS", "METER_SECONDS", "RATES_SECONDS")
    for name in every:
        monkeypatch.setattr(scheduler, name, 0.01)
    looks: dict[str, int] = dict.fromkeys((*DESK, *OWN, "look"), 0)
    enough = asyncio.Event()

    def look(name: str) -> Any:
        async def looked() -> None:
            looks[name] += 1
            if min(looks.values()) == 2:
                enough.set()

        return looked

    desk = SimpleNamespace(**{name: look(name) for name in looks})
    app: Any = SimpleNamespace(desk=desk, tallies=desk, rates=desk, **{name: look(name) for name in OWN})
    async with leading(app), asyncio.timeout(20):
        await enough.wait()
    before = dict(looks)
    await asyncio.sleep(0.05)
    assert looks == before
