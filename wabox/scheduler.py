"""When to call what: holds no state, so a restart needs no re-arming.

One APScheduler job sweeps the timer rows, another forgets what is old, a third empties old versions. A job per conversation
would cost 1 GB and 9 ms per firing at a million conversations; a sweep of an indexed column costs 3 µs and is durable by
construction.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from wabox.app import App
from wabox.errors import StorageError
from wabox.services.draining import EVERY

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 1.0
PRUNE_SECONDS = 3600.0
METER_SECONDS = 300.0
RATES_SECONDS = 60.0


@contextlib.asynccontextmanager
async def running(app: App) -> AsyncIterator[None]:
    """The app at work: what was in flight is taken up before the body runs, and finished after it."""
    logging.getLogger("apscheduler").setLevel(logging.WARNING)  # it logs two lines per run
    jobs = AsyncIOScheduler(timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1})
    jobs.add_job(_guarded(app.fire, "timers"), "interval", seconds=SWEEP_SECONDS)
    jobs.add_job(_guarded(app.outward.broadcasts.advance, "broadcasts"), "interval", seconds=SWEEP_SECONDS)
    jobs.add_job(_guarded(app.prune, "prune"), "interval", seconds=PRUNE_SECONDS)
    jobs.add_job(_guarded(app.outward.templates.refresh, "templates"), "interval", seconds=PRUNE_SECONDS)
    jobs.add_job(_guarded(app.outward.meter.look, "meter"), "interval", seconds=METER_SECONDS)
    jobs.add_job(_guarded(app.look_at_rates, "rates"), "interval", seconds=RATES_SECONDS)
    jobs.add_job(_guarded(app.release, "release"), "interval", seconds=EVERY / 1000)
    await app.start()
    jobs.start()
    try:
        yield
    finally:
        jobs.shutdown(wait=False)
        await app.stop()


def _guarded(call: Callable[[], Awaitable[object]], name: str) -> Callable[[], Awaitable[None]]:
    async def job() -> None:
        try:
            await call()
        except StorageError as error:
            log.warning("scheduler.later", job=name, error=str(error))

    return job
