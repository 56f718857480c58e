"""Importing without a package, for a while."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
from wabox.cli.lean import without
with without("rich"):
    import structlog
loaded = {name for name in sys.modules if name.startswith("rich")}
assert not loaded, loaded
from rich.console import Console
with without("rich"):
    from rich.markdown import Markdown
"""


def test_a_package_that_is_not_there_for_a_while() -> None:
    """What is imported meanwhile does without it, what comes later has it; one that is loaded already stays."""
    subprocess.run([sys.executable, "-c", CODE], check=True)
