"""Who a message is from: the contact that holds its ids, and so the conversation that it belongs to.

A customer has a business-scoped user id (BSUID), a phone number, or both, and either may change. The contact is what stays; its
*handle*, the id that it was first seen with, names its conversations (``<number>:<handle>``) for ever. Rules:

1. The BSUID decides. A phone number is only as good as the contact that holds it *now*.
2. What a message carries is learnt: a BSUID for a contact known by phone only, a phone for one known by BSUID only.
3. A phone that comes with a *different* BSUID than its holder's is in other hands: it moves, nothing else does. So a stranger
   with a recycled number meets an empty conversation.
4. A BSUID and a phone that come together and belong to two contacts, one known by phone only, are one person: they are merged.
5. A change that WhatsApp announces (a system message) adds the new ids and retires the old ones.

Rows are retired, never deleted: who had a number when can be told later. One installation is one business: ids need no scope.
Source: Meta, "Business-scoped user IDs" (May to Aug 2026).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from itertools import count
from typing import Final, NamedTuple

import structlog

from wabox.core.changed import changed
from wabox.core.contact import Contact
from wabox.core.identity import moved, previous
from wabox.core.message import InboundMessage
from wabox.core.phone import spellings
from wabox.sqlite import consents

log = structlog.get_logger(__name__)

USER, PHONE = "user_id", "wa_id"
FRESH: Final = 86_400_000
"""ms: how coarse ``last_seen`` is. A write for every message would cost more than it tells."""


_BOTH: Final = (
    "SELECT i.kind, c.key, c.handle, i.key, i.last_seen FROM identities i JOIN contacts c ON c.key = i.contact"
    " WHERE i.value = ?1 AND i.kind = 'user_id' AND i.replaced_at IS NULL"
    " UNION ALL"
    " SELECT i.kind, c.key, c.handle, i.key, i.last_seen FROM identities i JOIN contacts c ON c.key = i.contact"
    " WHERE i.value = ?2 AND i.kind = 'wa_id' AND i.replaced_at IS NULL"
)


class _Holder(NamedTuple):
    key: int
    handle: str
    identity: int
    last_seen: int


class Placed(NamedTuple):
    message: InboundMessage
    """In the conversation where it belongs."""
    closing: InboundMessage | None = None
    """Ends the conversation of a contact that was merged into another."""
    fresh: bool = False
    """The contact was made just now: nothing else of it is in the database."""


def place(connection: sqlite3.Connection, message: InboundMessage, now: int, *, merge: bool) -> Placed:
    """Find or make the contact. Without ``merge`` two contacts that turn out to be one stay two until the next message."""
    announced = moved(message)
    contact = message.contact if announced is None else previous(message)
    user, phone = _holders(connection, contact)
    closing = None
    fresh = False
    if user is not None:
        who = user
        if contact.wa_id and phone is None:
            _learn(connection, who, PHONE, contact.wa_id, now)
        elif contact.wa_id and phone is not None and phone.key != user.key:
            if _has(connection, phone, USER):
                _learn(connection, who, PHONE, contact.wa_id, now)
            elif merge:
                who, closing = _merge(connection, user, phone, message, now)
    elif phone is not None and not (contact.user_id and _has(connection, phone, USER)):
        who = phone
        if contact.user_id:
            _learn(connection, who, USER, contact.user_id, now)
    else:
        who = _create(connection, contact, now, phone)
        fresh = who.handle == contact.key
    for holder in (user, phone):
        if holder is not None and now - holder.last_seen > FRESH:
            connection.execute("UPDATE identities SET last_seen = ? WHERE key = ?", (now, holder.identity))
    if announced is not None:
        _change(connection, who, announced, contact, now)
    conversation_id = f"{message.number_id}:{who.handle}"
    if conversation_id != message.conversation_id:
        message = changed(message, conversation_id=conversation_id)
    return Placed(message, closing, fresh and announced is None)


def recognise(connection: sqlite3.Connection, ids: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Which of these ids (kind and value) somebody has now, and the handle of who has it."""
    found = ((value, _holder(connection, kind, value)) for kind, value in ids)
    return {value: holder.handle for value, holder in found if holder is not None}


