"""What an alert says: one card for a case, one digest for several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from wabox.core.alert import Alert

SHOWN: Final = 20
"""Cases that a digest names."""
WORDS: Final = {
    "opened": "waits",
    "returned": "waits again",
    "waited too long": "has waited for too long",
    "offered": "is offered to you",
    "unheard": "waits, and nobody could be told",
}


def cases(alerts: Sequence[Alert]) -> list[Alert]:
    """One alert for each case, the newest word about it, in the order in which they were opened."""
    newest = {one.case: one for one in sorted(alerts, key=lambda one: one.created_at)}
    return sorted(newest.values(), key=lambda one: (one.body.get("opened_at") or 0, one.case))


def title(alerts: Sequence[Alert]) -> str:
    """In one line."""
    found = cases(alerts)
    if len(found) == 1:
        one = found[0]
        if one.what == "wrote":
            return f"{_word(one, 'customer')} wrote"
        return f"{_word(one, 'customer')} {WORDS[one.what]}: {_word(one, 'reason') or 'a person is needed'}"
    return f"{len(found)} customers wait for a person"


def text(alerts: Sequence[Alert], now: int) -> str:
    """Everything, for a mail or a message."""
    return "\n".join(_lines(cases(alerts), now))


def quoted(alerts: Sequence[Alert], now: int) -> str:
    """For the agent's own WhatsApp: with how to answer from there."""
    found = cases(alerts)
    if len(found) > 1:
        how = "Reply to this message with the number and your words: 2 Good morning. “2 done” closes the case."
    else:
        how = "Reply to this message: the customer reads it. “done” closes the case."
    return f"{text(alerts, now)}\n\n{how}"


def _lines(found: Sequence[Alert], now: int) -> Iterator[str]:
    if len(found) == 1:
        one = found[0]
        if one.what == "wrote":
            yield f"{_word(one, 'customer')}: {one.body.get('text', '')}"
            return
        yield title(found)
        yield f"queue {_word(one, 'queue')}, waits {_since(one, now)}, case {one.case}"
        return
    yield title(found)
    for number, one in enumerate(found[:SHOWN], 1):
        why = _word(one, "reason") or "a person is needed"
        yield f"{number}. {_word(one, 'customer')}: {why} ({_word(one, 'queue')}, {_since(one, now)})"
    if len(found) > SHOWN:
        yield f"… and {len(found) - SHOWN} more: wabox handoff list"


def _word(alert: Alert, name: str) -> str:
    value: Any = alert.body.get(name)
    return " ".join(str(value or "").split())[:200]


def _since(alert: Alert, now: int) -> str:
    minutes = max(0, now - int(alert.body.get("opened_at") or alert.created_at)) // 60_000
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
