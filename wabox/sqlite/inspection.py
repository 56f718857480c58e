"""A database examined while a server may be using it: reads, and changes nothing.

``quick_check`` reads every page but no index against its table. While it does, the log cannot be folded into the file, so it
gets a time, and what it did not come to is said.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from wabox.sqlite import alerts, dead_letters, migrate
from wabox.sqlite.connection import DATABASE, read_only

FIXED: Sequence[tuple[tuple[int, int, int], tuple[int, int, int]]] = (
    ((3, 50, 7), (3, 51, 0)),
    ((3, 51, 3), (4, 0, 0)),
)
"""Versions from and before which the WAL-reset bug is mended (sqlite.org/wal.html)."""
VERSION = sqlite3.sqlite_version_info[:3]
"""Of the SQLite that this Python comes with."""
DAY = 86_400_000
_STEPS = 20_000
"""Instructions of SQLite's machine between two looks at the clock."""

_Counts = tuple[int, int, int | None, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """A database that can be opened."""

    faults: Sequence[str]
    """What the check says; empty: nothing."""
    finished: bool
    """Whether it came to the end."""
    schema: int
    newest: int
    """Schema that this wabox knows."""
    size: int
    """Bytes, the log included."""
    conversations: int
    waiting: int
    """Messages in the outbox."""
    oldest: int | None
    """When the oldest of them was said, ms; only those that nothing but time holds back."""
    failed: int
    """In the last day."""
    letters: int
    """Dead letters."""
    untold: int
    """Cases that wait, and that nobody could be told of."""
    live: dict[str, str]
    """Bot → published version."""


def fixed(version: tuple[int, int, int]) -> bool:
    """Whether this SQLite has the WAL-reset bug no more."""
    return any(since <= version < before for since, before in FIXED)


def inspect(folder: Path, now: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> Inspection | str:
    """What is in the folder's database (it must be there), or why it cannot be read. ``seconds`` are for the check."""
    path = folder / DATABASE
    log = path.with_name(f"{DATABASE}-wal")
    asleep = not log.exists()
    try:
        with closing(read_only(path)) as connection:
            connection.execute("PRAGMA busy_timeout = 2000").fetchall()
            connection.execute("PRAGMA query_only = 1").fetchall()
            schema, newest = migrate.version(connection), migrate.migrations()[-1][0]
            faults, finished = _check(connection, clock() + seconds, clock)
            if faults and asleep and log.exists():
                return inspect(
                    folder, now, seconds, clock
                )  # a server has begun meanwhile, and it was read as if none could
            counts: _Counts = (0, 0, None, 0, 0)
            live: dict[str, str] = {}
            untold = 0
            if not faults:
                counts, live, untold = _counts(connection, now), _live(connection), _untold(connection, now)
    except sqlite3.Error as error:
        return str(error)
    conversations, waiting, oldest, failed, letters = counts
    return Inspection(
        faults=faults,
        finished=finished,
        schema=schema,
        newest=newest,
        size=sum(file.stat().st_size for file in (path, log) if file.is_file()),
        conversations=conversations,
        waiting=waiting,
        oldest=oldest,
        failed=failed,
        letters=letters,
        live=live,
        untold=untold,
    )


def _check(connection: sqlite3.Connection, until: float, clock: Callable[[], float]) -> tuple[list[str], bool]:
    connection.set_progress_handler(lambda: clock() > until, _STEPS)
    try:
        said = [str(row[0]) for row in connection.execute("PRAGMA quick_check(10)")]
    except sqlite3.OperationalError as error:
        if "interrupted" not in str(error):
            raise
        return [], False
    finally:
        connection.set_progress_handler(None, 0)
    return [line for line in said if line != "ok"], True


def _counts(connection: sqlite3.Connection, now: int) -> _Counts:
    (conversations,) = connection.execute("SELECT count(*) FROM conversations").fetchone()
    try:
        (waiting,) = connection.execute("SELECT count(*) FROM outbox WHERE pending = 1").fetchone()
        (oldest,) = connection.execute(
            "SELECT min(created_at) FROM outbox WHERE pending = 1 AND (due_at IS NULL OR due_at <= ?)", (now,)
        ).fetchone()
        (failed,) = connection.execute(
            "SELECT count(*) FROM outbox WHERE status = 'failed' AND created_at > ?", (now - DAY,)
        ).fetchone()
    except sqlite3.OperationalError:
        return conversations, 0, None, 0, 0  # the folder is an older wabox's
    return conversations, waiting, oldest, failed, dead_letters.count(connection)


def _untold(connection: sqlite3.Connection, now: int) -> int:
    try:
        return alerts.untold(connection, now - alerts.PATIENCE)
    except sqlite3.OperationalError:
        return 0  # the folder is an older wabox's


def _live(connection: sqlite3.Connection) -> dict[str, str]:
    try:
        return dict(connection.execute("SELECT bot, id FROM versions WHERE live_until IS NULL").fetchall())
    except sqlite3.OperationalError:
        return {}
