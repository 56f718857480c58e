"""From a transcript to the steps of a test: pauses, timers, calls, messages of every kind."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.unit.simulator.bots import load
from wabox.core.contact import Contact
from wabox.core.conversation import Record
from wabox.errors import WaboxError
from wabox.flowfile.bot import Bot
from wabox.flowfile.known import Known
from wabox.flowfile.tests import read_test
from wabox.simulator import Simulator
from wabox.simulator.moment import Moment, moments
from wabox.simulator.recording import record
from wabox.simulator.runner import Runner

SOMEBODY = Contact(wa_id="34612345678", name="María")


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Bot:
    return load(tmp_path_factory.mktemp("bot"))


def lived(bot: Bot, *lines: dict[str, Any], **stubs: Any) -> list[Moment]:
    """The transcript of a conversation that went like this."""
    simulator = Simulator(bot, stubs=stubs)
    records: list[Record] = []
    for line in lines:
        records += [record for turn in simulator.turns(line) for record in turn.unit.records]
    return moments(records)


def recorded(bot: Bot, found: list[Moment]) -> str:
    """The file's steps, after it was read and played with success."""
    text = record(bot, SOMEBODY, found).text
    path = bot.folder / "tests" / "it.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    test = read_test(path, "it", Known.of(bot), lambda finding: pytest.fail(f"{finding.sentence}\n{text}"))
    assert test is not None
    result = Runner(bot, time.perf_counter).play(test, "en")
    assert result.passed, f"{result.differences}\n{text}"
    return text[text.index("at:") :]


def test_words_and_taps(bot: Bot) -> None:
    """What was said and where it stood, in each step."""
    found = lived(bot, {"user": "hi"}, {"tap": "order"}, {"user": "next"}, {"tap": "leave"})
    assert (
        recorded(bot, found)
        == """\
at: 2026-11-21T10:00
steps:
  - user: hi
    bot: ["What, 0 times?"]
    state: menu
  - tap: order
    bot: [Left?]
    state: [both.left.l1, both.right.r1]
  - user: next
    bot: ["What, 1 times?"]
    state: menu
  - tap: leave
    bot: ["Bye, see you!"]
    state: null
"""
    )


def test_pauses(bot: Bot) -> None:
    """Short ones are left out, longer ones are waits."""
    text = recorded(bot, lived(bot, {"user": "hi"}, {"wait": "59s"}, {"user": "hi"}, {"wait": "7m"}, {"user": "hi"}))
    assert text.count("wait:") == 1
    assert "wait: 7m\n" in text


def test_a_timer_goes_off(bot: Bot) -> None:
    """The wait is as long as the timer needs, though pauses before it were left out."""
    found = lived(bot, {"user": "order"}, {"wait": "50s"}, {"user": "xyzzy"}, {"wait": "20m"}, {"user": "xyzzy"})
    text = recorded(bot, found)
    assert "  - wait: 10m\n    state: [both.left.l2, both.right.r1]\n" in text
    assert "  - wait: 10m50s\n" in text


def test_two_timers_at_once(bot: Bot) -> None:
    """What goes off within a wait belongs to it."""
    found = lived(bot, {"user": "hi"}, {"wait": "24h"})
    assert recorded(bot, found).count("wait:") == 2
    found[1].at = found[2].at
    assert recorded(bot, found).count("wait:") == 1


def test_faster_than_the_timer(bot: Bot) -> None:
    """A message that came when the timer was just due, and was handled first."""
    found = lived(bot, {"user": "hi"}, {"wait": "29m59s"}, {"user": "hi"})
    found[1].at += 2_000
    assert "wait: 29m59s" in recorded(bot, found)


def test_people(bot: Bot) -> None:
    """What a person wrote, and that they were done."""
    text = recorded(bot, lived(bot, {"user": "human"}, {"agent": "Hello, María!"}, {"close": True}))
    assert '  - agent: Hello, Alex!\n    bot: ["Hello, Alex!"]\n    state: people\n' in text
    assert "  - close: true\n" in text


def test_calls(bot: Bot) -> None:
    """What they brought becomes stubs, one after the other; it happens within the step."""
    lines: list[dict[str, Any]] = [{"tap": "order"}, {"tap": "next"}] * 2
    found = lived(bot, *lines, {"user": "order"}, {"user": "order"}, stock=[{"error": "gone", "status": 503}, 3])
    text = recorded(bot, [*found])
    assert "stub: {checking: {error: gone, status: 503}}" in text
    found = lived(
        bot,
        *lines,
        {"user": "order"},
        {"user": "order"},
        {"user": "order"},
        stock=[{"error": "gone"}, "María 612345678"],
    )
    assert "stub: {checking: [{error: gone}, Alex 612200001]}" in recorded(bot, found)


def test_messages(bot: Bot) -> None:
    """As they came, without envelope, place or file."""
    picture = {"type": "image", "image": {"id": "991", "sha256": "abc", "mime_type": "image/png", "caption": "María"}}
    place = {"type": "location", "location": {"latitude": 40.4, "longitude": -3.7, "name": "Home of María"}}
    card = {
        "type": "contacts",
        "contacts": [{"name": {"formatted_name": "Lucía"}, "phones": [{"phone": "+34699887766"}]}],
    }
    text = recorded(bot, lived(bot, {"user": "hi"}, {"message": picture}, {"message": place}, {"message": card}))
    assert '{type: image, image: {id: "1", mime_type: image/png, caption: Alex}}' in text
    assert "location: {latitude: 51.5, longitude: -0.12}" in text
    assert "Lucía" not in text
    assert "699" not in text


def test_an_older_transcript(bot: Bot) -> None:
    """One that does not tell the states has a test without them."""
    found = lived(bot, {"user": "hi"}, {"tap": "leave"})
    for moment in found:
        moment.body = {key: value for key, value in moment.body.items() if key != "states"}
    assert "state:" not in recorded(bot, found)


def test_nothing_to_record(bot: Bot) -> None:
    """A conversation in which the customer did nothing is refused."""
    for found in ([], moments([Record(at=1, kind="in", body={"channel": "agent", "type": "claimed", "text": "Hi"})])):
        with pytest.raises(WaboxError, match="nothing to record"):
            record(bot, SOMEBODY, found)


def test_a_timer_that_the_flow_no_longer_has(bot: Bot) -> None:
    """What it said counts for the step before it; the replay will show the difference."""
    found = lived(bot, {"user": "hi"}, {"wait": "31m"})
    found[1].body = {**found[1].body, "payload": {"name": "after:5:gone", "armed": 1, "due_at": 1}}
    assert 'bot: ["What, 0 times?", Are you still' in record(bot, SOMEBODY, found).text
