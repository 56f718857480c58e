"""What the language model has cost, for all workers together, and what it answered to whom asked the same before.

What :class:`wabox.sqlite.purse.SqlitePurse` is on one machine. Money is taken before a request leaves and given back when its
real price is known; the day's total is one row, so two workers cannot both take the last of it. A customer waits for this:
a PostgreSQL that does not answer soon is as one that is away, and while nobody can count, nothing is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from wabox.cluster.records.database import Database
from wabox.cluster.records.words import kept
from wabox.core.keep import DAY
from wabox.core.llm import Caps, KnownAnswer, Spent, Sums
from wabox.errors import Unavailable

log = structlog.get_logger(__name__)

KEPT_DAYS: Final = 400
"""Of spending, for whoever looks back a year."""
ANSWERS_DAYS: Final = 90
MOST_ANSWERS: Final = 20_000
TOTAL: Final = ""
"""The conversation of a day's total."""
STEP: Final = 1000
"""Rows that are read or written at once."""
PATIENCE: Final = 2.0
"""s for one question to PostgreSQL."""


class _Short(Exception):
    """A cap would be passed: nothing is taken."""


class PostgresPurse:
    """The port ``Purse``. Reading, taking and counting raise Unavailable; nothing is asked then."""

    def __init__(self, database: Database, patience: float = PATIENCE) -> None:
        self._database = database
        self._patience = patience

    @asynccontextmanager
    async def _soon(self) -> AsyncIterator[Any]:
        try:
            async with asyncio.timeout(self._patience), self._database.transaction() as connection:
                yield connection
        except TimeoutError as error:
            raise Unavailable(f"PostgreSQL did not answer within {self._patience:g} s") from error

    async def spent(self, conversation_id: str, day: str) -> Spent:
        async with self._soon() as connection:
            rows = await connection.fetch(
                "SELECT conversation, micros FROM llm_spending WHERE day = $1 AND conversation = ANY($2)",
                day,
                [TOTAL, conversation_id],
            )
        found = {row["conversation"]: row["micros"] for row in rows}
        return Spent(conversation=found.get(conversation_id, 0), day=found.get(TOTAL, 0))

    async def take(self, conversation_id: str, day: str, amount: int, caps: Caps) -> bool:
        """Looked at and taken in one statement for each row, the day's total first: whoever comes second waits there."""
        try:
            async with self._soon() as connection:
                for who, cap in ((TOTAL, caps.day), (conversation_id, caps.conversation)):
                    taken = await connection.fetchval(
                        "INSERT INTO llm_spending AS l (day, conversation, micros, calls)"
                        " SELECT $1::text, $2::text, $3::bigint, 1 WHERE $3::bigint <= $4::bigint"
                        " ON CONFLICT (day, conversation) DO UPDATE SET micros = l.micros + $3, calls = l.calls + 1"
                        " WHERE l.micros + $3 <= $4::bigint RETURNING true",
                        day,
                        who,
                        amount,
                        cap,
                    )
                    if not taken:
                        raise _Short
        except _Short:
            return False
        return True

    async def settle(self, conversation_id: str, day: str, taken: int, real: int) -> None:
        """What cannot be put right now stays as dear as it was feared to be: the answer is there, and is not lost for that.
        Who was forgotten while the model thought does not come back into the table."""
        query = "UPDATE llm_spending SET micros = greatest(micros + $3::bigint, 0) WHERE day = $1 AND conversation = $2"
        try:
            async with self._soon() as connection:
                for who in (TOTAL, conversation_id):
                    await connection.execute(query, day, who, real - taken)
        except Unavailable as error:
            log.warning("llm.not_settled", conversation=conversation_id, reason=str(error))

    async def known(self, key: bytes, since: int) -> str | None:
        query = "SELECT body FROM llm_answers WHERE key = $1 AND body IS NOT NULL AND at >= $2"
        async with self._soon() as connection:
            found: str | None = await connection.fetchval(query, key, since)
        return found

    async def tries(self, key: bytes, now: int, since: int) -> int:
        async with self._soon() as connection:
            count = await connection.fetchval(
                "INSERT INTO llm_answers AS l (key, at, tries) VALUES ($1, $2, 1)"
                " ON CONFLICT (key) DO UPDATE SET tries = CASE WHEN l.at < $3 THEN 1 ELSE l.tries + 1 END, at = $2"
                " RETURNING tries",
                key,
                now,
                since,
            )
        return int(count)

    async def keep(self, key: bytes, text: str, now: int) -> None:
        """An answer that cannot be kept is bought again by whoever asks the same."""
        try:
            async with self._soon() as connection:
                await connection.execute(
                    "INSERT INTO llm_answers (key, at, tries, body) VALUES ($1, $2, 0, $3)"
                    " ON CONFLICT (key) DO UPDATE SET body = excluded.body, at = excluded.at, tries = 0",
                    key,
                    now,
                    kept(text),
                )
        except Unavailable as error:
            log.warning("llm.not_kept", reason=str(error))

    async def prune(self, now: int) -> None:
        """Forget answers beyond the newest ones, and what was spent long ago. Raises Unavailable."""
        first = datetime.fromtimestamp((now - KEPT_DAYS * DAY) / 1000, UTC).date().isoformat()
        async with self._database.transaction() as connection:
            await connection.execute(
                "DELETE FROM llm_answers WHERE at < $2 OR at < coalesce("
                "(SELECT at FROM llm_answers ORDER BY at DESC LIMIT 1 OFFSET $1), 0)",
                MOST_ANSWERS,
                now - ANSWERS_DAYS * DAY,
            )
            await connection.execute("DELETE FROM llm_spending WHERE day < $1", first)


