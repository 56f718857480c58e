"""A conversation at rest, and the unit of work that moves it on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from wabox.core.alert import Alert
from wabox.core.consent import NEVER_ASKED, Consent, ConsentEntry
from wabox.core.contact import Contact
from wabox.core.delivery import OutboundMessage
from wabox.core.handoff import Handoff
from wabox.core.invocation import Invocation


class Timer(msgspec.Struct, frozen=True, kw_only=True):
    """A row that names what set it; a stale one does nothing.

    A timer comes due as an inbound message of its conversation, with an id made of name and ``armed``: firing twice is
    harmless, and one that was re-armed since no longer matches the snapshot.
    """

    name: str
    """``soft``, ``hard``, or ``after:<delay>:<state>``."""
    due_at: int
    """ms since the epoch."""
    armed: int
    """The sequence number of the snapshot that armed it."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a conversation's transcript; JSON-serialisable."""

    at: int
    """ms since the epoch."""
    kind: Literal["in", "out", "event", "status", "error"]
    body: Mapping[str, Any]
    ref: str | None = None
    """The message id (in) or outbound id (out) that the line is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """The customer (or a person on the phone) edited or deleted a message."""

    ref: str
    """Its id."""
    at: int
    """ms since the epoch."""
    deleted: bool
    """Nothing of what it said is kept."""
    text: str | None = None
    """What an edited one says now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A conversation that is over."""

    at: int
    """When, ms since the epoch."""
    reason: Literal["done", "expired", "reset"]
    """It came to its end; nobody came back before the hard timeout; somebody wanted it to begin anew."""
    snapshot: bytes
    """As it stood, in the engine's form."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation as the store has it. ``sequence`` 0 and no snapshot: nothing was said yet."""

    conversation_id: str
    sequence: int = 0
    """The compare-and-set token: rises by one with each committed unit of work."""
    snapshot: bytes | None = None
    """JSON, written by the engine; nobody else reads it."""
    contact: Contact | None = None
    number_id: str | None = None
    updated_at: int = 0
    opened_at: int | None = None
    """When the customer last opened the service window, ms since the epoch; None: nobody knows."""
    quiet_until: int = 0
    """Until then a person answers from the phone, and the bot says nothing; ms since the epoch."""
    consent: Consent = NEVER_ASKED
    """What the customer agreed to, and whether they asked us to stop."""
    archived: Archive | None = None
    """The newest one; looked up only when there is no snapshot."""
    case: Handoff | None = None
    """The open one."""


class UnitOfWork(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that handling messages of one conversation changes: committed together or not at all (P2).

    Built by ``services``, committed by a port; so many conversations can share one commit, and a cluster can do it in one
    script.
    """

    conversation_id: str
    number_id: str
    contact: Contact
    expected: int
    """The sequence number of the session that this was computed from; the commit fails if it has moved."""
    handled: tuple[str, ...]
    """Ids of the inbound messages this settles; they leave the inbox."""
    snapshot: bytes | None
    """The conversation from now on; ``None`` when it is over: all its timers go, the next message begins a new one."""
    at: int
    """ms since the epoch."""
    sends: tuple[OutboundMessage, ...] = ()
    """In the order in which they must reach the customer."""
    arm: tuple[Timer, ...] = ()
    """Set or replaced, by name."""
    disarm: tuple[str, ...] = ()
    """Names."""
    handoffs: tuple[Handoff, ...] = ()
    """Cases as they are from now on; of one that is named twice the last word counts."""
    case: Handoff | None = None
    """The open one from now on."""
    alerts: tuple[Alert, ...] = ()
    """Who has to be told of the case."""
    rated: tuple[str, int] | None = None
    """A closed case's id, and the customer's mark, from 1 to 5."""
    invoke: tuple[Invocation, ...] = ()
    """Calls to make after the commit."""
    revoke: tuple[tuple[str, str], ...] = ()
    """Calls that nobody waits for any more: chart and id; done before ``invoke``."""
    records: tuple[Record, ...] = ()
    amend: tuple[Amendment, ...] = ()
    """Lines of the transcript that read differently from now on."""
    withdraw: str | None = None
    """A person has taken over: what the bot said before and what waits to leave must not any more, for this reason. Messages of
    people stay, and so do service templates (a reminder answers nobody)."""
    opened_at: int | None = None
    quiet_until: int = 0
    """Both from now on, as in :class:`Session`."""
    consents: tuple[ConsentEntry, ...] = ()
    """What the customer said about being written to, for the ledger."""
    consent: Consent = NEVER_ASKED
    """What holds from now on: the session's, and ``consents``."""
    archive: Archive | None = None
    """Without a snapshot: the newest archive from now on, perhaps one that is stored already."""


def after(unit: UnitOfWork) -> Session:
    """The conversation once the unit is committed: what ``Sessions.open`` would say."""
    return Session(
        conversation_id=unit.conversation_id,
        sequence=unit.expected + 1,
        snapshot=unit.snapshot,
        contact=unit.contact,
        number_id=unit.number_id,
        updated_at=unit.at,
        opened_at=unit.opened_at,
        quiet_until=unit.quiet_until,
        consent=unit.consent,
        archived=unit.archive,
        case=unit.case,
    )


CommitResult = Literal["committed", "duplicate", "conflict"]
"""``duplicate``: these messages were handled before, nothing was changed. ``conflict``: the session moved on; read it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationSummary:
    """One line of a list of conversations."""

    conversation_id: str
    contact: Contact
    sequence: int
    updated_at: int
    snapshot: bytes | None
    detail: Mapping[str, Any] = field(default_factory=dict)
