"""``canned.yaml``: what is wrong in it is found, and its words are found in the customer's language."""

from __future__ import annotations

from pathlib import Path

import pytest

from wabox.flowfile.bot import check_bot, load_bot

FLOW = """
initial: hello
timeouts: {hard: 1d}
context: {order: {number: ""}}
on: {human: people}
states:
  hello: {ask: {text: Hello!, buttons: {bye: Bye}}, on: {bye: end}}
  people: {handoff: {}, ask: Wait please., on: {handoff.closed: hello}}
  end: {type: final}
"""


def folder(tmp_path: Path, canned: str) -> Path:
    (tmp_path / "flow.yaml").write_text(FLOW, encoding="utf-8")
    (tmp_path / "canned.yaml").write_text(canned, encoding="utf-8")
    return tmp_path


def test_a_good_one(tmp_path: Path) -> None:
    """In the nearest language there is, else in the first one written."""
    where = folder(tmp_path, 'bye: {title: Bye, en: "Bye, {customer}", pt-BR: "Tchau {order.number:number}"}\n')
    assert check_bot(where) == []
    bye = load_bot(where).canned["bye"]
    assert bye.text("pt-PT") == ("pt-BR", "Tchau {order.number:number}")
    assert bye.text(None, "fr") == ("en", "Bye, {customer}")


@pytest.mark.parametrize(
    ("canned", "code", "severity"),
    [
        ("- one\n", "bad-value", "error"),
        ("Bad Name: hi\n", "bad-name", "error"),
        ("bye: {titel: x, en: Bye}\n", "unknown-key", "error"),
        ("bye: {title: x}\n", "missing-key", "error"),
        ("bye: [a]\n", "bad-value", "error"),
        ("bye: {queue: 3, en: Bye}\n", "bad-value", "error"),
        (f"bye: {'x' * 4097}\n", "whatsapp-limit", "error"),
        ('bye: "Bye, {custommer}"\n', "unknown-variable", "warning"),
    ],
)
def test_what_is_wrong_is_found(tmp_path: Path, canned: str, code: str, severity: str) -> None:
    """Each with its place and what to do; never a crash."""
    (finding,) = check_bot(folder(tmp_path, canned))
    assert (finding.code, finding.severity, finding.line) == (code, severity, 1)
    assert finding.file.endswith("canned.yaml")
    assert finding.fix
