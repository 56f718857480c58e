"""Filling in a form by talking, through the same turn and renderer as on WhatsApp."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wabox.core.contact import Contact
from wabox.flowfile.bot import Bot, check_bot, load_bot
from wabox.settings import Manners
from wabox.simulator import Simulator

SUNDAY_TEN = 1_795_341_600_000
"""2026-11-22, 10:00 in London and UTC."""
IN_SPAIN = Contact(user_id="ES.1", wa_id="34600000001", name="Ana")
FLOW = """
initial: hello
timeouts: {soft: 30m, hard: 23h}
on: {human: people}
states:
  hello:
    ask: {text: "I can book a table.", buttons: {book: Book a table}}
    on: {book: booking}
  booking:
    states:
      people:
        ask: "For how many?"
        collect: {slot: people, type: number, min: 1, max: 12}
        on: {collected: when}
      when:
        ask: "When, for {people}?"
        collect: {slot: when, type: datetime, future: true, min: "12:00", max: "23:00"}
        on: {collected: name}
      name:
        ask: "Your name?"
        collect: {slot: name, type: name}
        on: {collected: place}
      place:
        ask: "Where would you like to sit?"
        collect: {slot: place, type: choice, options: {in: Inside, out: On the terrace, bar: At the bar, any: Anywhere}}
        on: {collected: note}
      note:
        ask: "Any wishes?"
        collect: {slot: note, type: text, required: false, retries: 0}
        on: {collected: confirm}
      confirm:
        ask: "Table for {people}, {name}. Right?"
        collect: {slot: sure, type: yes_no}
        on:
          collected:
            - {guard: {path: event.value, value: true}, target: "#root.done"}
            - {target: "#root.hello", actions: {remove: {path: sure}}}
  people:
    handoff: {reason: asked for a person}
    ask: {text: "A person will answer you here.", buttons: {back: Back to the bot}}
    on: {back: hello, handoff.closed: hello}
  done: {type: final, say: "Thank you!"}
"""
INTENTS = """
book: {keywords: [book, table]}
"""
FAQ = """
parking:
  question: [Is there parking?]
  keywords: [parking]
  answer: "Behind the house."
"""


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Bot:
    folder = tmp_path_factory.mktemp("bots") / "table"
    folder.mkdir()
    for name, text in (("flow", FLOW), ("intents", INTENTS), ("faq", FAQ)):
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    assert check_bot(folder) == []
    return load_bot(folder, manners=Manners(timezone="Europe/London"))


class Talk:
    """A conversation of which one reads the last answer."""

    def __init__(self, bot: Bot, contact: Contact = IN_SPAIN) -> None:
        self._simulator = Simulator(bot, clock_start_ms=SUNDAY_TEN, contact=contact)
        self.out: dict[str, Any] = {}

    def say(self, *texts: str) -> Talk:
        for text in texts:
            self.out = self._simulator.play({"user": text})
        return self

    def play(self, **line: Any) -> Talk:
        self.out = self._simulator.play(line)
        return self

    @property
    def said(self) -> list[str]:
        return [words(body) for body in self.out["sent"]]

    @property
    def state(self) -> str:
        return " ".join(self.out["states"])

    @property
    def context(self) -> dict[str, Any]:
        return dict(self.out["context"])


def words(body: dict[str, Any]) -> str:
    return str(body["text"]["body"] if body["type"] == "text" else body["interactive"]["body"]["text"])


def test_one_message_fills_everything_it_says(table: Bot) -> None:
    """People, moment and name are taken from one sentence; only what is open is asked."""
    talk = Talk(table).say("hi", "a table for two tomorrow at 8, my name is Ana")
    assert talk.context == {"people": 2, "when": "2026-11-23T20:00", "name": "Ana"}
    assert talk.state == "booking.place"
    assert talk.said == ["Where would you like to sit?"]


def test_the_first_message_may_say_it_all(table: Bot) -> None:
    """Also when the conversation only begins with it."""
    talk = Talk(table).say("I'd like to book a table for 4 on Friday at 9 pm")
    assert talk.context == {"people": 4, "when": "2026-11-27T21:00"}
    assert talk.state == "booking.name"


def test_a_greeting_is_no_answer(table: Bot) -> None:
    """The first message does not answer a question that its writer has not seen."""
    assert Talk(table).say("2").state == "hello"


def test_question_by_question(table: Bot) -> None:
    """A bare number is people where people are asked for; the last question is answered with yes."""
    talk = Talk(table).say("hi", "book").say("three", "pasado mañana")
    assert talk.state == "booking.when"  # English is the only language here
    talk.say("the day after tomorrow at nine").say("ana garcía").say("2").say("No, thanks").say("yes please")
    assert talk.said == ["Thank you!"]


def test_a_choice_by_words_number_and_tap(table: Bot) -> None:
    """More than three options become a list; each way of choosing gives the option's name."""
    for answer in ({"user": "the terrace"}, {"user": "2"}, {"tap": "out"}):
        talk = Talk(table).say("hi", "a table for two tomorrow at 8, my name is Ana")
        assert talk.out["sent"][0]["interactive"]["type"] == "list"
        assert talk.play(**answer).context["place"] == "out"


