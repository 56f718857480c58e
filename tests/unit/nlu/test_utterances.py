"""Texts made comparable."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wabox.nlu.utterances import LONGEST, folded, is_emoji, is_unspaced, tokens, unaccented, words_only


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("¡Sí, por favor!", ("si", "por", "favor")),
        ("SI POR FAVOR", ("si", "por", "favor")),
        ("I don't know", ("i", "dont", "know")),
        ("I don’t know", ("i", "dont", "know")),
        ("t-shirt_blue", ("t", "shirt", "blue")),
        ("👍🏽", ("👍",)),
        ("❤️ ok", ("❤", "ok")),
        ("2️⃣", ("2",)),
        ("la 2ª", ("la", "2a")),
        ("ﬁne Ｏｋ", ("fine", "ok")),
        ("Straße", ("strasse",)),
        ("नमस्ते दुनिया", ("नमस्ते", "दुनिया")),
        ("مَرْحَبًا", ("مرحبا",)),
        ("привет, Алёна", ("привет", "алена")),
        ("", ()),
        ("?!… —", ()),
    ],
)
def test_tokens(text: str, expected: tuple[str, ...]) -> None:
    """Case, accents, punctuation and skin tones do not count; letters, digits and emoji do."""
    assert tokens(text) == expected


@settings(deadline=None)
@given(st.text(max_size=200))
def test_tokens_of_any_text(text: str) -> None:
    """Tokens are never empty, and the tokens of tokens are the same."""
    found = tokens(text)
    assert all(found)
    assert tokens(" ".join(found)) == found


def test_folded_keeps_punctuation() -> None:
    """Patterns see the punctuation, and one kind of apostrophe."""
    assert folded("¿Dónde está LS-1042? Don’t") == "¿donde esta ls-1042? don't"


def test_only_the_beginning_counts() -> None:
    """A very long message is read up to a bound."""
    assert len(folded("ñ" * 100_000)) == LONGEST


def test_pattern_without_accents() -> None:
    """A pattern loses its accents and keeps its escapes."""
    assert unaccented(r"\Wd[oó]nde\S est[aá]") == r"\Wd[oo]nde\S est[aa]"


def test_emoji() -> None:
    """Pictures are told from words, and left out unless they are all there is."""
    assert is_emoji("👍")
    assert not is_emoji("a")
    assert not is_emoji("é")
    assert words_only(("ok", "👍")) == ("ok",)
    assert words_only(("👍",)) == ("👍",)


def test_unspaced_scripts() -> None:
    """Chinese, Japanese and Thai are written without blanks."""
    assert is_unspaced("退款")
    assert is_unspaced("คืนเงิน")
    assert not is_unspaced("한국어")
    assert not is_unspaced("refund")
