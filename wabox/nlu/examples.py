"""What a classifier is trained on: sentences with their intents, from a bot's files or from plain data."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wabox.core.intent import OUT_OF_SCOPE, Intent
from wabox.errors import ModelError
from wabox.nlu.utterances import tokens

MOST_EXAMPLES = 200_000
LARGEST_FILE = 256 << 20


NOT_TAUGHT = frozenset({"affirm", "deny", "greet"})
"""What yes and no mean depends on the question, which the classifier does not see. Greetings are short and many, and the rules
know them: a small bot's classifier that learnt them took "a good film for tonight" for one, and was sure."""


@dataclass(frozen=True, slots=True)
class Example:
    text: str
    intent: str
    """``oos``: nobody's."""
    language: str | None = None
    is_keyword: bool = field(default=False, compare=False)
    """The rules know it: it teaches, but says nothing of how well sentences are understood."""


def of_bot(intents: Sequence[Intent]) -> list[Example]:
    """The examples and keywords of a bot's intents, without yes, no and greetings.

    An intent with patterns only is a shape, which the rules know best.
    """
    found: dict[Example, None] = {}
    for intent in intents:
        if intent.name in NOT_TAUGHT:
            continue
        for language, words in intent.words.items():
            for text in (*words.examples, *words.keywords):
                if tokens(text):
                    one = Example(text, intent.name, language, is_keyword=text not in words.examples)
                    found.setdefault(one)
    return list(found)


def trainable(intents: Sequence[Intent]) -> tuple[str, ...]:
    """The intents that :func:`of_bot` finds examples of; what is out of scope is none."""
    found = (example.intent for example in of_bot(intents) if example.intent != OUT_OF_SCOPE)
    return tuple(dict.fromkeys(found))


def of_tsv(path: Path) -> list[Example]:
    """``text TAB intent`` a line; a first line ``text TAB intent`` or ``text TAB label`` is a header. Raises ModelError."""
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise ModelError(f"{path} has {size >> 20} MB, the most is {LARGEST_FILE >> 20} MB; take a part of it")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ModelError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    found: dict[Example, None] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        columns = line.split("\t")
        if len(columns) < 2:
            raise ModelError(f"{path}:{number}: a line is a text, a tab and an intent, here is no tab")
        text, intent = columns[0].strip(), columns[1].strip()
        if number == 1 and text.lower() == "text" and intent.lower() in ("intent", "label"):
            continue
        if not intent:
            raise ModelError(f"{path}:{number}: the text has no intent; write it behind the tab")
        if tokens(text):
            found[Example(text, intent)] = None
    if len(found) > MOST_EXAMPLES:
        raise ModelError(f"{path} has {len(found)} examples, the most is {MOST_EXAMPLES}; take a part of it")
    return list(found)


def data_hash(examples: Iterable[Example]) -> str:
    """The same for the same examples in any order."""
    lines = sorted(f"{example.intent}\t{example.language or ''}\t{example.text}" for example in examples)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()[:16]
