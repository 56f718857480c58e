"""What customers wrote, and what was made of it, out of all transcripts: for ``wabox learn``."""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec

from wabox.core.contact import Contact
from wabox.core.learning import NO_MORE, TAPS, Heard

PAGE = 5_000
"""Lines read at a time: a reader that stays in one place keeps the log from being folded."""
TYPES = frozenset({"text", "voice", "audio", *TAPS})
_BETWEEN = "between sure and lost: "
"""How ``why`` begins where it was asked which intent is meant."""

_contacts = msgspec.json.Decoder(Contact)


class _Body(msgspec.Struct):
    channel: str = ""
    type: str = ""
    text: str | None = None
    payload: dict[str, Any] = {}
    understood: tuple[str, str | None, float, str] | None = None
    candidates: tuple[tuple[str, float], ...] = ()
    events: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    why: str = ""


_body = msgspec.json.Decoder(_Body, strict=False)


def list_(connection: sqlite3.Connection, since: int, limit: int) -> list[Heard]:
    """The newest ``limit`` lines after ``since`` (ms), in the order of time."""
    over = {
        (conversation, at)
        for conversation, at in connection.execute(
            "SELECT conversation, opened_at FROM handoffs WHERE reason = ? AND opened_at >= ?", (NO_MORE, since)
        )
    }
    found: list[Heard] = []
    contacts: dict[int, tuple[str, Contact] | None] = {}
    below = (connection.execute("SELECT max(key) FROM transcript").fetchone()[0] or 0) + 1
    while below > 1 and len(found) < limit:
        rows = connection.execute(
            "SELECT conversation, at, body FROM transcript WHERE key >= ? AND key < ? AND kind = 'in' ORDER BY key DESC",
            (below - PAGE, below),
        ).fetchall()
        below -= PAGE
        for conversation, at, raw in rows:
            if at < since:
                return found[::-1]
            if conversation not in contacts:
                contacts[conversation] = _customer(connection, conversation)
            customer = contacts[conversation]
            line = _read(raw) if customer is not None else None
            if customer is not None and line is not None and len(found) < limit:
                found.append(_heard(*customer, at, line, handed_off=(conversation, at) in over))
    return found[::-1]


def _customer(connection: sqlite3.Connection, key: int) -> tuple[str, Contact] | None:
    row = connection.execute("SELECT id, contact FROM conversations WHERE key = ?", (key,)).fetchone()
    return (row[0], _contacts.decode(row[1])) if row is not None and row[1] is not None else None


def _read(raw: bytes) -> _Body | None:
    """None for what no customer wrote, or is not there any more."""
    try:
        line = _body.decode(raw)
    except msgspec.MsgspecError:
        return None
    return line if line.channel == "whatsapp" and line.type in TYPES and line.understood is not None else None


def _heard(conversation_id: str, contact: Contact, at: int, line: _Body, *, handed_off: bool) -> Heard:
    assert line.understood is not None  # noqa: S101 - _read saw to it
    tier, intent, confidence, language = line.understood
    tapped = line.payload.get("id") if line.type in TAPS else None
    asked = line.why.removeprefix(_BETWEEN).rstrip("?").split(" or ") if line.why.startswith(_BETWEEN) else []
    return Heard(
        conversation_id=conversation_id,
        contact=contact,
        at=at,
        type=line.type,
        text=line.text or "",
        tier=tier,
        intent=intent,
        confidence=confidence,
        language=language,
        candidates=tuple(name for name, _ in line.candidates),
        asked=tuple(asked),
        tapped=tapped if isinstance(tapped, str) else None,
        events=line.events,
        states=line.states,
        handed_off=handed_off,
    )
