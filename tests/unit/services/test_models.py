"""The model on disk, and the question between sure and lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from wabox.cli.main import app
from wabox.core.intent import Candidate, Intent, Verdict, Words
from wabox.flowfile.bot import Bot, load_bot
from wabox.nlu.examples import Example
from wabox.nlu.modelfile import write_model
from wabox.nlu.resolver import Resolver
from wabox.nlu.training import train
from wabox.services.models import LOOKS, Models
from wabox.services.training import train_bot
from wabox.simulator import Simulator

SHOP = Path(__file__).parents[3] / "flows" / "shop"
ONE = {"a": ["good morning", "morning all", "a good day"], "b": ["where is it", "track it", "has it left"]}
OTHER = {"a": ["where is it", "track it", "has it left"], "b": ["good morning", "morning all", "a good day"]}
INTENTS = [Intent(name=name, words={"en": Words(examples=tuple(texts))}) for name, texts in ONE.items()]


def put(folder: Path, texts: dict[str, list[str]]) -> None:
    trained = train([Example(text, intent) for intent, own in texts.items() for text in own], trained_at="")
    write_model(folder, trained.card, trained.weights)


def test_a_new_model_is_taken_up(tmp_path: Path) -> None:
    """Between two messages, when it is time to look; a broken one is not."""
    now, said = 0.0, []
    models = Models(tmp_path / "m", clock=lambda: now, say=said.append)
    current = models.of(INTENTS)
    assert current() is None
    put(tmp_path / "m", ONE)
    now += LOOKS
    first = current()
    assert first is not None
    assert first.classify("good morning").candidates[0].intent == "a"
    put(tmp_path / "m", OTHER)
    assert current() is first
    now += LOOKS
    second = current()
    assert second is not None
    assert second.classify("good morning").candidates[0].intent == "b"
    (tmp_path / "m" / "card.json").write_text("{")
    now += LOOKS
    assert current() is second
    assert len(said) == 1
    assert "card.json" in said[0]


def test_a_model_of_other_intents_is_not_used(tmp_path: Path) -> None:
    """It is said once which."""
    said: list[str] = []
    put(tmp_path / "m", {**ONE, "c": ["something else", "another thing"]})
    current = Models(tmp_path / "m", say=said.append).of(INTENTS)
    assert (current(), current()) == (None, None)
    assert len(said) == 1
    assert "the bot has no c" in said[0]


def test_training_for_the_next_version_takes_nothing_from_this_one(tmp_path: Path) -> None:
    """The model in use goes on while the one on disk is for intents that are not published yet; a deleted one is gone."""
    now, said = 0.0, []
    models = Models(tmp_path / "m", clock=lambda: now, say=said.append)
    put(tmp_path / "m", ONE)
    current = models.of(INTENTS)
    first = current()
    assert first is not None
    put(tmp_path / "m", {**ONE, "c": ["something else", "another thing"]})
    now += LOOKS
    assert current() is first
    assert len(said) == 1
    (tmp_path / "m" / "card.json").unlink()
    now += LOOKS
    assert current() is None


class Unsure:
    intents = ("refund", "track_order")

    def classify(self, text: str) -> Verdict:
        return Verdict("clarify", (Candidate("refund", 0.5), Candidate("faq.delivery", 0.3)), 0.9)


@pytest.fixture(scope="module")
def shop() -> Bot:
    return load_bot(SHOP)


def test_one_question_between_sure_and_lost(shop: Bot) -> None:
    """Its buttons are the intents; a tap is one of them; it is not asked twice in a row."""
    simulator = Simulator(shop, resolver=Resolver(shop.intents, shop.languages, Unsure))
    simulator.play({"user": "hello"})
    asked = simulator.play({"user": "wibble about the thing"})
    [body] = asked["sent"]
    buttons = body["interactive"]["action"]["buttons"]
    assert [button["reply"]["id"] for button in buttons] == ["refund", "faq.delivery"]
    assert all(len(button["reply"]["title"]) <= 20 for button in buttons)
    assert (asked["intent"], asked["tier"]) == (None, "fallback")
    assert [one["intent"] for one in asked["candidates"]] == ["refund", "faq.delivery"]
    again = simulator.play({"user": "wobble about the thing"})
    assert "refund" not in str(again["sent"])
    simulator.play({"user": "menu"})
    simulator.play({"user": "wibble about the thing"})
    assert simulator.play({"tap": "refund"})["states"] == ["people.refunds"]


def test_check_names_a_model_of_other_intents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``wabox check`` says so before anybody publishes; a model that fits is no news."""
    folder = tmp_path / "flows" / "bot"
    folder.mkdir(parents=True)
    (folder / "flow.yaml").write_text(
        "initial: a\ntimeouts: {hard: 1h}\non: {human: p, track: a}\nstates:\n"
        "  a: {ask: Hi, on: {message.text: e}}\n  p: {handoff: true, say: Wait., on: {handoff.closed: e}}\n"
        "  e: {type: final, say: Bye}\n",
        encoding="utf-8",
    )
    (folder / "intents.yaml").write_text("track: {en: {examples: [track it, where is it]}}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    train_bot(load_bot(folder), tmp_path / "models" / "bot", trained_at="")
    assert "other-model" not in CliRunner().invoke(app, ["check"]).output
    put(tmp_path / "models" / "bot", ONE)
    assert "warning[other-model]" in CliRunner().invoke(app, ["check"]).output
