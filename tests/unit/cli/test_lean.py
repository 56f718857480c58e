"""Importing without a package, for a while; and telling the collector what stays."""

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


def test_what_is_loaded_is_not_looked_at_again() -> None:
    """In a process of its own: it holds for all that the process has."""
    code = "import gc; from wabox.cli.lean import loaded; loaded(); assert gc.get_freeze_count() > 1000, len(gc.get_objects())"
    subprocess.run([sys.executable, "-c", code], check=True)
