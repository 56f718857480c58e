"""A conversation as the customer's phone keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from wabox.demo.approved import Templates
from wabox.demo.courier import Letter
from wabox.demo.customer import Customer

Tick = Literal["waiting", "sent", "delivered", "read"]
TICKS: tuple[Tick, ...] = ("waiting", "sent", "delivered", "read")
KEEP = 1000
"""Bubbles a phone remembers."""


@dataclass(slots=True, kw_only=True)
class Bubble:
    """One message on the phone."""

    id: str
    by: Literal["customer", "business"]
    at: int
    """ms since the epoch."""
    message: Mapping[str, Any]
    """As it was on the wire: the webhook's message object, or the body of the send."""
    tick: Tick = "sent"
    """Theirs: sent (it left the phone), delivered (the webhook answered 200), read. Ours: how far its statuses came."""
    note: str | None = None
    """Why it is not further than it is."""
    wanted_read: bool = False
    """Ours: the customer has seen it; say so as soon as it was delivered."""

    def reach(self, tick: Tick) -> bool:
        """Advance to ``tick``, never back; whether anything changed."""
        if TICKS.index(tick) <= TICKS.index(self.tick):
            return False
        self.tick = tick
        return True

    def shown(self, customer: str) -> dict[str, Any]:
        return {
            "customer": customer,
            "id": self.id,
            "by": self.by,
            "at": self.at,
            "message": self.message,
            "tick": self.tick,
            "note": self.note,
        }


@dataclass(slots=True)
class Thread:
    """One customer's conversation with the business."""

    customer: Customer
    bubbles: list[Bubble] = field(default_factory=list)
    heard_at: int | None = None
    """When the customer last wrote, ms: the 24-hour service window opens then."""
    last_letter: Letter | None = None

    def add(self, bubble: Bubble) -> Bubble:
        self.bubbles.append(bubble)
        del self.bubbles[:-KEEP]
        return bubble

    def theirs(self) -> list[Bubble]:
        return [bubble for bubble in self.bubbles if bubble.by == "customer"]

    def ours(self) -> list[Bubble]:
        return [bubble for bubble in self.bubbles if bubble.by == "business"]

    def find(self, wamid: str) -> Bubble | None:
        return next((bubble for bubble in reversed(self.bubbles) if bubble.id == wamid), None)

    def offered(
        self, wanted: str, wamid: str | None = None, templates: Templates | None = None
    ) -> tuple[Bubble, str, dict[str, Any]] | None:
        """The newest button or row whose id or title is ``wanted``: its bubble, the kind of reply, the reply.

        With ``wamid`` only that bubble counts: customers also press buttons of long ago.
        """
        for bubble in reversed(self.ours()):
            if wamid is not None and bubble.id != wamid:
                continue
            for kind, reply in options(bubble.message, templates):
                if wanted in (reply["id"], reply["title"]):
                    return bubble, kind, reply
        return None


def options(body: Mapping[str, Any], templates: Templates | None = None) -> list[tuple[str, dict[str, Any]]]:
    """What can be tapped in a message: ``button_reply``, ``list_reply`` or, of a template, ``button``, with id, title and, of
    a row, description."""
    action = body.get("interactive", {}).get("action", {})
    buttons = [("button_reply", dict(button["reply"])) for button in action.get("buttons", ())]
    rows = [("list_reply", dict(row)) for section in action.get("sections", ()) for row in section.get("rows", ())]
    sent = body.get("template", {})
    known = (templates or {}).get(sent.get("name"), {}).get(sent.get("language", {}).get("code"), {})
    behind = {
        str(component.get("index")): component["parameters"][0].get("payload")
        for component in sent.get("components", ())
        if component.get("type") == "button" and component.get("parameters")
    }
    replies = [
        ("button", {"id": behind.get(str(place)) or button["title"], "title": button["title"]})
        for place, button in enumerate(known.get("buttons", ()))
        if button["type"] == "quick_reply"
    ]
    return buttons + rows + replies


def summary(body: Mapping[str, Any]) -> str:
    """A send in a few words, whatever it is: it may be nonsense."""
    kind = str(body.get("type", "text"))
    part = body.get(kind)
    if not isinstance(part, Mapping):
        return kind
    if kind == "interactive":
        words = part.get("body")
        text = words.get("text", "") if isinstance(words, Mapping) else ""
        kind = {"button": "buttons"}.get(str(part.get("type")), str(part.get("type", kind)))
    else:
        text = part.get("body", part.get("caption", ""))
    return f"{kind} {short(str(text))}" if text else kind


def short(text: str, most: int = 60) -> str:
    """A text as one quoted line."""
    line = " ".join(text.split())
    return f"“{line[:most]}…”" if len(line) > most else f"“{line}”"
