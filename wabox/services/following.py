"""One process of a cluster serves what any of them published.

The published version is a row that all read and a bundle that each fetches (:class:`~wabox.services.stock.SharedStock`). A
process hears of a new one (:meth:`Following.wake`), and looks by itself every few seconds: a note can be lost. It takes the
version over between two messages, as on one machine; while it cannot load it, it goes on with the one before and says so.

For some seconds two processes serve different versions. That is harmless: a conversation names the charts that it is on, and
whoever has not met them fetches the version that has before the turn (:meth:`Following.meet`), or lets the customer wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import structlog

from wabox.core.invocation import Invocation, Outcome
from wabox.core.ports import Caller, Clock
from wabox.core.version import Version
from wabox.errors import StorageError, Unavailable, WaboxError
from wabox.services.draining import EVERY, REST
from wabox.services.publishing import Publishing, live_of
from wabox.services.versions import Served, Strange, Versions

log = structlog.get_logger(__name__)

LOOK = 3.0
"""s between two looks for a new version, on the average."""
AGAIN = 30_000
"""ms before a version that could not be loaded is tried again."""
ASIDE = 3_600_000
"""ms between two looks for what nobody needs: the leader's at all conversations, everybody's at its own disk."""
WAIT = 1.0
"""s before a call is tried again whose version cannot be fetched now."""

Leads = Callable[[], bool]
"""Whether this process is the one that empties older versions. Two for a moment do no harm."""
_rows = msgspec.json.Decoder(list[Version])


class Following:
    """Of one process."""

    def __init__(self, publishing: Publishing, clock: Clock, memory: Path, *, leads: Leads) -> None:
        """``memory``: a file of this machine with the versions as last seen, for a start while PostgreSQL is away."""
        self.publishing = publishing
        self.wrong: str | None = None
        """Why this process does not serve the live version; None: it does, as far as it knows."""
        self.wanted: Version | None = None
        """The live version, as last seen."""
        self._clock = clock
        self._memory = memory
        self._leads = leads
        self._failed: dict[tuple[str, str], int] = {}
        """Version and model → when it could not be loaded."""
        self._stirred = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._emptied = self._aside = clock()

    @property
    def versions(self) -> Versions:
        assert self.publishing.versions is not None  # noqa: S101 - it has begun
        return self.publishing.versions

    async def begin(
        self, folder: Path, say: Callable[[str], None], *, instead: Callable[[], Served] | None = None
    ) -> None:
        """Serve what is published; where nothing is, publish the folder. ``instead``: what a process begins with that answers
        nobody, and so waits neither for PostgreSQL nor for a version. Raises FlowError, SpoiltCopy, StorageError."""
        try:
            rows = await self.publishing.rows()
            if instead is not None and live_of(rows) is None:
                self.publishing.versions = Versions(instead())
                self.versions.meet = self.meet
                return
            await self.publishing.begin(folder, say, older=False)
            rows = await self.publishing.rows()
        except Unavailable:
            rows = self._remembered()
            if rows:
                await self.publishing.follow(rows)
                say("PostgreSQL is away; serves the version that was live when this machine last saw it")
            elif instead is not None:
                self.publishing.versions = Versions(instead())
            else:
                raise
        self.versions.meet = self.meet
        if rows:
            self._seen(rows)

    def run(self) -> None:
        """Look for new versions from now on."""
        self._task = asyncio.get_running_loop().create_task(self._go_on())

    def wake(self) -> None:
        """Look now: somebody published, or may have."""
        self._stirred.set()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def standing(self) -> dict[str, Any]:
        """For ``/readyz``: the version that is served, and why it is not another one."""
        on = self.versions.live.version
        return {"serves": None if on is None else on.number, "id": None if on is None else on.id, "wrong": self.wrong}

    async def look(self) -> bool:
        """Take over what is published; whether it was anything new. Raises Unavailable."""
        rows = await self.publishing.rows()
        live = live_of(rows)
        if live is None:
            return False
        self.wanted = live
        which = (live.id, live.model)
        if self._clock() < self._failed.get(which, -AGAIN) + AGAIN:
            return False
        try:
            fresh = await self.publishing.follow(rows)
        except Unavailable:
            raise
        except Exception as error:  # whatever the bot's own code raises: the version before goes on
            self._failed[which] = self._clock()
            self.wrong = f"version {live.number} ({live.id}) is live and cannot be loaded here: {_first(error)}"
            on = self.versions.live.version
            known = isinstance(error, WaboxError)
            log.error(
                "version.not_taken",
                version=live.number,
                serves=None if on is None else on.number,
                error=str(error),
                exc_info=None if known else error,
            )
            return False
        self._failed.clear()
        self.wrong = None
        self._seen(rows)
        if fresh:
            log.info("version.taken", version=live.number, id=live.id)
        return fresh

    async def meet(self, charts: tuple[str, ...]) -> None:
        """See that the version with these charts is served, if there is one. Raises Unavailable: it may come yet."""
        await self.look()
        if self.versions.knows(charts):
            return
        rows = await self.publishing.rows()
        for row in sorted(rows, key=lambda row: -row.live_from):
            if not set(charts) <= set(row.charts):
                continue
            if row.live_until is None:
                # Others serve it. A machine that cannot must not give its customers to people for that.
                raise Unavailable(self.wrong or f"version {row.number} is not here yet")
            try:
                await self.publishing.load(row)
            except Unavailable:
                raise
            except WaboxError as error:
                # As on one machine: the conversation is treated by what its snapshot says.
                log.error("version.lost", version=row.number, error=str(error))
            else:
                return

    async def tend(self) -> None:
        """Let those go whose pin is over (one process does), and whatever nobody needs. Raises StorageError."""
        now = self._clock()
        if now - self._emptied >= EVERY:
            self._emptied = now
            if self._leads():
                await self.publishing.release()
        if now - self._aside < ASIDE:
            return
        self._aside = now
        if self._leads():
            await self.publishing.prune()
        else:
            await self._tidy(now)

    async def _tidy(self, now: int) -> None:
        """What the leader forgot goes here too. A version that nobody came with for an hour comes back when somebody does."""
        on = self.versions
        used, on.used = on.used, set()
        kept = [
            one
            for one in on.older
            if one.version is not None and (one.version.id in used or now - (one.version.live_until or now) < REST)
        ]
        if len(kept) < len(on.older):
            on.replace(on.live, kept)
        needed = {row.id for row in await self.publishing.rows()}
        await self.publishing.stock.tidy(needed, now)

    async def _go_on(self) -> None:
        while True:
            pause = LOOK * (0.5 + random.random())  # noqa: S311 - nobody guesses at it
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stirred.wait()
            self._stirred.clear()
            try:
                await self.look()
                await self.tend()
            except StorageError as error:
                log.warning("version.unseen", reason=str(error))
            except Exception as error:  # the next look may do better, and must come
                log.error("version.look_failed", exc_info=error)

    def _seen(self, rows: Sequence[Version]) -> None:
        self.wanted = live_of(rows)
        written = msgspec.json.encode(list(rows))
        with contextlib.suppress(OSError):  # it is needed only while PostgreSQL is away
            if self._memory.is_file() and self._memory.read_bytes() == written:
                return
            self._memory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new = self._memory.with_name(f".{self._memory.name}.{os.getpid()}.new")
            new.write_bytes(written)
            new.replace(self._memory)

    def _remembered(self) -> list[Version]:
        try:
            return _rows.decode(self._memory.read_bytes())
        except (OSError, msgspec.MsgspecError):
            return []


class Acquainted:
    """The port Caller: a call is made with the tasks of the version that asked, also when another process handled that turn."""

    def __init__(
        self, caller: Caller, versions: Versions, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._caller = caller
        self._versions = versions
        self._sleep = sleep

    async def call(self, invocation: Invocation) -> Outcome:
        ref = invocation.request.get("chart")
        while isinstance(ref, str) and not self._versions.knows((ref,)) and (ref,) not in self._versions.lost:
            try:
                await self._versions.find_out(Strange((ref,)))
            except Unavailable as error:
                log.warning("call.later", error=str(error))
                await self._sleep(WAIT)
        return await self._caller.call(invocation)

    async def aclose(self) -> None:
        await self._caller.aclose()


def _first(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
