"""Which of the bot's languages a message is in."""

from __future__ import annotations

import pytest

from wabox.core.intent import Intent, Words
from wabox.nlu.language import Languages

INTENTS = (
    Intent(
        name="product",
        words={
            "en": Words(keywords=("mug", "Luna")),
            "es": Words(keywords=("taza",), examples=("Enséñame las tazas de Luna",)),
        },
    ),
    Intent(name="menu", words={"en": Words(keywords=("menu",)), "es": Words(keywords=("menú",))}),
)
BOTH = Languages(("en", "es"), INTENTS)


@pytest.mark.parametrize(
    ("current", "text", "language"),
    [
        ("en", "gracias", "es"),
        ("en", "¿Dónde está mi pedido?", "es"),
        ("en", "sí", "es"),
        ("en", "taza", "es"),
        ("es", "thanks", "en"),
        ("es", "where is my order", "en"),
        ("es", "mugs? a mug!", "en"),
        (None, "Hola, buenas tardes", "es"),
        (None, "hi there", "en"),
    ],
)
def test_it_changes(current: str | None, text: str, language: str) -> None:
    """A common word of the other language, or a word of the bot's own, changes the language."""
    assert BOTH.choose(text, current) == language


@pytest.mark.parametrize(
    "text",
    [
        *("ok", "OK 👍", "👍", "2", "#1042", "no", "menu", "taxi", "", "   ", "?"),
        *("Juan de la Cruz", "Luna", "María", "Calle de la Rosa 12", "LS-1042", "ana@example.com", "xyzzy"),
    ],
)
@pytest.mark.parametrize("current", ["en", "es", None])
def test_it_stays(current: str | None, text: str) -> None:
    """Names, addresses, numbers, emoji and words of both languages change nothing."""
    assert BOTH.choose(text, current) == current


def test_a_guest_changes_nothing() -> None:
    """One word of another language in a longer message is a guest."""
    assert BOTH.choose("I tapped the gracias button", "en") == "en"
    assert BOTH.choose("my name is Juan de los Palotes", "es") == "en"
    assert BOTH.choose("xx gracias xx xx xx", "en") == "en"
    assert BOTH.choose("xx gracias", "en") == "es"


def test_only_language() -> None:
    """A bot of one language speaks it."""
    assert Languages(("pt",)).choose("hello there my friend", None) == "pt"


@pytest.mark.parametrize(
    ("current", "text", "language"),
    [("en", "नमस्ते", "hi"), ("en", "مرحبا", "ar"), ("hi", "hello", "en"), ("ar", "ok", "ar"), ("ar", "José", "ar")],
)
def test_scripts(current: str, text: str, language: str) -> None:
    """A script of its own decides; Latin letters by themselves do not."""
    assert Languages(("en", "hi", "ar")).choose(text, current) == language


def test_a_shared_script_does_not_decide() -> None:
    """Two languages in one script are told apart by words only."""
    assert Languages(("ru", "uk", "en")).choose("борщ", "en") == "en"


def test_close_languages() -> None:
    """Words that both have are no evidence."""
    languages = Languages(("es", "pt"))
    assert languages.choose("obrigado", "es") == "pt"
    assert languages.choose("para", "es") == "es"
    assert languages.choose("gracias", "pt") == "es"


def test_tie_goes_to_the_default() -> None:
    """As many words of each: the bot's first language, every time."""
    assert {BOTH.choose("hello hola", None) for _ in range(20)} == {"en"}
    assert BOTH.choose("hello hola", "es") == "es"
