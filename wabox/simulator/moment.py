"""What entered a real conversation and what came of it, out of its transcript."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wabox.core.conversation import Record
from wabox.engine.invoke import DONE_INVOKE

ENVELOPE = frozenset({"from", "from_user_id", "id", "timestamp", "context"})
"""Of a Cloud API message: who, when and in reply to what, which is another in a test."""


@dataclass(slots=True)
class Moment:
    """What entered the conversation, and what came of it."""

    at: int
    """ms since the epoch."""
    body: Mapping[str, Any]
    """Of the inbound record."""
    sent: list[Mapping[str, Any]] = field(default_factory=list)
    """Cloud API bodies."""

    @property
    def channel(self) -> str:
        return str(self.body.get("channel"))

    @property
    def type(self) -> str:
        return str(self.body.get("type"))

    @property
    def payload(self) -> Mapping[str, Any]:
        return self.body.get("payload") or {}

    @property
    def states(self) -> list[str] | None:
        """The active leaves after it; None when the transcript does not tell (it was written by an older wabox)."""
        return self.body.get("states")

    @property
    def content(self) -> dict[str, Any]:
        """The message as the Cloud API brought it, without its envelope."""
        raw = self.body.get("raw") or {"type": self.type}
        return {key: value for key, value in raw.items() if key not in ENVELOPE}

    @property
    def result(self) -> Any:
        """What a call brought, if this is one's."""
        return self.payload.get("data") if self.channel == "action" else None


def moments(records: Iterable[Record]) -> list[Moment]:
    """A transcript, turn by turn."""
    found: list[Moment] = []
    for record in records:
        if record.kind == "in":
            found.append(Moment(record.at, record.body))
        elif record.kind == "out" and found:
            found[-1].sent.append(record.body)
    return found


def newest(found: Sequence[Moment]) -> list[Moment]:
    """The last conversation of a transcript, which may hold many: what came after the last end but the very last."""
    begins = 0
    for place, moment in enumerate(found[:-1]):
        if moment.states == []:
            begins = place + 1
    return list(found[begins:])


def results(found: Iterable[Moment]) -> dict[str, Any]:
    """What calls brought, by their ids; several results in their order."""
    brought: dict[str, list[Any]] = {}
    for moment in found:
        if moment.channel == "action" and isinstance(name := moment.payload.get("id"), str):
            data = moment.result or {}
            failed = not moment.type.startswith(DONE_INVOKE)
            known = {key: data[key] for key in ("error", "status") if data.get(key) is not None}
            brought.setdefault(name, []).append(known if failed else data.get("output"))
    return {
        name: several if len(several) > 1 or isinstance(several[0], list) else several[0]
        for name, several in brought.items()
    }
