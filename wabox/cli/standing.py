"""Where a conversation stands, for people and for scripts."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from wabox.cli.acts import act_of
from wabox.core.conversation import ConversationSummary, Record
from wabox.core.delivery import outbound_id, words
from wabox.engine.snapshot import Snapshot, decode
from wabox.errors import ConversationError
from wabox.services.desk import SAID

WIDTH = 80
LONGEST = 400
"""Characters of a transcript line that are shown."""
_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"))


def described(one: ConversationSummary) -> dict[str, Any]:
    """For scripts: times in ms since the epoch."""
    snapshot = _snapshot(one)
    return {
        "id": one.conversation_id,
        "name": one.contact.name,
        "updated_at": one.updated_at,
        "chart": snapshot.chart if snapshot else None,
        "states": list(snapshot.leaves) if snapshot else [],
        "stack": [[frame.chart, *frame.leaves] for frame in snapshot.stack] if snapshot else [],
        "context": snapshot.context if snapshot else {},
        "timers": {name: due_at for name, (due_at, _) in snapshot.timers.items()} if snapshot else {},
        "calls": list(snapshot.invokes) if snapshot else [],
        "language": snapshot.language if snapshot else None,
    }


def stands_in(one: ConversationSummary, state: str) -> bool:
    """Whether some frame of it is in the state, or inside it."""
    snapshot = _snapshot(one)
    frames = snapshot.frames if snapshot else ()
    return any(leaf == state or leaf.startswith(f"{state}.") for frame in frames for leaf in frame.leaves)


def line(one: ConversationSummary, now: int) -> str:
    """One line of a list."""
    snapshot = _snapshot(one)
    states = " ".join(snapshot.leaves) or snapshot.chart.partition("@")[0] if snapshot else "over"
    depth = f" (+{len(snapshot.stack)})" if snapshot and snapshot.stack else ""
    name = f"  {one.contact.name}" if one.contact.name else ""
    return f"{ago(now - one.updated_at):>4}  {states}{depth}  {one.conversation_id}{name}"


def page(one: ConversationSummary, records: Sequence[Record], now: int) -> Iterator[str]:
    """Everything about one, 80 columns wide."""
    snapshot = _snapshot(one)
    yield line(one, now)
    yield ""
    if snapshot is None:
        yield "over; the next message begins anew, or goes on where it was if that is remembered"
    else:
        for frame in reversed(snapshot.frames):
            yield _wrapped("stands in", f"{' '.join(frame.leaves)} of {frame.chart}")
            yield _wrapped("knows", json.dumps(frame.context, ensure_ascii=False)) if frame.context else ""
        for name, (due_at, _) in sorted(snapshot.timers.items(), key=lambda timer: timer[1]):
            left = due_at - now
            yield _wrapped("timer", f"{name}, {'in ' + ago(left) if left > 0 else 'due'}")
        for call in snapshot.invokes:
            yield _wrapped("waits for", f"the call {call}")
    yield ""
    agents: dict[str, str] = {}
    for record in records:
        yield from _said(record, agents)


def ago(ms: int) -> str:
    """A stretch of time in its largest unit."""
    for size, unit in _UNITS:
        if ms >= size:
            return f"{ms // size}{unit}"
    return "now"


def _said(record: Record, agents: dict[str, str]) -> Iterator[str]:
    """``agents``: who wrote which message that leaves; their words stand once, as that message."""
    time = datetime.fromtimestamp(record.at / 1000, UTC).strftime("%d %b %H:%M")
    if (act := act_of(record)) is not None and act.leaves:
        agents[outbound_id(record.ref or "", SAID)] = act.who
        return
    match record.kind:
        case "in" if act is not None:
            who, text = act.who, act.text
        case "in":
            who, text = str(record.body.get("channel", "")), str(record.body.get("text") or record.body.get("type"))
        case "out":
            who, text = agents.get(record.ref or "", "bot"), words(record.body)
        case _:
            who, text = record.kind, json.dumps(record.body, ensure_ascii=False)
    who = {"whatsapp": "customer"}.get(who, who)
    yield _wrapped(f"{time}", f"{who}: {text[:LONGEST]}")


def _wrapped(head: str, text: str) -> str:
    return textwrap.fill(f"{head:<13} {text}", WIDTH, subsequent_indent=" " * 14, break_on_hyphens=False)


def _snapshot(one: ConversationSummary) -> Snapshot | None:
    try:
        return decode(one.snapshot) if one.snapshot else None
    except ConversationError:
        return None
