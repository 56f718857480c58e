"""Yes, no and wait in twenty languages, on phrases half of which were not looked at while the words were collected.

``tests/data/language/yes_no.tsv`` was written first; a phrase is held out when its SHA-256 is odd.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from wabox.flowfile.names import ANSWERED
from wabox.nlu.phrasebook import ANY
from wabox.nlu.phrasebook import phrases as book
from wabox.nlu.utterances import tokens
from wabox.nlu.yes_no import yes_no

FILE = Path(__file__).parents[2] / "data" / "language" / "yes_no.tsv"


def phrases(*, held_out: bool) -> list[tuple[str, str, str]]:
    """Language, label and text."""
    found = []
    for line in FILE.read_text(encoding="utf-8").splitlines()[2:]:
        language, label, text = line.split("\t")
        if bool(int(hashlib.sha256(text.encode()).hexdigest(), 16) % 2) == held_out:
            found.append((language, label, text))
    return found


def said(text: str) -> str:
    answer = yes_no().read(tokens(text))
    return {None: "other", "done": "no"}.get(answer, str(answer))


@pytest.mark.parametrize("held_out", [False, True])
def test_phrases(held_out: bool) -> None:
    """At least 97 % right, and never yes for no or no for yes."""
    read = [(language, label, said(text), text) for language, label, text in phrases(held_out=held_out)]
    assert len(read) > 300
    assert [one for one in read if {one[1], one[2]} == {"yes", "no"}] == []
    wrong = [one for one in read if one[1] != one[2]]
    assert len(wrong) <= 0.03 * len(read), wrong


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        *(("yeeees", "yes"), ("nooooo", "no"), ("👍🏿", "yes"), ("ok 😊🙏", "yes"), ("yes 👎", "hold")),
        *(("🙏", None), ("please", None), ("", None), ("yes " * 13, None), ("yes sir madam", "yes")),
        *(("don't do it", "no"), ("do it", "yes"), ("don't do that other thing", None)),
    ],
)
def test_strange_ones(text: str, wanted: str | None) -> None:
    """Stretched words, faces, politeness alone, and too much of it."""
    assert yes_no().read(tokens(text)) == wanted


def test_no_phrase_is_yes_in_one_language_and_no_in_another() -> None:
    """All languages are tried on every message, so such a phrase could charge somebody."""
    kinds: dict[tuple[str, ...], set[str]] = {}
    for by_kind in book("yes_no").values():
        for kind in ("yes", "fine", "no"):
            for phrase in by_kind.get(kind, ()):
                kinds.setdefault(tokens(phrase), set()).add("no" if kind == "no" else "yes")
    assert [" ".join(found) for found, known in kinds.items() if len(known) > 1] == []


def test_the_checker_knows_which_languages_have_words() -> None:
    """`wabox check` does not ask for words of yes and no that are there."""
    assert set(ANSWERED) == set(book("yes_no")) - {ANY}
