"""Canned answers: ``canned.yaml``, what agents say often. They pick one, change it if they like, and send it as their words.

::

    greeting: "Good morning, {customer}. This is {agent}."      # in the bot's own language
    parcel:
      title: Where the parcel is                                # how agents find it; without it, its name
      queue: support                                            # or [support, refunds]; without it, every queue
      en: "Your parcel {order.number} leaves today."
      es: "Tu paquete {order.number} sale hoy."

Placeholders are variables of the conversation, and ``{agent}`` and ``{customer}``, their names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from wabox.core.limits import TEXT
from wabox.engine.text import placeholders
from wabox.flowfile.document import Document, Mark, Node
from wabox.flowfile.findings import did_you_mean
from wabox.flowfile.reader import read
from wabox.flowfile.templates import LANGUAGE, Add
from wabox.flowfile.texts import KEY
from wabox.flowfile.variables import Variables
from wabox.flowfile.words import quoted

FILE = "canned.yaml"
OURS = ("agent", "customer")
"""Placeholders that are no variable of the conversation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CannedAnswer:
    name: str
    title: str
    texts: Mapping[str, str]
    """By language; at least one."""
    queues: tuple[str, ...] = ()
    """Where it is offered; empty: everywhere."""
    marks: Mapping[str, Mark] = field(default_factory=dict, compare=False)
    """Where each text stands."""

    def text(self, *wanted: str | None) -> tuple[str, str]:
        """Language and words: in the first of these languages that it has, exactly or nearly; else in its first one."""
        for language in filter(None, wanted):
            for same in (_same, _short):
                for code, text in self.texts.items():
                    if same(code) == same(language):
                        return code, text
        return next(iter(self.texts.items()))


CannedAnswers: TypeAlias = Mapping[str, CannedAnswer]


@dataclass(frozen=True, slots=True)
class CannedFile:
    document: Document
    answers: CannedAnswers


def read_canned(path: Path, shown: str, default: str, add: Add) -> CannedFile | None:
    """The file; None when it cannot be read at all. ``default`` is the language of answers that name none."""
    document = read(path, shown, add)
    if document is None:
        return None
    root, finding = document.root, document.source.finding
    if root.value is not None and not isinstance(root.value, dict):
        fix = 'write a name, a colon, and the words, such as thanks: "Thank you!"'
        add(finding(root.mark, "bad-value", f"canned answers are a mapping of names, here stands {root.kind}", fix))
    answers: dict[str, CannedAnswer] = {}
    for name, node in root.items():
        if not KEY.match(name):
            fix = "use lower-case letters, digits, _ and dots"
            add(finding(root.keys[name], "bad-name", f"{quoted(name)} cannot be a canned answer's name", fix))
            continue
        answer = _answer(document, name, node, default, add)
        if answer is not None:
            answers[name] = answer
    return CannedFile(document, answers)


def check_canned(file: CannedFile, variables: Variables, add: Add) -> None:
    """A finding for each placeholder that nothing fills."""
    for answer in file.answers.values():
        for language, text in answer.texts.items():
            for path in placeholders(text):
                if path not in OURS and not variables.knows(path, {}):
                    sentence = f"no chart has a variable {quoted(path)}"
                    fix = did_you_mean(path, [*OURS, *variables.names()], "correct the name, or take it out")
                    place = file.document.source.finding(
                        answer.marks[language], "unknown-variable", sentence, fix, severity="warning"
                    )
                    add(place)


def _answer(document: Document, name: str, node: Node, default: str, add: Add) -> CannedAnswer | None:
    finding = document.source.finding
    if not isinstance(node.value, dict):
        text = _text(document, node, add)
        if text is None:
            return None
        return CannedAnswer(name=name, title=name, texts={default: text}, marks={default: node.mark})
    texts: dict[str, str] = {}
    marks: dict[str, Mark] = {}
    queues: tuple[str, ...] = ()
    title = name
    for key, below in node.items():
        if key == "title":
            title = _text(document, below, add) or name
        elif key == "queue":
            queues = tuple(_queues(document, below, add))
        elif LANGUAGE.match(key):
            text = _text(document, below, add)
            if text is not None:
                texts[key], marks[key] = text, below.mark
        else:
            fix = did_you_mean(key, ["title", "queue"], "write title:, queue:, or the code of a language, such as en")
            add(finding(node.keys[key], "unknown-key", f"{quoted(key)} is not part of a canned answer", fix))
    if not texts:
        if not any(LANGUAGE.match(key) for key, _ in node.items()):
            fix = f'add {default}: "…"'
            sentence = f"the canned answer {quoted(name)} has no words"
            add(finding(document.mark((name,), key=True), "missing-key", sentence, fix))
        return None
    return CannedAnswer(name=name, title=title, texts=texts, queues=queues, marks=marks)


def _text(document: Document, node: Node, add: Add) -> str | None:
    value, finding = node.value, document.source.finding
    if isinstance(value, bool) or not isinstance(value, str | int | float) or not str(value).strip():
        add(
            finding(node.mark, "bad-value", f"a canned answer is a text, here stands {node.kind}", "write it in quotes")
        )
        return None
    text = str(value).strip()
    if len(text) > TEXT:
        sentence = f"a text has at most {TEXT} characters, here are {len(text)}"
        add(finding(node.mark, "whatsapp-limit", sentence, f"say it in {TEXT} characters or fewer"))
        return None
    return text


def _queues(document: Document, node: Node, add: Add) -> Iterator[str]:
    for one in node.value if isinstance(node.value, list) else [node]:
        if isinstance(one.value, str) and one.value:
            yield one.value
        else:
            sentence = f"a queue is a name, here stands {one.kind}"
            add(document.source.finding(one.mark, "bad-value", sentence, "write queue: support, or [support, refunds]"))


def _same(language: str) -> str:
    return language.replace("_", "-").lower()


def _short(language: str) -> str:
    return _same(language).partition("-")[0]
