"""Timers that come late, and sweeps after downtime."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes import VirtualClock
from wabox.core.contact import Contact
from wabox.core.conversation import Session, after
from wabox.core.message import InboundMessage
from wabox.flowfile.bot import Bot, load_bot
from wabox.nlu.resolver import Resolver
from wabox.services.conversations import advance
from wabox.services.timers import OVERDUE, SPREAD, fire
from wabox.services.turn import Turn

MINUTE = 60_000
NOON = 1_795_262_400_000
FLOW = """
language: en
initial: hello
timeouts: {soft: 30m, hard: 23h%s}
on: {human: people}
states:
  hello: {ask: "Hello!", on: {message.text: hello}}
  people: {handoff: {reason: asked}, ask: A person comes., on: {handoff.closed: hello}}
"""


def bot(folder: Path, more: str = "") -> Bot:
    (folder / "tiny").mkdir()
    (folder / "tiny" / "flow.yaml").write_text(FLOW % more, encoding="utf-8")
    return load_bot(folder / "tiny")


def message(id_: str, at: int, **facts: object) -> InboundMessage:
    values = {"channel": "whatsapp", "type": "text", "text": "hi", "contact": Contact(wa_id="34600111222"), **facts}
    return InboundMessage(message_id=id_, number_id="1", conversation_id="1:ana", timestamp=at, **values)  # type: ignore[arg-type]


def soft(bot: Bot, late: int) -> Turn:
    """The soft timeout's turn, ``late`` ms after its time."""
    resolver = Resolver(bot.intents, bot.languages)
    begun = advance(bot, resolver, Session(conversation_id="1:ana"), message("a", NOON), NOON)
    timer = next(one for one in begun.unit.arm if one.name == "soft")
    due = {"name": "soft", "armed": timer.armed, "due_at": timer.due_at}
    rings = message("t", timer.due_at, channel="timer", type="timer", text=None, payload=due)
    return advance(bot, resolver, after(begun.unit), rings, timer.due_at + late)


@pytest.mark.parametrize(
    ("more", "late", "nudges"),
    [
        ("", 0, True),
        ("", 59 * MINUTE, True),
        ("", 61 * MINUTE, False),
        (", late: 5m", 6 * MINUTE, False),
        (", late: off", 600 * MINUTE, True),
    ],
)
def test_a_reminder_of_long_ago_is_left_out(tmp_path: Path, more: str, late: int, nudges: bool) -> None:
    """An hour late is too late, unless the flow says otherwise; what is left out is on record."""
    turn = soft(bot(tmp_path, more), late)
    assert bool(turn.unit.sends) is nudges
    assert any("left_out" in record.body for record in turn.unit.records) is not nudges
    assert "soft" not in (turn.snapshot.timers if turn.snapshot else {})


class Timers:
    """Counts what a sweep would move."""

    def __init__(self, due: list[int]) -> None:
        self.due = sorted(due)

    async def sweep(self, now: int, limit: int, *, since: int = 0) -> int:
        moved = [one for one in self.due if since < one <= now][:limit]
        self.due = [one for one in self.due if one not in moved]
        return len(moved)


async def test_a_restart_is_no_flood() -> None:
    """What was due while the server was away comes a few a second; what is due now comes now."""
    clock = VirtualClock(NOON)
    timers = Timers(
        [NOON - 3_600_000 + number for number in range(450)] + [NOON - OVERDUE + 1 + n for n in range(1200)]
    )
    assert await fire(timers, clock) == 1200 + SPREAD
    assert [await fire(timers, clock) for _ in range(5)] == [100, 100, 100, 50, 0]
