"""``wabox conversations``: what the owner does to a conversation, on a real store."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.fakes import NOW
from wabox.cli.main import app
from wabox.core.changed import changed
from wabox.core.contact import Contact
from wabox.core.conversation import Session, after
from wabox.core.message import InboundMessage
from wabox.engine.snapshot import decode
from wabox.errors import FlowError
from wabox.flowfile.bot import Bot, load_bot
from wabox.nlu.resolver import Resolver
from wabox.services import hand
from wabox.services.conversations import advance
from wabox.services.turn import Turn
from wabox.sqlite.store import open_store

ANA = Contact(user_id="ES.1", wa_id="34600111222", name="Ana")
FLOW = """
language: en
initial: hello
timeouts: {soft: 30m, hard: 20h}
on: {human: people}
context: {item: none}
states:
  hello: {ask: Hello!, on: {message.text: item}}
  item:
    ask: {text: Which bread?, once: true}
    on: {message.text: {target: count, actions: {assign: {item: {from: event.text}}}}}
  count: {ask: "How many {item}?", on: {message.text: checking}}
  checking: {invoke: {http: {url: "https://example.com/x"}, onDone: hello, onError: people}}
  people: {handoff: {reason: asked}, ask: A person comes., on: {handoff.closed: hello}}
"""


@pytest.fixture
def bot(tmp_path: Path) -> Bot:
    folder = tmp_path / "flows" / "bread"
    folder.mkdir(parents=True)
    (folder / "flow.yaml").write_text(FLOW, encoding="utf-8")
    return load_bot(folder)


class Talk:
    def __init__(self, bot: Bot) -> None:
        self.bot, self.now, self.count = bot, NOW, 0
        self.resolver = Resolver(bot.intents, bot.languages)
        self.session = Session(conversation_id="1:ES.1")

    def take(self, message: InboundMessage) -> Turn:
        turn = advance(self.bot, self.resolver, self.session, message, self.now)
        self.session = after(turn.unit)
        return turn

    def say(self, text: str) -> Turn:
        self.count += 1
        return self.take(
            InboundMessage(
                message_id=f"m{self.count}",
                number_id="1",
                conversation_id="1:ES.1",
                timestamp=self.now,
                type="text",
                text=text,
                contact=ANA,
            )
        )

    def act(self, act: str, **payload: object) -> Turn:
        self.count += 1
        return self.take(hand.wish(self.session, act, payload, f"x{self.count}", self.now))

    @property
    def leaves(self) -> tuple[str, ...]:
        return decode(self.session.snapshot).leaves if self.session.snapshot else ()


def words(turn: Turn) -> list[str]:
    return [send.body["text"]["body"] for send in turn.unit.sends]


def test_move_keeps_what_is_known_and_asks(bot: Bot) -> None:
    """The customer is asked what the state asks, its clocks run, and the transcript says who did it."""
    talk = Talk(bot)
    for text in ("hi", "hello", "rye"):
        talk.say(text)
    turn = talk.act("move", state="count", by="owner")
    assert talk.leaves == ("count",)
    assert words(turn) == ["How many rye?"]
    assert {timer.name for timer in turn.unit.arm} == {"soft", "hard"}
    assert any(record.body.get("by_hand") == "move" for record in turn.unit.records)
    assert words(talk.act("move", state="item", silent=True)) == []
    assert talk.say("wheat").unit.sends


def test_once_is_the_policy_of_the_row(bot: Bot) -> None:
    """What the flow says about a message that may or may not have left is stored with it."""
    talk = Talk(bot)
    assert [talk.say(text).unit.sends[0].policy for text in ("hi", "hello", "rye")] == ["repeat", "once", "repeat"]


def test_move_to_people_opens_a_case_and_away_closes_it(bot: Bot) -> None:
    """Whoever is put before people is in their queue."""
    talk = Talk(bot)
    talk.say("hi")
    assert [case.status for case in talk.act("move", state="people").unit.handoffs] == ["waiting"]
    assert [case.status for case in talk.act("move", state="item").unit.handoffs] == ["closed"]


def test_reset_begins_anew_and_end_can_be_taken_up(bot: Bot) -> None:
    """Both stop every timer; only what was ended is remembered."""
    for act, follows in (("reset", ("hello",)), ("end", ("count",))):
        talk = Talk(bot)
        for text in ("hi", "hello"):
            talk.say(text)
        turn = talk.act(act)
        assert talk.session.snapshot is None
        assert turn.unit.archive is not None
        assert words(turn) == []
        talk.say("rye")
        assert talk.leaves == follows


def test_what_cannot_be(bot: Bot) -> None:
    """Each is refused with the way out."""
    with pytest.raises(FlowError, match="no state 'nowhere'; states of bread: .*count"):
        hand.check(bot, None, "nowhere")
    with pytest.raises(FlowError, match="there is no chart 'other'"):
        hand.check(bot, "other", "hello")
    with pytest.raises(FlowError, match="waits for a call"):
        hand.check(bot, None, "checking")
    with pytest.raises(FlowError, match="there is no conversation"):
        hand.wish(Session(conversation_id="1:x"), "end", {}, "a", NOW)


async def _filled(folder: Path, bot: Bot) -> None:
    talk = Talk(bot)
    store = await open_store(folder, lambda: NOW)
    for text in ("hi", "hello"):
        turn = talk.say(text)
        assert await store.commit(changed(turn.unit, handled=())) == "committed"
    await store.close()


def test_list_and_show(tmp_path: Path, bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    """It lists, shows and exports; what it changes waits in the queue for the server."""
    asyncio.run(_filled(tmp_path / "data", bot))
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke
    assert "item  1:ES.1  Ana" in run(app, ["conversations", "list"]).output
    assert run(app, ["conversations", "list", "--state", "count"]).output == "none\n"
    shown = run(app, ["conversations", "show", "Ana"]).output
    assert "stands in     item of bread@" in shown
    assert "customer: hello" in shown
    assert max(map(len, shown.splitlines())) <= 80
    exported = json.loads(run(app, ["conversations", "export", "34600111222"]).output)
    assert exported["states"] == ["item"]
    assert len(exported["transcript"]) == 4
    assert "will be moved" in run(app, ["conversations", "move", "Ana", "count"]).output
    wrong = run(app, ["conversations", "move", "Ana", "nowhere"])
    assert wrong.exit_code == 1
    assert "no state 'nowhere'" in str(wrong.exception)
    assert "there is no conversation of 'Bob'" in str(run(app, ["conversations", "reset", "Bob"]).exception)
