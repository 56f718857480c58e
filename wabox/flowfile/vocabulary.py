"""The words of a bot itself: its texts and how it understands people. They are nobody's name."""

from __future__ import annotations

import re

from wabox.flowfile.bot import Bot


def vocabulary(bot: Bot) -> frozenset[str]:
    """In lower case."""
    spoken = [text for texts in bot.texts.by_language.values() for text in texts.values()]
    understood = [
        word for intent in bot.intents for words in intent.words.values() for word in (*words.keywords, *words.examples)
    ]
    return frozenset(word for text in (*spoken, *understood) for word in re.findall(r"[^\W\d_]+", text.lower()))
