"""Findings as SARIF 2.1.0, which editors and code hosts read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from wabox import __version__
from wabox.flowfile.findings import Finding
from wabox.flowfile.rules import Rule, rules

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(findings: Iterable[Finding]) -> dict[str, Any]:
    """One run of the checker as a JSON object; columns count code points from 1."""
    known = list(rules().values())
    place = {rule.code: number for number, rule in enumerate(known)}
    driver = {
        "name": "wabox",
        "semanticVersion": __version__,
        "rules": [_rule(rule) for rule in known],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, place.get(finding.code)) for finding in findings],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "shortDescription": {"text": rule.sentence},
        "help": {"text": rule.explained()},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(finding: Finding, rule: int | None) -> dict[str, Any]:
    path = Path(finding.file)
    uri = path.as_uri() if path.is_absolute() else quote(path.as_posix())
    region: dict[str, Any] = {"startLine": finding.line, "startColumn": finding.column}
    if finding.source:
        region |= {"endColumn": finding.column + finding.width, "snippet": {"text": finding.source}}
    return {
        "ruleId": finding.code,
        **({} if rule is None else {"ruleIndex": rule}),
        "level": finding.severity,
        "message": {"text": f"{finding.sentence}. Fix: {finding.fix}" if finding.fix else finding.sentence},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}],
    }
