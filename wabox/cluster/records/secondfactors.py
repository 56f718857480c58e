"""What agents prove beside their password. A code is spent in the transaction that finds it good: of two processes that are
shown the same one, PostgreSQL lets one have it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from wabox.cluster.records import agents
from wabox.cluster.records.database import Database
from wabox.core.agent import Act


async def _forget(connection: Any, id_: str) -> bool:
    await connection.execute("SELECT 1 FROM agents WHERE id = $1 FOR UPDATE", id_)  # two who enrol at once take turns
    await connection.execute("DELETE FROM agent_recovery_codes WHERE agent = $1", id_)
    return await connection.fetchval("DELETE FROM agent_codes WHERE agent = $1 RETURNING agent", id_) is not None


class PostgresSecondFactors:
    def __init__(
        self, database: Database, write: Callable[[Callable[[Any], Awaitable[Any]], Act], Awaitable[Any]]
    ) -> None:
        """``write`` makes a change and its line in the log one transaction, of which everybody is told."""
        self._database = database
        self._write = write

    async def secret(self, id_: str) -> tuple[str, int] | None:
        """The secret, and how many recovery codes are left; None: this agent has no second factor."""
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(
                "SELECT c.secret, (SELECT count(*) FROM agent_recovery_codes r WHERE r.agent = c.agent) AS codes"
                " FROM agent_codes c WHERE c.agent = $1",
                id_,
            )
        return None if row is None else (row["secret"], row["codes"])

    async def begin(self, id_: str, secret: str, recovery: Sequence[bytes], act: Act) -> None:
        """In place of what was there; every browser of theirs signs in anew."""

        async def change(connection: Any) -> None:
            await _forget(connection, id_)
            await connection.execute(
                "INSERT INTO agent_codes (agent, secret, last_step, created_at) VALUES ($1, $2, 0, $3)",
                *(id_, secret, act.at),
            )
            await connection.executemany(
                "INSERT INTO agent_recovery_codes (agent, hash) VALUES ($1, $2)", [(id_, hash_) for hash_ in recovery]
            )
            await agents.end_all(connection, id_, act.at)

        await self._write(change, act)

    async def end(self, id_: str, act: Act) -> bool:
        """False: there was none."""

        async def change(connection: Any) -> bool:
            if not await _forget(connection, id_):
                return False
            await agents.end_all(connection, id_, act.at)
            return True

        return bool(await self._write(change, act))

    async def spend_step(self, id_: str, step: int) -> bool:
        """False: a code of this moment, or of a later one, was used already."""
        query = "UPDATE agent_codes SET last_step = $2 WHERE last_step < $2 AND agent = $1 RETURNING agent"
        async with self._database.transaction() as connection:
            return await connection.fetchval(query, id_, step) is not None

    async def spend_recovery(self, id_: str, hash_: bytes) -> bool:
        """False: there is no such code, or none any more."""
        query = "DELETE FROM agent_recovery_codes WHERE agent = $1 AND hash = $2 RETURNING agent"
        async with self._database.transaction() as connection:
            return await connection.fetchval(query, id_, hash_) is not None
