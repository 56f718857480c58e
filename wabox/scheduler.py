"""When to call what: holds no state, so a restart needs no re-arming.

One APScheduler job sweeps the timer rows, another forgets what is old, a third empties old versions. A job per conversation
would cost 1 GB and 9 ms per firing at a million conversations; a sweep of an indexed column costs 3 µs and is durable by
construction.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from wabox.app import App
from wabox.errors import StorageError
from wabox.services.backups.nightly import Nightly
from wabox.services.draining import EVERY

if TYPE_CHECKING:  # its engines' drivers are an extra
    from wabox.clusterapp import ClusterApp

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 1.0
PRUNE_SECONDS = 3600.0
METER_SECONDS = 300.0
RATES_SECONDS = 60.0
BACKUP_SECONDS = 60.0
WAITING_SECONDS = 10.0
STEP_SECONDS = 2.0
"""By which the clock must be set to be told from the corrections of every day."""
TALLY_SECONDS = 60.0
SHARED_SECONDS = 10.0
CERTIFICATE_SECONDS = 600.0
DEFAULTS: Final = {"coalesce": True, "max_instances": 2, "misfire_grace_time": None}
"""A second instance is allowed so that APScheduler does not warn of a sweep that takes longer than its second: it is no trouble
of the operator's, and ours sees that it does nothing."""


@contextlib.asynccontextmanager
async def running(app: App, backups: Nightly | None = None) -> AsyncIterator[None]:
    """The app at work: what was in flight is taken up before the body runs, and finished after it."""
    logging.getLogger("apscheduler").setLevel(logging.WARNING)  # it logs two lines per run
    jobs = AsyncIOScheduler(timezone="UTC", job_defaults=DEFAULTS)
    jobs.add_job(guarded(app.fire, "timers"), "interval", seconds=SWEEP_SECONDS)
    jobs.add_job(guarded(app.outward.broadcasts.advance, "broadcasts"), "interval", seconds=SWEEP_SECONDS)
    jobs.add_job(guarded(app.prune, "prune"), "interval", seconds=PRUNE_SECONDS)
    jobs.add_job(guarded(app.outward.templates.refresh, "templates"), "interval", seconds=PRUNE_SECONDS)
    jobs.add_job(guarded(app.outward.meter.look, "meter"), "interval", seconds=METER_SECONDS)
    jobs.add_job(guarded(app.look_at_rates, "rates"), "interval", seconds=RATES_SECONDS)
    jobs.add_job(guarded(app.tallies.fold, "tallies"), "interval", seconds=TALLY_SECONDS)
    jobs.add_job(guarded(app.waiting.look, "waiting"), "interval", seconds=WAITING_SECONDS)
    jobs.add_job(guarded(app.offering.look, "offers"), "interval", seconds=SWEEP_SECONDS)
    jobs.add_job(guarded(app.alarms.look, "alarms"), "interval", seconds=SWEEP_SECONDS)
    jobs.add_job(guarded(app.release, "release"), "interval", seconds=EVERY / 1000)
    if backups is not None:
        jobs.add_job(guarded(backups.look, "backup"), "interval", seconds=BACKUP_SECONDS)
    if app.certificate is not None:
        jobs.add_job(guarded(app.certificate.look, "certificate"), "interval", seconds=CERTIFICATE_SECONDS)
    await app.start()
    jobs.start()
    watching = [
        asyncio.create_task(_watch_the_clock(jobs)),
        asyncio.create_task(guarded(app.store.large.look_through, "look")()),
    ]
    try:
        yield
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        jobs.shutdown(wait=False)
        await app.stop()


@contextlib.asynccontextmanager
async def leading(app: ClusterApp, backups: Nightly | None = None) -> AsyncIterator[None]:
    """What a process of a cluster does for itself, and what one worker does for all, while it leads: every one asks itself each
    time whether it does."""
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    jobs = AsyncIOScheduler(timezone="UTC", job_defaults=DEFAULTS)
    jobs.add_job(guarded(app.tallies.fold, "tallies"), "interval", seconds=SHARED_SECONDS)
    jobs.add_job(guarded(app.desk.look_at_waiting, "waiting"), "interval", seconds=WAITING_SECONDS)
    jobs.add_job(guarded(app.desk.look_at_offers, "offers"), "interval", seconds=SWEEP_SECONDS)
    jobs.add_job(guarded(app.desk.look_at_alarms, "alarms"), "interval", seconds=SWEEP_SECONDS)
    jobs.add_job(guarded(app.advance, "broadcasts"), "interval", seconds=SWEEP_SECONDS)
    jobs.add_job(guarded(app.look_at_templates, "templates"), "interval", seconds=PRUNE_SECONDS)
    jobs.add_job(guarded(app.look_at_meter, "meter"), "interval", seconds=METER_SECONDS)
    jobs.add_job(guarded(app.rates.look, "rates"), "interval", seconds=RATES_SECONDS)
    jobs.add_job(guarded(app.prune, "prune"), "interval", seconds=PRUNE_SECONDS)
    if backups is not None:
        jobs.add_job(guarded(backups.look, "backup"), "interval", seconds=BACKUP_SECONDS)
    jobs.start()
    watching = asyncio.create_task(_watch_the_clock(jobs))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        jobs.shutdown(wait=False)


class Steps:
    """Tells when somebody set the clock: it and the one that nobody can set went on unequally."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._steady = wall, steady
        self._apart = wall() - steady()

    def look(self) -> float:
        """s by which it was set since the last look; 0 for what a clock is corrected by all the time."""
        apart = self._wall() - self._steady()
        step, self._apart = apart - self._apart, apart
        return step if abs(step) >= STEP_SECONDS else 0.0


async def _watch_the_clock(jobs: AsyncIOScheduler) -> None:
    """Jobs are due by the clock: one that was set back by two hours would let them all rest for two hours."""
    steps = Steps()
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        if step := steps.look():
            log.warning("clock.set", seconds=round(step))
            for job in jobs.get_jobs():
                job.modify(next_run_time=datetime.datetime.now(datetime.UTC))


def guarded(call: Callable[[], Awaitable[object]], name: str) -> Callable[[], Coroutine[Any, Any, None]]:
    """One run at a time: a job that comes due meanwhile is left out, and comes due again."""
    running = asyncio.Lock()

    async def job() -> None:
        if running.locked():
            return
        async with running:
            try:
                await call()
            except StorageError as error:
                log.warning("scheduler.later", job=name, error=str(error))

    return job
