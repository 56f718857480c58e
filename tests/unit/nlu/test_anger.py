"""Anger in many languages, on messages half of which were not looked at while the words were collected."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from wabox.nlu.anger import ANGRY, CALM, CLEAR, anger

FILE = Path(__file__).parents[2] / "data" / "language" / "anger.tsv"


def messages(*, held_out: bool) -> list[tuple[str, str]]:
    rows = [line.split("\t") for line in FILE.read_text(encoding="utf-8").splitlines()[2:]]
    return [
        (label, text)
        for _, label, text in rows
        if bool(int(hashlib.sha256(text.encode()).hexdigest(), 16) % 2) == held_out
    ]


@pytest.mark.parametrize("held_out", [False, True])
def test_messages(held_out: bool) -> None:
    """Nobody calm is taken for angry in a hundred; nine of ten angry ones are noticed."""
    read = [(label, anger().tone(text).points >= ANGRY, text) for label, text in messages(held_out=held_out)]
    assert len(read) > 100
    alarms = [text for label, angry, text in read if angry and label == "calm"]
    missed = [text for label, angry, text in read if not angry and label == "angry"]
    assert len(alarms) <= 0.01 * len(read), alarms
    assert len(missed) <= 0.1 * len(read), missed


def test_what_counts() -> None:
    """Capitals and signs add to what is about the matter; joy takes them back; faces count."""
    assert anger().tone("where is my order") == CALM
    assert 0 < anger().tone("WHERE IS MY ORDER").points < anger().tone("WHERE IS MY ORDER?!!!").points
    assert anger().tone("THANKS FOR MY ORDER!!!") == CALM
    assert anger().tone("😡😡").points >= CLEAR
    assert anger().tone("", 2).points == 2
    assert anger().tone("OK") == anger().tone("!!!") == CALM
