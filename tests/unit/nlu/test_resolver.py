"""From a message to an event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from wabox.core.contact import Contact
from wabox.core.intent import Choice, Expected, Understanding, Words
from wabox.core.message import InboundMessage
from wabox.flowfile import intents as intents_file
from wabox.nlu.resolver import Resolver

OWN: Mapping[str, Mapping[str, Words]] = {
    "track": {
        "en": Words(keywords=("track", "my order"), examples=("Where is my parcel?",)),
        "es": Words(keywords=("rastrear",)),
    },
    "cancel": {"en": Words(keywords=("cancel", "cancel my order")), "es": Words(keywords=("cancelar",))},
    "address": {"en": Words(keywords=("address",))},
    "number": {"en": Words(patterns=(r"^\W*(ls)?-?\d{4}\W*$",))},
    "quantity": {"en": Words(patterns=(r"^\d{1,3}( pieces)?$",))},
    "where": {"es": Words(patterns=("d[oó]nde est[aá]",))},
    "refund": {"zh": Words(keywords=("退款",))},
}
INTENTS = intents_file.merged(OWN, intents_file.built_in())
RESOLVER = Resolver(INTENTS, ("en", "es"))


def message(text: str | None = None, kind: str = "text", **more: Any) -> InboundMessage:
    return InboundMessage(
        message_id="wamid.1", number_id="1", conversation_id="1:2", timestamp=0, type=kind, text=text,
        contact=Contact(wa_id="2"), **more,
    )  # fmt: skip


def expected(*titles: str, intents: tuple[str, ...] = (), accepts: str = "") -> Expected:
    """Options with the events ``one``, ``two`` …, unless a title is written ``event=Title``."""
    choices = []
    for title, number in zip(titles, ("one", "two", "three", "four", "five"), strict=False):
        event, _, words = title.rpartition("=")
        choices.append(Choice(event=event or number, title=words))
    return Expected(choices=tuple(choices), intents=intents, accepts=frozenset(accepts.split()))


def understood(text: str, waiting: Expected | None = None, language: str | None = "en") -> Understanding:
    return RESOLVER.resolve(message(text), waiting or Expected(), language)


def event(text: str, waiting: Expected | None = None) -> str:
    return understood(text, waiting).event


# -- structured, type -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["button_reply", "list_reply", "button"])
def test_tap(kind: str) -> None:
    """A tap is its event, whatever its title says and whoever waits for what."""
    found = RESOLVER.resolve(message("Cancel", kind, payload={"id": "pay.card"}), expected("no"), "es")
    assert (found.event, found.intent, found.tier, found.confidence, found.language) == (
        "pay.card",
        None,
        "structured",
        1.0,
        "es",
    )
    assert RESOLVER.resolve(message("x", kind, payload={"id": "track"}), Expected(), None).intent == "track"


def test_tap_without_an_id() -> None:
    """A tap that lost its id is what its title says."""
    assert RESOLVER.resolve(message("Cancel", "button_reply"), Expected(), None).event == "cancel"


@pytest.mark.parametrize("kind", ["image", "voice", "location", "order", "form", "unsupported", "brand_new"])
def test_types(kind: str) -> None:
    """What is not text is the event of its type, with its payload at hand."""
    found = RESOLVER.resolve(message("cancel", kind, payload={"a": 1}), Expected(), None)
    assert (found.event, found.tier) == (f"message.{kind}", "type")
    assert found.data == {"type": kind, "text": "cancel", "payload": {"a": 1}}


# -- expected: options ----------------------------------------------------------------------------------------------------

MENU = expected("🛍️ See products", "📦 Track my parcel", "🙋 Talk to a person")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("See products", "one"),
        ("see PRODUCTS!", "one"),
        ("products", "one"),
        ("I want to see the products please", "one"),
        ("yes, the products", "one"),
        ("📦", "two"),
        ("my parcel", "two"),
        ("a person", "three"),
        ("1", "one"),
        ("2.", "two"),
        ("2)", "two"),
        ("#3", "three"),
        ("2️⃣", "two"),
        ("option 2", "two"),
        ("number three please", "three"),
        ("the second one", "two"),
        ("second", "two"),
        ("2nd", "two"),
        ("two", "two"),
        ("la segunda", "two"),
        ("la 2ª", "two"),
        ("el primero, por favor", "one"),
        ("opción tres", "three"),
        ("the last one", "three"),
        ("última", "three"),
    ],
)
def test_an_option(text: str, wanted: str) -> None:
    """An option is chosen by its title, by words that only it has, or by its number in either language."""
    found = understood(text, MENU)
    assert (found.event, found.tier) == (wanted, "expected")


@pytest.mark.parametrize(
    "text", ["4", "0", "99999999999999", "to the", "my", "2 or 3", "not the products", "fourth", "?", ""]
)
def test_no_option(text: str) -> None:
    """A number out of range, little words, or more than one option's number choose nothing."""
    assert understood(text, MENU).tier != "expected"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        *(
            ("दूसरा", "two"),
            ("doosra wala", "two"),
            ("२", "two"),
            ("٣", "three"),
            ("الثاني", "two"),
            ("الأخير", "three"),
        ),
        *(("le deuxième svp", "two"), ("die zweite bitte", "two"), ("o segundo", "two"), ("yang kedua", "two")),
        *(("ikincisi lütfen", "two"), ("دوسرا", "two"), ("দ্বিতীয়টা", "two"), ("ya pili", "two"), ("第二个", "two")),
        *(("อันที่สอง", "two"), ("thứ hai", "two"), ("รายการ", None), ("option one", "one"), ("最后一个", "three")),
        *(("prodcts", "one"), ("persn", "three"), ("trakc my parcel", "two"), ("parsnip", None), ("my", None)),
    ],
)
def test_an_option_in_many_languages(text: str, wanted: str | None) -> None:
    """Ordinals of twenty languages, digits of every script, and a slip of the finger when only one option can be meant."""
    found = understood(text, expected("See products", "Track my parcel", "Talk to a person"))
    assert (found.event if found.tier == "expected" else None) == wanted


