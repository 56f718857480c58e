"""Long texts are cut where a reader would pause."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabox.core.split import split

FAMILY = "👩\u200d👩\u200d👧"


def test_a_text_that_fits_stays_as_it_is() -> None:
    assert split(" a  b ", 6) == (" a  b ",)


def test_at_a_paragraph_first() -> None:
    assert split("One. Two.\n\nThree. Four.", 20) == ("One. Two.", "Three. Four.")


def test_at_a_line_then() -> None:
    assert split("one, two\nthree, four five", 20) == ("one, two", "three, four five")


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("It costs 3.50 a day. Or 9 a week.", ("It costs 3.50 a day.", "Or 9 a week.")),
        ("¿Vienes hoy? ¡Claro que sí, a las dos!", ("¿Vienes hoy?", "¡Claro que sí, a las dos!")),
        ("هل تأتي اليوم؟ نعم بالتأكيد، بعد الظهر", ("هل تأتي اليوم؟", "نعم بالتأكيد، بعد الظهر")),
        ("आज दुकान खुली है। कल बंद रहेगी, माफ़ करें", ("आज दुकान खुली है।", "कल बंद रहेगी, माफ़ करें")),
        ("今日は開いています。明日はお休みです。どうぞ", ("今日は開いています。明日はお休みです。", "どうぞ")),
        ("He said “no way!” Then he left us.", ("He said “no way!”", "Then he left us.")),
    ],
)
def test_at_the_end_of_a_sentence_in_any_script(text: str, pieces: tuple[str, ...]) -> None:
    assert split(text, 32 if text.startswith(("It", "He", "¿", "ه", "आ")) else 20) == pieces


def test_an_address_is_one_word() -> None:
    address = "https://example.com/a.b?c=d!e"
    assert split(f"look there {address} please", 35) == ("look there", address, "please")


@pytest.mark.parametrize("sign", [FAMILY, "🇪🇸", "👍🏽", "é", "क्षि", "각"])
def test_no_sign_is_torn(sign: str) -> None:
    for limit in range(24, 30):
        pieces = split(sign * 30, limit)
        assert "".join(pieces) == sign * 30
        assert all(len(piece) % len(sign) == 0 and len(piece) <= limit for piece in pieces)


def test_a_block_of_code_is_code_in_both_halves() -> None:
    first, second = split("```" + "x = 1\n" * 8 + "```", 40)
    assert first.startswith("```x = 1")
    assert first.endswith("\n```")
    assert second.startswith("```\nx = 1")
    assert second.endswith("```")


@given(st.text("ab .\n。!?👍\u0301`", max_size=300), st.integers(20, 60))
def test_nothing_is_lost_and_everything_fits(text: str, limit: int) -> None:
    pieces = split(text, limit)
    assert all(len(piece) <= limit for piece in pieces)
    if "`" not in text:
        assert re.sub(r"\s", "", "".join(pieces)) == re.sub(r"\s", "", text)
    if len(text) > limit:
        assert all(pieces) or not text.strip()