def test_wrong_answers_get_a_hint_then_a_person(table: Bot) -> None:
    """Two hints in front of the question, then ``invalid``, and a person because nobody handles that."""
    talk = Talk(table).say("hi", "book", "lots")
    assert talk.said == ["Please write a number, such as 2.\n\nFor how many?"]
    assert talk.say("20").said == ["It must be 12 or less.\n\nFor how many?"]
    talk.say("all of us")
    assert talk.state == "people"
    assert talk.out["handoffs"][0]["queue"] == "default"


def test_hints_say_what_is_missing(table: Bot) -> None:
    """A day without a time, a time that is closed, and the past have words of their own."""
    talk = Talk(table).say("hi", "book", "2", "tomorrow")
    assert talk.said[0].startswith("At what time?")
    assert talk.say("tomorrow at 3 in the morning").said[0].startswith("It cannot be before 12 pm.")
    talk = Talk(table).say("hi", "book", "2", "yesterday at 8 pm")
    assert talk.said[0].startswith("That is in the past.")


@pytest.mark.parametrize(
    ("first", "second"), [("tomorrow", "at 8"), ("at 8 pm", "tomorrow"), ("on Monday", "eight pm")]
)
def test_half_an_answer_is_kept(table: Bot, first: str, second: str) -> None:
    """The day in one message, the time in the next."""
    talk = Talk(table).say("hi", "book", "2", first)
    assert talk.state == "booking.when"
    assert talk.say(second).context["when"] == "2026-11-23T20:00"


def test_commands_are_heard_in_the_middle(table: Bot) -> None:
    """A text slot does not swallow a call for a person or a question of the FAQ; the slot stays as it was."""
    talk = Talk(table).say("hi", "a table for two tomorrow at 8, my name is Ana", "inside")
    assert talk.state == "booking.note"
    assert talk.say("Is there parking?").said[0] == "Behind the house."
    assert talk.state == "booking.note"
    assert talk.say("is there any parking nearby?").said[0] == "Behind the house."
    assert talk.say("a person please").state == "people"


def test_words_with_a_keyword_in_them_are_an_answer(table: Bot) -> None:
    """A wish that mentions parking is a wish."""
    talk = Talk(table).say("hi", "a table for two tomorrow at 8, my name is Ana", "inside", "near the parking please")
    assert talk.context["note"] == "near the parking please"


@pytest.mark.parametrize(
    ("said", "slot", "value"),
    [
        ("no, I meant 5 people", "people", 5),
        ("sorry, I meant 9 pm", "when", "2026-11-23T21:00"),
        ("not tomorrow, tuesday", "when", "2026-11-24T20:00"),
        ("no, at 9", "when", "2026-11-23T21:00"),
        ("actually on friday", "when", "2026-11-27T20:00"),
        ("not 2, 3", "people", 3),
        ("make it 4", "people", 4),
        ("perdona, quise decir 6", "people", 6),
    ],
)
def test_corrections(table: Bot, said: str, slot: str, value: Any) -> None:
    """A filled slot is corrected from any later question, confirmed in one line, and the question stands."""
    talk = Talk(table).say("hi", "a table for two tomorrow at 8, my name is Ana", "bar", "no")
    assert talk.state == "booking.confirm"
    talk.say(said)
    assert talk.context[slot] == value
    assert talk.state == "booking.confirm"
    assert len(talk.said) == 1
    assert talk.said[0].startswith("OK: ")
    assert f"Table for {talk.context['people']}, Ana. Right?" in talk.said[0]


def test_no_is_still_no(table: Bot) -> None:
    """What is only a no is no correction."""
    talk = Talk(table).say("hi", "a table for two tomorrow at 8, my name is Ana", "bar", "no", "no")
    assert talk.state == "hello"


def test_a_value_for_a_later_question_is_kept(table: Bot) -> None:
    """Who answers another question of the form first is asked the same one again, and the other not at all."""
    talk = Talk(table).say("hi", "book", "tomorrow at 8 pm please")
    assert talk.state == "booking.people"
    assert talk.said == ["OK: Monday 23 November, 8 pm.\n\nFor how many?"]
    assert talk.say("2").state == "booking.name"


def test_a_forged_button_fills_nothing(table: Bot) -> None:
    """A tap that calls itself ``collected`` is a button of nobody."""
    talk = Talk(table).say("hi", "book").play(tap="collected")
    assert talk.state == "booking.people"
    assert "people" not in talk.context


