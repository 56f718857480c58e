"""What the checks make of PyPI's advisories: a hole fails them, a network that does not answer does not."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[2] / "packaging" / "audit.py"
GOOD = {"name": "anyio", "version": "4.16.0", "vulns": []}
HOLE = {"name": "pypdf", "version": "7.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["7.1"]}]}
UNKNOWN = {"name": "ours", "skip_reason": "Dependency not found on PyPI"}


def judged(*dependencies: dict[str, Any]) -> tuple[list[str], str]:
    spec = importlib.util.spec_from_file_location("audit", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: tuple[list[str], str] = module.judged({"dependencies": list(dependencies)} if dependencies else {})
    return found


def test_a_hole_is_named_with_the_version_that_has_it_no_more() -> None:
    holes, said = judged(GOOD, HOLE, UNKNOWN)
    assert holes == ["pypdf 7.0: PYSEC-1 (mended in 7.1)"]
    assert holes[0] in said


def test_who_cannot_be_asked_is_no_hole() -> None:
    for nobody in (judged(), judged(UNKNOWN, UNKNOWN)):
        assert nobody[0] == []
        assert "cannot be asked" in nobody[1]
    assert judged(GOOD, UNKNOWN) == (
        [],
        "no known holes in 1 of 2 pinned packages; the others could not be asked about.",
    )
