"""From a file to a tree that knows where everything stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wabox.flowfile.document import Document, Mark, Source
from wabox.flowfile.findings import Finding
from wabox.flowfile.reader import DEPTH, NODES, SIZE, read, read_bytes


def parse(text: str | bytes, name: str = "flow.yaml") -> tuple[Document | None, list[Finding]]:
    found: list[Finding] = []
    raw = text if isinstance(text, bytes) else text.encode()
    return read_bytes(raw, Source(Path(name), name), found.append), found


def plain(text: str, name: str = "flow.yaml") -> Any:
    document, found = parse(text, name)
    assert found == []
    assert document is not None
    return document.root.plain()


def wrong(text: str | bytes, name: str = "flow.yaml") -> Finding:
    _, [finding] = parse(text, name)
    return finding


# -- values ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *((word, word) for word in ("on", "off", "yes", "no", "y", "True story", "2026-11-22", "1_000", "0b1", "1:30", ".")),
        *((word, True) for word in ("true", "True", "TRUE")),
        *((word, False) for word in ("false", "False", "FALSE")),
        *((word, None) for word in ("", "~", "null", "Null", "NULL")),
        *(("12", 12), ("-3", -3), ("+4", 4), ("007", 7), ("0o17", 15), ("0xFF", 255)),
        *(("1.5", 1.5), ("-.5", -0.5), ("1e3", 1000.0), ("1.", 1.0)),
        *(("'12'", "12"), ('"true"', "true"), ("|-\n  12", "12"), ('"\\u00e9"', "é")),
    ],
)  # fmt: skip
def test_words_are_words(written: str, value: object) -> None:
    """Plain words are read by the YAML 1.2 core schema; what is quoted is text."""
    found = plain(f"key: {written}\n")["key"]
    assert (found, type(found)) == (value, type(value))


def test_keys_are_texts() -> None:
    """Keys stay as they are written."""
    assert list(plain("on: 1\nyes: 2\n1000: 3\ntrue: 4\nnull: 5\n1.50: 6\n")) == [
        "on",
        "yes",
        "1000",
        "true",
        "null",
        "1.50",
    ]


def test_empty_files() -> None:
    """A file without anything in it is nothing."""
    assert plain("") is None
    assert plain("# only a remark\n") is None


def test_byte_order_mark() -> None:
    """The mark that some editors write is not part of the text."""
    assert plain("\ufeffa: 1\n") == {"a": 1}


def test_aliases() -> None:
    """What is written once can be used twice."""
    assert plain("a: &x {b: [1, 2]}\nc: *x\n") == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}}


# -- places ---------------------------------------------------------------------------------------------------------------

PLACES = """\
states:
  menu:
    ask: {text: Hello, buttons: {a: "Á b"}}
    on:
      - x
      - {target: y}
