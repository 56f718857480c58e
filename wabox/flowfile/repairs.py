"""Repair charts: what every bot does when a customer says "go back", "start over", "cancel" … in the middle of anything.

Each is a chart of its own, ``repair.<name>``, that comes with wabox, and a detour of the main chart's root for the intent of
that name, so it is there from anywhere. An owner has three ways to do it differently:

* name the intent in a chart (``on: {back: menu}``): states and the main chart's root come before detours;
* put a chart of the same name into the folder (``repair.back.yaml``): it takes the place of wabox's. ``wabox new --repair``
  copies them all there, to be edited;
* switch one off: ``on: {skip: }`` at the root takes the words and does nothing.

``clarify`` and ``cannot_handle`` are no intents: wabox raises them itself, for a bot that has a chart of its own for them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from wabox.engine.wish import PREFIX
from wabox.errors import FlowError
from wabox.flowfile.findings import Finding
from wabox.flowfile.reader import read

CANNOT_HANDLE = "cannot_handle"
"""The event of a message that nobody understood, for bots that have this chart."""
CLARIFY = "clarify"
"""The event of a message that may be one of two intents; without a chart of the bot's own wabox asks by itself."""
FOLDER = Path(__file__).parent / "repair"


@lru_cache(maxsize=1)
def built_in() -> Mapping[str, Mapping[str, Any]]:
    """wabox's own charts: definition by name, without the prefix."""
    found = {}
    for path in sorted(FOLDER.glob(f"{PREFIX}*.yaml")):
        document = read(path, path.name, _raise)
        assert document is not None  # noqa: S101 - a file of ours
        found[path.stem.removeprefix(PREFIX)] = document.root.plain()
    return found


def for_bot(own: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """The charts that a bot gets from wabox, by id; ``own`` are the ids of its charts."""
    return {
        PREFIX + name: definition
        for name, definition in built_in().items()
        if PREFIX + name not in own and name != CANNOT_HANDLE
    }


def detours(main: Mapping[str, Any], own: Collection[str]) -> dict[str, str]:
    """Intent → chart, for the root of the main chart; what that handles itself is left out."""
    listed = main.get("on")
    handled = {word for event in listed for word in str(event).split()} if isinstance(listed, Mapping) else set()
    names = (name for name in built_in() if name != CANNOT_HANDLE or PREFIX + name in own)
    return {name: PREFIX + name for name in names if name not in handled}


def copy(folder: Path) -> list[Path]:
    """Write those that a bot's folder does not have into it, to be edited; what was written. FlowError if that fails."""
    written = []
    for path in sorted(FOLDER.glob(f"{PREFIX}*.yaml")):
        target = folder / path.name
        try:
            with target.open("x", encoding="utf-8") as file:
                file.write(path.read_text(encoding="utf-8"))
        except FileExistsError:
            continue
        except OSError as error:
            raise FlowError(f"cannot write {target}: {error.strerror}") from error
        written.append(target)
    return written


def _raise(finding: Finding) -> None:
    raise AssertionError(f"{finding.file}:{finding.line}: {finding.sentence}")
