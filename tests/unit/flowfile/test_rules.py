"""Every rule of ``wabox check``: its example breaks it, the mended one does not; help, SARIF and JSON."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import wabox
from tests.unit.flowfile.folders import write
from wabox.cli.main import app
from wabox.errors import FlowError
from wabox.flowfile.bot import check_bot
from wabox.flowfile.rules import explain, rules
from wabox.flowfile.sarif import sarif

SHOWN = [code for code, rule in rules().items() if rule.bad]
ELSEWHERE = {"unreadable", "encoding", "too-large", "template-at-whatsapp", "other-model"}
"""Rules whose examples no YAML can hold; tried in test_reader.py, test_check.py, test_send.py and below."""
NOT_OF_CHECK = re.compile(
    "(chart|state|event|timer|variable)-(added|removed|changed|renamed)|bad-(start|step|time)|language-missing|no-steps"
    "|unknown-(queue|state|stub|timer|variable)"
)
"""What `wabox test` and `wabox flows diff` say."""


@pytest.mark.parametrize("code", SHOWN)
def test_example(tmp_path: Path, code: str) -> None:
    """The bad example has the finding, with the rule's severity, a sentence, a fix and a place; the good one has not."""
    rule = rules()[code]
    found = [one for one in check_bot(write(tmp_path, dict(rule.bad))) if one.code == code]
    assert found
    assert {one.severity for one in found} == {rule.severity}
    assert all(one.sentence and one.fix and one.line >= 1 and one.column >= 1 for one in found)
    for path in (tmp_path / "tiny").iterdir():
        path.unlink()
    assert rule.good
    assert code not in {one.code for one in check_bot(write(tmp_path, dict(rule.good)))}


def test_every_code_has_a_rule() -> None:
    """A code that the checker can give and that has no rule fails here, and so does a rule that nothing gives."""
    package = Path(wabox.__file__).parent
    codes = set()
    for path in [*(package / "flowfile").glob("*.py"), *(package / "engine").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                names = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
                codes.update(name for name in names if re.fullmatch(r"[a-z]+(-[a-z]+)+", name))
    single = {"syntax", "alias", "tag", "number", "encoding", "unreadable", "actions", "placeholders", "shadowed"}
    known = set(rules()) - single - {"unreachable", "untranslated"}
    assert {code for code in codes if not NOT_OF_CHECK.fullmatch(code)} - {"utf-8-sig"} == known
    assert set(rules()) - set(SHOWN) == ELSEWHERE


def test_what_no_example_shows(tmp_path: Path) -> None:
    """Bytes that are no UTF-8, files that are too large, and a folder that is not there have findings too."""
    folder = write(tmp_path, {"texts.en.yaml": "x" * (4 * 1024 * 1024 + 1)})
    (folder / "flow.yaml").write_bytes(b"states: {a: {ask: \xff}}")
    codes = {one.code for one in [*check_bot(folder), *check_bot(tmp_path / "nowhere")]}
    assert codes >= ELSEWHERE - {"template-at-whatsapp", "other-model"}


def test_explain() -> None:
    """--explain shows the rule with both examples; a code that does not exist is told with the nearest."""
    shown = explain("no-timeout")
    assert "This breaks it:" in shown
    assert "timeouts: {hard: 23h}" in shown
    with pytest.raises(FlowError, match="dead-end"):
        explain("deadend")
    ran = CliRunner().invoke(app, ["check", "--explain", "dead-end"])
    assert ran.exit_code == 0
    assert ran.output.startswith("error[dead-end]")


def test_sarif(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What SARIF's schema asks for is there, rules have help, and results point into files."""
    folder = write(tmp_path, {"flow.yaml": "states:\n  a: {aks: Hi}\n"})
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out.sarif"
    ran = CliRunner().invoke(app, ["check", str(folder), "--sarif", str(out)])
    assert ran.exit_code == 1
    log = json.loads(out.read_text(encoding="utf-8"))
    assert (log["version"], log["$schema"][:8], len(log["runs"])) == ("2.1.0", "https://", 1)
    [run] = log["runs"]
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(ids) == len(set(ids))
    assert all(rule["help"]["text"] and rule["shortDescription"]["text"] for rule in run["tool"]["driver"]["rules"])
    result = next(one for one in run["results"] if one["ruleId"] == "unknown-key")
    assert ids[result["ruleIndex"]] == "unknown-key"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "tiny/flow.yaml"
    assert place["region"] == {"startLine": 2, "startColumn": 7, "endColumn": 10, "snippet": {"text": "  a: {aks: Hi}"}}
    assert {one["level"] for one in run["results"]} <= {"error", "warning", "note", "none"}
    assert sarif([])["runs"][0]["results"] == []