"""


@pytest.mark.parametrize(
    ("steps", "mark"),
    [
        ((), Mark(1, 1)),
        (("states",), Mark(1, 1)),
        (("states", "menu"), Mark(2, 3)),
        (("states", "menu", "ask", "text"), Mark(3, 17)),
        (("states", "menu", "ask", "buttons", "a"), Mark(3, 37)),
        (("states", "menu", "on", 0), Mark(5, 9)),
        (("states", "menu", "on", 1, "target"), Mark(6, 18)),
        (("states", "menu", "nowhere", "deeper"), Mark(2, 3)),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_places(steps: tuple[str | int, ...], mark: Mark, as_json: bool) -> None:
    """Every value knows its line and column; a block is where its key is; a way that leads nowhere ends where it can."""
    text, name = PLACES, "flow.yaml"
    if as_json:
        text = '{"states":\n {"menu": {\n"ask": {"text": "Hello", "buttons":\n{"a": "Á b"}},\n"on": ["x",\n{"target": "y"}]}}}'
        name = "flow.json"
        mark = {
            1: Mark(1, 2),
            2: Mark(2, 3),
            17: Mark(3, 17),
            37: Mark(4, 7),
            9: Mark(5, 8),
            18: Mark(6, 12),
            3: Mark(2, 3),
        }[mark.column if mark != Mark(1, 1) else 1]
        if steps == ():
            mark = Mark(1, 1)
    document, _ = parse(text, name)
    assert document is not None
    assert document.mark(steps)[:2] == mark[:2]


def test_place_of_a_key() -> None:
    """Sometimes the key is meant, not the value."""
    document, _ = parse("a: {bad: 1}\n")
    assert document is not None
    assert document.mark(("a", "bad")) == Mark(1, 10, 1)
    assert document.mark(("a", "bad"), key=True) == Mark(1, 5, 3)


# -- what is wrong --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", "duplicate-key", 3, 1, "line 1"),
        ("a:\n\tb: 1\n", "syntax", 2, 1, "tab"),
        ("a: Hi: there\n", "syntax", 1, 6, "colon"),
        ("a: 1\n  b: 2\n", "syntax", 2, 4, "colon"),
        ("a: 'it's'\n", "syntax", 1, 8, "block"),
        ("a: [1, 2\nb: 3\n", "syntax", 2, 2, "bracket"),
        ('a: "x\n', "syntax", 1, 4, "never closed"),
        ("a: - x\n", "syntax", 1, 4, "a list cannot begin"),
        ("a: @x\n", "syntax", 1, 4, "@"),
        ("a: 1\n---\nb: 2\n", "syntax", 2, 1, "second document"),
        ("? [a]\n: b\n", "syntax", 1, 3, "a list"),
        ("%YAML 1.9\n---\na: 1\n", "syntax", 1, 1, "version"),
        ("a: !!python/object:os.system x\n", "tag", 1, 4, "tag"),
        ("a: !mine {}\n", "tag", 1, 4, "!mine"),
        ("a: &x [*x]\n", "alias", 1, 8, "itself"),
        ("a: *x\n", "alias", 1, 4, "stands for nothing"),
        ("a: {<<: {b: 1}}\n", "unknown-key", 1, 5, "YAML 1.2"),
        ("a: .inf\n", "number", 1, 4, ".inf"),
        ("a: 99999999999999999999999\n", "number", 1, 4, "number"),
        ("a: 1e999\n", "number", 1, 4, "number"),
        ("a: \x00\n", "syntax", 1, 4, "U+0000"),
        ("é: \x1b[31m\n", "syntax", 1, 4, "U+001B"),
    ],
)
def test_wrong_yaml(text: str, code: str, line: int, column: int, words: str) -> None:
    """What is wrong is said in words, at its place, with what to do."""
    finding = wrong(text)
    assert (finding.code, finding.line, finding.column) == (code, line, column)
    assert words in finding.sentence
    assert finding.fix
    assert finding.source == text.splitlines()[line - 1]


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ('{"a": 1,\n}', 2, 1, "key in double quotes"),
        ("{'a': 1}", 1, 2, "comma"),
        ('{"a" 1}', 1, 6, "colon"),
        ('{"a": 1 "b": 2}', 1, 9, "comma or }"),
        ("[1, 2", 1, 5, "comma"),
        ("[1,]", 1, 4, "a value"),
        ("[tru]", 1, 2, "a value"),
        ("[NaN]", 1, 2, "comma"),
        ("[01]", 1, 3, "comma"),
        ("[1e999]", 1, 2, "number"),
        ('["a\nb"]', 1, 4, "double quotes"),
        ("[1] []", 1, 5, "end of the file"),
        ("", 1, 1, "a value"),
    ],
)
def test_wrong_json(text: str, line: int, column: int, words: str) -> None:
    """JSON is strict, and says where it stopped being JSON."""
    finding = wrong(text, "flow.json")
    assert (finding.code, finding.line, finding.column) == ("syntax", line, column)
    assert words in finding.sentence


def test_reading_goes_on() -> None:
    """After a key that stands twice and a tag the rest is still read, and the first value is kept."""
    document, found = parse("a: 1\na: 2\nb: !x 3\nc: {d: 4, d: 5}\n")
    assert document is not None
    assert document.root.plain() == {"a": 1, "b": "3", "c": {"d": 4}}
    assert [one.code for one in found] == ["duplicate-key", "tag", "duplicate-key"]


def test_json_surrogates() -> None:
    """Escaped pairs of surrogates are one character; a lone one is not let in."""
    assert plain('["\\ud83d\\ude00 \\ud83d"]', "flow.json") == ["😀 \ufffd"]


def test_not_utf8() -> None:
    """A file in another encoding is told so, at the byte."""
    finding = wrong("a: 1\nb: café\n".encode("latin-1"))
    assert (finding.code, finding.line, finding.column) == ("encoding", 2, 7)


def test_too_large() -> None:
    """A file of more than 4 MiB is not read."""
    assert wrong(b"a: " + b"x" * SIZE).code == "too-large"


@pytest.mark.parametrize("name", ["flow.yaml", "flow.json"])
def test_depth(name: str) -> None:
    """A hundred levels are read, one more is refused, a hundred thousand are too."""
    assert plain("[" * DEPTH + "]" * DEPTH, name)
    assert wrong("[" * (DEPTH + 1) + "]" * (DEPTH + 1), name).code == "too-large"
    assert wrong("[" * 100_000, name).code == "too-large"


def test_depth_by_aliases() -> None:
    """Aliases do not get around the depth."""
    lines = ["a0: &a0 [x]"] + [f"a{number}: &a{number} [*a{number - 1}]" for number in range(1, 150)]
    assert wrong("\n".join(lines)).code == "too-large"


def test_billion_laughs() -> None:
    """A few lines that would unfold to a billion values are refused before they do."""
    lines = ["a0: &a0 [ha]"] + [
        f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 10)}]" for number in range(1, 10)
    ]
    finding = wrong("\n".join(lines))
    assert (finding.code, finding.line) == ("too-large", 6)


def test_many_values() -> None:
    """So is a long list of nothing."""
    assert wrong("[" + "1," * NODES + "]").code == "too-large"
    assert wrong("[" + "1," * NODES + "1]", "flow.json").code == "too-large"


def test_unreadable(tmp_path: Path) -> None:
    """A file that is not there, or is a folder, is a finding."""
    found: list[Finding] = []
    assert read(tmp_path / "nowhere.yaml", "nowhere.yaml", found.append) is None
    assert read(tmp_path, "folder", found.append) is None
    assert [one.code for one in found] == ["unreadable", "unreadable"]


# -- any tree -------------------------------------------------------------------------------------------------------------

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
trees = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30)


@settings(deadline=None)
@given(trees)
def test_any_json(tree: Any) -> None:
    """What json writes is read back alike, escaped or not."""
    whole = json.loads(json.dumps(tree).encode("utf-8", "replace"))
    for text in (json.dumps(tree), json.dumps(tree, indent=2)):
        assert plain(text, "flow.json") == json.loads(text)
    if json.dumps(whole, ensure_ascii=False).isprintable():
        assert plain(json.dumps(whole, ensure_ascii=False), "flow.json") == whole
