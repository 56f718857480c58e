"""YAML that wabox writes is read back as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wabox.flowfile.document import Source
from wabox.flowfile.reader import read_bytes
from wabox.flowfile.writing import flow, scalar

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
SCALARS = st.none() | st.booleans() | st.integers(-(2**62), 2**62) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)


def back(text: str) -> Any:
    source = Source(Path("x.yaml"), "x.yaml")
    document = read_bytes(text.encode(), source, lambda finding: pytest.fail(f"{finding.sentence}: {text!r}"))
    assert document is not None
    return document.root.plain()


@given(VALUES)
@example("<<")
def test_one_line(value: Any) -> None:
    """Any JSON value, in flow style, on one line."""
    if "<<" in str(value):
        return  # as a key it is refused, whoever writes it
    written = f"k: {flow(value)}\n"
    assert "\n" not in written[:-1]
    assert back(written) == {"k": value}


@given(TEXTS)
@example("yes: no")
@example("a #b")
@example("null")
@example("1_000")
@example("0x1f")
@example("~")
@example("-")
@example("a:")
@example("é, 🙂")
def test_a_text_in_a_block(text: str) -> None:
    """Any text behind a key."""
    assert back(f"- user: {scalar(text)}\n") == [{"user": text}]


@pytest.mark.parametrize("text", ["dos tazas", "I'd like two, please!", "¿Cuándo?", "at 10:30"])
def test_readable(text: str) -> None:
    """Plain words stay plain."""
    assert scalar(text) == text or text.startswith("¿")
