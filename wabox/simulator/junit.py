"""JUnit's XML, as CI systems read it (the common subset of Jenkins, GitLab and GitHub's reporters).

One ``testsuite`` for each bot, one ``testcase`` for each test and language. A test file with mistakes is a case with an
``error``. Coverage stands among the suite's properties.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, indent, tostring  # nosec B405 - it is written here, never read

from wabox.flowfile.findings import Finding, render
from wabox.simulator.coverage import Coverage
from wabox.simulator.report import failure, painter
from wabox.simulator.runner import Result
from wabox.simulator.tiers import Tiers

_FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, escaped or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """The tests of one bot, played."""

    bot: str
    results: Sequence[Result]
    findings: Sequence[Finding]
    """Mistakes in test files."""
    seconds: float
    coverage: Coverage | None
    """None when the bot could not be loaded."""
    tiers: Tiers | None = None


def junit(suites: Sequence[Suite]) -> bytes:
    """The whole document."""
    root = Element("testsuites", name="wabox")
    for suite in suites:
        root.append(_suite(suite))
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(child.get(count, "0")) for child in root)))
    root.set("time", _seconds(sum(suite.seconds for suite in suites)))
    indent(root)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode").encode() + b"\n"


def _suite(suite: Suite) -> Element:
    broken: dict[str, list[Finding]] = {}
    for finding in suite.findings:
        broken.setdefault(finding.file, []).append(finding)
    element = Element(
        "testsuite",
        name=suite.bot,
        tests=str(len(suite.results) + len(broken)),
        failures=str(sum(not result.passed for result in suite.results)),
        errors=str(len(broken)),
        skipped="0",
        time=_seconds(suite.seconds),
    )
    if suite.coverage is not None:
        total = suite.coverage.total()
        properties = SubElement(element, "properties")
        for name, count in (("states", total.states), ("transitions", total.transitions)):
            SubElement(properties, "property", name=f"coverage.{name}", value=f"{count.percent:.1f}")
    for file, findings in broken.items():
        case = SubElement(element, "testcase", name=file, classname=suite.bot, file=file, time="0")
        error = SubElement(case, "error", type="mistake", message=_plain(findings[0].sentence))
        error.text = _plain("\n\n".join(render(finding) for finding in findings))
    for result in suite.results:
        first = result.differences[0] if result.differences else None
        line = first.mark.line if first else result.test.steps[0].mark.line
        case = SubElement(
            element,
            "testcase",
            name=_plain(result.name),
            classname=suite.bot,
            file=result.test.source.shown,
            line=str(line),
            time=_seconds(result.seconds),
        )
        if first is not None:
            message = first.sentence or f"{first.key}: expected {first.expected[0]}, got {first.got[0]}"
            wrong = SubElement(case, "failure", type=_plain(first.key), message=_plain(message))
            wrong.text = _plain(failure(result, painter(False), whole=True))
    return element


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"


def _plain(text: str) -> str:
    return _FORBIDDEN.sub("�", text)
