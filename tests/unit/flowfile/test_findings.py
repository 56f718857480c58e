"""What findings look like."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from wabox.flowfile.findings import Finding, columns, did_you_mean, render, render_all
from wabox.flowfile.words import listed, quoted

FINDING = Finding(
    file="flows/shop/flow.yaml",
    line=12,
    column=15,
    severity="error",
    code="unknown-target",
    sentence='no state is called "chekout" anywhere near here',
    fix='did you mean "checkout"?',
    source="      target: chekout   # pay",
    width=7,
)


def test_render() -> None:
    """Place, code, sentence; the line with what is meant underlined; the fix."""
    assert (
        render(FINDING)
        == """\
flows/shop/flow.yaml:12:15: error[unknown-target]: no state is called "chekout"
  anywhere near here
   12 |       target: chekout   # pay
      |               ^^^^^^^
   fix: did you mean "checkout"?"""
    )


def test_colour() -> None:
    """Colour only when it is asked for, and nothing else changes."""
    coloured = render(FINDING, colour=True)
    assert "\x1b[1;31merror[unknown-target]:\x1b[0m" in coloured
    assert "\x1b" not in render(FINDING)


def test_without_a_line() -> None:
    """A finding about a whole file has no line to show."""
    whole = Finding(file="flow.yaml", line=1, column=1, severity="warning", code="x", sentence="It is odd.", fix="")
    assert render(whole) == "flow.yaml:1:1: warning[x]: It is odd."


def test_long_and_wide_lines() -> None:
    """A long line is cut on both sides of the place; wide characters count as two columns."""
    source = "是" * 60 + "HERE" + "x" * 200
    shown = render(Finding(**{**FINDING.to_json(), "source": source, "column": 61, "width": 4}))
    lines = shown.splitlines()
    assert all(columns(line) <= 80 for line in lines)
    line, caret = lines[2], lines[3]
    assert columns(line[: line.index("HERE")]) == caret.index("^")
    assert caret.count("^") == 4


def test_harmless() -> None:
    """What an author wrote cannot write to a terminal."""
    assert "\x1b" not in render(Finding(**{**FINDING.to_json(), "source": "a: \x1b[31mred"}))
    assert quoted("a\x1b[31m\n" + "x" * 100) == '"a\\x1b[31m\\n' + "x" * 52 + '…"'


def test_json() -> None:
    """A finding is a JSON object."""
    assert Finding(**json.loads(json.dumps(FINDING.to_json()))) == FINDING


def test_render_all() -> None:
    """All of them, and how many."""
    warning = Finding(**{**FINDING.to_json(), "severity": "warning"})
    assert render_all([FINDING, FINDING, warning]).endswith("\n\n2 errors, 1 warning")
    assert render_all([]) == "nothing to report"


def test_did_you_mean() -> None:
    """The nearest name, or what there is to choose from."""
    assert did_you_mean("chekout", ["cart", "checkout"]) == 'did you mean "checkout"?'
    assert did_you_mean("Cart", ["cart", "checkout"]) == 'did you mean "cart"?'
    assert did_you_mean("xyz", ["cart", "checkout"]) == "known here: cart, checkout"
    assert did_you_mean("xyz", ["cart"], "write it") == "write it"
    assert did_you_mean("xyz", []) == ""


def test_listed() -> None:
    """Lists as people write them."""
    assert [listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


@settings(deadline=None)
@given(
    source=st.text(max_size=300), column=st.integers(1, 320), width=st.integers(1, 400), columns_=st.integers(30, 120)
)
def test_any_line(source: str, column: int, width: int, columns_: int) -> None:
    """Whatever the line, the excerpt stays within the width and the caret within the line."""
    finding = Finding(
        **{**FINDING.to_json(), "source": source.replace("\n", ""), "column": column, "width": width, "file": "f"}
    )
    for line in render(finding, width=columns_).splitlines():
        assert columns(line) <= columns_