async def sums(database: Database, since: str) -> Sums:
    """Of every day, and of conversations since this one. Raises Unavailable."""
    query = "SELECT day, conversation, micros, calls FROM llm_spending WHERE conversation = $1 OR day >= $2"
    async with database.transaction() as connection:
        rows = connection.cursor(query, TOTAL, since, prefetch=STEP)
        return {(row["day"], row["conversation"]): (row["micros"], row["calls"]) async for row in rows}


async def raise_to(database: Database, came: Sums) -> None:
    """What another store counted, where it is more. Raises Unavailable."""
    rows = sorted((*key, *n) for key, n in came.items())
    for start in range(0, len(rows), STEP):
        async with database.transaction() as connection:
            await connection.executemany(
                "INSERT INTO llm_spending AS l (day, conversation, micros, calls) VALUES ($1, $2, $3, $4)"
                " ON CONFLICT (day, conversation) DO UPDATE"
                " SET micros = greatest(l.micros, excluded.micros), calls = greatest(l.calls, excluded.calls)",
                rows[start : start + STEP],
            )


async def answers(database: Database) -> list[KnownAnswer]:
    """All, the oldest first. Raises Unavailable."""
    query = "SELECT key, at, body FROM llm_answers WHERE body IS NOT NULL ORDER BY at, key"
    async with database.transaction() as connection:
        return [
            KnownAnswer(key=row["key"], at=row["at"], text=row["body"])
            async for row in connection.cursor(query, prefetch=STEP)
        ]


async def keep_all(database: Database, came: Sequence[KnownAnswer]) -> None:
    """Those that are newer than what is here. Raises Unavailable."""
    for start in range(0, len(came), STEP):
        async with database.transaction() as connection:
            await connection.executemany(
                "INSERT INTO llm_answers AS l (key, at, tries, body) VALUES ($1, $2, 0, $3) ON CONFLICT (key) DO UPDATE"
                " SET body = excluded.body, at = excluded.at, tries = 0 WHERE l.body IS NULL OR l.at < excluded.at",
                [(one.key, one.at, kept(one.text)) for one in came[start : start + STEP]],
            )
