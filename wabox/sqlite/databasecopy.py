"""A copy of the database while a server writes to it, and a look at whether a copy is whole.

The copy is made with SQLite's backup API over a read-only connection that holds one read transaction: it is the state of one
moment, writers do not wait for it, and nothing is written to the file that is copied (rule 1 of this package). While it runs
the log cannot be folded back further than that moment, so it grows by what is written meanwhile.

A copy is looked at with ``immutable=1``: that neither makes a log beside it nor takes one for its own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec

from wabox.errors import StorageError
from wabox.sqlite.migrate import migrations, version

PAGES = 4000
"""Copied between two words about how far it is: 8 MB."""

Progress = Callable[[str, float], None]
"""What is being done, and how much of it is."""


def quiet(what: str, share: float) -> None:
    """Nobody looks."""


class Contents(msgspec.Struct, frozen=True):
    schema: int
    counts: dict[str, int]
    """Rows by table."""


def newest() -> int:
    """The schema that this wabox knows."""
    return migrations()[-1][0]


def copy(source: Path, target: Path, progress: Progress = quiet) -> None:
    """``target`` must not be there. Raises StorageError."""
    try:
        target.touch(mode=0o600, exist_ok=False)
        with closing(_opened(source, "mode=ro")) as reader, closing(sqlite3.connect(target)) as writer:
            # The transaction pins the moment: else each commit of the server would begin the copy anew.
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            reader.backup(
                writer,
                pages=PAGES,
                progress=lambda _, left, all_: progress("copying the database", 1 - left / max(all_, 1)),
                sleep=0,
            )
    except sqlite3.Error as error:
        raise StorageError(f"{source} cannot be copied: {error}. Is it damaged, or the disk full?") from error
    except OSError as error:
        raise StorageError(f"{target} cannot be written: {error.strerror}. Is the disk full?") from error


def examine(path: Path, progress: Progress = quiet, *, deep: bool = True) -> Contents:
    """What is in it. ``deep``: every page and every index are looked at. Raises StorageError when something is wrong with it,
    or a newer wabox wrote it."""
    try:
        with closing(_opened(path, "immutable=1")) as connection:
            schema = known(version(connection), path.name)
            progress("checking the database", 0.0)
            said = [row[0] for row in connection.execute("PRAGMA integrity_check(5)")] if deep else ["ok"]
            if said != ["ok"]:
                raise StorageError(f"{path.name} is damaged: {'; '.join(map(str, said))}")
            progress("checking the database", 1.0)
            tables = [
                row[0]
                for row in connection.execute(
                    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
                )
            ]
            return Contents(
                schema,
                {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables},  # noqa: S608
            )
    except sqlite3.Error as error:
        raise StorageError(f"{path.name} is damaged: {error}") from error


def known(schema: int, name: str) -> int:
    """The schema, when this wabox can read it. Raises StorageError."""
    if schema > newest():
        raise StorageError(
            f"{name} was written by a newer wabox (schema {schema}, this one knows {newest()}): install that version"
        )
    if schema == 0:
        raise StorageError(f"{name} is no database of wabox: it has no schema")
    return schema


def snapshots(path: Path, look: Callable[[str, bytes], None]) -> None:
    """Show every conversation under way (its id, its snapshot). Raises StorageError."""
    try:
        with closing(_opened(path, "immutable=1")) as connection:
            for id_, snapshot in connection.execute(
                "SELECT id, snapshot FROM conversations WHERE snapshot IS NOT NULL ORDER BY key"
            ):
                look(id_, snapshot)
    except sqlite3.Error as error:
        raise StorageError(f"{path.name} is damaged: {error}") from error


def published(path: Path) -> list[tuple[str, str, tuple[str, ...]]]:
    """Bot, id and charts of every version that the database names, the newest first. Raises StorageError."""
    try:
        with closing(_opened(path, "immutable=1")) as connection:
            if version(connection) < 3:
                return []  # there were none yet
            rows = connection.execute("SELECT bot, id, charts FROM versions ORDER BY live_from DESC")
            return [(bot, id_, msgspec.json.decode(charts, type=tuple[str, ...])) for bot, id_, charts in rows]
    except sqlite3.Error as error:
        raise StorageError(f"{path.name} is damaged: {error}") from error


def there(path: Path) -> None:
    """Raises StorageError when there is no such database."""
    if not path.is_file():
        raise StorageError(f"{path} is not there. Is it the data folder?")


def _opened(path: Path, how: str) -> sqlite3.Connection:
    there(path)
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, isolation_level=None)
    connection.execute("PRAGMA busy_timeout = 5000").fetchall()
    return connection
