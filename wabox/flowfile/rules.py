"""The rules of ``wabox check``, read from ``rules.yaml``: one list for its help, for editors (SARIF) and for the tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from wabox.errors import FlowError
from wabox.flowfile.findings import Severity, did_you_mean
from wabox.flowfile.reader import read


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    code: str
    severity: Severity
    sentence: str
    """What it asks."""
    bad: Mapping[str, str]
    """A small example that breaks it, by file; empty for what no example can show."""
    good: Mapping[str, str]
    """The same, mended."""

    def explained(self) -> str:
        """Some lines for a person, or for an editor (Markdown reads them too)."""
        parts = [f"{self.severity}[{self.code}]: {self.sentence}"]
        for title, files in (("This breaks it:", self.bad), ("This is fine:", self.good)):
            if files:
                shown = [
                    line
                    for name, text in files.items()
                    for line in ([f"# {name}"] if len(files) > 1 or name != "flow.yaml" else []) + text.splitlines()
                ]
                parts += [title, "\n".join(f"    {line}" for line in shown)]
        return "\n\n".join(parts)


@lru_cache(maxsize=1)
def rules() -> Mapping[str, Rule]:
    """Every rule by its code, in the order of the file."""
    path = Path(__file__).parent / "rules.yaml"
    problems: list[Any] = []
    document = read(path, path.name, problems.append)
    assert document is not None, problems  # noqa: S101 - a file of ours
    assert not problems, problems  # noqa: S101
    found = {}
    for code, written in document.root.plain().items():
        severity: Severity = "error" if "error" in written else "warning"
        bad, good = (_files(written.get(key)) for key in ("bad", "good"))
        found[code] = Rule(code=code, severity=severity, sentence=written[severity], bad=bad, good=good)
    return found


def _files(written: Any) -> Mapping[str, str]:
    if written is None:
        return {}
    return written if isinstance(written, dict) else {"flow.yaml": written}


def explain(code: str) -> str:
    """What a code means. Raises FlowError for one that there is not."""
    rule = rules().get(code)
    if rule is None:
        raise FlowError(f"there is no rule {code!r}; {did_you_mean(code, rules())}")
    return rule.explained()
