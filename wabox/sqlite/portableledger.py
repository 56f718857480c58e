"""The ledger of what customers agreed to, as it leaves for a cluster or comes from one.

Nobody else may be using the database.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from wabox.core.consent import NEVER_ASKED, Consent, ConsentEntry, fold
from wabox.core.contact import Contact, handle_of
from wabox.core.conversation import Session
from wabox.core.portableledger import Line, Named, Said, alike, made_up
from wabox.sqlite import consents

_encode = msgspec.json.Encoder().encode
_consents = msgspec.json.Decoder(Consent)
EVERY = 1000
_TALKS = (
    "SELECT number_id, id FROM conversations WHERE substr(id, instr(id, ':') + 1) = ? AND contact IS NOT NULL"
    " ORDER BY updated_at, key"
)
_ROOTS = (
    "SELECT key, handle, created_at, consent FROM contacts"
    " WHERE consent IS NOT NULL AND merged_into IS NULL AND key > ? ORDER BY key LIMIT ?"
)


class _Home(NamedTuple):
    """Where a cluster keeps what somebody said."""

    by_number: dict[str, str]
    """The conversation with each number."""
    else_: str


# ---- to a cluster ------------------------------------------------------------------------------------------------------


def leave(connection: sqlite3.Connection) -> Iterator[Line]:
    """Every line, in the order in which it was written; each with the conversation that a cluster keeps it with.

    That is the one with the number that it was said to, else the newest.
    """
    numbers = _numbers(connection)
    homes: dict[int, _Home] = {}
    rows = connection.execute(
        'SELECT contact, at, what, channel, words, number_id, ref, "by" FROM consents ORDER BY key'
    )
    while page := rows.fetchmany(EVERY):
        for contact, at, what, channel, words, number_id, ref, by in page:
            if contact not in homes:
                homes[contact] = _home(connection, contact, numbers)
            home = homes[contact]
            entry = ConsentEntry(at=at, what=what, channel=channel, words=words, number_id=number_id, ref=ref, by=by)
            yield Line(conversation_id=home.by_number.get(number_id, home.else_), entry=entry)


def entered(connection: sqlite3.Connection) -> Iterator[Session]:
    """Those who never wrote and of whom something is in the ledger (an import, say): a conversation of theirs with every number
    of the business, in which nothing happened yet."""
    numbers = _numbers(connection)
    after = 0
    while page := connection.execute(_ROOTS, (after, EVERY)).fetchall():
        for key, handle, created_at, consent in page:
            after = key
            if any(connection.execute(_TALKS, (one,)).fetchone() for _, one in consents.tree(connection, key)):
                continue
            for number in numbers:
                yield Session(
                    conversation_id=f"{number}:{handle}",
                    sequence=1,
                    contact=_contact(connection, key, handle),
                    number_id=number,
                    updated_at=created_at,
                    consent=_consents.decode(consent),
                )


def digests(connection: sqlite3.Connection) -> set[str]:
    """Of every line."""
    named = Named()
    return {named.digest(line) for line in leave(connection)}


def _numbers(connection: sqlite3.Connection) -> list[str]:
    """From which customers are written to."""
    query = (
        "SELECT DISTINCT number_id FROM conversations WHERE contact IS NOT NULL AND number_id IS NOT NULL ORDER BY 1"
    )
    return [row[0] for row in connection.execute(query).fetchall()]


def _home(connection: sqlite3.Connection, contact: int, numbers: Sequence[str]) -> _Home:
    """Conversations of their own, else of whoever they are one person with."""
    own, root = _handle(connection, contact), consents.root(connection, contact)
    for handle in (own, *(one for _, one in consents.tree(connection, root))):
        talks = connection.execute(_TALKS, (handle,)).fetchall()
        if talks:
            return _Home(dict(talks), talks[-1][1])
    handle = _handle(connection, root)
    return _Home({number: f"{number}:{handle}" for number in numbers}, f"{numbers[0] if numbers else ''}:{handle}")


def _handle(connection: sqlite3.Connection, contact: int) -> str:
    return str(connection.execute("SELECT handle FROM contacts WHERE key = ?", (contact,)).fetchone()[0])


def _contact(connection: sqlite3.Connection, key: int, handle: str) -> Contact:
    ids = dict(
        connection.execute(
            "SELECT kind, value FROM identities WHERE contact = ? AND replaced_at IS NULL", (key,)
        ).fetchall()
    )
    if ids:
        return Contact(user_id=ids.get("user_id"), wa_id=ids.get("wa_id"))
    return Contact(wa_id=handle) if handle.isdecimal() else Contact(user_id=handle)


# ---- from a cluster ----------------------------------------------------------------------------------------------------


def provide(connection: sqlite3.Connection, conversation_id: str, consent: Consent, at: int) -> None:
    """What holds, until all that was said is here: no word of it may be missing if that is never reached."""
    if consent != NEVER_ASKED:
        contact = consents.find(connection, handle_of(conversation_id))
        if contact is None:
            contact = _add(connection, handle_of(conversation_id), at)
        before = _holds(connection, contact)
        _keep(connection, contact, _together(fold(made_up(before, consent), before), [consent]))


def arrive(connection: sqlite3.Connection, handle: str, said: Sequence[Said], new: Sequence[ConsentEntry]) -> None:
    """All that is known of whoever has this handle, and those of the lines that are not here; in the caller's transaction.

    A line is made up only where what holds in a conversation does not follow from the real ones.
    """
    own = _own(connection, handle)
    if own is None:
        own = _add(connection, handle, min([*(entry.at for entry in new), *(one.at for one in said)]))
    consents.record(connection, own, new)
    root = consents.root(connection, own)
    holds = fold(consents.entries(connection, root))
    here = [one.consent for one in said if _sequence(connection, one.conversation_id) == one.sequence]
    for consent in here:
        missing = made_up(holds, consent)
        consents.record(connection, own, missing)
        holds = fold(missing, holds)
    _keep(connection, root, _together(holds, here))


def _together(holds: Consent, said: Sequence[Consent]) -> Consent:
    """As the newest of them puts it, if it allows the same."""
    return max((one for one in said if alike(one, holds)), key=lambda one: one.since or 0, default=holds)


def _holds(connection: sqlite3.Connection, contact: int) -> Consent:
    row = connection.execute("SELECT consent FROM contacts WHERE key = ?", (contact,)).fetchone()
    return NEVER_ASKED if row[0] is None else _consents.decode(row[0])


def _keep(connection: sqlite3.Connection, contact: int, holds: Consent) -> None:
    """Conversations stay where they are: none of them is being computed."""
    encoded = None if holds == NEVER_ASKED else _encode(holds)
    connection.execute("UPDATE contacts SET consent = ? WHERE key = ?", (encoded, contact))


def _own(connection: sqlite3.Connection, handle: str) -> int | None:
    row = connection.execute("SELECT key FROM contacts WHERE handle = ?", (handle,)).fetchone()
    return None if row is None else int(row[0])


def _add(connection: sqlite3.Connection, handle: str, at: int) -> int:
    added = connection.execute("INSERT INTO contacts (handle, created_at) VALUES (?, ?)", (handle, at))
    return added.lastrowid or 0


def _sequence(connection: sqlite3.Connection, conversation_id: str) -> int:
    row = connection.execute("SELECT sequence FROM conversations WHERE id = ?", (conversation_id,)).fetchone()
    return 0 if row is None else int(row[0])
