"""What a bot says: ``texts.<lang>.yaml``, wabox's own texts beneath, and the rule that tells a key from words.

Files are nested mappings; ``cart: {empty: …}`` and ``cart.empty: …`` are the same key. A text of the bot's own language file
wins over wabox's own of that language, that over the bot's default language, that over English.

A string in ``say``, ``ask`` or a title that looks like a key (lower case, digits, ``_`` and dots) *is* one in a bot that has
text files; anything else, and everything in a bot without them, is the text itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from wabox.core import markup
from wabox.engine.text import Show, fill
from wabox.flowfile.document import Document, Mark, Node
from wabox.flowfile.findings import Finding
from wabox.flowfile.reader import read
from wabox.flowfile.words import quoted

FILE = re.compile(r"texts\.([a-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*)\.(?:ya?ml|json)\Z")
"""``texts.en.yaml``; the language is a BCP 47 tag such as ``en``, ``pt-BR``."""
KEY = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)*\Z")
OWN = "wabox."
"""wabox's own keys begin with this."""
MOST = 10_000
"""Formatted texts remembered: more than any bot has, in all its languages."""

_OWN = Path(__file__).parent / "texts"
Add = Callable[[Finding], None]


@dataclass(frozen=True, slots=True)
class TextFile:
    """The texts of one language."""

    language: str
    document: Document
    texts: Mapping[str, str]
    marks: Mapping[str, Mark]
    """Where each text stands."""


@dataclass(frozen=True, slots=True)
class Texts:
    """All texts of a bot."""

    languages: tuple[str, ...]
    default: str
    by_language: Mapping[str, Mapping[str, str]]
    """The bot's own, FAQ answers included."""
    keyed: bool = False
    """Whether the bot has text files, so that what looks like a key must be one."""
    keys: frozenset[str] = field(default=frozenset())
    """Every key that exists in some language."""
    markdown: bool = True
    """Whether the owner's words are read as Markdown; ``meta: {markdown: false}`` of the main chart says no."""
    _found: dict[tuple[str, str], str] = field(default_factory=dict, repr=False, compare=False)
    """What :meth:`get` found before: at most every text in every language that customers write."""
    _formatted: dict[tuple[str, str], str] = field(default_factory=dict, repr=False, compare=False)
    """What :meth:`formatted` made."""

    @classmethod
    def of(
        cls,
        languages: tuple[str, ...],
        default: str,
        own: Mapping[str, Mapping[str, str]],
        *,
        keyed: bool,
        markdown: bool = True,
    ) -> Texts:
        keys = frozenset(key for texts in (*own.values(), built_in("en")) for key in texts)
        return cls(languages, default, own, keyed, keys, markdown)

    def is_key(self, reference: str) -> bool:
        """Whether the reference is meant as a key, known or not."""
        if reference in self.keys:
            return self.keyed or "." in reference
        return self.keyed and KEY.match(reference) is not None

    def get(self, reference: str, language: str) -> str:
        """The text in this language or the nearest there is; a reference that is no known key is the text itself."""
        text = self._found.get((reference, language))
        if text is None:
            if not self.is_key(reference):
                return reference
            text = self._found[reference, language] = self._search(reference, language)
        return text

    def formatted(self, reference: str, language: str) -> str:
        """The same with WhatsApp's formatting, to be filled by :func:`filled`."""
        text = self._formatted.get((reference, language))
        if text is None:
            text = self.get(reference, language)
            if self.markdown:
                text = markup.formatted(text)
            if len(self._formatted) < MOST:
                self._formatted[reference, language] = text
        return text

    def bare(self, reference: str, language: str) -> str:
        """The same for a place where WhatsApp formats nothing."""
        text = self.get(reference, language)
        return markup.bare(text) if self.markdown else text

    def _search(self, reference: str, language: str) -> str:
        for place in self._order(language):
            text = place.get(reference)
            if text is not None:
                return text
        return next((texts[reference] for texts in self.by_language.values() if reference in texts), reference)

    def _order(self, language: str) -> Iterator[Mapping[str, str]]:
        own = self.by_language
        for name in dict.fromkeys((language, short(language), self.default, "en")):
            yield own.get(name, {})
            yield built_in(name)


@lru_cache(maxsize=64)
def built_in(language: str) -> Mapping[str, str]:
    """wabox's own texts in this language; empty when it has none. The file is read when the language is first spoken."""
    path = _OWN / f"wabox.{language}.yaml"
    document = read(path, path.name, _raise) if path in _files() else None
    return {} if document is None else flattened(document, _raise)[0]


def short(language: str) -> str:
    """The language without its region: ``pt`` of ``pt-BR``."""
    return language.replace("_", "-").partition("-")[0]


def filled(text: str, context: Mapping[str, Any], show: Show | None = None) -> str:
    """A formatted text with its values, none of which becomes formatting by accident."""
    return markup.settled(fill(text, context, show, markup.literal))


@lru_cache(maxsize=1)
def _files() -> frozenset[Path]:
    return frozenset(_OWN.glob("wabox.*.yaml"))


def languages() -> tuple[str, ...]:
    """Those that wabox itself can speak."""
    return tuple(sorted(path.name.split(".")[1] for path in _files()))


def read_texts(path: Path, shown: str, add: Add) -> TextFile | None:
    """A language file; None when it cannot be read at all."""
    name = FILE.match(path.name)
    document = read(path, shown, add)
    if document is None or name is None:
        return None
    texts, marks = flattened(document, add)
    return TextFile(name[1], document, texts, marks)


def flattened(document: Document, add: Add) -> tuple[dict[str, str], dict[str, Mark]]:
    """Texts and places by dotted key."""
    texts: dict[str, str] = {}
    marks: dict[str, Mark] = {}
    source = document.source

    def walk(node: Node, before: str) -> None:
        for name, child in node.items():
            key, mark = f"{before}{name}", node.keys[name]
            if isinstance(child.value, dict):
                walk(child, f"{key}.")
            elif not isinstance(child.value, str):
                sentence = f"{quoted(key)} is {child.kind}, not a text"
                fix = (
                    "put it in quotes"
                    if not isinstance(child.value, list) and child.value is not None
                    else "write a text"
                )
                add(source.finding(child.mark, "bad-value", sentence, fix))
            elif not child.value.strip():
                add(
                    source.finding(
                        child.mark, "empty-text", f"{quoted(key)} is empty", "write a text, or take the key out"
                    )
                )
            elif KEY.match(key) is None:
                fix = "use lower-case letters, digits and _; dots between the parts"
                add(source.finding(mark, "bad-key", f"{quoted(key)} cannot be a text's key", fix))
            elif key in texts:
                sentence = f"{quoted(key)} stands here a second time; the first is in line {marks[key].line}"
                add(source.finding(mark, "duplicate-key", sentence, "keep one of them"))
            else:
                texts[key], marks[key] = child.value, child.mark

    if isinstance(document.root.value, dict):
        walk(document.root, "")
    elif document.root.value is not None:
        sentence = f"texts are a mapping of keys, here stands {document.root.kind}"
        add(source.finding(document.root.mark, "bad-value", sentence, "write key: text in each line"))
    return texts, marks


def _raise(finding: Finding) -> None:
    raise AssertionError(f"{finding.file}:{finding.line}: {finding.sentence}")
