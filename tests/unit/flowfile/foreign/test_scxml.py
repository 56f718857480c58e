"""SCXML becomes a definition of ours, with the same behaviour where there is no code in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wabox.engine.player import Player
from wabox.errors import FlowError
from wabox.flowfile.document import Source
from wabox.flowfile.findings import Finding
from wabox.flowfile.foreign.expression import assignments, guard_of, reckoned, value_of
from wabox.flowfile.foreign.note import Brought
from wabox.flowfile.foreign.scxml import from_scxml
from wabox.flowfile.foreign.xml import Element, read_xml
from wabox.flowfile.single import load_chart

SOURCE = Source(Path("m.scxml"), "m.scxml")


def element(inside: str, **attributes: str) -> Element:
    more = "".join(f' {name}="{value}"' for name, value in attributes.items())
    text = f'<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0"{more}>{inside}</scxml>'
    root = read_xml(text.encode(), SOURCE)
    assert isinstance(root, Element), root
    return root


def brought(inside: str, **attributes: str) -> Brought:
    return from_scxml(element(inside, **attributes))


def definition(inside: str, **attributes: str) -> dict[str, Any]:
    return brought(inside, **attributes).definition


def test_states_of_every_kind() -> None:
    """Compound, parallel, final and history states; initial as attribute, as element, deep, and by default."""
    found = definition(
        """
        <datamodel><data id="n" expr="3"/><data id="s">'x'</data></datamodel>
        <state id="a"><state id="a1"/><state id="a2"/></state>
        <state id="b" initial="b2"><state id="b1"/><state id="b2"/></state>
        <state id="c">
          <initial><transition target="c2"><log expr="'hi'"/></transition></initial>
          <state id="c1"/><state id="c2"/>
        </state>
        <parallel id="p"><history id="h" type="deep"><transition target="x1"/></history>
          <state id="x"><state id="x1"/></state><state id="y"/></parallel>
        <final id="f"><onentry><raise event="over"/></onentry></final>
        """,
        initial="p",
        name="m",
    )
    assert found["id"] == "m"
    assert found["context"] == {"n": 3, "s": "x"}
    assert found["initial"] == "p"
    states = found["states"]
    assert states["a"]["initial"] == "a1"
    assert states["b"]["initial"] == "b2"
    assert states["c"]["initial"] == {"target": "c2", "actions": {"log": {"message": "hi"}}}
    assert states["p"]["type"] == "parallel"
    assert states["p"]["states"]["h"] == {"type": "history", "history": "deep", "target": "x.x1"}
    assert states["f"] == {"type": "final", "entry": {"raise": "over"}}


def test_transitions() -> None:
    """Targets by the shortest way; reenter only where it makes a difference."""
    found = definition(
        """
        <state id="a">
          <transition event="in" target="a1"/>
          <transition event="stay" target="a1" type="internal"/>
          <transition event="self" target="a" type="internal"/>
          <transition event="out" target="b"/>
          <transition event="none"><log expr="n"/></transition>
          <state id="a1"><transition target="b" cond="In('a')"/><transition event="far" target="b"/></state>
        </state>
        <parallel id="b"><transition event="in" target="b1" type="internal"/><state id="b1"/><state id="b2"/></parallel>
        """
    )["states"]
    assert found["a"]["on"] == {
        "in": {"target": ".a1", "reenter": True},
        "stay": ".a1",
        "self": {"target": "a", "reenter": True},
        "out": "b",
        "none": {"actions": {"log": {"message": "{n}"}}},
    }
    assert found["a"]["states"]["a1"] == {
        "always": {"target": "#root.b", "guard": {"in": "#root.a"}},
        "on": {"far": "#root.b"},
    }
    # The internal transition of a parallel state is not internal (SCXML 3.13).
    assert found["b"]["on"]["in"] == {"target": ".b1", "reenter": True}


def test_events() -> None:
    """A family where the file has such events, or when it says so; the ids of done events are paths."""
    found = definition(
        """
        <state id="s.1">
          <transition event="foo bar. *" target="e"/><transition event="done.state.s.1 error" target="e"/>
          <state id="t"><onentry><raise event="foo.x"/></onentry><transition event="plain" target="e"/></state>
        </state><final id="e"/>
        """
    )["states"]["s_1"]
    assert list(found["on"]) == ["foo.* bar.* *", "done.state.s_1 error.*"]
    assert list(found["states"]["t"]["on"]) == ["plain"]
    exact = from_scxml(element('<state id="a"><transition event="plain" target="a"/></state>'), exact=True)
    assert list(exact.definition["states"]["a"]["on"]) == ["plain.*"]


def test_document_order_between_overlapping_events() -> None:
    """A wildcard between two transitions of an event stays between them."""
    found = definition(
        """<state id="a"><transition event="t" cond="n == 1" target="b"/><transition event="*" target="c"/>
        <transition event="t" target="b"/></state><state id="b"/><state id="c"/>"""
    )["states"]["a"]["on"]
    assert list(found) == ["t", "*", "t "]


def test_actions_and_data() -> None:
    """What can be said without code is; the rest gets a name, and a note with its place."""
    done = brought(
        """
        <datamodel><data id="n" expr="0"/><data id="m"/><data id="o" src="x.json"/></datamodel>
        <state id="a">
          <onentry>
            <assign location="n" expr="n + 2"/><assign location="n" expr="n * 3"/><assign location="m" expr="n"/>
            <assign location="m" expr="[1, 'x']"/><script>n = 1; n++; m = n</script>
            <send event="e" delay="2s" id="i:1"><param name="p" expr="n"/></send><send event="now"/>
            <send event="in" target="#_internal"/><cancel sendid="i:1"/>
          </onentry>
          <onexit><assign location="n" expr="Math.pow(n, 2)"/><if cond="n"><raise event="x"/></if></onexit>
          <transition event="e" cond="check(n)" target="a"/>
        </state>
        """
    )
    state = done.definition["states"]["a"]
    assert state["entry"] == [
        {"increment": {"path": "n", "by": 2}},
        {"multiply": {"path": "n", "by": 3}},
        {"assign": {"m": {"from": "n"}}},
        {"assign": {"m": [1, "x"]}},
        {"assign": {"n": 1}},
        {"increment": {"path": "n"}},
        {"assign": {"m": {"from": "n"}}},
        {"raise": {"event": "e", "data": {"p": {"from": "n"}}, "delay": "2s", "id": "i_1"}},
        {"raise": {"event": "now", "delay": 0}},
        {"raise": "in"},
        {"cancel": "i_1"},
    ]
    assert state["exit"] == ["action_1", "action_2"]
    assert done.actions["action_1"] == "n = Math.pow(n, 2)"
    assert state["on"]["e"]["guard"] == "guard_1"
    assert done.guards == {"guard_1": "check(n)"}
    assert [note.mark.line for note in done.notes] == [2, 10, 10, 11]
    assert [note.path for note in done.notes] == [(), *[("states", "a")] * 3]


def test_target_that_does_not_exist() -> None:
    """The transition is left out, and noted."""
    done = brought('<state id="a"><transition event="t" target="nowhere"/></state>', initial="also")
    assert done.definition == {"states": {"a": {}}}
    assert len(done.notes) == 2


def test_it_plays(tmp_path: Path) -> None:
    """``flows step`` takes the file as it is: data, delays and output included."""
    path = tmp_path / "m.scxml"
    path.write_text(
        """<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0"><datamodel><data id="n" expr="1"/></datamodel>
        <state id="a"><transition event="t" cond="_event.data.k === 'v' &amp;&amp; n &lt; 2" target="b"/></state>
        <state id="b"><onentry><send event="late" delayexpr="'1s'"/></onentry><transition event="late" target="f"/>
          <state id="b1"><transition event="t" target="bf"/></state>
          <final id="bf"><donedata><param name="k" expr="n"/></donedata></final>
          <transition event="done.state.b" cond="_event.data.k == 1" target="ok"/></state>
        <state id="ok"/><final id="f"/></scxml>"""
    )
    player = Player(load_chart(path))
    assert player.send("t", {"k": "w"}).configuration == ("a",)
    assert player.send("t.more", {"k": "v"}).configuration == ("b.b1",)
    assert player.send("t").configuration == ("ok",)


@pytest.mark.parametrize(
    ("expression", "guard"),
    [
        ("x === 1", {"path": "x", "op": "eq", "value": 1}),
        ("1 < x.y", {"path": "x.y", "op": "gt", "value": 1}),
        ("x != 'a b'", {"path": "x", "op": "ne", "value": "a b"}),
        ("x >= y", {"path": "x", "op": "ge", "value": {"from": "y"}}),
        ("_event.name == 'e'", {"path": "event.name", "op": "eq", "value": "e"}),
        ("_event.data.k <= -1.5", {"path": "event.data.k", "op": "le", "value": -1.5}),
        ("!x", {"not": {"not": {"path": "x", "op": "in", "value": [None, False, 0, ""]}}}),
        ("In('s') || !(In(\"s\"))", {"or": [{"in": "#s"}, {"not": {"in": "#s"}}]}),
        ("typeof x === 'undefined'", {"path": "x", "op": "exists", "value": False}),
        ("typeof x !== 'undefined'", {"path": "x", "op": "exists", "value": True}),
        ("x == null", {"path": "x", "op": "eq", "value": None}),
        ("event == 1", {"path": "context.event", "op": "eq", "value": 1}),
    ],
)
def test_conditions(expression: str, guard: object) -> None:
    """Comparisons and In()."""
    assert guard_of(expression, lambda state: f"#{state}") == guard


@pytest.mark.parametrize(
    "expression",
    ["f(x)", "x + 1 == 2", "x = 1", "return", "x ==", "(x == 1", "_sessionid", "_event.origin == 1", "1 == 1", "x[0]",
     "In(s", "In('gone')", "(" * 60 + "x" + ")" * 60, "x" * 3_000, "", "`x`", "a ? b : c"],
)  # fmt: skip
def test_code(expression: str) -> None:
    """Everything else is code, and nothing is evaluated."""
    assert guard_of(expression, lambda state: None) is None


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'a\\'b'", "a'b"),
        ("-2.5", -2.5),
        ("true", True),
        ("null", None),
        ("x.y", {"from": "x.y"}),
        ("{a: 1}", {"a": 1}),
    ],
)
def test_values(expression: str, value: object) -> None:
    """Literals and variables."""
    assert value_of(expression) == (value,)
    assert value_of("new Date()") is None


def test_counting() -> None:
    """Sums and products of a variable with a number, in the ways they are written."""
    assert reckoned("n + 1", "n") == ("increment", 1)
    assert reckoned("1 + n", "n") == ("increment", 1)
    assert reckoned("n -2", "n") == ("increment", -2)
    assert reckoned("n*1.5", "n") == ("multiply", 1.5)
    assert reckoned("1 - n", "n") is None
    assert reckoned("m + 1", "n") is None
    assert assignments("a = 1; b += 2; c--; d *= e;") == [("a", "1"), ("b", "b + 2"), ("c", "c - 1"), ("d", "d * e")]
    assert assignments("a == 1") is None
    assert assignments("f()") is None


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><scxml>&b;</scxml>'


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (LAUGHS, "doctype", 1),
        ('<!DOCTYPE x SYSTEM "file:///etc/passwd"><scxml/>', "doctype", 1),
        ("<scxml>\n<state></scxml>", "syntax", 2),
        ("", "syntax", 1),
        ("<scxml>&unknown;</scxml>", "syntax", 1),
        ("<scxml>" + "<state>" * 200, "too-large", 1),
        ("<scxml>" + " " * (5 << 20), "too-large", 1),
        ('<?xml version="1.0" encoding="nonsense"?><scxml/>', "encoding", 1),
        ("<html/>", "bad-value", 1),
    ],
    ids=["laughs", "external", "tags", "empty", "entity", "deep", "large", "encoding", "other"],
)
def test_bad_xml(tmp_path: Path, text: str, code: str, line: int) -> None:
    """It is refused with its place; no entity is expanded and no other file read."""
    path = tmp_path / "m.scxml"
    path.write_text(text)
    with pytest.raises(FlowError) as raised:
        load_chart(path)
    found: Finding = raised.value.findings[0]  # type: ignore[attr-defined]
    assert (found.code, found.line) == (code, line)
