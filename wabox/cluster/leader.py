"""Which worker does what one alone should do: the clocks of the desk, say.

It holds an advisory lock of PostgreSQL, on a connection of its own: with the connection the lock goes, and another worker
takes it. The server ends that connection when nothing was heard on it for :data:`SILENT` (a process that was stopped, a network
that was cut), so nobody leads for ever who does nothing. For a moment two may think that they lead: what the leader does must
stand being done twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog

from wabox.cluster.ending import end
from wabox.cluster.records.database import Database
from wabox.errors import Unavailable

log = structlog.get_logger(__name__)

EVERY: Final = 1.0
"""s between two looks: whether the lock is still held, or free."""
SILENT: Final = 5
"""s."""
AGAIN: Final = 1.0
"""s before the connection is tried again."""


class Leader:
    def __init__(
        self, database: Database, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep, task: str = "leader"
    ) -> None:
        """``task``: what is to be done; one leads for each."""
        self._database = database
        self._sleep = sleep
        self._task = task
        self._running: asyncio.Task[None] | None = None
        self._connection: Any = None
        self._told = ""
        self.leads = asyncio.Event()
        """Set while this process leads."""

    @property
    def backend(self) -> int | None:
        """PostgreSQL's number for the connection."""
        return None if self._connection is None else self._connection.get_server_pid()

    def run(self) -> None:
        self._running = asyncio.get_running_loop().create_task(self._go_on())

    async def aclose(self) -> None:
        """Let go; another may lead at once."""
        await end(self._running)

    async def _go_on(self) -> None:
        while True:
            try:
                await self._look()
            except Unavailable as error:
                if self._told != str(error):  # once, however long it is away
                    self._told = str(error)
                    log.info("cluster.leader_waits", reason=self._told)
            except Exception as error:  # the next try may do better, and must come
                log.error("cluster.leader_failed", exc_info=error)
            await self._sleep(AGAIN)

    async def _look(self) -> None:
        """Try to lead, for as long as the connection lives. Raises Unavailable."""
        async with self._database.own(silent=SILENT) as connection:
            self._connection = connection
            self._told = ""
            connection.add_termination_listener(self._lost)
            try:
                while True:
                    if self.leads.is_set():
                        await connection.execute("SELECT 1")
                    elif await self._database.take(connection, self._task):
                        self.leads.set()
                        log.info("cluster.leads", task=self._task)
                    await self._sleep(EVERY)
            finally:
                self._lost()
                self._connection = None

    def _lost(self, _connection: Any = None) -> None:
        if self.leads.is_set():
            self.leads.clear()
            log.info("cluster.leads_no_more", task=self._task)
