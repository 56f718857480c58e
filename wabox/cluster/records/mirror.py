"""Who is known, in the memory of a process: every call to the server asks, and few people come and go.

It is read again when somebody says that it changed, after the connection was lost, and every few seconds in any case. What it
does not know may have begun at another process a moment ago, so PostgreSQL is asked; however many made-up cookies come, that is
one question at a time and twenty a second at most, for all of them together.

While PostgreSQL is away, those who are known stay known for :data:`TRUSTED`. After that nobody is: an account may have been
closed since, and nobody could have said so here.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import structlog

from wabox.cluster.records import agents
from wabox.cluster.records.database import Database
from wabox.core.agent import Agent
from wabox.core.ports import Clock
from wabox.errors import Unavailable

log = structlog.get_logger(__name__)

EVERY: Final = 5.0
"""s between two readings when nobody says that anything changed."""
TRUSTED: Final = 60_000
"""ms that what was read is believed."""
RECENT: Final = 86_400_000
"""ms after which a browser that asked for nothing is not looked for any more: it was signed out before."""
PAUSE: Final = 0.05
"""s between two questions about what is not known."""


class Mirror:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._clock = clock
        self._sleep = sleep
        self._steady = steady
        self.agents: dict[str, Agent] = {}
        self._tokens: dict[bytes, tuple[str, int | None]] = {}
        self._sessions: dict[bytes, tuple[str, int, int]] = {}
        self._read_at: int | None = None
        self._reading = asyncio.Lock()
        """A question about one browser is not overtaken by a reading that began before it."""
        self._changed = asyncio.Event()
        self._wanted: set[bytes | None] = set()
        self._asking: asyncio.Task[None] | None = None
        """The question that has not been put yet; one that is being answered is nobody's to join."""
        self._asked_at = -PAUSE

    # ---- what is known -----------------------------------------------------------------------------------------------------

    async def token(self, hash_: bytes) -> tuple[Agent, int | None] | None:
        """Whose it is, and when it was last seen. Raises Unavailable."""
        await self._known(hash_, self._tokens)
        found = self._tokens.get(hash_)
        return None if found is None else (self.agents[found[0]], found[1])

    async def session(self, hash_: bytes) -> tuple[Agent, int, int] | None:
        """Whose it is, when it began and when it was last seen. Raises Unavailable."""
        await self._known(hash_, self._sessions)
        found = self._sessions.get(hash_)
        return None if found is None else (self.agents[found[0]], found[1], found[2])

    def seen(self, hash_: bytes, now: int) -> None:
        if hash_ in self._tokens:
            self._tokens[hash_] = (self._tokens[hash_][0], now)
        elif hash_ in self._sessions:
            id_, began, _ = self._sessions[hash_]
            self._sessions[hash_] = (id_, began, now)

    async def _known(self, hash_: bytes, among: dict[bytes, Any]) -> None:
        if self._read_at is None or self._clock() - self._read_at > TRUSTED:
            await self._ask(None)
        if hash_ not in among:
            await self._ask(hash_)

    # ---- reading -----------------------------------------------------------------------------------------------------------

    def change(self, _: bytes = b"") -> None:
        """Something is not as it was: read again soon."""
        self._changed.set()

    async def run(self) -> None:
        """Read when it is time, for ever."""
        away = False
        while True:
            try:
                await self.read()
                away = False
            except Unavailable as error:
                if not away:
                    log.warning("cluster.accounts_wait", reason=str(error))
                away = True
            except Exception as error:  # the next reading may do better, and must come
                log.error("cluster.accounts_failed", exc_info=error)
                away = True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await self._changed.wait()
            if away:
                await self._sleep(PAUSE)

    async def read(self) -> None:
        """All of it. Raises Unavailable."""
        async with self._reading:
            await self._read()

    async def _read(self) -> None:
        self._changed.clear()
        now = self._clock()
        async with self._database.transaction() as connection:
            people = await connection.fetch(f"SELECT {agents.AGENT} FROM agents a")  # noqa: S608 - ours
            tokens = await agents.tokens(connection)
            sessions = await agents.sessions(connection, now - RECENT)
        self.agents = {row["id"]: agents.agent(row) for row in people}
        self._tokens, self._sessions = {}, {}
        self._enter(tokens, sessions)
        self._read_at = now

    def _enter(self, tokens: Sequence[Any], sessions: Sequence[Any]) -> None:
        for row in (*tokens, *sessions):
            self.agents[row["id"]] = agents.agent(row)
        self._tokens.update({bytes(row["hash"]): (row["id"], row["seen_at"]) for row in tokens})
        self._sessions.update({bytes(row["hash"]): (row["id"], row["began"], row["seen_at"]) for row in sessions})

    async def _ask(self, hash_: bytes | None) -> None:
        """Look for this one, with all others that are asked for meanwhile; None: read everything. Raises Unavailable."""
        self._wanted.add(hash_)
        if self._asking is None:
            self._asking = asyncio.get_running_loop().create_task(self._answer())
        await asyncio.shield(self._asking)

    async def _answer(self) -> None:
        async with self._reading:
            if (early := self._asked_at + PAUSE - self._steady()) > 0:
                await self._sleep(early)
            # Whoever comes from here on may be too late for this question, and asks the next one.
            wanted, self._wanted, self._asking = self._wanted, set(), None
            self._asked_at = self._steady()
            if None in wanted:
                await self._read()
            hashes = [one for one in wanted if one is not None]
            if not hashes:
                return
            since = self._clock() - RECENT
            async with self._database.transaction() as connection:
                tokens = await agents.tokens(connection, hashes)
                sessions = await agents.sessions(connection, since, hashes)
            self._enter(tokens, sessions)
