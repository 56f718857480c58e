"""Reads the phrases of ``phrases/*.txt``: ``[language]``, then ``kind: phrase, phrase``, long lines indented below."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent / "phrases"

ANY = "any"
"""The section of what no language owns: faces."""


@lru_cache(maxsize=4)
def phrases(name: str) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """By language and kind."""
    found: dict[str, dict[str, str]] = {}
    language, kind = ANY, ""
    for line in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            language = line[1:-1]
            continue
        if not line.startswith(" "):
            kind, _, line = line.partition(":")
        kinds = found.setdefault(language, {})
        kinds[kind] = f"{kinds.get(kind, '')} {line}"
    return {language: {kind: _split(text) for kind, text in kinds.items()} for language, kinds in found.items()}


def _split(text: str) -> tuple[str, ...]:
    return tuple(" ".join(phrase.split()) for phrase in text.split(",") if phrase.strip())
