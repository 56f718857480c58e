"""The schema's versions: numbered files in ``migrations/``, applied in order, never taken back.

The number of the last one is stamped into the file (``PRAGMA user_version``) in the transaction that applies them all, so an
upgrade that was interrupted or failed leaves the database as it was.
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
    wanted = [one for one in known if one[0] > found and (up_to is None or one[0] <= up_to)]
    if not wanted:
        return
    # One transaction for all: the copy that was made before is the way back from the new schema, and there is none between.
    steps = [f"{path.read_text(encoding='utf-8')}\nPRAGMA user_version = {number};" for number, path in wanted]
    try:
        connection.executescript("\n".join(("BEGIN IMMEDIATE;", *steps, "COMMIT;")))
    except sqlite3.Error as error:
        failed = found
        if connection.in_transaction:
            failed = version(connection)
            connection.execute("ROLLBACK")
        number = next(number for number, _ in wanted if number > failed)
        raise StorageError(f"{name} could not be upgraded to schema {number}: {error}. Nothing was changed.") from error
