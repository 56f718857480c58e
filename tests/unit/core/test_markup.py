"""Markdown becomes WhatsApp's formatting; what others wrote never does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabox.core.markup import THIN, bare, formatted, literal, settled
from wabox.flowfile.texts import filled


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("**bold** and __bold__", "*bold* and *bold*"),
        ("_italic_ and ***both***", "_italic_ and *_both_*"),
        ("~~struck~~, `code **x**`", "~struck~, `code **x**`"),
        ("**a *b* c**", "*a _b_ c*"),
        ("# Opening **hours** #\nEvery day", "*Opening hours*\nEvery day"),
        ("* one\n+ two\n- three\n1. four", "- one\n- two\n- three\n1. four"),
        ("[Pay here](https://example.com/p_a_y)", "Pay here: https://example.com/p_a_y"),
        ("[**Pay**]({order.url__x})", "*Pay*: {order.url__x}"),
        ("[https://example.com](https://example.com)", "https://example.com"),
        ("<https://example.com/a_b_>", "https://example.com/a_b_"),
        ("![A cat](https://example.com/cat.png)", "A cat: https://example.com/cat.png"),
        ("```python\nx = **1**\n```", "```x = **1**```"),
        ("**{name}**, {a__b__c}", "*{name}*, {a__b__c}"),
        ("two blanks  \nend a line", "two blanks\nend a line"),
        (r"2 \* 3, C\:", r"2 * 3, C\:"),
        ("un**believ**able, 这是**重点**内容", "unbelievable, 这是重点内容"),
        ("2**3**4 and a ** b ** c", "2**3**4 and a ** b ** c"),
        ("Order #1042", "Order #1042"),
        ("¡**Hola**! مرحبا **بك**", "¡*Hola*! مرحبا *بك*"),
    ],
)
def test_markdown_as_people_write_it(written: str, sent: str) -> None:
    assert settled(formatted(written)) == sent


@pytest.mark.parametrize("text", ["*998*", "_now_", "~old~", "```x```", "- a\n- b", "> quote", "snake_case_x", "5*4*3"])
def test_whatsapps_own_formatting_goes_through_unchanged(text: str) -> None:
    assert settled(formatted(text)) == text


def test_a_header_has_no_marks() -> None:
    assert bare("**Order** {number}, _now_") == "Order {number}, now"


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("Ana", "*Hi* Ana, *ok*"),
        ("5*4*3", "*Hi* 5*4*3, *ok*"),
        ("*Ana*", f"*Hi* *{THIN}Ana{THIN}*, *ok*"),
        ("**Ana**", f"*Hi* *{THIN}*{THIN}Ana{THIN}*{THIN}*{THIN}, *ok*"),
        ("*123#", f"*Hi* *{THIN}123#, *ok*"),
        ("[a](https://example.com)", "*Hi* [a](https://example.com), *ok*"),
        ("https://example.com/_a_", "*Hi* https://example.com/_a_, *ok*"),
    ],
)
def test_a_value_is_never_formatting(value: str, sent: str) -> None:
    assert filled(formatted("**Hi** {name}, **ok**"), {"name": value}) == sent


def test_a_value_does_not_begin_a_quote() -> None:
    assert filled(formatted("{name}"), {"name": "> me"}) == f"{THIN}> me"


def test_an_escaped_mark_is_a_mark_and_nothing_else() -> None:
    assert settled(formatted(r"\*not bold\*")) == f"*{THIN}not bold{THIN}*"


MARKED = st.text("ab *_~`>\n#[]()", max_size=40)


@given(MARKED, MARKED)
def test_no_letter_is_lost_and_nothing_internal_is_sent(before: str, value: str) -> None:
    sent = filled(formatted(before + "{x}"), {"x": value})
    assert not any("\ufdd0" <= sign <= "\ufdd4" or sign >= "\U000f0000" for sign in sent)
    assert sum(sign in "ab" for sign in sent) >= sum(sign in "ab" for sign in value)
    assert [sign for sign in settled(literal(value)) if sign != THIN] == list(value)
