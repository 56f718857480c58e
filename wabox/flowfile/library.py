"""The chart ``documents``, which every bot with a folder ``documents/`` has: it says the passage that answers a question.

Like an answer of ``faq.yaml`` it is a detour from everywhere, and the customer is then back where they were. A chart
``documents.yaml`` in the bot's folder takes its place: the event ``documents.answer`` has ``event.answer``, ``event.source``
and ``event.passage``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from wabox.core.passage import DOCUMENT

FOLDER = CHART = "documents"

_CHART: Mapping[str, Any] = {
    "id": CHART,
    "initial": "answer",
    "context": {"answer": "", "source": ""},
    "entry": {"assign": {"answer": {"from": "event.answer"}, "source": {"from": "event.source"}}},
    "states": {"answer": {"type": "final", "say": "wabox.document"}},
}


def has_documents(folder: Path) -> bool:
    """Whether the bot in this folder has any."""
    return (folder / FOLDER).is_dir()


def for_bot(folder: Path, own: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """The chart, by its id, if there are documents and no chart of the bot's own; ``own`` are the ids of its charts."""
    return {CHART: _CHART} if has_documents(folder) and CHART not in own else {}


def detours(folder: Path) -> dict[str, str]:
    """Intent → chart, for the root of the main chart."""
    return {DOCUMENT: CHART} if has_documents(folder) else {}


def is_ours(name: str, definition: Any) -> bool:
    """Whether a chart is the one that comes with wabox."""
    return name == CHART and definition == _CHART