def test_an_answer_is_one_even_if_the_classifier_wonders(table: Bot) -> None:
    """What fills a slot is not asked about, however much it looks like an intent."""
    from wabox.core.intent import Expected, Understanding
    from wabox.core.message import InboundMessage
    from wabox.engine import Event, start, step
    from wabox.nlu.resolver import Resolver
    from wabox.services.slots import Answers

    begun = start(table.charts, table.main, SUNDAY_TEN).snapshot
    snapshot = step(table.charts, begun, Event("book"), SUNDAY_TEN).snapshot
    message = InboundMessage(
        message_id="1", number_id="2", conversation_id="3", timestamp=0, type="text", text="two", contact=IN_SPAIN
    )
    lost = Understanding(
        event="fallback", intent=None, confidence=0.4, tier="fallback", language="en", ask=("book", "faq.parking")
    )
    answers = Answers(table, Resolver(table.intents, table.languages), snapshot, message, "en", SUNDAY_TEN)
    found = answers.understand(lost, Expected())
    assert (found.event, found.data["value"], found.ask) == ("collected", 2, ())


SHOP = """
initial: name
timeouts: {soft: 30m, hard: 23h}
on: {human: people}
states:
  people:
    handoff: {reason: asked for a person}
    on: {handoff.closed: name}
  name:
    ask: "Your name?"
    collect: {slot: name, type: name}
    on: {collected: bike}
  bike:
    ask: "What kind of bike is it?"
    collect: {slot: bike, type: choice, options: {city: City bike, road: Road bike, kids: Bike for kids}}
    on: {collected: day}
  day:
    ask: "Which day?"
    collect: {slot: day, type: date, future: true}
    on: {collected: confirm}
  confirm:
    ask: {text: "{name}, {day}. Right?", buttons: {sure: "Yes", other: Another day}}
    on: {sure: done, other: {target: day, actions: {remove: {path: day}}}}
  done: {type: final, say: "Thank you!"}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Bot:
    folder = tmp_path_factory.mktemp("bots") / "shop"
    folder.mkdir()
    (folder / "flow.yaml").write_text(SHOP, encoding="utf-8")
    return load_bot(folder)


@pytest.mark.parametrize("name", ["Sun Li", "May Friday"])
def test_a_name_is_nothing_else(shop: Bot, name: str) -> None:
    """An answer that is a name as a whole does not fill the day as well."""
    assert Talk(shop).say("hi", name).context == {"name": name}


def test_an_answer_beside_a_value_for_another_question_is_kept(shop: Bot) -> None:
    """Both are taken, so that nobody has to say it again."""
    talk = Talk(shop).say("hi", "Ana", "city and next friday")
    assert talk.context == {"name": "Ana", "bike": "city", "day": "2026-11-27"}
    talk = Talk(shop).say("hi", "Ana and the bike is a city bike")
    assert talk.context == {"name": "Ana", "bike": "city"}


def test_a_name_is_corrected(shop: Bot) -> None:
    """Whether it was filled or refused."""
    assert Talk(shop).say("hi", "Jon", "no i meant John Smith").context == {"name": "John Smith"}
    assert Talk(shop).say("hi", "42", "no i meant John Smith").context == {"name": "John Smith"}


def test_a_correction_that_changes_nothing_is_confirmed(shop: Bot) -> None:
    """Who says once more what is so already hears it, and the question stands."""
    talk = Talk(shop).say("hi", "Ana", "city", "tuesday", "No, I meant tuesday")
    assert talk.context == {"name": "Ana", "bike": "city", "day": "2026-11-24"}
    assert talk.said[0].startswith("OK: Tuesday 24 November.")
    assert talk.state == "confirm"


@pytest.mark.parametrize(
    ("language", "said", "question"),
    [
        ("en", "en español por favor", "¿Nombre?"),
        ("en", "parle français svp", "Votre nom ?"),
        ("en", "بالعربية من فضلك", "ما اسمك؟"),
        ("es", "english please", "Your name?"),
    ],
)
def test_another_language_is_asked_for(tmp_path: Path, language: str, said: str, question: str) -> None:
    """The question is asked again in it, and the conversation goes on in it; it is no name and no misunderstanding."""
    asked = {"en": "Your name?", "es": "¿Nombre?", "fr": "Votre nom ?", "ar": "ما اسمك؟"}
    folder = tmp_path / "bot"
    folder.mkdir()
    (folder / "flow.yaml").write_text(SHOP.replace('"Your name?"', "shop.ask"), encoding="utf-8")
    for name, text in asked.items():
        (folder / f"texts.{name}.yaml").write_text(f'shop: {{ask: "{text}"}}\n', encoding="utf-8")
    talk = Talk(load_bot(folder)).say({"en": "hi", "es": "hola"}[language]).say(said)
    assert talk.said == [question]
    assert talk.say("42").said[0].endswith(question)
    assert talk.context == {}


def test_make_it_spicy_is_no_name(table: Bot) -> None:
    """Any words can be a name, so only the name that was just given is corrected by any words."""
    talk = Talk(table).say("hi", "a table for two tomorrow at 8, my name is Ana", "bar", "make it spicy")
    assert talk.context["name"] == "Ana"
    assert talk.context["note"] == "make it spicy"
