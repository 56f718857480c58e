"""How customers put things: ``intents.yaml``, with wabox's own intents beneath.

::

    track_order:
      en: {keywords: [track, "where is my order"], patterns: ['order #?\\d+'], examples: ["Where is my parcel?"]}
      es: {keywords: [rastrear], examples: [...]}

A bot of one language may leave the language out: ``track_order: {keywords: […]}``. Beside the words there may be a ``title``,
by which customers are asked whether they meant the intent. What a bot writes for one of wabox's own
(``affirm``, ``deny``, ``greet``, ``human``) is added to its words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from wabox.core.intent import Intent, Words
from wabox.core.passage import DOCUMENT
from wabox.core.pattern import SEEN, Trouble, quick_up_to, trouble_of
from wabox.flowfile.document import Document, Mark, Node
from wabox.flowfile.findings import Finding, did_you_mean
from wabox.flowfile.reader import read
from wabox.flowfile.words import quoted

KINDS = ("keywords", "patterns", "examples")
TITLE = "title"
NAME = re.compile(r"[\w-]+(?:\.[\w-]+)*\Z")
RESERVED = ("message.", "timeout.", "done.", "error.", "handoff.", "delivery.", "window.", "faq.", "after.", "xstate.")
RESERVED_NAMES = (
    *("fallback", "resumed", "reentered", "collected", "corrected", "invalid", "clarify", "cannot_handle", DOCUMENT),
    *("hold", "angry"),
    *("message", "faq"),
)

LENT = frozenset({"back", "cancel", "start_over", "repeat", "skip", "correct"})
"""What wabox understands for its repair charts; a bot's own words go first."""

Add = Callable[[Finding], None]


@dataclass(frozen=True, slots=True)
class IntentFile:
    """What ``intents.yaml`` says."""

    document: Document
    intents: Mapping[str, Mapping[str, Words]]
    marks: Mapping[str, Mark]
    """Where each intent's name stands."""


def read_intents(path: Path, shown: str, languages: tuple[str, ...], add: Add) -> IntentFile | None:
    """The file; None when it cannot be read at all. ``languages`` are the bot's, its default first."""
    document = read(path, shown, add)
    if document is None:
        return None
    root, source = document.root, document.source
    if root.value is not None and not isinstance(root.value, dict):
        sentence = f"intents are a mapping of names, here stands {root.kind}"
        add(source.finding(root.mark, "bad-value", sentence, "write the intent's name, a colon, and its words below"))
    intents: dict[str, Mapping[str, Words]] = {}
    for name, node in root.items():
        mark = root.keys[name]
        if not NAME.match(name):
            fix = "use letters, digits, _ and -; dots between the parts"
            add(source.finding(mark, "bad-name", f"{quoted(name)} cannot be an intent's name", fix))
        elif name in RESERVED_NAMES or name.startswith(RESERVED):
            sentence = f"{quoted(name)} is the name of an event that wabox itself makes"
            add(source.finding(mark, "reserved-name", sentence, "give the intent another name"))
        else:
            intents[name] = _by_language(document, node, mark, languages, add)
    return IntentFile(document, intents, root.keys)


def _by_language(document: Document, node: Node, mark: Mark, languages: tuple[str, ...], add: Add) -> dict[str, Words]:
    finding = document.source.finding
    if not isinstance(node.value, dict) or not node.value:
        fix = f"write {languages[0]}: {{keywords: [...], examples: [...]}} below it"
        add(finding(mark, "bad-value", f"an intent needs its words by language, here stands {node.kind}", fix))
        return {}
    if all(key in (*KINDS, TITLE) for key in node.value):
        if len(languages) > 1:
            sentence = "the words have no language, and the bot speaks several"
            add(finding(mark, "no-language", sentence, f"put them below {languages[0]}:"))
        return {languages[0]: read_words(document, node, (*KINDS, TITLE), add)}
    found: dict[str, Words] = {}
    for language, below in node.items():
        if language not in languages:
            known = f"the bot speaks {', '.join(languages)}; add texts.{language}.yaml, or take this out"
            sentence = f"the bot does not speak {quoted(language)}"
            add(finding(node.keys[language], "unknown-language", sentence, did_you_mean(language, languages, known)))
        else:
            found[language] = read_words(document, below, (*KINDS, TITLE), add)
    return found


