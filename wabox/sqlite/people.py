"""Customers as people look at them: found by any of their ids, listed, and everything that is kept about one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import msgspec

from wabox.core.consent import NEVER_ASKED, Consent
from wabox.core.contact import Contact, handle_of
from wabox.core.person import Identity, Person
from wabox.core.phone import spellings
from wabox.sqlite import consents

_consents = msgspec.json.Decoder(Consent)
_contacts = msgspec.json.Decoder(Contact)
NEWEST = 10_000
"""Conversations in which a name is looked for."""


def find(connection: sqlite3.Connection, words: str) -> list[Person]:
    """Whoever is meant: an id (a phone number in any spelling), a conversation, else a part of a name."""
    wanted = words.strip()
    digits = "".join(letter for letter in wanted if letter.isdigit())
    handle = wanted.partition(":")[2] or wanted
    is_number = len(digits) >= 6 and not any(letter.isalpha() for letter in wanted)
    values = {wanted, handle, *(spellings(digits) if is_number else ())}
    for query in (
        "SELECT contact FROM identities WHERE value = ? AND replaced_at IS NULL",
        "SELECT key FROM contacts WHERE handle = ?",
        "SELECT contact FROM identities WHERE value = ? AND replaced_at IS NOT NULL ORDER BY key DESC LIMIT 1",
    ):
        keys = {row[0] for value in sorted(values) for row in connection.execute(query, (value,))}
        if keys:
            return whole(connection, keys)
    found = connection.execute(
        "SELECT id FROM conversations WHERE contact IS NOT NULL AND instr(lower(CAST(contact AS TEXT)), lower(?)) > 0"
        " ORDER BY active_at DESC LIMIT ?",
        (wanted, NEWEST),
    )
    handles = {handle_of(row[0]) for row in found} if len(wanted) >= 2 else set()
    return whole(connection, {key for one in handles if (key := consents.find(connection, one)) is not None})


def list_(connection: sqlite3.Connection, limit: int, *, stopped: bool = False) -> list[Person]:
    """The newest; ``stopped``: only those who asked us to stop, or want no marketing."""
    where = " AND consent IS NOT NULL" if stopped else ""
    rows = connection.execute(f"SELECT key FROM contacts WHERE merged_into IS NULL{where} ORDER BY key DESC")  # noqa: S608
    found: list[Person] = []
    for (key,) in rows:
        person = load(connection, key)
        if not stopped or person.consent.stopped or person.consent.marketing is False:
            found.append(person)
        if len(found) == limit:
            break
    return found


def whole(connection: sqlite3.Connection, keys: Iterable[int]) -> list[Person]:
    """These contacts, or whoever they were merged into."""
    found = set()
    for key in keys:
        row = connection.execute("SELECT key, merged_into FROM contacts WHERE key = ?", (key,)).fetchone()
        while row is not None and row[1] is not None:
            row = connection.execute("SELECT key, merged_into FROM contacts WHERE key = ?", (row[1],)).fetchone()
        if row is not None:
            found.add(row[0])
    return [load(connection, key) for key in sorted(found)]


def load(connection: sqlite3.Connection, key: int) -> Person:
    """A contact that is merged into no other."""
    handle, created_at, consent = connection.execute(
        "SELECT handle, created_at, consent FROM contacts WHERE key = ?", (key,)
    ).fetchone()
    tree = consents.tree(connection, key)
    identities = [
        Identity(kind=kind, value=value, first_seen=first, last_seen=last, replaced_at=replaced)
        for one, _ in tree
        for kind, value, first, last, replaced in connection.execute(
            "SELECT kind, value, first_seen, last_seen, replaced_at FROM identities WHERE contact = ? ORDER BY key",
            (one,),
        )
    ]
    talks = sorted(
        row
        for _, other in tree
        for row in connection.execute(
            "SELECT updated_at, id, contact FROM conversations WHERE substr(id, instr(id, ':') + 1) = ?", (other,)
        )
    )
    named = next((_contacts.decode(card) for _, _, card in reversed(talks) if card is not None), None)
    return Person(
        key=key,
        handle=handle,
        created_at=created_at,
        name=named.name if named else None,
        username=named.username if named else None,
        identities=tuple(identities),
        consent=NEVER_ASKED if consent is None else _consents.decode(consent),
        conversations=tuple(id_ for _, id_, _ in talks),
        last_seen=max([created_at, *(one.last_seen for one in identities), *(at for at, _, _ in talks)]),
    )


def export(connection: sqlite3.Connection, key: int) -> dict[str, Any]:
    """Everything that is kept about a person, as JSON: times in ms since the epoch, every table under its name."""
    person = load(connection, key)
    return {
        "person": asdict(person),
        "consents": [asdict(entry) for entry in consents.entries(connection, key)],
        "conversations": [_conversation(connection, id_) for id_ in person.conversations],
        "media": [
            row
            for id_ in person.conversations
            for row in _rows(connection, "SELECT * FROM media WHERE conversation_id = ? AND status <> 'erased'", id_)
        ],
    }


def _conversation(connection: sqlite3.Connection, id_: str) -> dict[str, Any]:
    [found] = _rows(connection, "SELECT * FROM conversations WHERE id = ?", id_)
    key = found.pop("key")
    for table in ("transcript", "outbox", "handoffs", "timers", "invocations"):
        lines = _rows(connection, f"SELECT * FROM {table} WHERE conversation = ?", key)  # noqa: S608 - ours
        for line in lines:
            line.pop("conversation")
            line.pop("key", None)
        found[table] = lines
    found["inbox"] = _rows(connection, "SELECT message_id, body FROM inbox WHERE seq > 0 AND conversation_id = ?", id_)
    return found


def _rows(connection: sqlite3.Connection, query: str, value: Any) -> list[dict[str, Any]]:
    rows = read(connection.execute(query, (value,)))
    return [{name: plain(part) for name, part in row.items()} for row in rows]


def read(cursor: sqlite3.Cursor) -> Iterator[dict[str, Any]]:
    """Each row, by the names of its columns."""
    names = [column[0] for column in cursor.description]
    return (dict(zip(names, row, strict=True)) for row in cursor)


def plain(part: Any) -> Any:
    """What is stored as JSON, as JSON."""
    if not isinstance(part, bytes):
        return part
    try:
        return msgspec.json.decode(part)
    except msgspec.DecodeError:
        return part.decode("utf-8", "replace")
