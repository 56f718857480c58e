"""What a customer wrote, made comparable.

Two forms of one text:

* *folded*: lower case, no accents, one kind of apostrophe; punctuation stays. Patterns are searched in it.
* *tokens*: the words of it, in order, each emoji a word of its own. Keywords, examples and titles are compared by tokens.

Accents go only where they sit on Latin, Greek or Cyrillic letters (combining marks U+0300 to U+036F): the vowel signs of
Hindi or Thai are letters to their readers. Arabic short vowels and the elongation sign, which few people type, go too.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_ACCENTS = re.compile("[\u0300-\u036f\u064b-\u0652\u0640]")
_ARABIC = str.maketrans("أإآٱىةؤئ", "اااايهوي")
"""Letters that people type one for the other: alif with and without hamza, ta marbuta and ha, alif maqsura and ya."""
_APOSTROPHES = str.maketrans("’‘ʼ`´", "'''''")
_IN_EMOJI = re.compile("[\ufe0e\ufe0f\u200d\u20e3\U0001f3fb-\U0001f3ff]")
"""Presentation selectors, joiners, the keycap and skin tones: the same thumb is the same answer."""
_TOKEN = re.compile(r"[^\W_]+(?:[\u0900-\u0dff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]|[^\W_])*|[^\w\s]", re.UNICODE)
_ASCII_TOKEN = re.compile(r"[a-z0-9]+")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_INNER_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")

LONGEST = 1_000
"""Characters of a message that are looked at: whatever it means, it says so before that, and a pattern that is slow on long
texts stays harmless."""
RECENT = 128
"""Texts whose forms are kept: all who look at one message ask for them again, a dozen times."""


@lru_cache(maxsize=RECENT)
def folded(text: str) -> str:
    """Lower case without accents, cut to :data:`LONGEST`; punctuation and emoji stay."""
    if len(text) > LONGEST:
        text = text[:LONGEST]
    if text.isascii():
        return text.lower().replace("`", "'")
    plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", text.translate(_APOSTROPHES)))
    return unicodedata.normalize("NFC", plain).casefold().translate(_ARABIC)


def unaccented(pattern: str) -> str:
    """A pattern as it must be written to be searched in a folded text; its escapes (``\\W``) keep their case."""
    plain = _ACCENTS.sub("", unicodedata.normalize("NFD", pattern.translate(_APOSTROPHES)))
    return unicodedata.normalize("NFC", plain).translate(_ARABIC)


@lru_cache(maxsize=RECENT)
def tokens(text: str) -> tuple[str, ...]:
    """The words of a text: ``"¡Sí, porfa! 👍🏽"`` is ``("si", "porfa", "👍")``; ``don't`` is one word, ``dont``."""
    return tokens_of_folded(folded(text))


def tokens_of_folded(text: str) -> tuple[str, ...]:
    """The same for a text that is folded already."""
    if text.isascii():
        return tuple(_ASCII_TOKEN.findall(_INNER_APOSTROPHE.sub("", text) if "'" in text else text))
    text = _INNER_APOSTROPHE.sub("", _IN_EMOJI.sub("", text))
    return tuple(token for token in _TOKEN.findall(text) if token[0].isalnum() or is_emoji(token))


def is_emoji(token: str) -> bool:
    """Whether a token is a picture rather than a word."""
    return unicodedata.category(token[0]) in ("So", "Cn")


def is_unspaced(text: str) -> bool:
    """Whether it is written without blanks between words (Chinese, Japanese, Thai …): there, a keyword is found anywhere."""
    return not text.isascii() and _UNSPACED.search(text) is not None


@lru_cache(maxsize=RECENT)
def words_only(found: tuple[str, ...]) -> tuple[str, ...]:
    """The tokens without emoji; all of them if there is nothing else."""
    if all(map(str.isascii, found)):
        return found
    words = tuple(token for token in found if not is_emoji(token))
    return words or found
