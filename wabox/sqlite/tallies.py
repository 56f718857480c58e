"""Counters by the hour, and up to which line of the transcript they are counted: both move in one transaction."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from functools import partial

import msgspec

from wabox.core.tally import HOUR, Counts, Tally, counted
from wabox.sqlite.reader import PeoplesReader
from wabox.sqlite.writer import Writer

STEP = 1000
"""Lines read at a time: 10 ms on a thread."""
KEPT = 400
"""Days."""
_DAY = 24 * HOUR


class SqliteTallies:
    """For whoever has the store open."""

    def __init__(self, writer: Writer, people: PeoplesReader) -> None:
        self._writer = writer
        self._people = people

    async def count(self) -> tuple[Counts, int, bool]:
        """The next lines that are not counted, up to which, and whether there may be more."""
        return await self._people.read(fold)

    async def add(self, counts: Counts, upto: int | None = None) -> None:
        """Write them; ``upto``: everything up to this line is counted now."""
        await self._writer.submit(partial(add, counts=counts, upto=upto))

    async def sum(self, begin: int, end: int) -> Counts:
        """What was counted from begin to before end, ms, and what was not yet."""
        return await self._people.read(sum_, begin, end)


def fold(connection: sqlite3.Connection, after: int | None = None, limit: int = STEP) -> tuple[Counts, int, bool]:
    """Count lines after the last one that was counted, or after ``after``."""
    if after is None:
        [after] = connection.execute("SELECT key FROM tallied").fetchone()
    # Who forgets the newest customer takes the newest lines away, and their numbers are given out again.
    [last] = connection.execute("SELECT coalesce(max(key), 0) FROM transcript").fetchone()
    after = min(after, last)
    rows = connection.execute(
        "SELECT key, at, kind, body FROM transcript WHERE key > ? ORDER BY key LIMIT ?", (after, limit)
    ).fetchall()
    counts: defaultdict[int, Counter[Tally]] = defaultdict(Counter)
    for _, at, kind, body in rows:
        hour = counts[at // HOUR]
        for tally, n in counted(kind, msgspec.json.decode(body)):
            hour[tally] += n  # type: ignore[assignment]
    return counts, rows[-1][0] if rows else after, len(rows) == limit


def add(connection: sqlite3.Connection, counts: Counts, upto: int | None) -> None:
    connection.executemany(
        "INSERT INTO tallies (hour, name, labels, bucket, n) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET n = n + excluded.n",
        [
            (hour, tally.name, msgspec.json.encode(tally.labels).decode(), tally.bucket, float(n))
            for hour, found in counts.items()
            for tally, n in found.items()
        ],
    )
    if upto is not None:
        connection.execute("UPDATE tallied SET key = ?", (upto,))


def sum_(connection: sqlite3.Connection, begin: int, end: int, most: int = 250_000) -> Counts:
    """By hour; the newest lines, which nobody has counted yet, are counted here."""
    found: defaultdict[int, Counter[Tally]] = defaultdict(Counter)
    rows = connection.execute(
        "SELECT hour, name, labels, bucket, n FROM tallies WHERE hour >= ? AND hour < ?",
        (begin // HOUR, -(-end // HOUR)),
    )
    for hour, name, labels, bucket, n in rows:
        found[hour][Tally(name, tuple(msgspec.json.decode(labels, type=list[str])), bucket)] += n
    counts, _, _ = fold(connection, limit=most)
    for hour, fresh in counts.items():
        if begin // HOUR <= hour < -(-end // HOUR):
            for tally, n in fresh.items():
                found[hour][tally] += n  # type: ignore[assignment]
    return found


def every(connection: sqlite3.Connection) -> Counts:
    """Of all hours."""
    return sum_(connection, 0, 1 << 52)


def leave_out(connection: sqlite3.Connection) -> None:
    """Do not count the lines that are there now: somebody else has."""
    connection.execute("UPDATE tallied SET key = (SELECT coalesce(max(key), 0) FROM transcript)")


def raise_to(connection: sqlite3.Connection, counts: Counts) -> None:
    """What another store counted, where it is more."""
    connection.executemany(
        "INSERT INTO tallies (hour, name, labels, bucket, n) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET n = max(n, excluded.n)",
        [
            (hour, tally.name, msgspec.json.encode(tally.labels).decode(), tally.bucket, float(n))
            for hour, found in counts.items()
            for tally, n in found.items()
        ],
    )


def prune(connection: sqlite3.Connection, now: int, after: int) -> int | None:
    """Forget the oldest ones."""
    connection.execute("DELETE FROM tallies WHERE hour < ?", ((now - KEPT * _DAY) // HOUR,))
    return None