def read_words(document: Document, node: Node, kinds: Iterable[str], add: Add) -> Words:
    """``{keywords: …, patterns: …, examples: …}``, each one text or a list of them."""
    finding = document.source.finding
    known = tuple(kinds)
    if not isinstance(node.value, dict):
        sentence = f"words are written by kind, here stands {node.kind}"
        add(finding(node.mark, "bad-value", sentence, f"write {', '.join(f'{kind}: [...]' for kind in known)}"))
        return Words()
    for key in node.value:
        if key not in known:
            sentence = f"{quoted(key)} is not a kind of words"
            add(finding(node.keys[key], "unknown-key", sentence, did_you_mean(key, known)))
    words = {kind: read_list(document, below, add) for kind, below in node.items() if kind in known and kind != TITLE}
    patterns = node.get("patterns")
    good = tuple(
        pattern.value
        for pattern in _items(patterns)
        if isinstance(pattern.value, str)
        and pattern.value.strip()
        and _check_pattern(document, pattern, pattern.value, add)
    )
    title, below = None, node.get(TITLE) if TITLE in known else None
    if below is not None and isinstance(below.value, str) and below.value.strip():
        title = below.value
    elif below is not None:
        add(finding(below.mark, "bad-value", f"a title is a text, here stands {below.kind}", "write a few words"))
    return Words(
        keywords=words.get("keywords", ()),
        patterns=good,
        examples=words.get("examples", ()),
        title=title,
    )


def read_list(document: Document, node: Node, add: Add) -> tuple[str, ...]:
    """One text or a list of texts."""
    found = []
    for item in _items(node):
        if isinstance(item.value, str) and item.value.strip():
            found.append(item.value)
        else:
            fix = "put it in quotes" if isinstance(item.value, (bool, int, float)) else "write a text"
            what = "an empty text" if isinstance(item.value, str) else item.kind
            add(document.source.finding(item.mark, "bad-value", f"a text belongs here, not {what}", fix))
    return tuple(found)


def _items(node: Node | None) -> list[Node]:
    if node is None or node.value is None:
        return []
    return node.value if isinstance(node.value, list) else [node]


def _check_pattern(document: Document, node: Node, pattern: str, add: Add) -> bool:
    trouble = trouble_of(pattern, searched=True)
    if trouble is None and quick_up_to(pattern) < SEEN:
        import regex  # what will run it on long messages

        try:
            regex.compile(pattern, regex.IGNORECASE)
        except (regex.error, RecursionError, OverflowError) as error:
            trouble = Trouble(f"the pattern is not a regular expression: {error}", "correct it")
    if trouble is not None:
        finding = document.source.finding
        if trouble.is_slow:
            add(finding(node.mark, "slow-pattern", trouble.sentence, trouble.fix))
        else:
            add(finding(node.mark, "bad-pattern", trouble.sentence, trouble.fix))
    return trouble is None


@lru_cache(maxsize=1)
def built_in() -> Mapping[str, Mapping[str, Words]]:
    """wabox's own intents, in every language they are written in: ``wabox.yaml``, and a file for each further language."""
    folder = Path(__file__).parent / "intents"
    found: dict[str, dict[str, Words]] = {}
    first = folder / "wabox.yaml"  # its order is that of the intents
    for path in (first, *sorted(folder.glob("wabox.*.yaml"))):
        document = read(path, path.name, _raise)
        assert document is not None  # noqa: S101 - a file of ours
        alone = None if path is first else path.name.split(".")[1]
        for name, node in document.root.items():
            by_language = node.items() if alone is None else ((alone, node),)
            words = {language: read_words(document, below, KINDS, _raise) for language, below in by_language}
            found.setdefault(name, {}).update(words)
    return {
        name: {language: Words(lent=words.examples) if name in LENT else words for language, words in below.items()}
        for name, below in found.items()
    }


def merged(*layers: Mapping[str, Mapping[str, Words]]) -> tuple[Intent, ...]:
    """All intents, each with the words of every layer, in the order in which they first appear."""
    words: dict[str, dict[str, Words]] = {}
    for layer in layers:
        for name, by_language in layer.items():
            known = words.setdefault(name, {})
            for language, more in by_language.items():
                old = known.get(language, Words())
                known[language] = Words(
                    keywords=(*old.keywords, *more.keywords),
                    patterns=(*old.patterns, *more.patterns),
                    examples=(*old.examples, *more.examples),
                    title=more.title or old.title,
                    lent=(*old.lent, *more.lent),
                )
    return tuple(Intent(name=name, words=by_language) for name, by_language in words.items())


def _raise(finding: Finding) -> None:
    raise AssertionError(f"{finding.file}:{finding.line}: {finding.sentence}")
