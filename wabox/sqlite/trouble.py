"""What SQLite's errors are about: the file and the machine, or the statement."""

from __future__ import annotations

import sqlite3

# Primary result codes (sqlite.org/rescode.html) that speak of the file or the machine, not of the statement.
_TROUBLE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)


def is_trouble(error: Exception) -> bool:
    return code(error) in _TROUBLE


def code(error: Exception) -> int:
    """The primary result code; 0 for what is not SQLite's."""
    # Errors that the module raises by itself (a closed connection, a value that does not fit) carry no code.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF if isinstance(error, sqlite3.Error) else 0
