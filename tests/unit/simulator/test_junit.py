"""JUnit's XML: what CI systems read."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from tests.unit.simulator.bots import load, play
from wabox.flowfile.bot import Bot
from wabox.flowfile.findings import Finding
from wabox.simulator.junit import Suite, junit


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Bot:
    return load(tmp_path_factory.mktemp("bot"))


def test_a_suite(bot: Bot) -> None:
    """One suite a bot, one case a test; failures and mistakes are told in full, and counted."""
    results, runner = play(bot, "- user: hi\n", "- user: hi\n- user: human\n  state: menu\n  bot: <&>\n")
    finding = Finding(
        file="tests/x.yaml", line=1, column=2, severity="error", code="bad-step", sentence="no", fix="do", source="- x"
    )
    suite = Suite(bot="tiny", results=results, findings=[finding], seconds=1.5, coverage=runner.coverage)
    root = fromstring(junit([suite]))
    assert root.attrib == {"name": "wabox", "tests": "3", "failures": "1", "errors": "1", "time": "1.500"}
    [one] = root
    assert one.attrib["name"] == "tiny"
    assert one.attrib["tests"] == "3"
    assert {found.attrib["name"] for found in one.iter("property")} == {"coverage.states", "coverage.transitions"}
    broken, good, bad = one.findall("testcase")
    assert broken.find("error") is not None
    assert "bad-step" in (broken.findtext("error") or "")
    assert [child.tag for child in good] == []
    failure = bad.find("failure")
    assert failure is not None
    assert failure.attrib["type"] == "state"
    assert failure.attrib["message"] == "state: expected menu, got people"
    assert "> customer  human" in (failure.text or "")
    assert bad.attrib["line"] == "3"
    assert Path(bad.attrib["file"]).name == "test2.yaml"
    assert float(bad.attrib["time"]) >= 0


def test_what_xml_cannot_hold(bot: Bot) -> None:
    """Control signs in what somebody wrote do not break the file."""
    results, runner = play(bot, '- user: "hi \\u0007 \\uFFFF 🙂"\n  state: many\n')
    root = fromstring(junit([Suite(bot="t", results=results, findings=[], seconds=0, coverage=runner.coverage)]))
    assert "hi � � 🙂" in (root.findtext(".//failure") or "")


def test_nothing() -> None:
    """Also no bot at all is a document."""
    assert fromstring(junit([])).attrib["tests"] == "0"
