"""What the language model has cost, by day and conversation, and what it answered to whom asked the same before.

Money is taken before a request leaves and given back when its real price is known, so a crash in between costs the owner a
little of the cap and never the cap itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import partial

from wabox.core.llm import Caps, KnownAnswer, Spent, Sums
from wabox.sqlite.reader import Reader
from wabox.sqlite.writer import Writer

KEPT_DAYS = 400
"""Of spending, for whoever looks back a year."""
_DAY = 86_400_000
MOST_ANSWERS = 20_000
TOTAL = ""
"""The conversation of a day's total."""


class SqlitePurse:
    """The port ``Purse``."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def spent(self, conversation_id: str, day: str) -> Spent:
        return self._reader.read(_spent, conversation_id, day)

    async def take(self, conversation_id: str, day: str, amount: int, caps: Caps) -> bool:
        operation = partial(_take, conversation_id=conversation_id, day=day, amount=amount, caps=caps)
        return await self._writer.submit(operation)

    async def settle(self, conversation_id: str, day: str, taken: int, real: int) -> None:
        operation = partial(_add, conversation_id=conversation_id, day=day, amount=real - taken, calls=0)
        await self._writer.submit(operation)

    async def known(self, key: bytes, since: int) -> str | None:
        return self._reader.read(_known, key, since)

    async def tries(self, key: bytes, now: int, since: int) -> int:
        return await self._writer.submit(partial(_tries, key=key, now=now, since=since))

    async def keep(self, key: bytes, text: str, now: int) -> None:
        await self._writer.submit(partial(_keep, key=key, text=text, now=now))


def _spent(connection: sqlite3.Connection, conversation_id: str, day: str) -> Spent:
    query = "SELECT conversation_id, micros FROM llm_spending WHERE day = ? AND conversation_id IN (?, ?)"
    found = dict(connection.execute(query, (day, TOTAL, conversation_id)).fetchall())
    return Spent(conversation=found.get(conversation_id, 0), day=found.get(TOTAL, 0))


def _take(connection: sqlite3.Connection, conversation_id: str, day: str, amount: int, caps: Caps) -> bool:
    """Looked at and taken in one transaction: two lanes cannot both take the last of it."""
    spent = _spent(connection, conversation_id, day)
    if spent.day + amount > caps.day or spent.conversation + amount > caps.conversation:
        return False
    _add(connection, conversation_id, day, amount, 1)
    return True


def _add(connection: sqlite3.Connection, conversation_id: str, day: str, amount: int, calls: int) -> None:
    for who in (TOTAL, conversation_id):
        connection.execute(
            "INSERT INTO llm_spending (day, conversation_id, micros, calls) VALUES (?, ?, max(?, 0), ?)"
            " ON CONFLICT (day, conversation_id) DO UPDATE SET micros = max(micros + ?, 0), calls = calls + ?",
            (day, who, amount, calls, amount, calls),
        )


def _known(connection: sqlite3.Connection, key: bytes, since: int) -> str | None:
    query = "SELECT body FROM llm_answers WHERE key = ? AND body IS NOT NULL AND at >= ?"
    row = connection.execute(query, (key, since)).fetchone()
    return None if row is None else str(row[0])


def _tries(connection: sqlite3.Connection, key: bytes, now: int, since: int) -> int:
    """How often this was asked without an answer since then, this time included."""
    [count] = connection.execute(
        "INSERT INTO llm_answers (key, at, tries) VALUES (?, ?, 1)"
        " ON CONFLICT (key) DO UPDATE SET tries = CASE WHEN at < ? THEN 1 ELSE tries + 1 END, at = ? RETURNING tries",
        (key, now, since, now),
    ).fetchone()
    return int(count)


def _keep(connection: sqlite3.Connection, key: bytes, text: str, now: int) -> None:
    connection.execute(
        "INSERT INTO llm_answers (key, at, tries, body) VALUES (?, ?, 0, ?)"
        " ON CONFLICT (key) DO UPDATE SET body = excluded.body, at = excluded.at, tries = 0",
        (key, now, text),
    )


def sums(connection: sqlite3.Connection, since: str) -> Sums:
    """Of every day, and since this one of conversations that are known."""
    rows = connection.execute(
        "SELECT day, conversation_id, micros, calls FROM llm_spending WHERE conversation_id = ?"
        " OR day >= ? AND EXISTS (SELECT 1 FROM conversations c WHERE c.id = conversation_id)",
        (TOTAL, since),
    )
    return {(day, who): (micros, calls) for day, who, micros, calls in rows}


def raise_to(connection: sqlite3.Connection, came: Sums) -> Sums:
    """What another store counted, where it is more; which of it is of conversations that are known here."""
    query = "SELECT 1 FROM conversations WHERE id = ?"
    ours = {key: n for key, n in came.items() if key[1] == TOTAL or connection.execute(query, (key[1],)).fetchone()}
    connection.executemany(
        "INSERT INTO llm_spending (day, conversation_id, micros, calls) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (day, conversation_id) DO UPDATE"
        " SET micros = max(micros, excluded.micros), calls = max(calls, excluded.calls)",
        [(*key, *n) for key, n in ours.items()],
    )
    return ours


def answers(connection: sqlite3.Connection) -> list[KnownAnswer]:
    """All, the oldest first."""
    rows = connection.execute("SELECT key, at, body FROM llm_answers WHERE body IS NOT NULL ORDER BY at, key")
    return [KnownAnswer(key=key, at=at, text=body) for key, at, body in rows]


def keep_all(connection: sqlite3.Connection, came: Sequence[KnownAnswer]) -> None:
    """Those that are newer than what is here."""
    connection.executemany(
        "INSERT INTO llm_answers (key, at, tries, body) VALUES (?, ?, 0, ?) ON CONFLICT (key) DO UPDATE"
        " SET body = excluded.body, at = excluded.at, tries = 0 WHERE body IS NULL OR at < excluded.at",
        [(one.key, one.at, one.text) for one in came],
    )


def prune(connection: sqlite3.Connection, now: int, after: int) -> int | None:
    """Forget answers beyond the newest ones, and what was spent long ago."""
    connection.execute(
        "DELETE FROM llm_answers WHERE at < coalesce((SELECT at FROM llm_answers ORDER BY at DESC LIMIT 1 OFFSET ?), 0)"
        " OR at < ?",
        (MOST_ANSWERS, now - 90 * _DAY),
    )
    connection.execute("DELETE FROM llm_spending WHERE day < date(?, 'unixepoch')", ((now - KEPT_DAYS * _DAY) // 1000,))
    return None
