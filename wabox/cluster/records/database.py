"""The connection to PostgreSQL. What it cannot do now is Unavailable, and whoever asked tries again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from wabox.errors import Unavailable

SCHEMA = Path(__file__).parent / "schema"
"""A file for each part, in the order of their names; whatever is there already stays as it is."""
POOL = 8
DEADLINE = 10.0
"""s for one statement: people wait for it, customers do not."""
GONE = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # "terminating connection due to administrator command": a restart. CannotConnectNowError is one too.
    asyncpg.OperatorInterventionError,
)


class Database:
    def __init__(self, url: str, schema: str = "public") -> None:
        """``schema``: where the tables are, so that two bots (or two tests) may share a database."""
        self._url = url
        self._schema = schema
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._server = {"search_path": schema, "application_name": "wabox"}
        self._opening = asyncio.Lock()
        self._closed = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """A connection within a transaction. Raises Unavailable."""
        pool = await self._open()
        try:
            async with pool.acquire(timeout=DEADLINE) as connection, connection.transaction():
                yield connection
        except GONE as error:
            raise Unavailable(f"PostgreSQL does not answer: {error or type(error).__name__}") from error

    @property
    def channel(self) -> str:
        """Where notes of this bot's processes go; see :class:`wabox.cluster.bus.Bus`."""
        return f"{self._schema}_notes"

    @asynccontextmanager
    async def own(self) -> AsyncIterator[Any]:
        """A connection beside those that are shared, for what lasts as long as it: hearing notes, holding a lock.
        Raises Unavailable, also when it is lost meanwhile."""
        if self._closed:
            raise Unavailable("wabox is stopping")
        connection = None
        try:
            connection = await asyncpg.connect(
                self._url, timeout=DEADLINE, command_timeout=DEADLINE, server_settings=self._server
            )
            yield connection
        except (*GONE, asyncpg.PostgresError) as error:
            raise Unavailable(f"PostgreSQL does not answer: {error or type(error).__name__}") from error
        finally:
            if connection is not None:
                connection.terminate()

    async def _open(self) -> asyncpg.Pool[asyncpg.Record]:
        async with self._opening:
            if self._closed:
                raise Unavailable("wabox is stopping")
            if self._pool is None:
                try:
                    self._pool = await asyncpg.create_pool(
                        self._url,
                        min_size=0,
                        max_size=POOL,
                        timeout=DEADLINE,
                        command_timeout=DEADLINE,
                        server_settings=self._server,
                    )
                except (*GONE, asyncpg.PostgresError) as error:
                    raise Unavailable(f"PostgreSQL does not answer: {error or type(error).__name__}") from error
            return self._pool

    async def prepare(self) -> None:
        """Make what is missing."""
        async with self.transaction() as connection:
            await connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{self._schema}"')
            for part in sorted(SCHEMA.glob("*.sql")):
                await connection.execute(part.read_text(encoding="utf-8"))

    async def agreed(self) -> dict[str, str]:
        """What everybody in the cluster must agree on. Empty before ``wabox cluster init``."""
        async with self.transaction() as connection:
            if await connection.fetchval("SELECT to_regclass('cluster')") is None:
                return {}
            return {row["name"]: row["value"] for row in await connection.fetch("SELECT name, value FROM cluster")}

    async def agree(self, values: Mapping[str, str]) -> None:
        """Write it, where nothing is written yet."""
        async with self.transaction() as connection:
            await connection.executemany(
                "INSERT INTO cluster (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING", list(values.items())
            )

    async def drop(self) -> None:
        """Everything is lost: for tests."""
        async with self.transaction() as connection:
            await connection.execute(f'DROP SCHEMA IF EXISTS "{self._schema}" CASCADE')

    async def aclose(self) -> None:
        self._closed = True
        if self._pool is not None:
            self._pool.terminate()
