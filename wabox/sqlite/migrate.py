"""The schema's versions: numbered files in ``migrations/``, applied in order, never taken back.

The number of the last one is stamped into the file (``PRAGMA user_version``) in the same transaction that applies it, so an
interrupted upgrade leaves the version before it.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from wabox.errors import StorageError

MIGRATIONS = Path(__file__).with_name("migrations")
SCHEMA = Path(__file__).with_name("schema.sql")


def migrations(folder: Path = MIGRATIONS) -> list[tuple[int, Path]]:
    """Number and file of each, in order."""
    return sorted((int(path.name.partition("_")[0]), path) for path in folder.glob("[0-9]*_*.sql"))


def version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, name: str, folder: Path = MIGRATIONS, *, up_to: int | None = None) -> None:
    """Bring the database up to date, or to the schema ``up_to``. Raises StorageError when a newer wabox wrote it, or a
    migration fails."""
    known = migrations(folder)
    found, newest = version(connection), known[-1][0]
    if found > newest:
        raise StorageError(
            f"{name} was written by a newer wabox (schema {found}, this one knows {newest}): "
            "install that version, or restore a backup made before the upgrade."
        )
    for number, path in known:
        if number <= found or (up_to is not None and number > up_to):
            continue
        script = f"BEGIN IMMEDIATE;\n{path.read_text(encoding='utf-8')}\nPRAGMA user_version = {number};\nCOMMIT;"
        try:
            connection.executescript(script)
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise StorageError(
                f"{name} could not be upgraded to schema {number}: {error}. Nothing was changed."
            ) from error
