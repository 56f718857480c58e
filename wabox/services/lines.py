"""A transcript line by line, as a console shows it: who said what, whether it arrived, what the bot made of it.

What an agent said stands once: as the message that left. What was refused, timers and other machinery are no lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from wabox.core.conversation import Record
from wabox.core.delivery import outbound_id, words
from wabox.core.media import InboundMedia
from wabox.core.slot import MEDIA
from wabox.services.desk import SAID

Who = Literal["customer", "bot", "agent", "note", "event"]
SPOKEN: Final = frozenset({"whatsapp", "standby", "echo"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """The file of a message."""

    kind: str
    """image video audio voice document sticker."""
    status: str
    """``stored``, ``waiting``, ``lost``; ``link``: an address that Meta fetched."""
    mime_type: str | None = None
    name: str | None = None
    """As the sender called it: data, never a path."""
    size: int | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What the bot made of a message, and how sure it was."""

    tier: str
    intent: str | None
    confidence: float
    language: str | None
    why: str | None
    candidates: Sequence[tuple[str, float]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that was said or done."""

    key: int
    """Rises with time; the line's name."""
    at: int
    """ms since the epoch."""
    who: Who
    by: str | None = None
    type: str = "text"
    text: str = ""
    ref: str | None = None
    """The message's id."""
    status: str | None = None
    """Of what we said: queued sending unknown sent delivered read played failed."""
    reason: str | None = None
    """Why it waits or failed."""
    media: Attached | None = None
    read: Read | None = None
    options: Sequence[str] = ()
    """Titles of the buttons or rows."""
    edited_at: int | None = None
    deleted_at: int | None = None


def lines(
    page: Sequence[tuple[int, Record]],
    deliveries: Mapping[str, tuple[str, str | None]],
    media: Mapping[str, InboundMedia],
) -> list[Line]:
    """Of a page of the transcript. ``deliveries``: status and reason by outbound id; ``media``: by message id."""
    agents: dict[str, str] = {}
    return [line for key, record in page for line in _line(key, record, agents, deliveries, media)]


def _line(
    key: int,
    record: Record,
    agents: dict[str, str],
    deliveries: Mapping[str, tuple[str, str | None]],
    media: Mapping[str, InboundMedia],
) -> Iterator[Line]:
    body, ref = record.body, record.ref or ""
    channel, kind = body.get("channel"), str(body.get("type", "text"))
    if record.kind == "out":
        by = agents.get(ref)
        status, reason = deliveries.get(ref, (None, None))
        yield Line(
            key=key,
            at=record.at,
            who="agent" if by else "bot",
            by=by,
            type=kind,
            text=_words(body),
            ref=record.ref,
            status=status,
            reason=reason,
            media=_sent(body),
            options=_options(body),
        )
    elif record.kind == "in" and channel == "agent":
        payload = body.get("payload") or {}
        by = str(payload.get("by") or payload.get("agent"))
        if body.get("outcome", "done") != "done":
            return
        agents[outbound_id(ref, SAID)] = by
        text = str(body.get("text") or "")
        if kind == "note":
            yield Line(key=key, at=record.at, who="note", by=by, text=text, ref=record.ref)
        elif kind in ("claim", "transfer", "close"):
            where = str(payload.get("to") or payload.get("queue") or "")
            said = " ".join(filter(None, (where, text))) if kind == "transfer" else text
            yield Line(key=key, at=record.at, who="event", by=by, type=kind, text=said, ref=record.ref)
    elif record.kind == "in" and channel in SPOKEN:
        deleted, edited = body.get("deleted_at"), body.get("edited_at")
        if kind in ("edited", "deleted"):
            return  # the line that it is about says so
        text = str(body.get("text") or "")
        yield Line(
            key=key,
            at=record.at,
            who="agent" if channel == "echo" else "customer",
            by="phone" if channel == "echo" else None,
            type=kind,
            text=text,
            ref=record.ref,
            media=_received(kind, body, media.get(ref)),
            read=_read(body),
            edited_at=edited if isinstance(edited, int) else None,
            deleted_at=deleted if isinstance(deleted, int) else None,
        )
    elif record.kind == "error":
        yield Line(key=key, at=record.at, who="event", type="error", text=str(body.get("error"))[:300])


def _words(body: Mapping[str, Any]) -> str:
    kind = str(body.get("type", ""))
    said = words(body)
    return "" if said == kind and kind in MEDIA else said


def _options(body: Mapping[str, Any]) -> list[str]:
    action = body.get("interactive", {}).get("action", {}) if body.get("type") == "interactive" else {}
    titles = [one.get("reply", {}).get("title") for one in action.get("buttons", ())]
    titles += [row.get("title") for section in action.get("sections", ()) for row in section.get("rows", ())]
    return [title for title in titles if isinstance(title, str)]


def _sent(body: Mapping[str, Any]) -> Attached | None:
    kind = str(body.get("type", ""))
    part = body.get(kind) or {}
    if kind == "interactive":  # a picture over the buttons
        part = part.get("header") or {}
        kind = str(part.get("type", ""))
        part = part.get(kind) or {}
    if kind not in MEDIA or not isinstance(part, Mapping):
        return None
    link = part.get("link")
    name = part.get("filename") or str(part.get("id", "")).rpartition("/")[2] or None
    return Attached(kind=kind, status="link", link=link if isinstance(link, str) else None, name=name)


def _received(kind: str, body: Mapping[str, Any], row: InboundMedia | None) -> Attached | None:
    if kind not in MEDIA:
        return None
    payload = body.get("payload") or {}
    name = payload.get("filename")
    return Attached(
        kind=kind,
        status=row.status.value if row is not None else "lost",
        mime_type=row.content_type if row is not None else None,
        name=name if isinstance(name, str) else None,
        size=row.size if row is not None else None,
    )


def _read(body: Mapping[str, Any]) -> Read | None:
    found = body.get("understood")
    if not isinstance(found, list | tuple) or len(found) < 4:
        return None
    tier, intent, confidence, language = found[:4]
    why, near = body.get("why"), body.get("candidates") or ()
    return Read(
        tier=str(tier),
        intent=intent,
        confidence=float(confidence or 0),
        language=language,
        why=why if isinstance(why, str) else None,
        candidates=[(str(one), float(sure)) for one, sure in near][:3],
    )
