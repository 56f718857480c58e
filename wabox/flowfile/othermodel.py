"""A finding about the model beside a bot: it was trained for other intents."""

from __future__ import annotations

from pathlib import Path

from wabox.flowfile.document import START, Source
from wabox.flowfile.findings import Finding
from wabox.flowfile.folder import shown


def other_model(bot: str, card: Path, sentence: str) -> Finding:
    """``card`` is the model's; ``sentence`` says what does not fit."""
    fix = f"run wabox train {bot}"
    return Source(card, shown(card)).finding(START, "other-model", sentence, fix, severity="warning")
