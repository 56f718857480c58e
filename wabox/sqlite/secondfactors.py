"""What agents prove beside their password. A code is spent in the transaction that finds it good."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from wabox.core.agent import Act
from wabox.sqlite import agents
from wabox.sqlite.reader import Reader
from wabox.sqlite.writer import Writer


def _forget(connection: sqlite3.Connection, id_: str) -> int:
    connection.execute("DELETE FROM agent_recovery_codes WHERE agent = (SELECT key FROM agents WHERE id = ?)", (id_,))
    return connection.execute(
        "DELETE FROM agent_codes WHERE agent = (SELECT key FROM agents WHERE id = ?)", (id_,)
    ).rowcount


class SqliteSecondFactors:
    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def secret(self, id_: str) -> tuple[str, int] | None:
        """The secret, and how many recovery codes are left; None: this agent has no second factor."""

        def found(connection: sqlite3.Connection) -> tuple[str, int] | None:
            row = connection.execute(
                "SELECT c.secret, (SELECT count(*) FROM agent_recovery_codes r WHERE r.agent = c.agent)"
                " FROM agent_codes c WHERE c.agent = (SELECT key FROM agents WHERE id = ?)",
                (id_,),
            ).fetchone()
            return None if row is None else (str(row[0]), int(row[1]))

        return self._reader.read(found)

    async def begin(self, id_: str, secret: str, recovery: Sequence[bytes], act: Act) -> None:
        """In place of what was there; every browser of theirs signs in anew."""

        def operation(connection: sqlite3.Connection) -> None:
            _forget(connection, id_)
            connection.execute(
                "INSERT INTO agent_codes (agent, secret, last_step, created_at)"
                " VALUES ((SELECT key FROM agents WHERE id = ?), ?, 0, ?)",
                (id_, secret, act.at),
            )
            connection.executemany(
                "INSERT INTO agent_recovery_codes (agent, hash) VALUES ((SELECT key FROM agents WHERE id = ?), ?)",
                [(id_, hash_) for hash_ in recovery],
            )
            agents.end_all(connection, id_, act.at)
            agents.record(connection, act)

        await self._writer.submit(operation)

    async def end(self, id_: str, act: Act) -> bool:
        """False: there was none."""

        def operation(connection: sqlite3.Connection) -> bool:
            if not _forget(connection, id_):
                return False
            agents.end_all(connection, id_, act.at)
            agents.record(connection, act)
            return True

        return await self._writer.submit(operation)

    async def spend_step(self, id_: str, step: int) -> bool:
        """False: a code of this moment, or of a later one, was used already."""

        def operation(connection: sqlite3.Connection) -> bool:
            spent = connection.execute(
                "UPDATE agent_codes SET last_step = ? WHERE last_step < ? AND agent = (SELECT key FROM agents WHERE id = ?)",
                (step, step, id_),
            )
            return spent.rowcount == 1

        return await self._writer.submit(operation)

    async def spend_recovery(self, id_: str, hash_: bytes) -> bool:
        """False: there is no such code, or none any more."""

        def operation(connection: sqlite3.Connection) -> bool:
            spent = connection.execute(
                "DELETE FROM agent_recovery_codes WHERE hash = ? AND agent = (SELECT key FROM agents WHERE id = ?)",
                (hash_, id_),
            )
            return spent.rowcount == 1

        return await self._writer.submit(operation)
