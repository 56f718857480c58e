"""The JSON Schema of conversation tests, kept equal to what the reader accepts."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import wabox.flowfile
from tests.unit.flowfile.folders import tiny
from wabox.flowfile import script, tests
from wabox.flowfile.bot import load_bot
from wabox.flowfile.document import Source
from wabox.flowfile.findings import Finding
from wabox.flowfile.known import Known
from wabox.flowfile.reader import read, read_bytes

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((Path(wabox.flowfile.__file__).parent / "tests.schema.json").read_text())
DEFS = SCHEMA["$defs"]
VALID = Draft202012Validator(SCHEMA)
FILES = sorted(path for where in ("flows/*", "wabox/flowfile/first_bot") for path in ROOT.glob(f"{where}/tests/*.yaml"))

NAMES_ONLY = {
    *("unknown-state", "unknown-queue", "unknown-intent", "unknown-language", "unknown-stub", "unknown-chart"),
    *("bad-start", "language-missing", "unknown-variable"),
}
"""What no schema can know."""


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Known:
    return Known.of(load_bot(tiny(tmp_path_factory.mktemp("bot"))))


def problems(known: Known, written: Any) -> list[str]:
    """What the reader has against the form of a test."""
    findings: list[Finding] = []
    raw = json.dumps(written, ensure_ascii=False).encode()
    document = read_bytes(raw, Source(Path("x.json"), "x.json"), findings.append)
    assert document is not None
    tests._Reader(document.source, known, findings.append).test(document.root, "x")
    return [f"{one.code}: {one.sentence}" for one in findings if one.code not in NAMES_ONLY]


def test_it_is_a_schema() -> None:
    """The file is a JSON Schema of 2020-12."""
    Draft202012Validator.check_schema(SCHEMA)


def test_same_keys() -> None:
    """It knows the keys that the reader knows, no more and no fewer."""
    assert set(DEFS["test"]["properties"]) == set(tests.KEYS)
    assert set(DEFS["step"]["properties"]) == {*script.INPUTS, *script.EXPECTATIONS}
    assert [one["required"] for one in DEFS["step"]["oneOf"]] == [[name] for name in script.INPUTS]
    assert set(DEFS["test"]["properties"]["start"]["anyOf"][1]["properties"]) == set(tests.START_KEYS)
    assert set(DEFS["test"]["properties"]["contact"]["properties"]) == set(tests.CONTACT_KEYS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_good_files(path: Path) -> None:
    """Every test of the repository is valid."""
    document = read(path, path.name, lambda finding: pytest.fail(str(finding)))
    assert document is not None
    assert [error.message for error in VALID.iter_errors(document.root.plain())] == []


GOOD = yaml.safe_load("""
name: All of it
language: [en, es]
start: {state: [a], chart: tiny, context: {n: {m: 1}, k.l: [1]}}
contact: {name: Ana, wa_id: "34600", user_id: x, username: y}
at: "2026-11-22T10:00"
stub: {}
steps:
  - {user: hi, bot: Hello, state: a, context: {n: 1, n.k: null}}
  - {user: {en: hi, es: hola}, bot: {en: a, es: [b, {en: x, es: y}]}, state: [a]}
  - {tap: go, bot: [], state: null, handoff: people}
  - {message: {type: image, image: {id: "1"}}, intent: null, handoff: null}
  - {wait: 31m, events: timeout.soft, stack: []}
  - {wait: 1000, events: [a, b], stack: [a, b], language: es, intent: go}
  - {agent: {en: Hi, es: Hola}, bot: [a, b]}
  - {close: true}
  - {stub: {}}
""")

WRONG = """
3
x
{}
[]
[3]
{steps: []}
{steps: {}}
{steps: [{user: hi}], step: 1}
{steps: [{user: hi}], name: 3}
{steps: [{user: hi}], name: ""}
{steps: [{user: hi}], language: 3}
{steps: [{user: hi}], language: [3]}
{steps: [{user: hi}], start: 3}
{steps: [{user: hi}], start: []}
{steps: [{user: hi}], start: {state: 3}}
{steps: [{user: hi}], start: {states: a}}
{steps: [{user: hi}], start: {context: []}}
{steps: [{user: hi}], start: {chart: []}}
{steps: [{user: hi}], contact: x}
{steps: [{user: hi}], contact: {wa_id: "+34"}}
{steps: [{user: hi}], contact: {phone: "34"}}
{steps: [{user: hi}], at: 3}
{steps: [{user: hi}], at: noon}
{steps: [{user: hi}], stub: []}
[{}]
[{state: a}]
[{user: 3}]
[{user: " "}]
[{user: {en: 3}}]
[{user: [hi]}]
[{user: hi, tap: go}]
[{tap: {en: go}}]
[{message: {}}]
[{message: {type: 3}}]
[{message: []}]
[{wait: soon}]
[{wait: -3}]
[{wait: 1.5}]
[{wait: true}]
[{agent: null}]
[{close: yes please}]
[{close: false}]
[{stub: x}]
[{user: hi, bot: null}]
[{user: hi, bot: 3}]
[{user: hi, bot: [3]}]
[{user: hi, bot: {en: null}}]
[{user: hi, bot: [[a]]}]
[{user: hi, state: 3}]
[{user: hi, state: [3]}]
[{user: hi, context: null}]
[{user: hi, context: []}]
[{user: hi, handoff: 3}]
[{user: hi, handoff: {queue: a}}]
[{user: hi, intent: []}]
[{user: hi, language: null}]
[{user: hi, events: null}]
[{user: hi, events: [3]}]
[{user: hi, stack: a}]
[{user: hi, stack: null}]
[{user: hi, stack: [3]}]
[{user: hi, sate: a}]
"""


def test_the_good_one(known: Known) -> None:
    """The example with every construct in it is read and is valid."""
    assert problems(known, GOOD) == []
    assert [error.message for error in VALID.iter_errors(GOOD)] == []


@pytest.mark.parametrize("wrong", WRONG.strip().splitlines())
def test_wrong_forms(known: Known, wrong: str) -> None:
    """What the reader refuses for its form, the schema refuses too."""
    written = yaml.safe_load(wrong)
    assert problems(known, written)
    assert not VALID.is_valid(written)


VALUES: list[Any] = [None, True, False, 0, 3, 1.5, "", "x", "10s", [], ["x"], {}, {"en": "x"}, [[]], [{"user": "hi"}]]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**9))
def test_the_two_agree(known: Known, seed: int) -> None:
    """The good example, changed at any place: either both take it or neither does."""
    written = copy.deepcopy(GOOD)
    chance = random.Random(seed)
    holder, key = chance.choice(list(_places(written)))
    what = chance.randrange(3)
    if what == 0:
        holder[key] = copy.deepcopy(chance.choice(VALUES))
    elif what == 1 and isinstance(holder, dict):
        holder[chance.choice([*script.INPUTS, *script.EXPECTATIONS, *tests.KEYS])] = copy.deepcopy(
            chance.choice(VALUES)
        )
    else:
        del holder[key]
    said = problems(known, written)
    assert (said == []) == VALID.is_valid(written), f"{said} {written}"


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (mapping or list, key) below a value."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield value, key
            yield from _places(inner)
    elif isinstance(value, list):
        for key, inner in enumerate(value):
            yield value, key
            yield from _places(inner)
