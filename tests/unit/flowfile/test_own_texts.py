"""wabox's own texts: the same in every language that it speaks."""

from __future__ import annotations

import re

import pytest

from wabox.core import limits
from wabox.engine.text import placeholders
from wabox.flowfile import intents
from wabox.flowfile.texts import Texts, built_in, languages
from wabox.services.colleagues import DONE

BUTTONS = (
    "wabox.repair.yes",
    "wabox.repair.no",
    "wabox.repair.neither",
    "wabox.repair.go_on",
    "wabox.repair.start_again",
    "wabox.choose",
)


@pytest.mark.parametrize("language", languages())
def test_every_text_is_there(language: str) -> None:
    """A missing one would be said in English in the middle of a conversation; a lost placeholder would say nothing."""
    english, own = built_in("en"), built_in(language)
    assert set(own) == set(english)
    for key, text in own.items():
        assert sorted(placeholders(text)) == sorted(placeholders(english[key])), key
    for key in BUTTONS:
        assert len(own[key]) <= limits.BUTTON_TITLE, key


@pytest.mark.parametrize("language", languages())
def test_what_a_card_says_closes_a_case_closes_it(language: str) -> None:
    """The word between its quotation marks is one that is understood."""
    own = built_in(language)
    for key, before in (("answer", ""), ("answer_many", "2 ")):
        told = re.search(r"[“„«”]\s?([^“”„«»]+?)\s?[”“»]", own[f"wabox.card.{key}"])
        assert told is not None
        assert told[1].startswith(before)
        assert told[1].removeprefix(before) in DONE


def test_languages() -> None:
    """The twelve that issues and customers ask for."""
    assert set(languages()) >= {"en", "es", "pt", "ar", "hi", "id", "fr", "de", "tr", "ur", "bn", "sw"}
    assert built_in("nl") == {}
    assert built_in("../texts/wabox.en") == {}


def test_a_region_speaks_its_language() -> None:
    texts = Texts.of(("pt-BR",), "pt-BR", {"pt-BR": {}}, keyed=True)
    assert texts.get("wabox.resumed", "pt-BR") == built_in("pt")["wabox.resumed"]


@pytest.mark.parametrize("language", languages())
def test_every_wish_has_words(language: str) -> None:
    """Whoever is spoken to in a language can ask for a person in it, and go back by the very word that they were told."""
    own = intents.built_in()
    for name in ("greet", "human", "back", "cancel", "start_over", "repeat", "skip", "correct"):
        words = own[name][language]
        assert len({*words.keywords, *words.examples, *words.lent}) >= 5, name
    told = built_in(language)["wabox.repair.how_to_correct"].rpartition(":")[2].strip(" .。।۔")
    assert told in own["back"][language].lent
