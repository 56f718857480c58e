"""What an alert says, in the language of whoever is told: one card for a case, one digest for several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol

from wabox.core.alert import Alert
from wabox.engine.text import fill
from wabox.flowfile.bot import Bot

SHOWN: Final = 20
"""Cases that a digest names."""
_WHAT: Final = {
    "opened": "waits",
    "returned": "again",
    "waited too long": "late",
    "offered": "offered",
    "unheard": "unheard",
    "wrote": "wrote",
}
_REASONS: Final = {"asked for a person": "asked", "third misunderstanding": "third", "needs a person": "needs"}
"""Those that wabox gives; a flow's own stand as they were written."""


class Say(Protocol):
    """A text of ``wabox.card``, in the language of whoever is told, filled."""

    def __call__(self, key: str, /, **values: object) -> str: ...


def say_in(bot: Bot, language: str | None) -> Say:
    """None: the bot's first language. The bot's own words for a key win."""

    def say(key: str, /, **values: object) -> str:
        return fill(bot.text(f"wabox.card.{key}", language or bot.default_language), values)

    return say


def cases(alerts: Sequence[Alert]) -> list[Alert]:
    """One alert for each case, the newest word about it, in the order in which they were opened."""
    newest = {one.case: one for one in sorted(alerts, key=lambda one: one.created_at)}
    return sorted(newest.values(), key=lambda one: (one.body.get("opened_at") or 0, one.case))


def title(alerts: Sequence[Alert], say: Say) -> str:
    """In one line."""
    found = cases(alerts)
    if len(found) == 1:
        one = found[0]
        return say(_WHAT[one.what], customer=_word(one, "customer"), reason=_reason(one, say))
    return say("many", n=len(found))


def text(alerts: Sequence[Alert], now: int, say: Say) -> str:
    """Everything, for a mail or a message."""
    return "\n".join(_lines(cases(alerts), now, say))


def quoted(alerts: Sequence[Alert], now: int, say: Say) -> str:
    """For the agent's own WhatsApp: with how to answer from there."""
    how = say("answer" if len(cases(alerts)) == 1 else "answer_many")
    return f"{text(alerts, now, say)}\n\n{how}"


def _lines(found: Sequence[Alert], now: int, say: Say) -> Iterator[str]:
    if len(found) == 1:
        one = found[0]
        if one.what == "wrote":
            yield f"{_word(one, 'customer')}: {one.body.get('text', '')}"
            return
        yield title(found, say)
        yield say("place", queue=_word(one, "queue"), since=_since(one, now, say), case=one.case)
        return
    yield title(found, say)
    for number, one in enumerate(found[:SHOWN], 1):
        place = f"{_word(one, 'queue')}, {_since(one, now, say)}"
        yield f"{number}. {_word(one, 'customer')}: {_reason(one, say)} ({place})"
    if len(found) > SHOWN:
        yield say("more", n=len(found) - SHOWN)


def _reason(alert: Alert, say: Say) -> str:
    reason = _word(alert, "reason")
    known = _REASONS.get(reason or "needs a person")
    return reason if known is None else say(known)


def _word(alert: Alert, name: str) -> str:
    value: Any = alert.body.get(name)
    return " ".join(str(value or "").split())[:200]


def _since(alert: Alert, now: int, say: Say) -> str:
    minutes = max(0, now - int(alert.body.get("opened_at") or alert.created_at)) // 60_000
    return say("minutes", n=minutes) if minutes < 120 else say("hours", n=minutes // 60)
