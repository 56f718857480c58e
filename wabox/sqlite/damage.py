"""A database file that is damaged: a disk that lost what it had promised, a copy made the wrong way, another program's hand.

Whoever goes on with such a file makes it worse and may lose what could still be saved. So nothing more is written, no webhook
is acknowledged (Meta brings it again for seven days), and it says what to do, until a person restores a backup.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import structlog

from wabox.errors import StorageError
from wabox.sqlite.connection import open_reader

log = structlog.get_logger(__name__)

AT_ONCE = 64 * 1024 * 1024
"""Bytes of database that are looked through before the start goes on: a quarter of a second. A larger one is looked through
while it serves."""

_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def is_damage(error: BaseException | None) -> bool:
    """Whether SQLite says that what it read cannot be."""
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE


def sentence(path: str | Path, found: object) -> str:
    """What has happened and what to do."""
    return (
        f"{path} is damaged ({found}). Nothing more is written to it, and no webhook is acknowledged: Meta brings them again "
        "for seven days. Stop wabox, keep a copy of the data folder, then restore the last backup (wabox restore)."
    )


def look(connection: sqlite3.Connection, path: Path) -> str | None:
    """Look through every page; the sentence about it if something is wrong."""
    try:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
        return sentence(path, error)
    return None if found is None or found[0] == "ok" else sentence(path, " ".join(str(found[0]).split()))


def look_at_start(connection: sqlite3.Connection, path: Path) -> None:
    """Look through a database that is not large. Raises StorageError when it is damaged."""
    if path.stat().st_size > AT_ONCE:
        return
    if (found := look(connection, path)) is not None:
        raise StorageError(found)
    connection.execute("PRAGMA shrink_memory").fetchall()  # every page was read; few are needed again


class Large:
    """A database that it would take too long to look through before the start."""

    def __init__(self, path: Path, damaged: Callable[[str], None]) -> None:
        """``damaged`` is told what is wrong."""
        self._path = path
        self._damaged = damaged

    async def look_through(self) -> None:
        """On a thread and a connection of its own: some seconds for each GB. Nothing for one that is not large."""
        if self._path.stat().st_size <= AT_ONCE:
            return
        found = await asyncio.to_thread(self._look)
        log.info("store.looked_through", damaged=found is not None)
        if found is not None:
            self._damaged(found)

    def _look(self) -> str | None:
        connection = open_reader(self._path)
        try:
            return look(connection, self._path)
        finally:
            connection.close()
