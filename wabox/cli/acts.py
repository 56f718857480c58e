"""What a person of yours did in a conversation, as a line of its transcript has it: acts, and those that were refused."""

from __future__ import annotations

from dataclasses import dataclass

from wabox.core.conversation import Record


@dataclass(frozen=True, slots=True)
class Act:
    who: str
    text: str
    """In words, for a person."""
    leaves: bool
    """It is a message to the customer: what they were told stands below, as the message that left."""


def act_of(record: Record) -> Act | None:
    """None: the line is no act of an agent."""
    body = record.body
    if record.kind != "in" or body.get("channel") != "agent":
        return None
    payload = body.get("payload") or {}
    who = str(payload.get("by") or payload.get("agent") or "agent")
    kind, said = str(body.get("type")), str(body.get("text") or "")
    refusal = str(body.get("outcome", "done"))
    if refusal != "done":
        return Act(who, f"[{kind} refused: {refusal}]", leaves=False)
    if kind in ("reply", "tell", "unheard"):
        return Act(who, said, leaves=True)
    where = str(payload.get("to") or payload.get("queue") or "")
    head = kind if kind == "note" else " ".join(filter(None, (kind, where and f"to {where}")))
    return Act(who, f"[{head}] {said}".rstrip(), leaves=False)
