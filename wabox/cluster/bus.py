"""What a cluster's processes tell each other: notes by PostgreSQL's LISTEN and NOTIFY.

A note says that something changed, and whoever hears it reads the truth from the store. So a note may be lost: what was said
while a process had no connection it never hears, and :meth:`Bus.missed` tells it to read again. A note said within a
transaction is heard when that is committed, never before, so whoever reads then finds what it is about.

Notes are for people's desks and for settings of all processes, never between a customer and a reply: without PostgreSQL there
are none, and the bot goes on.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog

from wabox.cluster.ending import end
from wabox.cluster.records.database import Database
from wabox.errors import Unavailable

log = structlog.get_logger(__name__)

LONGEST: Final = 7900
"""Bytes of a body: PostgreSQL takes fewer than 8,000 with the kind before it. Of a longer one only the kind is said."""
AGAIN: Final = 0.5
"""s before the connection is tried again."""
EVERY: Final = 5.0
"""s between two looks whether a connection that says nothing is there still."""

Hear = Callable[[bytes], None]


class Bus:
    def __init__(
        self, database: Database, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep, every: float = EVERY
    ) -> None:
        self._database = database
        self._sleep = sleep
        self._every = every
        self._heard: dict[str, list[Hear]] = defaultdict(list)
        self._missed: list[Callable[[], None]] = []
        self._running: asyncio.Task[None] | None = None
        self._connection: Any = None
        self._closed = False
        self._told = ""
        self.listening = asyncio.Event()
        """Set while there is a connection: what is said now is heard."""

    def hear(self, kind: str, callback: Hear) -> None:
        """Call it with the body of every note of that kind, this process's own ones too; empty when the body was too long."""
        self._heard[kind].append(callback)

    def missed(self, callback: Callable[[], None]) -> None:
        """Call it after every beginning of a connection: what was said before was not heard."""
        self._missed.append(callback)

    async def tell(self, kind: str, body: bytes = b"") -> None:
        """Say it to all, now. ``body``: UTF-8 without NUL, JSON say. Raises Unavailable."""
        async with self._database.transaction() as connection:
            await self.say(connection, kind, body)

    async def say(self, connection: Any, kind: str, body: bytes = b"") -> None:
        """Say it to all when this transaction of the database is committed."""
        await say(connection, self._database.channel, kind, body)

    async def run(self) -> None:
        """Listen until :meth:`aclose`; a connection that is lost is made again."""
        self._running = asyncio.current_task()
        while not self._closed:
            try:
                await self._listen()
            except Unavailable as error:
                if self._told != str(error):  # once, however long it is away
                    self._told = str(error)
                    log.warning("cluster.bus_waits", reason=self._told)
            except Exception as error:  # the next try may do better, and must come
                log.error("cluster.bus_failed", exc_info=error)
            await self._sleep(AGAIN)

    async def aclose(self) -> None:
        self._closed = True
        await end(self._running)

    @property
    def backend(self) -> int | None:
        """PostgreSQL's number for the connection that listens."""
        return None if self._connection is None else self._connection.get_server_pid()

    async def _listen(self) -> None:
        """Until the connection is gone. Raises Unavailable."""
        async with self._database.own() as connection:
            gone = asyncio.Event()
            connection.add_termination_listener(lambda _: gone.set())
            await connection.add_listener(self._database.channel, self._received)
            self._connection = connection
            self.listening.set()
            if self._told:
                self._told = ""
                log.info("cluster.bus_hears")
            try:
                for missed in self._missed:
                    _guarded("missed", missed)
                while not gone.is_set():
                    try:
                        async with asyncio.timeout(self._every):
                            await gone.wait()
                    except TimeoutError:
                        await connection.execute("SELECT 1")  # a network that was cut says nothing by itself
            finally:
                self.listening.clear()
                self._connection = None
        raise Unavailable("the connection to PostgreSQL is gone")

    def _received(self, _connection: Any, _pid: int, _channel: str, note: object) -> None:
        kind, _, body = str(note).partition(" ")
        for callback in self._heard.get(kind, ()):
            _guarded(kind, callback, body.encode())


async def say(connection: Any, channel: str, kind: str, body: bytes = b"") -> None:
    """As :meth:`Bus.say`, for whoever has no bus."""
    note = f"{kind} {body.decode()}" if len(body) <= LONGEST else kind
    await connection.execute("SELECT pg_notify($1, $2)", channel, note)


def _guarded(kind: str, callback: Callable[..., None], *arguments: bytes) -> None:
    try:
        callback(*arguments)
    except Exception as error:  # one who hears badly must not make the others deaf
        log.error("cluster.bus_note_failed", kind=kind, exc_info=error)