def enter(connection: sqlite3.Connection, contact: Contact, now: int) -> int:
    """The key of whoever has these ids, made if nobody has: for somebody who has not written yet."""
    known = [(USER, contact.user_id), *((PHONE, wa_id) for wa_id in spellings(contact.wa_id or ""))]
    holders = (_holder(connection, kind, value) for kind, value in known)
    found = next((holder for holder in holders if holder is not None), None)
    return (found or _create(connection, contact, now)).key


def settle(connection: sqlite3.Connection, contact: Contact, handle: str, began: int, at: int) -> None:
    """Somebody's conversation came from another store, where it was last written to at ``at``, ms since the epoch, and first at
    ``began``, as far as is known: whoever writes under these ids is met in it. Of two who had the same id there, the one who
    was heard of last has it here."""
    row = connection.execute("SELECT key FROM contacts WHERE handle = ?", (handle,)).fetchone()
    if row is None:
        added = connection.execute("INSERT INTO contacts (handle, created_at) VALUES (?, ?)", (handle, at))
        row = (added.lastrowid or 0,)
    who = _Holder(consents.root(connection, row[0]), handle, 0, at)
    newer = "SELECT 1 FROM identities WHERE contact = ? AND kind = ? AND replaced_at IS NULL AND last_seen > ?"
    for kind, value in ((USER, contact.user_id), (PHONE, contact.wa_id)):
        holder = _holder(connection, kind, value)
        if not value or (holder is not None and (holder.key == who.key or holder.last_seen > at)):
            continue
        if connection.execute(newer, (who.key, kind, at)).fetchone() is None:
            _learn(connection, who, kind, value, at)
    connection.execute("UPDATE contacts SET created_at = min(created_at, ?) WHERE key = ?", (began, who.key))
    connection.execute(
        "UPDATE identities SET first_seen = min(first_seen, ?) WHERE contact = ? AND replaced_at IS NULL",
        (began, who.key),
    )


def _holder(connection: sqlite3.Connection, kind: str, value: str | None) -> _Holder | None:
    if not value:
        return None
    row = connection.execute(
        "SELECT c.key, c.handle, i.key, i.last_seen FROM identities i JOIN contacts c ON c.key = i.contact"
        " WHERE i.value = ? AND i.kind = ? AND i.replaced_at IS NULL",
        (value, kind),
    ).fetchone()
    return None if row is None else _Holder(*row)


def _holders(connection: sqlite3.Connection, contact: Contact) -> tuple[_Holder | None, _Holder | None]:
    """Who has the BSUID and who has the phone, in one statement: every message asks."""
    user = phone = None
    for kind, *row in connection.execute(_BOTH, (contact.user_id or None, contact.wa_id or None)):
        if kind == USER:
            user = _Holder(*row)
        else:
            phone = _Holder(*row)
    return user, phone


def _has(connection: sqlite3.Connection, who: _Holder, kind: str) -> bool:
    """Whether a contact has an id of this kind now."""
    query = "SELECT 1 FROM identities WHERE contact = ? AND kind = ? AND replaced_at IS NULL"
    return connection.execute(query, (who.key, kind)).fetchone() is not None


