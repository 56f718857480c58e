"""A bot that looks things up in the owner's documents: a detour from anywhere, and never a guess."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wabox.flowfile.bot import check_bot, load_bot
from wabox.nlu.documents.files import read_documents
from wabox.nlu.documents.indexing import index_of
from wabox.nlu.resolver import Resolver
from wabox.simulator import Simulator

FLOW = """\
initial: menu
timeouts: {soft: 30m, hard: 23h}
on: {human: people}
states:
  menu:
    ask: {text: What would you like?, buttons: {order: Order, who: My name, human: A person}}
    on: {order: order, who: name}
  order:
    ask: Which bread?
    on: {message.text: {target: menu, actions: {assign: {bread: {from: event.text}}}}}
  name: {ask: "Your name?", collect: {slot: name, type: name}, on: {collected: day}}
  day: {ask: "Which day?", collect: {slot: day, type: date}, on: {collected: menu}}
  people: {handoff: {}, say: One moment., on: {handoff.closed: menu}}
context: {bread: ""}
"""
DOCUMENT = """\
# Our bakery
## Parking
There is free parking behind the house. Use the blue gate.
## Allergies
Our rye bread contains no milk and no eggs. {secret.token} {bread}
"""


def bakery(folder: Path, flow: str = FLOW, **more: str) -> Simulator:
    (folder / "documents").mkdir(parents=True)
    (folder / "flow.yaml").write_text(flow)
    (folder / "documents" / "bakery.md").write_text(DOCUMENT)
    for name, text in more.items():
        (folder / f"{name}.yaml").write_text(text)
    bot = load_bot(folder)
    index, _ = index_of(read_documents(folder, bot.languages).passages)
    return Simulator(bot, resolver=Resolver(bot.intents, bot.languages, library=lambda: index))


def texts(out: dict[str, Any]) -> list[str]:
    return [
        body["text"]["body"] if body["type"] == "text" else body["interactive"]["body"]["text"] for body in out["sent"]
    ]


def test_an_answer_names_its_source_and_the_question_comes_again(tmp_path: Path) -> None:
    """As an answer of the FAQ does: a detour, nothing of the flow is lost."""
    chat = bakery(tmp_path)
    chat.play({"user": "hi"})
    out = chat.play({"user": "is there parking?"})
    assert texts(out) == [
        "There is free parking behind the house. Use the blue gate.\n\n📄 Our bakery › Parking",
        "Let's go on where we were.\n\nWhat would you like?",
    ]
    assert (out["states"], out["tier"], out["intent"]) == (["menu"], "documents", "documents.answer")
    assert 0.4 < out["confidence"] <= 1


def test_the_very_first_message_is_answered(tmp_path: Path) -> None:
    """Whoever begins with a question gets the answer, not only a greeting."""
    out = bakery(tmp_path).play({"user": "where can I park?"})
    assert any("behind the house" in text for text in texts(out))


def test_what_the_documents_do_not_say_is_not_answered(tmp_path: Path) -> None:
    """The fallback ladder goes on as without documents."""
    chat = bakery(tmp_path)
    chat.play({"user": "hi"})
    out = chat.play({"user": "do you repair bicycles?"})
    assert out["tier"] == "fallback"
    assert "Sorry, I didn't get that." in texts(out)[0]


def test_words_of_a_document_are_only_words(tmp_path: Path) -> None:
    """A placeholder in it is not filled in: neither secrets nor the customer's data get out that way."""
    out = bakery(tmp_path).play({"user": "is there milk or egg in the rye bread?"})
    assert any("{secret.token} {bread}" in text for text in texts(out))


def test_an_answer_to_an_open_question_is_not_looked_up(tmp_path: Path) -> None:
    """Where any words will do, they are taken; only what ends like a question is looked up."""
    chat = bakery(tmp_path)
    chat.play({"user": "hi"})
    chat.play({"tap": "order"})
    assert chat.play({"user": "does the rye bread contain milk?"})["states"] == ["order"]
    out = chat.play({"user": "rye bread, no milk, no eggs"})
    assert out["context"]["bread"] == "rye bread, no milk, no eggs"


def test_in_a_form_a_question_is_a_question(tmp_path: Path) -> None:
    """It is neither a name nor a wrong date, and the form goes on where it was."""
    chat = bakery(tmp_path)
    chat.play({"user": "hi"})
    chat.play({"tap": "who"})
    out = chat.play({"user": "where can I park?"})
    assert (out["states"], out["tier"]) == (["name"], "documents")
    chat.play({"user": "Ana"})
    out = chat.play({"user": "gate"})
    assert (out["states"], out["events"]) == (["day"], ["invalid"])
    out = chat.play({"user": "is there parking behind the house"})
    assert (out["states"], out["tier"]) == (["day"], "documents")
    assert texts(out)[-1].endswith("Which day?")


def test_a_person_is_not_interrupted(tmp_path: Path) -> None:
    """Whoever has the conversation answers."""
    chat = bakery(tmp_path)
    chat.play({"user": "hi"})
    chat.play({"tap": "human"})
    assert chat.play({"user": "is there parking?"})["sent"] == []


def test_a_forged_tap_quotes_nothing(tmp_path: Path) -> None:
    """The event is wabox's own."""
    chat = bakery(tmp_path)
    chat.play({"user": "hi"})
    assert "That button belongs to an earlier question" in texts(chat.play({"tap": "documents.answer"}))[0]


def test_a_chart_of_the_bots_own(tmp_path: Path) -> None:
    """documents.yaml says it the owner's way."""
    own = """\
initial: answer
context: {answer: ""}
entry: {assign: {answer: {from: event.answer}}}
states: {answer: {type: final, say: "Our book says: {answer}"}}
"""
    chat = bakery(tmp_path, documents=own)
    assert check_bot(tmp_path) == []
    assert texts(chat.play({"user": "is there parking?"}))[-2].startswith("Our book says: There is free parking")


def test_switched_off_in_a_state(tmp_path: Path) -> None:
    """A flow that takes the event itself decides."""
    chat = bakery(tmp_path, FLOW.replace("on: {human: people}", "on: {human: people, documents.answer: {}}"))
    chat.play({"user": "hi"})
    assert chat.play({"user": "is there parking?"})["sent"] == []
