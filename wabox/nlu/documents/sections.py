"""From a text to passages: sections below their headings, long ones in parts, each part cut into sentences.

A reader of a format gives *lines*: headings with their level, and blocks of text. What makes a passage is the same for all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wabox.core.passage import Passage

LONGEST_PASSAGE = 900
"""Characters; a longer section becomes several passages."""
LONGEST_SENTENCE = 350
"""Characters; what has no full stop for longer is cut at a blank."""
LONGEST_NAME = 80
"""Characters of a title or heading that are kept."""

_END = re.compile(r"(?<=[.!?…؟。！？।])[\"'”’»)\]]*\s+(?=[^\s a-zà-ÿ])|(?<=[。！？])")
_SHORT = re.compile(
    r"(?:^|[\s(])(?:[A-Za-z]|[A-Z][a-z]|e\.g|i\.e|etc|approx|no|nr|tel|núm|num|pág|av|sra?|dra?|mrs?|ms|st|vs|max|min|ca|z\.B|p\.ej)\.$",
    re.IGNORECASE,
)
"""What ends like a sentence and is none: an initial, an abbreviation."""


@dataclass(frozen=True, slots=True)
class Heading:
    level: int
    """1: the document's own."""
    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, an item of a list, a row of a table."""

    text: str
    item: bool = False
    """It stands on a line of its own."""


Line = Heading | Block


def passages(file: str, lines: Iterable[Line], language: str | None = None, title: str = "") -> Iterator[Passage]:
    """The passages of one document; ``title`` is used when no heading of level 1 comes before the first text."""
    above: dict[int, str] = {}
    named = _name(title)
    sentences: list[str] = []
    count = 0

    def flush() -> Iterator[Passage]:
        nonlocal count
        section = " › ".join(text for _, text in sorted(above.items()))
        for part in _parts(sentences):
            count += 1
            yield Passage(
                id=f"{file}#{count}",
                title=named or _from_file(file),
                section=section,
                language=language,
                sentences=tuple(part),
            )
        sentences.clear()

    for line in lines:
        match line:
            case Heading(level, text):
                yield from flush()
                text = _name(text)
                if not text:
                    continue
                if level == 1 and not above and not count:
                    named = text
                    continue
                above = {deeper: other for deeper, other in above.items() if deeper < level}
                above[level] = text
            case Block(text, item):
                for number, sentence in enumerate(split(text)):
                    # A paragraph begins anew; so does each item of a list.
                    new_line = number == 0 and bool(sentences)
                    sentences.append(
                        ("\n• " if item else "\n") + sentence if new_line or (item and not number) else sentence
                    )
    yield from flush()


def split(text: str) -> list[str]:
    """Sentences, none longer than :data:`LONGEST_SENTENCE`."""
    text = " ".join(text.split())
    found: list[str] = []
    begin = 0
    for match in _END.finditer(text):
        piece = text[begin : match.end()].strip()
        if _SHORT.search(piece):
            continue
        if piece:
            found.append(piece)
        begin = match.end()
    if rest := text[begin:].strip():
        found.append(rest)
    return [part for sentence in found for part in _cut(sentence)]


def _cut(sentence: str) -> Iterator[str]:
    while len(sentence) > LONGEST_SENTENCE:
        place = sentence.rfind(" ", 1, LONGEST_SENTENCE)
        place = place if place > LONGEST_SENTENCE // 2 else LONGEST_SENTENCE
        yield sentence[:place].strip()
        sentence = sentence[place:].strip()
    if sentence:
        yield sentence


def _parts(sentences: list[str]) -> Iterator[list[str]]:
    """Parts of about equal size, none of them above :data:`LONGEST_PASSAGE`."""
    total = sum(map(len, sentences))
    if not total:
        return
    size = total / max(1, -(-total // LONGEST_PASSAGE))
    part: list[str] = []
    length = 0
    for sentence in sentences:
        if part and (length + len(sentence) > LONGEST_PASSAGE or length >= size):
            yield part
            part, length = [], 0
        part.append(sentence)
        length += len(sentence)
    yield part


def _name(text: str) -> str:
    text = " ".join(text.split()).strip(" #:")
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1].rstrip() + "…"


def _from_file(file: str) -> str:
    stem = file.rpartition("/")[2].partition(".")[0]
    return " ".join(re.split(r"[_\-\s]+", stem)).strip().capitalize() or file