def test_a_slip_that_fits_two() -> None:
    """Nobody guesses between two titles."""
    assert event("shrts", expected("Shirts", "Shorts")) == "fallback"
    assert event("shirts", expected("Shirts", "Shorts")) == "one"


def test_words_of_two_options() -> None:
    """Words that several options have choose none, unless they are all of one."""
    sizes = expected("Blue shirt", "Blue shirt XL", "Red shirt")
    assert event("shirt", sizes) == "fallback"
    assert event("the blue shirt", sizes) == "one"
    assert event("xl", sizes) == "two"
    assert event("red", sizes) == "three"


def test_number_in_a_title() -> None:
    """A number that one title has means that title, not its place."""
    assert event("2", expected("Add 2", "Add 4")) == "one"
    assert event("4", expected("Table for 2", "Table for 4")) == "two"


def test_number_that_is_expected() -> None:
    """Where a number is the answer, it is not the place of a button."""
    waiting = expected("Skip", "Stop", intents=("quantity",))
    assert understood("2", waiting).tier == "rules"
    assert event("2", waiting) == "quantity"
    assert event("skip", waiting) == "one"


# -- expected: yes and no -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        *(
            (text, "affirm")
            for text in (
                "yes",
                "Yes please!",
                "yep",
                "ok",
                "OK 👍",
                "👍",
                "👍🏿",
                "yes yes",
                "ok perfect",
                "thanks, yes",
            )
        ),
        *((text, "affirm") for text in ("sí", "Si, claro", "vale", "sí por favor", "claro que sí")),
        *((text, "deny") for text in ("no", "No!", "nope", "no thanks", "no, no", "👎", "no gracias", "para nada")),
    ],
)
def test_yes_and_no(text: str, wanted: str) -> None:
    """Yes and no in both languages, when the state waits for them."""
    found = understood(text, Expected(accepts=frozenset({"affirm", "deny"})))
    assert (found.event, found.tier) == (wanted, "expected")


