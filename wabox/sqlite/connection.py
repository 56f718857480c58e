"""How the database is opened.

Another library, or a file system that cannot do it, may leave a pragma other than it was asked for, so every one is read back.
Figures behind the values (2 cores, 500 messages/s, KB written per message): pages of 2 KB write 30 % less than 4 KB ones,
a checkpoint every 2,000 of them is the middle between bytes written twice and long stalls. ``mmap`` would turn an I/O error
into a crash.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from wabox.errors import StorageError

DATABASE = "wabox.db"
OLDEST = (3, 37, 0)
"""STRICT tables."""
PAGE_SIZE = 2048

_WRITER: tuple[tuple[str, str | int], ...] = (
    # EXTRA while a new file becomes one with a log: the rollback journal of that step must be gone for good, folder synced, or
    # a power cut could bring it back, and with it the empty file.
    ("synchronous", 3),
    ("journal_mode", "wal"),
    ("synchronous", 2),  # FULL: the log is synced at every commit
    ("fullfsync", 1),  # macOS: an fsync that reaches the disk; elsewhere without effect
    ("checkpoint_fullfsync", 1),
    ("busy_timeout", 5000),
    ("cache_size", -65536),
    ("temp_store", 2),
    ("foreign_keys", 0),
    ("journal_size_limit", 67_108_864),
    ("mmap_size", 0),
    ("wal_autocheckpoint", 2000),
    ("secure_delete", 1),  # what is deleted is overwritten: forgotten means gone from the file
)
_READER: tuple[tuple[str, str | int], ...] = (
    ("query_only", 1),
    ("busy_timeout", 250),  # the event loop waits with it; readers of a log wait for nobody but a recovery
    ("cache_size", -8192),
    ("temp_store", 2),
    ("mmap_size", 0),
    ("wal_autocheckpoint", 0),
)


def open_writer(path: Path) -> sqlite3.Connection:
    """The connection that writes; makes the file if need be. Raises StorageError."""
    if sqlite3.sqlite_version_info < OLDEST:
        raise StorageError(
            f"This Python comes with SQLite {sqlite3.sqlite_version}; wabox needs {'.'.join(map(str, OLDEST))} or newer."
        )
    try:
        connection = _connect(path)
        connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")  # only a new file takes it
        return _set(connection, _WRITER, path)
    except sqlite3.Error as error:
        raise StorageError(
            f"{path} cannot be opened: {error}. If it is damaged, restore the last backup (wabox restore)."
        ) from error


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write. Raises StorageError."""
    try:
        return _set(_connect(path), _READER, path)
    except sqlite3.Error as error:
        raise StorageError(f"{path} cannot be read: {error}") from error


def read_only(path: Path) -> sqlite3.Connection:
    """To look into a file that another process may be using; nothing in the folder changes. Raises sqlite3.Error.

    Without a log nobody has the database open. Then it is read as it lies: SQLite would make an empty log and leave it there.
    """
    asleep = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro{asleep}", uri=True, isolation_level=None)


def _connect(path: Path) -> sqlite3.Connection:
    # Autocommit: the writer says BEGIN and COMMIT itself. Each connection is used by one thread at a time, not always by
    # the one that opened it.
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False)


def _set(connection: sqlite3.Connection, pragmas: tuple[tuple[str, str | int], ...], path: Path) -> sqlite3.Connection:
    for name, value in pragmas:
        connection.execute(f"PRAGMA {name} = {value}").fetchall()
        row = connection.execute(f"PRAGMA {name}").fetchone()
        # A build without memory-mapped I/O does not answer at all.
        found = row[0] if row else 0
        if found != value:
            connection.close()
            raise StorageError(
                f"{path}: SQLite answers {name} = {found} where {value} was asked for. "
                "The file system may not support it: put the data folder on a local disk."
            )
    return connection
