"""Questions and answers: ``faq.yaml``. Each entry is an intent, a text and a little chart, ``faq.<key>``.

::

    delivery:
      question: {en: ["How long does delivery take?"], es: ["¿Cuánto tarda el envío?"]}
      keywords: {en: [delivery time], es: [plazo de entrega]}
      answer: {en: Two to three working days., es: De dos a tres días laborables.}

The main chart gets a detour to each of them, so a question is answered anywhere and the customer is then back where they
were. A bot of one language may leave the languages out: ``question: […]``, ``answer: …``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wabox.core.intent import Words
from wabox.flowfile.document import Document, Mark, Node
from wabox.flowfile.findings import Finding, did_you_mean
from wabox.flowfile.intents import NAME, read_list
from wabox.flowfile.reader import read
from wabox.flowfile.words import quoted

PREFIX = "faq."
KEYS = ("question", "keywords", "answer")

Add = Callable[[Finding], None]


@dataclass(frozen=True, slots=True)
class Faq:
    """What ``faq.yaml`` says."""

    document: Document
    intents: Mapping[str, Mapping[str, Words]]
    """By ``faq.<key>`` and language."""
    answers: Mapping[str, Mapping[str, str]]
    """By language and ``faq.<key>``."""
    marks: Mapping[tuple[str, str], Mark]
    """Where an answer stands, by language and ``faq.<key>``."""

    def charts(self) -> dict[str, dict[str, Any]]:
        """Definition by chart id: one final state that says the answer."""
        return {
            name: {"id": name, "initial": "answer", "states": {"answer": {"type": "final", "say": name}}}
            for name in self.intents
        }


def read_faq(path: Path, shown: str, languages: tuple[str, ...], add: Add) -> Faq | None:
    """The file; None when it cannot be read at all. ``languages`` are the bot's, its default first."""
    document = read(path, shown, add)
    if document is None:
        return None
    root, finding = document.root, document.source.finding
    if root.value is not None and not isinstance(root.value, dict):
        sentence = f"questions and answers are a mapping of keys, here stands {root.kind}"
        add(finding(root.mark, "bad-value", sentence, "write a key, a colon, and question: and answer: below it"))
    intents: dict[str, dict[str, Words]] = {}
    answers: dict[str, dict[str, str]] = {language: {} for language in languages}
    marks: dict[tuple[str, str], Mark] = {}
    for key, node in root.items():
        mark, name = root.keys[key], PREFIX + key
        if not NAME.match(key) or "." in key or key != key.lower():
            fix = "use lower-case letters, digits and _"
            add(finding(mark, "bad-name", f"{quoted(key)} cannot be the key of a question", fix))
            continue
        if not isinstance(node.value, dict):
            fix = "write question: and answer: below it"
            add(finding(mark, "bad-value", f"a question and an answer belong here, not {node.kind}", fix))
            continue
        for part in node.value:
            if part not in KEYS:
                sentence = f"{quoted(part)} is not part of a question and its answer"
                add(finding(node.keys[part], "unknown-key", sentence, did_you_mean(part, KEYS)))
        parts = {part: _by_language(document, node, part, mark, languages, add) for part in KEYS}
        intents[name] = {
            language: Words(
                examples=read_list(document, parts["question"].get(language, _NOTHING), add),
                keywords=read_list(document, parts["keywords"].get(language, _NOTHING), add),
            )
            for language in languages
        }
        for language in languages:
            answer = parts["answer"].get(language)
            if answer is None:
                below = node.get("answer")
                if below is not None and isinstance(below.value, dict):
                    sentence = f"{quoted(key)} has no answer in {language}"
                    add(finding(node.keys["answer"], "text-missing", sentence, f"add {language}: below answer:"))
                continue
            if isinstance(answer.value, str) and answer.value.strip():
                answers[language][name] = answer.value
                marks[language, name] = answer.mark
            else:
                add(
                    finding(answer.mark, "bad-value", f"an answer is a text, here stands {answer.kind}", "write a text")
                )
    return Faq(document, intents, answers, marks)


_NOTHING = Node(None, Mark(1, 1))


def _by_language(
    document: Document, node: Node, part: str, mark: Mark, languages: tuple[str, ...], add: Add
) -> dict[str, Node]:
    """The nodes of one part by language."""
    finding = document.source.finding
    below = node.get(part)
    if below is None:
        if part != "keywords":
            add(finding(mark, "missing-key", f"{part}: is missing here", f"add {part}: {{{languages[0]}: …}}"))
        return {}
    if not isinstance(below.value, dict):
        if len(languages) > 1:
            sentence = f"{part}: has no language, and the bot speaks several"
            add(finding(node.keys[part], "no-language", sentence, f"put it below {languages[0]}:"))
        return {languages[0]: below}
    for language in below.value:
        if language not in languages:
            known = f"the bot speaks {', '.join(languages)}"
            sentence = f"the bot does not speak {quoted(language)}"
            add(finding(below.keys[language], "unknown-language", sentence, did_you_mean(language, languages, known)))
    return {language: child for language, child in below.items() if language in languages}
