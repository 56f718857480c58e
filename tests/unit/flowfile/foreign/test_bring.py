"""``wabox flows import``: the files that come of a chart."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.property.charts import charts
from wabox.cli.main import app
from wabox.flowfile.bot import check_bot
from wabox.flowfile.document import Source
from wabox.flowfile.foreign.bring import Imported, bring
from wabox.flowfile.foreign.note import Note
from wabox.flowfile.foreign.stubs import actions_file
from wabox.flowfile.foreign.yaml import write
from wabox.flowfile.reader import read_bytes

MACHINE: dict[str, Any] = {
    "id": "order",
    "initial": "idle",
    "context": {"count": 0},
    "states": {
        "idle": {
            "entry": ["notify", {"type": "xstate.assign", "params": {"assignment": {"count": 1}}}],
            "on": {"START": [{"target": "Working hard", "guard": {"type": "isReady", "params": {"min": 2}}}, "idle"]},
        },
        "Working hard": {
            "invoke": {"src": "fetchOrder", "id": "f", "onDone": {"target": "done"}, "onError": {"target": "idle"}},
            "after": {"1000": {"target": "#order.idle"}},
            "entry": {"type": "xstate.sendTo", "params": {"to": "another"}},
        },
        "done": {"type": "final"},
    },
}


def parsed(text: str) -> Any:
    problems: list[Any] = []
    document = read_bytes(text.encode(), Source(Path("x.yaml"), "x.yaml"), problems.append)
    assert document is not None, problems
    assert problems == []
    return document.root.plain()


def imported(path: Path, definition: object) -> Imported:
    file = path / "machine.json"
    file.write_text(json.dumps(definition))
    found = bring(file, lambda finding: pytest.fail(str(finding)))
    assert found is not None
    return found


def test_machine_of_xstate(tmp_path: Path) -> None:
    """It is complete: names get functions, blanks in state names go, what is missing is told with its line."""
    found = imported(tmp_path, MACHINE)
    flow = parsed(found.flow)
    assert list(flow["states"]) == ["idle", "Working_hard", "done"]
    assert flow["states"]["idle"]["on"]["START"][0]["target"] == "Working_hard"
    assert "# not carried: the action sendTo has no counterpart" in found.flow
    assert found.actions is not None
    for word in ('@guard(name="isReady")', "def isReady", "def notify", "def sendTo", "async def fetchOrder"):
        assert (word in found.actions) == (word not in ('@guard(name="isReady")', "async def fetchOrder")), word
    assert [finding.code for finding in found.missing] == ["not-carried", "not-carried"]


def test_result_is_a_bot_that_checks(tmp_path: Path) -> None:
    """What ``wabox check`` has against it is about chatting, not about the chart."""
    file = tmp_path / "machine.json"
    file.write_text(json.dumps(MACHINE))
    folder = tmp_path / "flows" / "order"
    ran = CliRunner().invoke(app, ["flows", "import", str(file), "-o", str(folder)])
    assert ran.exit_code == 0, ran.exception
    structural = {"unknown-target", "unknown-guard", "unknown-action", "unknown-key", "bad-id", "syntax", "actions"}
    assert not structural & {finding.code for finding in check_bot(folder)}
    assert "no-human" in ran.stdout
    again = CliRunner().invoke(app, ["flows", "import", str(file), "-o", str(folder)])
    assert "nothing is written over" in str(again.exception)


def test_older_machine(tmp_path: Path) -> None:
    """XState v4: what means something else in v5 is spelled out and said."""
    old = {
        "states": {
            "a": {
                "onEntry": "x",
                "on": {"t": "a", "u": {"target": "a", "internal": True}, "v": ".b"},
                "states": {"b": {}},
            }
        }
    }
    found = imported(tmp_path, old)
    on = parsed(found.flow)["states"]["a"]["on"]
    assert on == {"t": {"target": "a", "reenter": True}, "u": {"target": "a"}, "v": ".b"}
    assert "v4" in found.missing[0].sentence


def test_chart_with_a_mistake(tmp_path: Path) -> None:
    """It comes along as it is, and the list says what is wrong."""
    found = imported(tmp_path, {"states": {"a": {"on": {"t": "nowhere"}}}})
    assert [finding.severity for finding in found.missing] == ["error"]
    assert "not carried: there is no state" in found.flow


@pytest.mark.parametrize("text", ["[]", "{", "3", '{"states": {"a": 1, "a": 2}}', "\x00"])
def test_file_that_is_no_chart(tmp_path: Path, text: str) -> None:
    """One sentence with the place, and nothing is made."""
    file = tmp_path / "machine.json"
    file.write_text(text)
    ran = CliRunner().invoke(app, ["flows", "import", str(file), "-o", str(tmp_path / "x")])
    assert ran.exit_code == 1
    assert "cannot be imported" in str(ran.exception)
    assert not (tmp_path / "x").exists()


def test_file_that_is_not_there(tmp_path: Path) -> None:
    """So is that."""
    for name in ("m.json", "m.scxml"):
        ran = CliRunner().invoke(app, ["flows", "import", str(tmp_path / name)])
        assert "cannot be read" in str(ran.exception)


@settings(deadline=None)
@given(charts())
def test_flow_reads_as_it_was(definition: dict[str, Any]) -> None:
    """Whatever the chart, the file says the same."""
    assert parsed(write(definition)) == json.loads(json.dumps(definition))


TEXTS = st.text(max_size=30)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(TEXTS.filter(lambda key: key != "<<"), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["context", "meta", "on", "output", "x"]), VALUES))
def test_any_value_reads_as_it_was(definition: dict[str, Any]) -> None:
    """Texts that look like numbers, truth values, comments or signs of YAML included."""
    try:
        json.dumps(definition).encode().decode("utf-8")
        "".join(map(str, definition.values())).encode()
    except UnicodeEncodeError:
        return  # half a surrogate pair: no file can hold it
    assert parsed(write(definition)) == definition


def test_comments_cannot_end_early() -> None:
    """A note stays a comment, whatever is in it."""
    text = write({"states": {"a": {"on": {}}}}, [Note(("states", "a", "on"), "x\ninitial: b\u2028y")], origin="a\nb: c")
    assert parsed(text) == {"states": {"a": {"on": {}}}}


def test_functions_to_write() -> None:
    """Any name makes a function of its own, in a file that Python reads."""
    names = {"x": "n > 1\nimport os", "not good": "", "class": "", "1st": "", "not_good": "", '"\n': ""}
    text = actions_file(names, names, ["load it"])
    assert text is not None
    tree = ast.parse(text)
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert len(set(functions)) == len(functions) == 13
    assert not any(isinstance(node, ast.Import) for node in tree.body)
    assert actions_file({}, {}, []) is None


@pytest.mark.parametrize(
    "word", ["true", "null", "False", "1e5", ".5", "~", "yes", "a: b", "a #b", "- a", "*", "#x", "", " a"]
)
def test_texts_that_look_like_something_else(word: str) -> None:
    """They stay texts, as keys and as values."""
    definition = {"context": {word: word, "all": [word]}}
    assert parsed(write(definition)) == definition


def test_name_that_is_part_of_another(tmp_path: Path) -> None:
    """Each is renamed as a whole."""
    states = {"A B": {"on": {"t": "A B C"}}, "A B C": {"on": {"t": "#m.A B"}}, "A.B": {"on": {"t": {"target": "A B"}}}}
    flow = parsed(imported(tmp_path, {"id": "m", "initial": "A B C", "states": states}).flow)
    assert list(flow["states"]) == ["A_B", "A_B_C", "A_B_"]
    assert flow["initial"] == "A_B_C"
    assert flow["states"]["A_B"]["on"]["t"] == "A_B_C"
    assert flow["states"]["A_B_C"]["on"]["t"] == "#m.A_B"
