"""The same form in the languages of one bot: what is read, what is hinted and what is confirmed follow the message."""

from __future__ import annotations

import pytest

from tests.e2e.test_forms import IN_SPAIN, Talk
from wabox.flowfile.bot import Bot, check_bot, load_bot
from wabox.settings import Manners

FLOW = """
initial: hello
timeouts: {soft: 30m, hard: 23h}
on: {human: people}
states:
  hello:
    ask: {text: hello, buttons: {book: book}}
    on: {book: booking}
  booking:
    initial: people
    states:
      people: {ask: people, collect: {slot: people, type: number, min: 1}, on: {collected: when}}
      when: {ask: when, collect: {slot: when, type: datetime, future: true, min: "12:00"}, on: {collected: name}}
      name: {ask: name, collect: {slot: name, type: name}, on: {collected: confirm}}
      confirm: {ask: confirm, collect: {slot: sure, type: yes_no}, on: {collected: "#root.done"}}
  people:
    handoff: {reason: asked}
    ask: {text: person, buttons: {back: again}}
    on: {back: hello, handoff.closed: hello}
  done: {type: final, say: thanks}
"""
TEXTS = {
    "en": """
hello: Hello
book: Book
people: For how many?
when: When?
name: Your name?
confirm: 'Right, {name}?'
person: One moment.
again: Back
thanks: Thanks!
""",
    "es": """
hello: Hola
book: Reservar
people: ¿Para cuántos?
when: ¿Cuándo?
name: ¿Tu nombre?
confirm: '¿Correcto, {name}?'
person: Un momento.
again: Volver al bot
thanks: ¡Gracias!
""",
    "ar": """
hello: مرحبا
book: حجز
people: لكم شخص؟
when: متى؟
name: ما اسمك؟
confirm: 'هل هذا صحيح يا {name}؟'
person: لحظة.
again: العودة
thanks: شكرا!
""",
}
INTENTS = "book:\n  en: {keywords: [book, table]}\n  es: {keywords: [reservar, mesa]}\n  ar: {keywords: [حجز, طاولة]}\n"


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Bot:
    folder = tmp_path_factory.mktemp("bots") / "table"
    folder.mkdir()
    (folder / "flow.yaml").write_text(FLOW, encoding="utf-8")
    (folder / "intents.yaml").write_text(INTENTS, encoding="utf-8")
    for language, texts in TEXTS.items():
        (folder / f"texts.{language}.yaml").write_text(texts, encoding="utf-8")
    assert check_bot(folder) == []
    return load_bot(folder, manners=Manners(timezone="Europe/Madrid"))


def test_in_spanish(table: Bot) -> None:
    """From the first sentence to the correction."""
    talk = Talk(table, IN_SPAIN).say("hola", "quiero una mesa para cuatro el viernes a las 9 de la noche")
    assert talk.context == {"people": 4, "when": "2026-11-27T21:00"}
    assert talk.said == ["¿Tu nombre?"]
    talk.say("perdona, quise decir a las 8")
    assert talk.context["when"] == "2026-11-27T20:00"
    assert talk.said == ["De acuerdo: viernes 27 de noviembre, 20:00.\n\n¿Tu nombre?"]
    talk.say("no el viernes, el sábado")
    assert talk.context["when"] == "2026-11-28T20:00"
    talk.say("me llamo Ana", "sí")
    assert talk.said == ["¡Gracias!"]


def test_in_arabic(table: Bot) -> None:
    """Digits, duals, hours and the correction in Arabic."""
    talk = Talk(table, IN_SPAIN).say("مرحبا", "أريد طاولة لشخصين غدا الساعة ٨ مساء")
    assert talk.context == {"people": 2, "when": "2026-11-23T20:00"}
    talk.say("لا، أقصد الساعة ٩ مساء")
    assert talk.context["when"] == "2026-11-23T21:00"
    assert talk.said == ["حسنًا: الإثنين 23 نوفمبر, 9 مساءً.\n\nما اسمك؟"]
    talk.say("ليس غدا، بعد غد")
    assert talk.context["when"] == "2026-11-24T21:00"
    assert talk.say("اسمي سارة").said == ["هل هذا صحيح يا سارة؟"]
    assert talk.say("رجوع").said == ["ما اسمك؟"]
    assert talk.say("سارة", "نعم").said == ["شكرا!"]


def test_hints_in_the_language_of_the_message(table: Bot) -> None:
    """A wrong answer is explained in the customer's words."""
    talk = Talk(table, IN_SPAIN).say("hola", "reservar", "muchos")
    assert talk.said == ["Escribe un número, por ejemplo 2.\n\n¿Para cuántos?"]
    assert talk.say("repite por favor").said == ["¿Para cuántos?"]
    assert talk.say("hace falta cancelar esto").state == "booking.people"


def test_the_clock_is_the_bots(table: Bot) -> None:
    """ "Now" is that of the bot's time zone: half an hour before midnight UTC it is tomorrow in Madrid already."""
    talk = Talk(table, IN_SPAIN).play(wait="13h30m").say("hola", "reservar", "2", "mañana a las 20:00")
    assert talk.context["when"] == "2026-11-24T20:00"