def test_yes_as_a_title() -> None:
    """An option called yes is that option."""
    assert event("yes", expected("go=Yes, go on", "stop=No, thanks", accepts="affirm")) == "go"
    assert event("no", expected("go=Yes, go on", "stop=No, thanks", accepts="deny")) == "stop"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("no, the address is wrong", "address"),
        ("yes but cancel my order", "cancel"),
        ("hi, where is my parcel? track it", "track"),
        ("no, I want to talk to a person", "human"),
        ("no, that's wrong", "deny"),
        ("yes, do that", "affirm"),
        ("no idea", "hold"),
        ("no sé", "hold"),
        ("yes but change it all", "fallback"),
        ("oui et deux tasses en plus", "fallback"),
        ("I have no doubt", "fallback"),
    ],
)
def test_yes_and_no_in_a_sentence(text: str, wanted: str) -> None:
    """At the head of a sentence they count only when nothing else in it does."""
    waiting = Expected(
        intents=("affirm", "deny"), accepts=frozenset({"affirm", "deny", "cancel", "track", "address", "human"})
    )
    assert event(text, waiting) == wanted


# -- rules ----------------------------------------------------------------------------------------------------------------


def test_exact_example() -> None:
    """An example sentence is its intent, even against a keyword that is expected."""
    waiting = Expected(intents=("address",), accepts=frozenset({"address", "track"}))
    assert event("where is my PARCEL", waiting) == "track"
    assert understood("where is my PARCEL").tier == "rules"


def test_whole_words() -> None:
    """A keyword is whole words: *track* is not in *tracksuit*."""
    assert event("tracksuit") == "fallback"
    assert event("please TRACK it") == "track"


def test_longest_keyword() -> None:
    """A longer keyword swallows the shorter one inside it."""
    assert event("cancel my order") == "cancel"
    assert event("cancel my order", Expected(intents=("track",), accepts=frozenset({"cancel", "track"}))) == "cancel"
    assert event("cancel my order", Expected(accepts=frozenset({"track"}))) == "track"


def test_expected_then_accepted() -> None:
    """Of several intents in one message, the expected one wins, then the one that is handled."""
    text = "track my address"
    assert event(text, Expected(intents=("address",), accepts=frozenset({"track", "address"}))) == "address"
    assert event(text, Expected(accepts=frozenset({"track"}))) == "track"
    assert event(text, Expected(accepts=frozenset({"address"}))) == "address"
    assert event(text, Expected(intents=("cancel", "address", "track"))) == "address"


def test_accepted_by_family() -> None:
    """A wildcard that the state handles counts as handling."""
    intents = intents_file.merged(
        {"a.x": {"en": Words(keywords=("thing",))}, "b": {"en": Words(keywords=("that thing",))}}
    )
    found = Resolver(intents, ("en",)).resolve(message("that thing"), Expected(accepts=frozenset({"a.*"})), None)
    assert found.event == "a.x"


def test_patterns() -> None:
    """Patterns see punctuation, and neither case nor accents."""
    assert event("LS-1042?") == "number"
    assert event("¿DONDE ESTA?") == "where"
    assert event("¿Dónde está?") == "where"
    assert event("my LS-1042 is late") == "fallback"


def test_keywords_without_blanks() -> None:
    """In a script without blanks a keyword counts anywhere."""
    assert event("我要退款。") == "refund"


def test_fallback() -> None:
    """What nobody knows is the fallback, with no confidence and the text at hand."""
    found = understood("brmpf")
    assert (found.event, found.intent, found.tier, found.confidence) == ("fallback", None, "fallback", 0.0)
    assert found.data == {"type": "text", "text": "brmpf"}


@pytest.mark.parametrize("text", [None, "", "   ", "\u200d", "?!", "a" * 100_000, "🇪🇸" * 500, "\ud800"])
def test_odd_texts(text: str | None) -> None:
    """Nothing, very much, and half a character are the fallback."""
    assert RESOLVER.resolve(message(text), MENU, "en").event == "fallback"


