"""Placeholders in texts."""

from __future__ import annotations

from typing import Any

import pytest

from wabox.engine import fill, placeholders

CONTEXT: dict[str, Any] = {
    "name": "Ana",
    "total": 49.9,
    "round": 50.0,
    "n": 3,
    "yes": True,
    "none": None,
    "cart": {"items": ["red", "blue"], "first": {"sku": "r"}},
    "evil": "{name} {{x}}",
}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("Hello", "Hello"),
        ("Hello {name}!", "Hello Ana!"),
        ("{total} {round} {n} {yes}", "49.9 50 3 true"),
        ("[{none}{missing}{cart.missing.more}{cart}]", "[]"),
        ("{cart.items}: {cart.items.0}, {cart.first.sku}", "red, blue: red, r"),
        ("{{name}} {{{name}}}", "{name} {Ana}"),
        ("{ name } {na me} {} {0} {a..b} { }", "{ name } {na me} {} {0} {a..b} { }"),
        ("{evil}", "{name} {{x}}"),
        ("100% {name.__class__} {name.0}", "100%  "),
        ("{név}", "{név}"),
        ("}} {{", "} {"),
    ],
)
def test_fill(text: str, filled: str) -> None:
    """A placeholder is a path into the variables; everything else stays, and what was filled in is not looked at again."""
    assert fill(text, CONTEXT) == filled


def test_placeholders() -> None:
    """The paths of a text, in order, each once; escaped braces are none."""
    assert placeholders("{a} {b.c} {a} {{d}} { e }") == ("a", "b.c")
