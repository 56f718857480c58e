"""The ledger of what customers agreed to, and what it comes to now (promise P11).

``consents`` is only added to. ``contacts.consent`` is the ledger of a contact and of everybody merged into it, folded: a cache,
written in the same transaction. A conversation reads it through its handle.

A change that is made elsewhere than in a conversation (another number of the business, a command, a merge) moves that
conversation's sequence on: a turn that was computed from the old consent meets a conflict and is computed again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from wabox.core.consent import NEVER_ASKED, Consent, ConsentEntry, fold, refusal
from wabox.core.contact import handle_of
from wabox.core.delivery import Purpose
from wabox.sqlite import recall

_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Consent)


def current(connection: sqlite3.Connection, conversation_id: str) -> Consent:
    """What holds for the customer of a conversation."""
    row = connection.execute(
        "SELECT consent, merged_into FROM contacts WHERE handle = ?", (handle_of(conversation_id),)
    ).fetchone()
    while row is not None and row[1] is not None:
        row = connection.execute("SELECT consent, merged_into FROM contacts WHERE key = ?", (row[1],)).fetchone()
    return NEVER_ASKED if row is None or row[0] is None else _decoder.decode(row[0])


def refused(connection: sqlite3.Connection, outbound: int) -> str | None:
    """Why a message of the outbox (its key) may not leave, as things are now; None when it may."""
    purpose: Purpose
    id_, purpose = connection.execute(
        "SELECT c.id, o.purpose FROM outbox o JOIN conversations c ON c.key = o.conversation WHERE o.key = ?",
        (outbound,),
    ).fetchone()
    return refusal(current(connection, id_), purpose)


def find(connection: sqlite3.Connection, handle: str) -> int | None:
    """The contact that has a handle, or that took over whoever had it."""
    row = connection.execute("SELECT key FROM contacts WHERE handle = ?", (handle,)).fetchone()
    return None if row is None else root(connection, row[0])


def root(connection: sqlite3.Connection, contact: int) -> int:
    """The contact that took this one over, or itself."""
    while True:
        row = connection.execute("SELECT merged_into FROM contacts WHERE key = ?", (contact,)).fetchone()
        if row is None or row[0] is None:
            return contact
        contact = row[0]


def add(
    connection: sqlite3.Connection, conversation_id: str, entries: Sequence[ConsentEntry], now: int
) -> Consent | None:
    """Write what was said in a conversation; what holds from then on, None when nothing was said."""
    if not entries:
        return None
    handle = handle_of(conversation_id)
    contact = find(connection, handle)
    if contact is None:
        added = connection.execute("INSERT INTO contacts (handle, created_at) VALUES (?, ?)", (handle, now))
        contact = added.lastrowid or 0
    return write(connection, contact, entries, now, here=conversation_id)


def write(
    connection: sqlite3.Connection, contact: int, entries: Sequence[ConsentEntry], now: int, *, here: str | None = None
) -> Consent:
    """Write what a contact said; ``here`` is the conversation whose own unit of work says so."""
    record(connection, contact, entries)
    row = connection.execute("SELECT consent FROM contacts WHERE key = ?", (contact,)).fetchone()
    before = NEVER_ASKED if row[0] is None else _decoder.decode(row[0])
    holds = fold(entries, before)
    if holds != before:
        _settle(connection, contact, holds, now, here)
    return holds


def record(connection: sqlite3.Connection, contact: int, entries: Sequence[ConsentEntry]) -> None:
    """Lines of the ledger, and nothing else."""
    connection.executemany(
        'INSERT INTO consents (contact, at, what, channel, words, number_id, ref, "by") VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
        [(contact, one.at, one.what, one.channel, one.words, one.number_id, one.ref, one.by) for one in entries],
    )


def unite(connection: sqlite3.Connection, contact: int, now: int) -> None:
    """Another contact was merged into this one: what either said holds, the newest word last.

    Also where nothing is new to this one: for the other's conversations, and for what waits in them, it is.
    """
    holds = fold(entries(connection, contact))
    if holds != NEVER_ASKED:
        _settle(connection, contact, holds, now, None)


def _settle(connection: sqlite3.Connection, contact: int, holds: Consent, now: int, here: str | None) -> None:
    connection.execute("UPDATE contacts SET consent = ? WHERE key = ?", (_encode(holds), contact))
    handles = [handle for _, handle in tree(connection, contact)]
    for handle in handles:
        connection.execute(
            "UPDATE conversations SET sequence = sequence + 1 WHERE substr(id, instr(id, ':') + 1) = ? AND id IS NOT ?",
            (handle, here),
        )
    recall.recall(connection, handles, holds, now)


def tree(connection: sqlite3.Connection, contact: int) -> list[tuple[int, str]]:
    """Key and handle of a contact and of everybody merged into it."""
    return connection.execute(
        "WITH RECURSIVE tree (key, handle) AS (SELECT key, handle FROM contacts WHERE key = ?"
        " UNION SELECT c.key, c.handle FROM contacts c JOIN tree t ON c.merged_into = t.key) SELECT key, handle FROM tree",
        (contact,),
    ).fetchall()


def entries(connection: sqlite3.Connection, contact: int) -> list[ConsentEntry]:
    """The ledger of a contact and of everybody merged into it, in the order in which it was written."""
    rows = [
        row
        for key, _ in tree(connection, contact)
        for row in connection.execute(
            'SELECT key, at, what, channel, words, number_id, ref, "by" FROM consents WHERE contact = ?', (key,)
        )
    ]
    return [
        msgspec.convert(
            {"at": at, "what": what, "channel": channel, "words": words, "number_id": number_id, "ref": ref, "by": by},
            ConsentEntry,
        )
        for _, at, what, channel, words, number_id, ref, by in sorted(rows)
    ]
