"""The picture as text: what a page can find in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings

from tests.property.charts import ACTIONS, GUARDS, charts
from wabox.diagram import mark_of, mermaid, svg
from wabox.engine import Charts, Event, compile_chart, start, step
from wabox.flowfile.bot import load_bot

SHOP = Path(__file__).parents[3] / "flows" / "shop"
CHART: dict[str, Any] = {
    "initial": "a",
    "on": {"human": "people", "ping": {"actions": "notes"}},
    "states": {
        "a": {
            "on": {"t": "b", "u v": {"target": "b", "guard": "odd"}, "loop": "a"},
            "description": 'says "<hi>" & bye',
        },
        "b": {"initial": "x", "states": {"x": {"after": {"30m": "y"}}, "y": {"type": "final"}}, "onDone": "people"},
        "people": {"handoff": True, "on": {"x": {"actions": "notes"}, **{f"e{n}": "a" for n in range(5)}}},
    },
}


def drawn(definition: dict[str, Any] = CHART, **more: Any) -> ElementTree.Element:
    text = svg(compile_chart("m", definition, guards=GUARDS, actions=ACTIONS), **more)
    return ElementTree.fromstring(text)


def words(root: ElementTree.Element, attribute: str, value: str) -> list[str]:
    """The texts of the group with this attribute, those of groups inside it left out."""
    group = next(one for one in root.iter() if one.get(attribute) == value)
    return [one.text or "" for one in group if one.tag.endswith("text")]


def classes(root: ElementTree.Element, attribute: str, value: str) -> set[str]:
    return set(next(one.get("class", "") for one in root.iter() if one.get(attribute) == value).split())


def test_states_and_lines_can_be_found() -> None:
    """By id, by ends, and by the transitions that an engine's step reports."""
    root = drawn()
    ids = [one.get("data-state") for one in root.iter() if one.get("data-state") is not None]
    assert ids == ["", "a", "b", "b.x", "b.y", "people"]
    lines = {(one.get("data-from"), one.get("data-to")) for one in root.iter() if one.get("data-edge")}
    assert {("a", "b"), ("b", "people"), ("people", "a"), ("b.x", "b.y"), ("a", "a")} <= lines
    charts = Charts([compile_chart("m", CHART, guards=GUARDS, actions=ACTIONS)])
    taken = step(charts, start(charts, "m", 0).snapshot, Event("t"), 0).transitions[0]
    assert any(mark_of(taken) in one.get("data-transitions", "").split() for one in root.iter())


def test_labels() -> None:
    """Guards stand in brackets, delays as durations, long lists are counted, what leads nowhere stands in its box."""
    root = drawn()
    assert words(root, "data-transitions", "a|t|b a|u,v|b") == ["t", "u, v [odd]"]
    assert words(root, "data-from", "b.x") == ["after 30m"]
    compared = {
        "states": {"a": {"on": {"t": {"guard": {"path": "n", "op": "ge", "value": 3}, "target": "b"}}}, "b": {}}
    }
    assert words(drawn(compared), "data-from", "a") == ["t [n ≥ 3]"]
    assert words(root, "data-from", "people") == ["e0", "e1", "+3"]
    assert words(root, "data-state", "people") == ["people", "gives to people", "x"]
    assert words(root, "data-state", "") == ["m", "everywhere:", "human → people", "ping"]


def test_lit_and_taken() -> None:
    """The state is lit, what is around it marked, and the lines between states that follow each other."""
    root = drawn(lit=["b.x"], path=["a", "b", "people"])
    assert "lit" in classes(root, "data-state", "b.x")
    assert "around" in classes(root, "data-state", "b")
    assert "lit" not in classes(root, "data-state", "a")
    assert "taken" in classes(root, "data-transitions", "a|t|b a|u,v|b")
    assert "taken" not in classes(root, "data-from", "people")
    plain = svg(compile_chart("m", CHART, guards=GUARDS, actions=ACTIONS))
    for word in (" lit", " around", " visited", " taken"):
        assert f'{word}"' not in plain.partition("</style>")[2]


def test_only_classes_differ() -> None:
    """Lighting moves nothing."""
    given_ = compile_chart("m", CHART, guards=GUARDS, actions=ACTIONS)
    quiet = svg(given_)
    lit = svg(given_, lit=["b.x"], path=["a", "b"])
    for word in (" lit", " around", " visited", " taken"):
        lit = lit.replace(f'{word}"', '"').replace(f"{word} visited", "").replace(f"{word} ", " ")
    assert lit.replace(" visited", "") == quiet


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(charts())
def test_any_chart_is_well_formed(definition: dict[str, Any]) -> None:
    """Whatever its names are."""
    drawn(definition)
    mermaid(compile_chart("m", definition, guards=GUARDS, actions=ACTIONS))


@pytest.mark.parametrize("key", ["<b>&\"'", "😀", "مرحبا", "x" * 200, "-->"])
def test_strange_names(key: str) -> None:
    """They are text, whatever they contain."""
    root = drawn({"states": {"a": {"on": {key.strip(): key}}, key: {}}})
    assert key in [one.get("data-state") for one in root.iter()]


def test_mermaid() -> None:
    """States first, each once; then the lines."""
    text = mermaid(compile_chart("m", CHART, guards=GUARDS, actions=ACTIONS))
    lines = text.splitlines()
    assert lines[0] == "stateDiagram-v2"
    assert 'state "people" as s5' in text
    assert "s1 --> s2 : t, u, v [odd]" in text
    assert "    human → people" in lines
    first_line = next(number for number, line in enumerate(lines) if "-->" in line and "[*]" not in line)
    assert not any("state " in line for line in lines[first_line:])


def test_mermaid_of_nested_and_parallel_states() -> None:
    """Regions are divided, colons do not end a label, history is a state."""
    definition = {
        "type": "parallel",
        "states": {"l": {"states": {"a": {"on": {"x:y": "b"}}, "b": {}, "h": {"type": "history"}}}, "r": {}},
    }
    text = mermaid(compile_chart("m", definition, guards=GUARDS, actions=ACTIONS))
    assert "  --\n" in text
    assert ": x#58;y" in text
    assert 'state "H" as s4' in text


def test_every_chart_of_the_shop() -> None:
    """Both forms of every chart, FAQ answers too."""
    for chart in load_bot(SHOP).charts.live.values():
        ElementTree.fromstring(svg(chart))
        assert mermaid(chart).startswith("stateDiagram-v2\n")
