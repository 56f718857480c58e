"""Counters by the hour, of all processes together.

Each counts the lines that it brought over, in memory, and adds that to the table every few seconds: rows that all of them
change would make them wait for each other. A process that is killed takes what it has not added with it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final

import msgspec

from wabox.cluster.records.database import Database
from wabox.core.conversation import Record
from wabox.core.tally import HOUR, Counts, Tally, counted

KEPT: Final = 400
"""Days."""
_DAY: Final = 24 * HOUR


class PostgresTallies:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._fresh: defaultdict[int, Counter[Tally]] = defaultdict(Counter)
        self._generation = 0

    def saw(self, lines: Iterable[Record]) -> None:
        """These came into PostgreSQL, for good; as Redis had them, of plain lists and numbers."""
        for line in lines:
            for tally, n in counted(line.kind, line.body):
                self._fresh[line.at // HOUR][tally] += n  # type: ignore[assignment]
            self._generation += 1

    async def count(self) -> tuple[Counts, int, bool]:
        """What is not added yet, up to which, and whether there is more (no)."""
        return {hour: dict(found) for hour, found in self._fresh.items()}, self._generation, False

    async def add(self, counts: Counts, upto: int | None = None) -> None:
        """Write them; ``upto``: what :meth:`count` said, which is not told of any more then. Raises Unavailable."""
        async with self._database.transaction() as connection:
            await connection.executemany(
                "INSERT INTO tallies AS t (hour, name, labels, bucket, n) VALUES ($1, $2, $3, $4, $5)"
                " ON CONFLICT (hour, name, labels, bucket) DO UPDATE SET n = t.n + excluded.n",
                _rows(counts),
            )
        if upto is not None:
            self._take(counts)

    def _take(self, counts: Counts) -> None:
        """What was counted meanwhile stays."""
        for hour, found in counts.items():
            for tally, n in found.items():
                self._fresh[hour][tally] -= n  # type: ignore[assignment]
            self._fresh[hour] = +self._fresh[hour]
            if not self._fresh[hour]:
                del self._fresh[hour]

    async def sum(self, begin: int, end: int) -> Counts:
        """What was added from ``begin`` to before ``end``, ms, by anybody; by hour. Raises Unavailable."""
        async with self._database.transaction() as connection:
            rows = await connection.fetch(
                "SELECT hour, name, labels, bucket, n FROM tallies WHERE hour >= $1 AND hour < $2",
                begin // HOUR,
                -(-end // HOUR),
            )
        found: defaultdict[int, dict[Tally, float]] = defaultdict(dict)
        for row in rows:
            labels = tuple(msgspec.json.decode(row["labels"], type=list[str]))
            found[row["hour"]][Tally(row["name"], labels, row["bucket"])] = row["n"]
        return found

    async def prune(self, now: int) -> None:
        """Forget the oldest ones. Raises Unavailable."""
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM tallies WHERE hour < $1", (now - KEPT * _DAY) // HOUR)


async def raise_to(database: Database, counts: Counts) -> None:
    """What another store counted, where it is more. Raises Unavailable."""
    async with database.transaction() as connection:
        await connection.executemany(
            "INSERT INTO tallies AS t (hour, name, labels, bucket, n) VALUES ($1, $2, $3, $4, $5)"
            " ON CONFLICT (hour, name, labels, bucket) DO UPDATE SET n = greatest(t.n, excluded.n)",
            _rows(counts),
        )


def _rows(counts: Counts) -> list[tuple[int, str, str, int, float]]:
    """In one order: two processes that write at once must not wait for each other in a circle."""
    return sorted(
        (hour, tally.name, msgspec.json.encode(tally.labels).decode(), tally.bucket, float(n))
        for hour, found in counts.items()
        for tally, n in found.items()
    )
