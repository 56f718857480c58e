"""Erasing a person from every table, in small steps (promise P11).

What belongs to a conversation is found by its key; what only mentions a person (dead letters, changes that nobody acted on,
recipients of broadcasts, delivery statuses of unknown messages) is searched for their ids, as whole words. Another customer's
words that happen to contain the id are that customer's. Finding reads on the people's thread; deleting is done by the writer,
some rows at a time.

``seen`` stays: a digest of a message id that nobody can turn back, without which WhatsApp's redelivery within a week would
bring the message in again. ``meter`` counts messages and names nobody.

Deleted rows are overwritten with zeros (``secure_delete``, see :mod:`wabox.sqlite.connection`); the log is folded in and cut.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final

from wabox.core.forgotten import mentions
from wabox.core.person import Person
from wabox.core.phone import spellings
from wabox.sqlite import consents, media, people

STEP: Final = 500
"""Rows deleted per transaction: some 5 ms."""

BY_CONVERSATION: Final = ("transcript", "outbox", "handoffs", "invocations", "archives", "alerts")
_MENTIONED: Final = {
    "dead_letters": ("key", "raw"),
    "other_changes": ("key", "raw"),
    "recipients": ("key", "contact"),
    "stray_statuses": ("wamid", "body"),
}
"""Table → what names a row, and where an id may stand."""


def locate(connection: sqlite3.Connection, person: Person) -> dict[str, list[Any]]:
    """What there is of a person: table → keys of rows. It may read whole tables."""
    keys = _keys(connection, person)
    found: dict[str, list[Any]] = {}
    for table in BY_CONVERSATION:
        # Two of them have no index on it: the hot path needs none. This reads the table once for everybody.
        marks = ", ".join("?" * len(keys))
        rows = connection.execute(f"SELECT key FROM {table} WHERE conversation IN ({marks})", keys)  # noqa: S608
        found[table] = [row[0] for row in rows]
    pattern = mentions(theirs(connection, person))
    for table, (name, column) in _MENTIONED.items():
        rows = connection.execute(f"SELECT {name}, {column} FROM {table}")  # noqa: S608 - ours
        found[table] = [] if pattern is None else [key for key, raw in rows if pattern.search(raw)]
    return found


def export(connection: sqlite3.Connection, key: int) -> dict[str, Any]:
    """Everything that is kept about a person, rows elsewhere that mention them included. It may read whole tables."""
    pattern = mentions(theirs(connection, people.load(connection, key)))
    mentioned: dict[str, list[dict[str, Any]]] = {}
    for table, (_, column) in _MENTIONED.items():
        rows = people.read(connection.execute(f"SELECT * FROM {table}"))  # noqa: S608 - ours
        mentioned[table] = [
            {name: people.plain(part) for name, part in row.items()}
            for row in rows
            if pattern is not None and pattern.search(row[column])
        ]
    return {**people.export(connection, key), "mentioned": mentioned}


def delete(connection: sqlite3.Connection, table: str, keys: Sequence[Any]) -> int:
    """These rows of a table that :func:`locate` named."""
    name = _MENTIONED[table][0] if table in _MENTIONED else "key"
    cursor = connection.executemany(f"DELETE FROM {table} WHERE {name} = ?", [(key,) for key in keys])  # noqa: S608 - ours
    return cursor.rowcount


def finish(connection: sqlite3.Connection, person: Person) -> dict[str, int]:
    """What is left: the conversations themselves, what waits in them, the ids, the ledger. How many rows, by table."""
    keys = _keys(connection, person)
    tree = [(key,) for key, _ in consents.tree(connection, person.key)]
    ids = [(id_,) for id_ in person.conversations]
    gone: dict[str, int] = {}

    def run(table: str, query: str, values: Sequence[Any]) -> None:
        gone[table] = gone.get(table, 0) + connection.executemany(query, values).rowcount

    for table in (*BY_CONVERSATION, "timers"):
        # What came in since it was located: few rows, but no less theirs.
        where = "conversation = ? AND pending = 1" if table == "outbox" else "conversation = ?"
        run(table, f"DELETE FROM {table} WHERE {where}", [(key,) for key in keys])  # noqa: S608 - ours
    run("inbox", "DELETE FROM inbox WHERE conversation_id = ?", ids)
    run("llm_spending", "DELETE FROM llm_spending WHERE conversation_id = ?", ids)
    gone["media"] = media.erase(connection, person.conversations)
    run("consents", "DELETE FROM consents WHERE contact = ?", tree)
    run("identities", "DELETE FROM identities WHERE contact = ?", tree)
    run("contacts", "DELETE FROM contacts WHERE key = ?", tree)
    run("conversations", "DELETE FROM conversations WHERE id = ?", ids)
    return gone


def scrub(connection: sqlite3.Connection) -> None:
    """Overwrite the slots of the inbox that are free: they still say what was handled. Then fold the log in and cut it.

    Raises OperationalError while somebody reads.
    """
    connection.execute("DELETE FROM inbox WHERE seq = 0")
    if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        raise sqlite3.OperationalError("somebody is reading")


def add_up(total: dict[str, int], more: Mapping[str, int]) -> None:
    for table, count in more.items():
        total[table] = total.get(table, 0) + count


def _keys(connection: sqlite3.Connection, person: Person) -> list[int]:
    query = "SELECT key FROM conversations WHERE id = ?"
    return [row[0] for id_ in person.conversations for row in connection.execute(query, (id_,))]


def theirs(connection: sqlite3.Connection, person: Person) -> set[str]:
    """Their ids, now and before, in any spelling, but for a number that is somebody else's now."""
    values = {one.value for one in person.identities} | {person.handle}
    query = (
        "SELECT i.contact FROM identities i WHERE i.value = ? AND i.replaced_at IS NULL AND i.kind = 'wa_id'"
        " AND i.contact NOT IN (SELECT value FROM json_each(?))"
    )
    tree = str([key for key, _ in consents.tree(connection, person.key)])
    theirs = {value for value in values if connection.execute(query, (value, tree)).fetchone() is None}
    # The file of a broadcast may have their number as people dial it.
    return theirs | {other for value in theirs if value.isdecimal() for other in spellings(value)}