def _create(connection: sqlite3.Connection, contact: Contact, now: int, phone: _Holder | None = None) -> _Holder:
    """A new contact; ``phone``: who has had its phone number so far. Nobody has had its BSUID."""
    for number in count(1):
        # The handle of a phone number may be taken by whoever had the number before.
        handle = contact.key if number == 1 else f"{contact.key}~{number}"
        added = connection.execute(
            "INSERT INTO contacts (handle, created_at) VALUES (?, ?) ON CONFLICT (handle) DO NOTHING", (handle, now)
        )
        if added.rowcount == 1:
            break
    who = _Holder(added.lastrowid or 0, handle, 0, now)
    if phone is not None:
        connection.execute("UPDATE identities SET replaced_at = ? WHERE key = ?", (now, phone.identity))
    ids = [(USER, contact.user_id)] if contact.user_id else []
    if contact.wa_id:
        ids.append((PHONE, contact.wa_id))
    connection.executemany(
        "INSERT INTO identities (contact, kind, value, first_seen, last_seen) VALUES (?1, ?2, ?3, ?4, ?4)",
        [(who.key, kind, value, now) for kind, value in ids],
    )
    return who


def _learn(connection: sqlite3.Connection, who: _Holder, kind: str, value: str, now: int) -> None:
    """From now on the contact has this id, and nobody else; its own one of that kind is retired."""
    # Two statements: with OR, SQLite reads the whole table.
    for column, of in (("value", value), ("contact", who.key)):
        connection.execute(
            f"UPDATE identities SET replaced_at = ? WHERE {column} = ? AND kind = ? AND replaced_at IS NULL",  # noqa: S608
            (now, of, kind),
        )
    connection.execute(
        "INSERT INTO identities (contact, kind, value, first_seen, last_seen) VALUES (?1, ?2, ?3, ?4, ?4)",
        (who.key, kind, value, now),
    )


def _merge(
    connection: sqlite3.Connection, user: _Holder, phone: _Holder, message: InboundMessage, now: int
) -> tuple[_Holder, InboundMessage | None]:
    """One person under two names; who stays, and what ends the other's conversation with this number."""
    begun = {
        row[0]
        for row in connection.execute(
            "SELECT id FROM conversations WHERE id IN (?, ?)",
            (f"{message.number_id}:{user.handle}", f"{message.number_id}:{phone.handle}"),
        )
    }
    stays, goes = user, phone
    if begun == {f"{message.number_id}:{phone.handle}"}:
        stays, goes = phone, user  # towards the BSUID, but not away from the only conversation there is
    connection.execute(
        "UPDATE identities SET contact = ? WHERE contact = ? AND replaced_at IS NULL", (stays.key, goes.key)
    )
    connection.execute("UPDATE contacts SET merged_into = ? WHERE key = ?", (stays.key, goes.key))
    consents.unite(connection, stays.key, now)
    log.info("contact.merged", stays=stays.key, goes=goes.key)
    conversation_id = f"{message.number_id}:{goes.handle}"
    if conversation_id not in begun:
        return stays, None
    closing = InboundMessage(
        message_id=f"merged:{goes.key}:{stays.key}:{now}",
        number_id=message.number_id,
        conversation_id=conversation_id,
        timestamp=now,
        channel="notice",
        type="merged",
        payload={"into": f"{message.number_id}:{stays.handle}"},
        contact=message.contact,
    )
    return stays, closing


def _change(connection: sqlite3.Connection, who: _Holder, new: Contact, old: Contact, now: int) -> None:
    """The ids of a contact changed, as WhatsApp announced."""
    ids: Iterable[tuple[str, str | None, str | None]] = (
        (USER, new.user_id, old.user_id),
        (PHONE, new.wa_id, old.wa_id),
    )
    changes = [(kind, value, before) for kind, value, before in ids if value and value != before]
    holders = {_holder(connection, kind, value) for kind, value, _ in changes} - {None}
    ahead = next((holder for holder in holders if holder is not None and holder.key != who.key), None)
    if ahead is not None:
        # They wrote under the new id before we heard of the change: that contact goes on, the old ids lead nowhere.
        connection.execute(
            "UPDATE identities SET replaced_at = ? WHERE contact = ? AND replaced_at IS NULL", (now, who.key)
        )
        connection.execute("UPDATE contacts SET merged_into = ? WHERE key = ?", (ahead.key, who.key))
        consents.unite(connection, ahead.key, now)
        return
    for kind, value, _ in changes:
        if value:
            _learn(connection, who, kind, value, now)
