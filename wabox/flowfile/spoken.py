"""How much of a bot there is in each of its languages: its texts, and the words that its intents are known by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wabox.flowfile.draft import Draft
from wabox.flowfile.texts import OWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One language of a bot; counts."""

    language: str
    texts: int
    """Of the bot's own."""
    intents: int
    """Those of the bot's own that some word is known of."""
    examples: int
    """Example sentences, questions included."""
    of_texts: int
    """How many there are in all languages together."""
    of_intents: int


def coverage(draft: Draft) -> Iterator[Spoken]:
    """The languages in their order."""
    own = {
        name: words
        for file in (draft.intent_file, draft.faq)
        if file is not None
        for name, words in file.intents.items()
    }
    keys = {key for texts in draft.texts.by_language.values() for key in texts if not key.startswith(OWN)}
    for language in draft.texts.languages:
        here = [by_language[language] for by_language in own.values() if language in by_language]
        yield Spoken(
            language=language,
            texts=sum(key in draft.texts.by_language.get(language, {}) for key in keys),
            intents=sum(bool(words.keywords or words.patterns or words.examples) for words in here),
            examples=sum(len(words.examples) for words in here),
            of_texts=len(keys),
            of_intents=len(own),
        )
