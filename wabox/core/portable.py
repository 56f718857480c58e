"""A conversation on its way from one storage adapter to the other: everything that goes on with it, and what was said. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from wabox.core.alert import Alert
from wabox.core.consent import ConsentEntry
from wabox.core.conversation import Record, Session, Timer
from wabox.core.delivery import OutboundMessage
from wabox.core.handoff import Handoff
from wabox.core.invocation import Invocation


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A message that has left and told somebody of a case: an answer to it must still be understood."""

    message: OutboundMessage
    """As it is now; it tells no flow what becomes of it."""
    wamid: str | None


class Portable(msgspec.Struct, frozen=True, kw_only=True):
    session: Session
    outbox: tuple[OutboundMessage, ...] = ()
    """What still has to leave, in order."""
    timers: tuple[Timer, ...] = ()
    calls: tuple[Invocation, ...] = ()
    cases: tuple[Handoff, ...] = ()
    """Of all times, the oldest first."""
    alerts: tuple[Alert, ...] = ()
    """Of those cases, whether somebody was told or not; in the order in which they came."""
    cards: tuple[Card, ...] = ()
    """What this conversation, an agent's, was told by: of cases of other conversations."""
    lines: tuple[Record, ...] = ()
    """The transcript, the oldest first."""
    seen: tuple[tuple[str, int], ...] = ()
    """Ids of its messages, and when they were handled, ms since the epoch: a redelivery must still be known."""
    said: tuple[ConsentEntry, ...] = ()
    """Lines of the ledger, in their order. Empty where the ledger is read as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something beside conversations that moved. What the other side has besides counts in neither digest."""

    name: str
    count: int
    brought: int
    here: str
    there: str


_encode = msgspec.json.Encoder(order="deterministic").encode


def digest(conversation: Portable) -> str:
    """Of what goes on: the same on both sides when nothing was lost on the way."""
    timers = tuple(sorted(conversation.timers, key=lambda timer: timer.name))
    calls = tuple(sorted(conversation.calls, key=lambda call: call.id))
    # An archive is only looked at when nothing is under way, and only its newest is kept: it is no part of what goes on.
    session = msgspec.structs.replace(conversation.session, archived=None)
    cards = [(card.message.id, card.message.status, card.wamid) for card in conversation.cards]
    people = (conversation.cases, conversation.alerts, sorted(cards))
    # Whose broadcast they are of is no part of it either: that may stay behind.
    outbox = [msgspec.structs.replace(row, recipient=None) for row in conversation.outbox]
    content = _encode((session, outbox, timers, calls, people))
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def together(digests: Iterable[str]) -> str:
    """One for all of them, whatever their order."""
    total = 0
    for one in digests:
        total ^= int(one, 16)
    return f"{total:032x}"
