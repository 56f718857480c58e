"""The connection to PostgreSQL. What it cannot do now is Unavailable, and whoever asked tries again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from wabox.errors import Unavailable

SCHEMA = Path(__file__).parent / "schema"
"""A file for each part, in the order of their names; whatever is there already stays as it is."""
POOL = 8
LOCK = "hashtext($1), hashtext($2)"
ALONE = 4
"""Connections that may wait for a lock."""
DEADLINE = 10.0
"""s for one statement: people wait for it, customers do not."""
GONE = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server ended the connection in the middle of a question
    # "terminating connection due to administrator command": a restart. CannotConnectNowError is one too.
    asyncpg.OperatorInterventionError,
)
REFUSING = (
    asyncpg.InvalidAuthorizationSpecificationError,  # the user, the password, or no line for them in pg_hba.conf
    asyncpg.InvalidCatalogNameError,  # the database
    asyncpg.InsufficientPrivilegeError,
    asyncpg.InsufficientResourcesError,  # too many connections, a full disk
    asyncpg.ReadOnlySQLTransactionError,  # a standby
)
"""It answers, and will not do better before somebody mends something."""


class Database:
    def __init__(self, url: str, schema: str = "public") -> None:
        """``schema``: where the tables are, so that two bots (or two tests) may share a database."""
        self._url = url
        self._where = f"at {url.partition('://')[2].rpartition('@')[2].partition('?')[0]}"
        self._schema = schema
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._server = {"search_path": schema, "application_name": "wabox"}
        self._opening = asyncio.Lock()
        self._waiting = asyncio.Semaphore(ALONE)
        self._closed = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """A connection within a transaction. Raises Unavailable."""
        pool = await self._open()
        try:
            async with pool.acquire(timeout=DEADLINE) as connection, connection.transaction():
                yield connection
        except (*GONE, *REFUSING) as error:
            raise self._unavailable(error) from error
        except asyncpg.TransactionRollbackError as error:  # a deadlock: whoever tries again is alone
            raise Unavailable(f"PostgreSQL gave this up for another: {error}") from error
        except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError) as error:
            raise Unavailable(
                f"PostgreSQL has no tables of this wabox, or those of an older one ({error}): run wabox cluster init"
            ) from error

    @property
    def channel(self) -> str:
        """Where notes of this bot's processes go; see :class:`wabox.cluster.bus.Bus`."""
        return f"{self._schema}_notes"

    @asynccontextmanager
    async def alone(self, what: str) -> AsyncIterator[None]:
        """Nobody else in the cluster is within this, of the same ``what``. Whoever waits holds none of the connections that
        the others work with. Raises Unavailable."""
        async with self._waiting, self.own() as connection:
            await connection.execute(f"SELECT pg_advisory_lock({LOCK})", self._schema, what)
            yield

    async def take(self, connection: Any, what: str) -> bool:
        """Take the lock of that name until the connection is closed, if nobody has it."""
        taken: bool = await connection.fetchval(f"SELECT pg_try_advisory_lock({LOCK})", self._schema, what)
        return taken

    @asynccontextmanager
    async def own(self, *, silent: int = 0) -> AsyncIterator[Any]:
        """A connection beside those that are shared, for what lasts as long as it: hearing notes, holding a lock. The server
        ends it when nothing was asked for ``silent`` s. Raises Unavailable, also when it is lost meanwhile."""
        if self._closed:
            raise Unavailable("wabox is stopping")
        connection = None
        try:
            connection = await asyncpg.connect(
                self._url, timeout=DEADLINE, command_timeout=DEADLINE, server_settings=self._server
            )
            if silent:
                with contextlib.suppress(asyncpg.UndefinedObjectError):  # before PostgreSQL 14
                    await connection.execute(f"SET idle_session_timeout = '{silent}s'")
            yield connection
        except (*GONE, asyncpg.PostgresError) as error:
            raise self._unavailable(error) from error
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
                    raise self._unavailable(error) from error
            return self._pool

    def _unavailable(self, error: BaseException) -> Unavailable:
        """Where, why, and what to do where it will not pass by itself."""
        if isinstance(error, REFUSING):
            return Unavailable(f"PostgreSQL {self._where} refuses: {error}; see [cluster] postgres")
        if isinstance(error, ConnectionRefusedError):
            return Unavailable(f"PostgreSQL does not answer {self._where}: nobody listens there")
        return Unavailable(f"PostgreSQL does not answer {self._where}: {error or type(error).__name__}")

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

    async def agree_anew(self, name: str, value: str) -> None:
        """Write it over what is written."""
        async with self.transaction() as connection:
            await connection.execute("UPDATE cluster SET value = $2 WHERE name = $1", name, value)

    async def drop(self) -> None:
        """Everything is lost: for tests."""
        async with self.transaction() as connection:
            await connection.execute(f'DROP SCHEMA IF EXISTS "{self._schema}" CASCADE')

    async def aclose(self) -> None:
        self._closed = True
        if self._pool is not None:
            self._pool.terminate()
