"""The server's own backup, once a day (``[backup] at``).

It runs in a process of its own, ``wabox backup --scheduled``, at low priority: packing a gigabyte beside the event loop would
cost every customer of that minute. A night that the server slept through is made up for when it has run for a while; one that
failed is tried again an hour later. Nothing is remembered but the backups themselves, by their names.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from wabox.core.ports import Clock
from wabox.errors import StorageError
from wabox.settings import Settings
from wabox.sqlite import backupfolder

log = structlog.get_logger(__name__)

SETTLE = 600_000
"""ms after the start before a missed night is made up for: whoever starts a server wants it to answer first."""
AGAIN = 3_600_000
"""ms between two tries."""

Run = Callable[[], Awaitable[dict[str, Any]]]
"""Makes a backup; what the command says of it. Raises StorageError."""


def last(now: int, at: int, zone: str) -> int:
    """When the newest backup should have begun, ms. ``at``: minutes after midnight there."""
    here = datetime.fromtimestamp(now / 1000, UTC).astimezone(ZoneInfo(zone))
    moment = here.replace(hour=at // 60, minute=at % 60, second=0, microsecond=0)
    if moment > here:
        moment = datetime.combine(here.date() - timedelta(days=1), moment.timetz())
    return round(moment.timestamp() * 1000)


class Nightly:
    def __init__(
        self, settings: Settings, clock: Clock, run: Run | None = None, *, leads: Callable[[], bool] = lambda: True
    ) -> None:
        """``leads``: whether it is this process that makes them. Two that think so cost a backup too many."""
        self._leads = leads
        self._settings = settings
        self._clock = clock
        self._run = run or (lambda: command(settings))
        self._began = clock()
        self._not_before = 0

    @property
    def due(self) -> bool:
        now, at = self._clock(), self._settings.backup.at
        if at is None or now < self._not_before:
            return False
        wanted = last(now, at, self._settings.timezone)
        if wanted > self._began:
            made = self._newest()
            return made is None or made < wanted
        # Before our time: only a habit that was missed is made up for.
        made = self._newest() if now - self._began >= SETTLE else None
        return made is not None and made < wanted

    def _newest(self) -> int | None:
        folder = self._settings.backup.folder or self._settings.data / backupfolder.FOLDER
        made = [backupfolder.time_of(one) for one in backupfolder.listed(folder) if not one.upgrade]
        return max(made, default=None)

    async def look(self) -> None:
        """Make one if it is time; call it once a minute."""
        if not self._leads() or not await asyncio.to_thread(lambda: self.due):
            return
        try:
            told = await self._run()
        except StorageError as error:
            self._not_before = self._clock() + AGAIN
            log.error("backup.failed", error=str(error))
            return
        log.info("backup.made", file=told.get("file"), size=told.get("size"), replayed=told.get("replayed"))
        for warning in told.get("warnings", ()):
            log.warning("backup.note", note=warning)


async def command(settings: Settings, program: Sequence[str] | None = None) -> dict[str, Any]:
    """Run ``wabox backup --scheduled``; what it says. Raises StorageError with its sentence."""
    folder = () if settings.cluster is not None else ("--data", str(settings.data))  # who names one means no cluster
    program = program or ([sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "wabox"])
    process = await asyncio.create_subprocess_exec(
        *(*program, "backup", "--scheduled", "--json", *folder),
        cwd=settings.root,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, said = await process.communicate()
    finally:
        if process.returncode is None:  # the server stops: what is not proven has no name, and the next one clears it
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise StorageError(" ".join(said.decode("utf-8", "replace").split()) or f"exit code {process.returncode}")
    try:
        found: dict[str, Any] = json.loads(out)
    except ValueError as error:
        raise StorageError(f"wabox backup said {out[:200]!r}") from error
    return found
