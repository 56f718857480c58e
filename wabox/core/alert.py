"""Whoever answers is told that somebody waits: an alert is a row before it leaves, and a case counts as handed over only when
one of its alerts was accepted.

An address says how: ``mailto:marta@example.com``, ``ntfy:https://ntfy.sh/topic``, ``whatsapp:+34600111222?agent=marta``, the
``https://…`` of a webhook, or ``console``: whoever has the console or ``wabox handoff watch`` open.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

AlertWhat = Literal["opened", "returned", "waited too long", "unheard", "offered", "wrote"]
"""``unheard``: those who should have been told first could not be. ``offered``: it is one agent's to take.
``wrote``: the customer, to the agent on WhatsApp."""
AlertStatus = Literal["waiting", "sent", "accepted", "refused", "stale"]
"""``sent``: WhatsApp has it, what becomes of it comes later. ``stale``: it was nobody's news any more before it left."""
AlertKind = Literal["email", "ntfy", "whatsapp", "webhook", "console"]

CONSOLE: Final = "console"
_SCHEMES: Final[Mapping[str, AlertKind]] = {
    "mailto": "email",
    "ntfy": "ntfy",
    "whatsapp": "whatsapp",
    "https": "webhook",
    "http": "webhook",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    id: str
    """Derived from what caused it, so that a repeated turn tells nobody twice."""
    conversation_id: str
    case: str
    to: str
    what: AlertWhat
    body: Mapping[str, Any] = field(default_factory=dict)
    """``customer``, ``reason``, ``queue``, ``priority``, ``opened_at`` (ms), ``waiting_ms``, ``number_id``; for ``wrote`` also
    ``text``."""
    created_at: int
    """ms since the epoch."""
    due_at: int
    """Not before: a queue that is closed is told when it opens."""
    status: AlertStatus = "waiting"
    attempts: int = 0
    reason: str | None = None
    """Why it is not accepted yet, or never will be."""
    ref: str | None = None
    """The WhatsApp message that it became: an outbound id."""
    settled_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of one try to tell somebody."""

    status: AlertStatus
    reason: str | None = None
    again: bool = False
    """Trying again may help."""
    wait: float | None = None
    """s that the other side asks us to wait before that."""
    ref: str | None = None


def kind(to: str) -> AlertKind | None:
    """How an address is told; None: it is none."""
    if to == CONSOLE:
        return "console"
    scheme, colon, rest = to.partition(":")
    return _SCHEMES.get(scheme.lower()) if colon and rest else None


def alert_id(message_id: str, to: str) -> str:
    return hashlib.blake2b(f"alert\0{message_id}\0{to}".encode(), digest_size=12).hexdigest()


def shown(to: str) -> str:
    """The address for people: without what may be secret in it."""
    found = kind(to)
    if found in ("webhook", "ntfy"):
        host = to.removeprefix("ntfy:").partition("://")[2].partition("/")[0].rpartition("@")[2]
        return f"{found} {host}"
    if found == "whatsapp":
        return f"WhatsApp {phone(to)}"
    return to.partition(":")[2] if found == "email" else to


def phone(to: str) -> str:
    """Of a WhatsApp address: the number, or user id, as it was written."""
    return to.partition(":")[2].partition("?")[0]


def agent(to: str) -> str:
    """Of a WhatsApp address: who answers from there, an id."""
    query = to.partition("?")[2]
    named = query.removeprefix("agent=") if query.startswith("agent=") else ""
    return named or phone(to).lstrip("+")
