"""Answers to the question that stands: an option by its title or its number.

A title is meant when the message is the title, or when what is left of the message without polite and little words is part
of the title of one option only: "the blue one, please" → ``Blue shirt``. A number is meant when there is nothing else:
"2", "2.", "option 2", "the second one", "la segunda", "दूसरा वाला", "最后一个", "٢". What is left over may
be a slip of the finger.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from wabox.core.intent import Choice
from wabox.nlu.ordinals import AROUND, BY_PHRASE
from wabox.nlu.utterances import tokens, words_only

_FILLER_WORDS = """a an the one ones i id ill im me my want would like take have get give go for to by with in on at of please
pls thanks thank you well then let lets
un una uno el la los las lo al del de yo mi me quiero quisiera gustaria dame ponme prefiero por favor porfa porfavor gracias
con en para pues entonces ese esa este esta
um uma os as do da eu quero queria gostaria prefiro isso esse essa esta pra com obrigado obrigada
le les une des du de je veux voudrais prends ce cette celui celle s'il vous te plaît svp stp merci avec
der die das den dem ein eine einen ich möchte will nehme hätte gerne bitte danke mit
bir bu şu ben istiyorum lütfen alayım olsun olan
yang ini itu saya aku mau pilih tolong kak terima kasih nak
ya wa ni hii hiyo nataka tafadhali
il gli uno vorrei voglio prendo questo questa quello quella per favore grazie con
من فضلك اريد أريد هذا هذه بدي ابغى عايز لو سمحت
मुझे चाहिए वाला वाली वाले दीजिए कृपया यह वह mujhe chahiye wala wali wale dijiye kripya yeh woh
مجھے چاہیے والا والی والے یہ وہ আমার আমি চাই এটা টা
хочу мне пожалуйста этот эту эта 我要 我想要 tôi muốn cho เอา ขอ gusto ko po ang yung"""
_FILLERS = frozenset(tokens(_FILLER_WORDS))
_MOST_WORDS = 8
_YES = frozenset(tokens("yes ok okay si vale sim oui ja evet ya iya haan ji हाँ जी نعم ہاں হ্যাঁ ndio sì да ok"))
"""Little words too, unless there is nothing else: "yes, the blue one"."""

_TYPED = 4
"""Letters of a word from which on one wrong letter is a slip; two from twice as many on."""


def by_title(found: tuple[str, ...], choices: Sequence[Choice]) -> str | None:
    """The event of the option whose title these tokens of a message mean; None unless exactly one is meant."""
    said = _plain(words_only(found))
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
    if not choices or len(found) > _MOST_WORDS:
        return None
    said = _plain(words_only(found))
    number = BY_PHRASE.get(said)
    if number is None:
        left = tuple(word for word in said if word not in AROUND) or tuple(word for word in said if word == "one")
        number = BY_PHRASE.get(left, 0)
        if not number and len(left) == 1 and left[0].isdecimal() and len(left[0]) < 4:
            number = int(left[0])
    if number == -1:
        return choices[-1].event
    return choices[number - 1].event if 1 <= number <= len(choices) else None


def by_slip(found: tuple[str, ...], choices: Sequence[Choice]) -> str | None:
    """The event of the only option whose title these tokens mean, but for slips of the finger: "delivry" → ``Delivery``."""
    said = [word for word in words_only(found) if word not in _FILLERS]
    if not said or len(said) > _MOST_WORDS or not any(len(word) >= _TYPED for word in said):
        return None
    meant = {choice.event for choice in choices if all(_near(word, _title(choice.title)) for word in said)}
    return _only(meant)


def _near(word: str, title: Sequence[str]) -> bool:
    slips = len(word) // _TYPED if len(word) < 3 * _TYPED else 2
    return any(word == other or (len(other) >= _TYPED and apart(word, other, slips) <= slips) for other in title)


def apart(one: str, other: str, most: int) -> int:
    """Letters to change, add, drop or swap with their neighbour; more than ``most`` is ``most + 1``."""
    if abs(len(one) - len(other)) > most or one.isdecimal():
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, 1):
        last, before, row = before, row, [place]
        for at, wanted in enumerate(other, 1):
            cost = min(before[at] + 1, row[-1] + 1, before[at - 1] + (letter != wanted))
            if place > 1 and at > 1 and letter == other[at - 2] and one[place - 2] == wanted:
                cost = min(cost, last[at - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]


def _plain(found: tuple[str, ...]) -> tuple[str, ...]:
    """With the digits of every script as 0 to 9."""
    if all(map(str.isascii, found)):
        return found
    return tuple(str(int(word)) if word.isdecimal() else word for word in found)


@lru_cache(maxsize=512)
def _title(title: str) -> tuple[str, ...]:
    """Titles are the bot's and few; messages are many, and are not kept."""
    return tokens(title)


def _only(events: set[str]) -> str | None:
    return events.pop() if len(events) == 1 else None