# -- human ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        *(
            "human",
            "a human please",
            "person",
            "Agent!",
            "I want to talk to a person",
            "can I speak to someone real? a person!",
        ),
        *(
            "quiero hablar con una persona",
            "una persona, por favor",
            "persona",
            "asesor",
            "Quiero hablar con el encargado",
        ),
    ],
)
def test_asking_for_a_person(text: str) -> None:
    """People ask for people in many ways."""
    assert event(text) == "human"


@pytest.mark.parametrize("text", ["a table for one person", "para una persona", "I am a travel agent", "personal data"])
def test_not_asking_for_a_person(text: str) -> None:
    """Not every person in a message is asked for."""
    assert event(text) == "fallback"


# -- language, and the rest -----------------------------------------------------------------------------------------------


def test_language() -> None:
    """The message's language, else the one so far, else the customer's locale, else the bot's."""
    assert understood("gracias", language="en").language == "es"
    assert understood("ok", language="es").language == "es"
    assert RESOLVER.resolve(message("ok", locale="es_MX"), Expected(), None).language == "es"
    assert RESOLVER.resolve(message("ok", locale="pt_BR"), Expected(), None).language == "en"
    assert RESOLVER.resolve(message("sí", "button_reply", payload={"id": "x"}), Expected(), "en").language == "en"


def test_always_the_same() -> None:
    """The same message in the same situation is always the same event."""
    waiting = expected("track=Track", "Cancel", intents=("address", "track"), accepts="cancel address")
    found = {
        Resolver(INTENTS, ("en", "es")).resolve(message("cancel or track my address"), waiting, "en").event
        for _ in range(10)
    }
    assert len(found) == 1


# -- yes, no and neither --------------------------------------------------------------------------------------------------

ASKED = Expected(intents=("affirm", "deny"), accepts=frozenset({"affirm", "deny"}))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        *(("haan ji", "affirm"), ("sim", "affirm"), ("tamam", "affirm"), ("no problem, go ahead", "affirm")),
        *(("not really", "deny"), ("actually no", "deny"), ("जी नहीं", "deny"), ("hapana asante", "deny")),
        *(("wait", "hold"), ("yes wait", "hold"), ("maybe", "hold"), ("yes no", "hold"), ("ok?", "hold")),
        *(
            ("yes, that's all", "hold"),
            ("that's all", "deny"),
            ("that's it, thank you", "hold"),
            ("no, that's it", "deny"),
            ("yes but only two", "fallback"),
        ),
        *(("yes I would like that very much indeed my good friend", "affirm"), ("hindi po", "deny")),
    ],
)
def test_yes_and_no_of_any_language(text: str, wanted: str) -> None:
    """A customer of an English and Spanish bot may answer in another language; who is not sure is asked again."""
    assert event(text, ASKED) == wanted


def test_a_yes_that_something_follows_is_less_sure() -> None:
    """What was taken for yes or no by its head alone says so."""
    assert understood("no, the thing is blue", ASKED).confidence < understood("no", ASKED).confidence == 1.0


def test_buttons_that_say_yes_and_no() -> None:
    """Where the state has no event for yes, the button that begins with it is meant."""
    waiting = expected("pay=Yes, pay now", "leave=No, not yet", accepts="pay leave")
    assert event("haan", waiting) == "pay"
    assert event("nope", waiting) == "leave"
    assert event("yes", expected("a=Yes, blue", "b=Yes, red", accepts="a b")) != "a"


def test_the_name_of_a_language() -> None:
    """In Tagalog "hindi" is no; to a bot that speaks Hindi it names the language."""
    assert RESOLVER.resolve(message("hindi"), ASKED, "en").event == "deny"
    assert Resolver(INTENTS, ("en", "hi")).resolve(message("hindi"), ASKED, "en").event != "deny"
