"""Conversations that leave for a cluster, or come from one. Nobody else may be using the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from wabox.core.agent import Act
from wabox.core.contact import handle_of
from wabox.core.conversation import Timer, UnitOfWork
from wabox.core.delivery import DeliveryStatus, OutboundMessage
from wabox.core.invocation import Invocation
from wabox.core.llm import KnownAnswer, Sums
from wabox.core.message import InboundMessage
from wabox.core.meter import Counted
from wabox.core.portable import Card, Portable
from wabox.core.portableaccount import PortableAccount
from wabox.core.portablebroadcast import PortableBroadcast, PortableRecipient, alone, alone_in
from wabox.core.portableledger import Line
from wabox.core.tally import Counts
from wabox.core.template import StoredTemplate
from wabox.core.version import Version
from wabox.errors import StorageError
from wabox.sqlite import (
    alerts,
    archives,
    contacts,
    conversations,
    handoffs,
    inbox,
    invocations,
    media,
    meter,
    outbox,
    portableaccounts,
    portablebroadcasts,
    portableledger,
    purse,
    seen,
    tallies,
    templates,
    timers,
    transcript,
    versions,
)
from wabox.sqlite.connection import DATABASE, read_only
from wabox.sqlite.migrate import migrations, version

FAR = 2**62
"""Later than every due time."""
EVERY = 10**9
"""More than there are of anything."""


def ready(folder: Path) -> None:
    """Raises StorageError when there is nothing in it that could be brought anywhere."""
    path, newest = folder / DATABASE, migrations()[-1][0]
    if not path.is_file():
        raise StorageError(f"{folder} has no {DATABASE}, so there is nothing to bring. Is it the data folder?")
    try:
        with closing(read_only(path)) as connection:
            schema = version(connection)
    except sqlite3.Error as error:
        raise StorageError(f"{path} cannot be read: {error}. Restore the last backup (wabox restore).") from error
    if schema != newest:
        raise StorageError(
            f"{path} has the schema {schema}, this wabox {newest}: run wabox migrate, without --to, first"
        )


class Departure:
    """What a data folder has. Use it in a ``with`` block."""

    def __init__(self, folder: Path) -> None:
        self._connection = read_only(folder / DATABASE)
        self.strays: Collection[int] = ()
        """Recipients of broadcasts that do not go along: messages leave without them."""

    def __enter__(self) -> Departure:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @property
    def count(self) -> int:
        return conversations.count(self._connection)

    def conversations(self) -> Iterator[Portable]:
        """Every one of which more is known than its id, the oldest first."""
        calls: dict[str, list[Invocation]] = {}
        for call in invocations.list_(self._connection):
            calls.setdefault(call.conversation_id, []).append(call)
        keys = self._connection.execute("SELECT key, id FROM conversations WHERE contact IS NOT NULL ORDER BY key")
        for key, id_ in keys.fetchall():
            yield self._one(key, id_, calls.get(id_, ()))
        # Who agreed to something, or did not, and never wrote: a cluster keeps that with a conversation.
        yield from (Portable(session=session) for session in portableledger.entered(self._connection))

    def ledger(self) -> Iterator[Line]:
        """Every word about being written to, in the order in which it was said."""
        return portableledger.leave(self._connection)

    def accounts(self) -> list[PortableAccount]:
        return portableaccounts.leave(self._connection)

    def acts(self) -> Iterator[Act]:
        """All of the audit log, in the order of their times."""
        return portableaccounts.acts(self._connection)

    def versions(self) -> list[Version]:
        """Published ones, of all bots."""
        return versions.every(self._connection)

    def media(self) -> list[media.Row]:
        """Which files came, with the time of the next try and what was heard in them."""
        return media.leave(self._connection)

    def tallies(self) -> Counts:
        """Counters of all hours, those of lines that nobody has counted yet among them."""
        return tallies.sum_(self._connection, 0, FAR // 1024)

    def metered(self) -> Counted:
        return meter.rows(self._connection)

    def templates(self) -> list[StoredTemplate]:
        """As WhatsApp has them, as far as is known."""
        return templates.list_(self._connection)

    def sums(self, since: str) -> Sums:
        """What the language model has cost: every day, and since this ISO day each conversation."""
        return purse.sums(self._connection, since)

    def answers(self) -> list[KnownAnswer]:
        """What it said."""
        return purse.answers(self._connection)

    def broadcasts(self) -> list[PortableBroadcast]:
        return portablebroadcasts.leave(self._connection)

    def recipients(self, broadcast: int) -> list[PortableRecipient]:
        """All of one, by their numbers."""
        return portablebroadcasts.page(self._connection, broadcast, -1, EVERY)

    def waiting(self) -> Iterator[InboundMessage]:
        """Messages that nobody has handled, in order."""
        after = 0
        while True:
            rows, _ = inbox.load(self._connection, after, 500)
            yield from (alone_in(message, self.strays) for _, message in rows)
            if len(rows) < 500:
                return
            after = rows[-1][0]

    def _one(self, key: int, id_: str, calls: Sequence[Invocation]) -> Portable:
        connection = self._connection
        armed = connection.execute(
            "SELECT name, due_at, armed FROM timers WHERE conversation = ? ORDER BY name", (key,)
        )
        lines = transcript.list_(connection, id_, EVERY)
        return Portable(
            session=conversations.load(connection, id_),
            outbox=tuple(alone(row, self.strays) for row in outbox.load(connection, id_, EVERY, FAR)),
            timers=tuple(Timer(name=name, due_at=due_at, armed=armed) for name, due_at, armed in armed.fetchall()),
            calls=tuple(calls),
            cases=tuple(reversed(handoffs.of_conversation(connection, id_, EVERY))),
            alerts=tuple(alerts.of_conversation(connection, key)),
            cards=_cards(connection, key, id_),
            lines=tuple(lines),
            seen=tuple((line.ref, line.at) for line in lines if line.kind == "in" and line.ref is not None),
        )


def arrive(connection: sqlite3.Connection, conversation: Portable) -> bool:
    """Store it, in the caller's transaction; False when this database has it already, as far or further. What was said about
    being written to comes at the end, from everybody: :func:`wabox.sqlite.portableledger.arrive`."""
    session = conversation.session
    found = conversations.find(connection, session.conversation_id)
    if found is not None and found[1] >= session.sequence:
        return False
    if session.contact is None or session.number_id is None:
        return False
    if found is not None:
        _clear(connection, found[0])
    began = min(
        session.opened_at or session.updated_at, session.updated_at, *(line.at for line in conversation.lines[:1])
    )
    contacts.settle(connection, session.contact, handle_of(session.conversation_id), began, session.updated_at)
    portableledger.provide(connection, session.conversation_id, session.consent, session.updated_at)
    found = conversations.find(connection, session.conversation_id)
    unit = UnitOfWork(
        conversation_id=session.conversation_id,
        number_id=session.number_id,
        contact=session.contact,
        expected=found[1] if found is not None else 0,
        handled=(),
        snapshot=session.snapshot,
        at=session.updated_at,
        opened_at=session.opened_at,
        quiet_until=session.quiet_until,
    )
    key = conversations.save(connection, unit)
    assert key is not None  # noqa: S101 - nobody else writes
    connection.execute("UPDATE conversations SET sequence = ? WHERE key = ?", (session.sequence, key))
    for timer in conversation.timers:
        timers.save(connection, key, timer, first=True)
    outbox.add(connection, key, [*(card.message for card in conversation.cards), *conversation.outbox])
    for card in conversation.cards:
        connection.execute("UPDATE outbox SET wamid = ? WHERE id = ?", (card.wamid, card.message.id))
    for call in conversation.calls:
        invocations.add(connection, key, call)
        connection.execute("UPDATE invocations SET attempts = ? WHERE id = ?", (call.attempts, call.id))
    for case in conversation.cases:
        handoffs.save(connection, key, case)
    alerts.add(connection, key, conversation.alerts)
    if session.archived is not None:
        archives.add(connection, key, session.archived)
    transcript.add(connection, key, conversation.lines)
    for message_id, at in conversation.seen:
        seen.add(connection, _told(session.number_id, message_id, conversation, at), at)
    return True


def _clear(connection: sqlite3.Connection, key: int) -> None:
    for table in ("timers", "outbox", "invocations", "handoffs", "alerts", "transcript", "archives"):
        connection.execute(f"DELETE FROM {table} WHERE conversation = ?", (key,))  # noqa: S608 - ours


def _cards(connection: sqlite3.Connection, key: int, id_: str) -> tuple[Card, ...]:
    rows = connection.execute(
        "SELECT id, number_id, body, policy, status, attempts, created_at, attempted_at, reason, code, source, purpose, wamid"
        " FROM outbox WHERE conversation = ? AND pending = 0 AND id IN (SELECT ref FROM alerts WHERE ref IS NOT NULL)"
        " ORDER BY key",
        (key,),
    )
    found: list[Card] = []
    for row in rows:
        (
            sent,
            number_id,
            body,
            policy,
            status,
            attempts,
            created_at,
            attempted_at,
            reason,
            code,
            source,
            purpose,
            wamid,
        ) = row
        message = OutboundMessage(
            id=sent,
            conversation_id=id_,
            number_id=number_id,
            body=msgspec.json.decode(body),
            policy=policy,
            status=DeliveryStatus(status),
            attempts=attempts,
            created_at=created_at,
            attempted_at=attempted_at,
            reason=reason,
            code=code,
            source=source,
            purpose=purpose,
            tells=False,
        )
        found.append(Card(message=message, wamid=wamid))
    return tuple(found)


def _told(number_id: str, message_id: str, conversation: Portable, at: int) -> InboundMessage:
    contact = conversation.session.contact
    assert contact is not None  # noqa: S101 - looked at before
    return InboundMessage(
        message_id=message_id,
        number_id=number_id,
        conversation_id=conversation.session.conversation_id,
        timestamp=at,
        type="text",
        contact=contact,
    )
