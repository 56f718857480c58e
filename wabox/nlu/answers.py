"""Answers to the question that stands: an option by its title or its number.

A title is meant when the message is the title, or when what is left of the message without polite and little words is part
of the title of one option only: "the blue one, please" → ``Blue shirt``. A number is meant when there is nothing else:
"2", "2.", "option 2", "the second one", "la segunda", "última".
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from wabox.core.intent import Choice
from wabox.nlu.utterances import tokens, words_only

_FILLER_WORDS = """a an the one ones i id ill im me my want would like take have get give go for to by with in on at of please
pls thanks thank you well then let lets
un una uno el la los las lo al del de yo mi me quiero quisiera gustaria dame ponme prefiero por favor porfa porfavor gracias
con en para pues entonces ese esa este esta"""
_FILLERS = frozenset(_FILLER_WORDS.split())
_YES = frozenset({"yes", "ok", "okay", "si", "vale"})
"""Little words too, unless there is nothing else: "yes, the blue one"."""

_BESIDE_A_NUMBER_WORDS = (
    """the option number please pls answer choice nr num el la lo opcion numero respuesta por favor porfa"""
)
_BESIDE_A_NUMBER = frozenset(_BESIDE_A_NUMBER_WORDS.split())

_LAST = frozenset({"last", "ultimo", "ultima"})
_NUMBER_WORDS = (
    "one first 1st uno una un primero primera primer 1o 1a 1ero 1era",
    "two second 2nd dos segundo segunda 2o 2a",
    "three third 3rd tres tercero tercera tercer 3o 3a",
    "four fourth 4th cuatro cuarto cuarta 4o 4a",
    "five fifth 5th cinco quinto quinta 5o 5a",
    "six sixth 6th seis sexto sexta 6o 6a",
    "seven seventh 7th siete septimo septima 7o 7a",
    "eight eighth 8th ocho octavo octava 8o 8a",
    "nine ninth 9th nueve noveno novena 9o 9a",
    "ten tenth 10th diez decimo decima 10o 10a",
)
_NUMBERS = {word: number for number, words in enumerate(_NUMBER_WORDS, 1) for word in words.split()}


def by_title(found: tuple[str, ...], choices: Sequence[Choice]) -> str | None:
    """The event of the option whose title these tokens of a message mean; None unless exactly one is meant."""
    said = words_only(found)
    if not said:
        return None
    titles = [(choice.event, _title(choice.title)) for choice in choices]
    exact = {event for event, title in titles if said == words_only(title) or found == title}
    if exact:
        return _only(exact)
    content = set(said) - _FILLERS
    content = content - _YES or content
    if not content:
        return None
    part = {event: set(title) - _FILLERS for event, title in titles if content <= set(title)}
    if len(part) > 1:
        part = {event: title for event, title in part.items() if set(words_only(tuple(sorted(title)))) == content}
    return _only(set(part))


def by_number(found: tuple[str, ...], choices: Sequence[Choice]) -> str | None:
    """The event of the option whose number these tokens say; None if they say something else, or more."""
    said = [word for word in words_only(found) if word not in _BESIDE_A_NUMBER]
    if len(said) == 2 and said[1] == "one" and said[0] in _NUMBERS.keys() | _LAST:
        said.pop()
    if len(said) != 1:
        return None
    word = said[0]
    if word in _LAST:
        return choices[-1].event if choices else None
    number = int(word) if word.isdecimal() and len(word) < 4 else _NUMBERS.get(word, 0)
    return choices[number - 1].event if 1 <= number <= len(choices) else None


@lru_cache(maxsize=512)
def _title(title: str) -> tuple[str, ...]:
    """Titles are the bot's and few; messages are many, and are not kept."""
    return tokens(title)


def _only(events: set[str]) -> str | None:
    return events.pop() if len(events) == 1 else None
