"""The conversation of ``bench_engine`` on XState v5, where Node is: npm installs it into a folder that is thrown away."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_suffix(".mjs")


@dataclass(frozen=True)
class XState:
    version: str
    stored: float
    """Events per CPU-second, with JSON → restore → transition → JSON."""
    live: float


def measure(seconds: float) -> XState | str:
    """Its figures, or why there are none."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "XState: there is no Node here"
    with tempfile.TemporaryDirectory(prefix="wabox-bench-") as folder:
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "xstate@5"]
        try:
            subprocess.run(install, cwd=folder, check=True, capture_output=True, timeout=120)
            done = subprocess.run(
                ["node", str(SCRIPT), str(seconds)], cwd=folder, check=True, capture_output=True, timeout=120
            )
        except (subprocess.SubprocessError, OSError) as error:
            return f"XState: {error}"
    found = json.loads(done.stdout)
    return XState(version=f"XState {found['version']} on Node", stored=found["stored"], live=found["live"])
