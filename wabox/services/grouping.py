"""From messages that were not understood to groups that a person can decide about."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from wabox.core.contact import Contact
from wabox.core.disguise import Disguise
from wabox.core.intent import OUT_OF_SCOPE, Expected, Understanding
from wabox.core.learning import SURE, Group, Heard, Missed, Saying
from wabox.core.message import InboundMessage
from wabox.flowfile.bot import Bot
from wabox.flowfile.vocabulary import vocabulary
from wabox.nlu.examples import NOT_TAUGHT
from wabox.nlu.resolver import Resolver
from wabox.nlu.utterances import tokens

MOST_SAYINGS = 30
"""Shown of a group."""
MOST_SUGGESTED = 3
BACKGROUND = 2_000
"""Examples of the bot that say which words are common."""


@dataclass(frozen=True, slots=True)
class Grouped:
    group: Group
    sayings: tuple[Saying, ...]
    """All of them."""


class Reading:
    """What the bot makes of a text when nothing special is expected and every intent is welcome."""

    def __init__(self, bot: Bot, resolver: Resolver) -> None:
        self._resolver = resolver
        self._anything = Expected(
            accepts=frozenset(intent.name for intent in bot.intents if intent.name != OUT_OF_SCOPE)
        )

    def __call__(self, text: str) -> Understanding:
        message = InboundMessage(
            message_id="", number_id="", conversation_id="", timestamp=0, type="text", text=text, contact=Contact()
        )
        return self._resolver.resolve(message, self._anything)


def masked(bot: Bot, lines: Sequence[Heard]) -> Iterator[str]:
    """The texts of the lines, personal data replaced: the same by the same within a conversation."""
    common = vocabulary(bot)
    disguises: dict[str, Disguise] = {}
    for line in lines:
        if line.conversation_id not in disguises:
            disguises[line.conversation_id] = Disguise(line.contact, common)
        disguises[line.conversation_id].read(line.text)
    for line in lines:
        yield disguises[line.conversation_id].text(line.text).strip()


def is_known(found: Understanding) -> bool:
    """Whether the bot is sure of it by now."""
    return found.tier == "rules" or (found.tier == "classifier" and found.confidence >= SURE)


def grouped(bot: Bot, read: Callable[[str], Understanding], found: Iterable[tuple[str, Missed]]) -> list[Grouped]:
    """The groups, the most frequent first. ``found`` are the messages with their texts as they may be shown."""
    from wabox.nlu.grouping import MOST, alike

    by_words: dict[tuple[str, ...], list[tuple[str, Missed]]] = defaultdict(list)
    for text, one in found:
        by_words[tokens(text)].append((text, one))
    often = sorted(by_words.values(), key=lambda those: (-len(those), those[0][0]))[:MOST]
    texts = [Counter(text for text, _ in those).most_common(1)[0][0] for those in often]
    examples = [text for intent in bot.intents for words in intent.words.values() for text in words.examples]
    made = []
    for places in alike(texts, examples[:BACKGROUND]):
        # The commonest names the group, and of those said as often the one that is most like the others.
        order = sorted(places, key=lambda place: -len(often[place]))
        made.append(_group([(texts[place], [one for _, one in often[place]]) for place in order], read))
    made.sort(key=lambda one: (-one.group.times, one.sayings[0].text))
    return _named(made)


def _group(said: Sequence[tuple[str, list[Missed]]], read: Callable[[str], Understanding]) -> Grouped:
    every = [one for _, those in said for one in those]
    sayings = tuple(
        Saying(text=text, times=len(those), language=Counter(one.heard.language for one in those).most_common(1)[0][0])
        for text, those in said
    )
    chosen = Counter(one.chosen for one in every if one.chosen is not None)
    likely: Counter[str] = Counter()
    for text, _ in said[:MOST_SAYINGS]:
        for candidate in read(text).candidates:
            if candidate.intent not in NOT_TAUGHT:
                likely[candidate.intent] += candidate.confidence  # type: ignore[assignment]
    suggested = dict.fromkeys(name for names in (chosen, likely) for name, _ in names.most_common(MOST_SUGGESTED))
    group = Group(
        id="",
        times=len(every),
        customers=len({one.heard.conversation_id for one in every}),
        sayings=sayings[:MOST_SAYINGS],
        languages=dict(Counter(one.heard.language for one in every).most_common()),
        states=dict(Counter(state for one in every for state in one.heard.states or ("(over)",)).most_common()),
        reasons=dict(Counter(one.reason for one in every).most_common()),
        chosen=dict(chosen.most_common()),
        suggestions=tuple(suggested)[:MOST_SUGGESTED],
    )
    return Grouped(group, sayings)


def _named(groups: Sequence[Grouped]) -> list[Grouped]:
    """An id for each: the same as long as its commonest text is the same."""
    from dataclasses import replace

    taken: set[str] = set()
    named = []
    for one in groups:
        whole = hashlib.sha256(" ".join(tokens(one.sayings[0].text)).encode("utf-8", "surrogatepass")).hexdigest()
        id_ = next(whole[:size] for size in range(5, 65) if whole[:size] not in taken)
        taken.add(id_)
        named.append(Grouped(replace(one.group, id=id_), one.sayings))
    return named
