"""Known holes in what is pinned, as PyPI's advisories have them: exit code 1 and their names.

A network that does not answer is no hole: then it says what could not be asked, and the exit code is 0.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PATIENCE = 60
"""s."""


def main() -> None:
    if importlib.util.find_spec("pip_audit") is None:
        sys.exit(print("wabox: pip-audit is not installed, so nobody was asked about known holes."))  # noqa: T201
    pins = str(HERE / "requirements.txt")
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "-r", pins]
    try:
        done = subprocess.run(
            [*command, "--format", "json", "--progress-spinner", "off"],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        found: Mapping[str, Any] = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, OSError, ValueError):
        found = {}
    holes, sentence = judged(found)
    print(f"wabox: {sentence}")  # noqa: T201
    sys.exit(1 if holes else 0)


def judged(found: Mapping[str, Any]) -> tuple[list[str], str]:
    """The holes, and what to say. ``found``: pip-audit's JSON; empty where it gave none."""
    every = found.get("dependencies", ())
    asked = [one for one in every if "skip_reason" not in one]
    holes = [
        f"{one['name']} {one['version']}: {hole['id']} (mended in {', '.join(hole['fix_versions']) or 'no version yet'})"
        for one in asked
        for hole in one.get("vulns", ())
    ]
    if holes:
        return holes, "\n  ".join(["known holes in what packaging/requirements.txt pins; packaging/renew:", *holes])
    if not asked:
        return [], "PyPI's advisories cannot be asked from here: known holes were not looked for."
    return [], f"no known holes in {len(asked)} of {len(every)} pinned packages; the others could not be asked about."


if __name__ == "__main__":
    main()
