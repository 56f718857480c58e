"""Published versions. Which one is live changes in one statement pair of one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec

from wabox.core.version import Version

_encode = msgspec.json.Encoder().encode
_refs = msgspec.json.Decoder(tuple[str, ...])

PAGE = 1000
"""Snapshots read at a time: a reader that stays in one place keeps the log from being folded."""

Look = Callable[[str, bytes], None]


def save(connection: sqlite3.Connection, version: Version, expected: str | None) -> Version | None:
    """Make it live; as it is then stored. None, and nothing changed, when another than ``expected`` is live."""
    row = connection.execute("SELECT id FROM versions WHERE bot = ? AND live_until IS NULL", (version.bot,)).fetchone()
    if (row[0] if row else None) != expected:
        return None
    number = connection.execute(
        "SELECT coalesce((SELECT number FROM versions WHERE bot = ?1 AND id = ?2),"
        " (SELECT coalesce(max(number), 0) + 1 FROM versions WHERE bot = ?1))",
        (version.bot, version.id),
    ).fetchone()[0]
    connection.execute(
        "UPDATE versions SET live_until = ? WHERE bot = ? AND live_until IS NULL", (version.live_from, version.bot)
    )
    connection.execute(
        "INSERT OR REPLACE INTO versions (bot, id, number, charts, live_from, live_until, choice)"
        " VALUES (?, ?, ?, ?, ?, NULL, ?)",
        (version.bot, version.id, number, _encode(version.charts), version.live_from, version.choice),
    )
    return replace(version, number=number, live_until=None)


def list_(connection: sqlite3.Connection, bot: str) -> list[Version]:
    """Every version of the bot, the oldest number first."""
    rows = connection.execute(
        "SELECT bot, id, number, charts, live_from, live_until, choice FROM versions WHERE bot = ? ORDER BY number",
        (bot,),
    )
    return [
        Version(
            bot=bot_name,
            id=id_,
            number=number,
            charts=_refs.decode(charts),
            live_from=live_from,
            live_until=live_until,
            choice=choice,
        )
        for bot_name, id_, number, charts, live_from, live_until, choice in rows
    ]


def every(connection: sqlite3.Connection) -> list[Version]:
    """Of all bots, as :func:`list_` has them."""
    bots = connection.execute("SELECT DISTINCT bot FROM versions ORDER BY bot").fetchall()
    return [version for (bot,) in bots for version in list_(connection, bot)]


def arrive(connection: sqlite3.Connection, came: Sequence[Version]) -> int:
    """Take in those of a cluster, where conversations were last; how many were not here. The live one there is live here."""
    known = {(version.bot, version.id) for version in every(connection)}
    for row in sorted(came, key=lambda row: row.live_until is None):  # the live one last: there is one at any time
        if row.live_until is None:
            query = "UPDATE versions SET live_until = ? WHERE bot = ? AND live_until IS NULL"
            connection.execute(query, (row.live_from, row.bot))
        connection.execute(
            "INSERT OR REPLACE INTO versions (bot, id, number, charts, live_from, live_until, choice)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (row.bot, row.id, row.number, _encode(row.charts), row.live_from, row.live_until, row.choice),
        )
    return sum((row.bot, row.id) not in known for row in came)


def delete(connection: sqlite3.Connection, bot: str, id_: str) -> bool:
    """Forget one that is not live; whether it was there."""
    query = "DELETE FROM versions WHERE bot = ? AND id = ? AND live_until IS NOT NULL"
    return connection.execute(query, (bot, id_)).rowcount > 0


def scan(connection: sqlite3.Connection, look: Look) -> None:
    """Call ``look`` with id and snapshot of every conversation that is not over."""
    after = 0
    while True:
        rows = connection.execute(
            "SELECT key, id, snapshot FROM conversations WHERE key > ? ORDER BY key LIMIT ?", (after, PAGE)
        ).fetchall()
        for _, conversation_id, snapshot in rows:
            if snapshot is not None:
                look(conversation_id, snapshot)
        if len(rows) < PAGE:
            return
        after = rows[-1][0]
