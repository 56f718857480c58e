"""Plays conversation tests. The bot is loaded once; each test is a conversation of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from wabox.core.contact import Contact
from wabox.core.duration import written as written_duration
from wabox.engine.begin import begin_at
from wabox.engine.snapshot import Snapshot
from wabox.engine.value import copied_plain
from wabox.errors import WaboxError
from wabox.flowfile.bot import Bot
from wabox.flowfile.findings import did_you_mean
from wabox.flowfile.script import ScriptStep, in_language
from wabox.flowfile.tests import ConversationTest, Start
from wabox.flowfile.words import quoted
from wabox.nlu.resolver import Resolver
from wabox.services.models import Models
from wabox.services.turn import Turn
from wabox.simulator.bubble import Bubble, bubble
from wabox.simulator.coverage import Coverage
from wabox.simulator.expectation import Difference, Seen, differences
from wabox.simulator.simulator import BEGINS_AT, CUSTOMER, Simulator
from wabox.simulator.tiers import Tiers


@dataclass(frozen=True, slots=True)
class Played:
    """One step as it went."""

    step: ScriptStep
    did: str
    """What happened, as a person reads it: the customer's words, ``[tap checkout]``, ``[31m pass]``."""
    said: tuple[Bubble, ...]
    why: str = ""
    """What it was taken for: ``understood as order (rules); nobody handles order``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One test in one language."""

    test: ConversationTest
    language: str
    seconds: float
    played: tuple[Played, ...]
    """Up to the first step that went wrong."""
    differences: tuple[Difference, ...] = ()
    """Of that step; none: all is as expected."""

    @property
    def name(self) -> str:
        """The test's name, with the language if it runs in several."""
        return f"{self.test.name}[{self.language}]" if len(self.test.languages) > 1 else self.test.name

    @property
    def passed(self) -> bool:
        return not self.differences


class Runner:
    """Plays tests of one bot and counts what they cover."""

    def __init__(self, bot: Bot, clock: Callable[[], float], models: Models | None = None) -> None:
        """``clock`` gives seconds, for how long a test takes; what the flows see is simulated."""
        self._classifier = models.of(bot.intents) if models is not None else lambda: None
        self._library = models.library if models is not None else lambda: None
        self._bot = bot
        self._clock = clock
        self._by_language: dict[str, tuple[Bot, Resolver]] = {}
        self.coverage = Coverage(bot)
        self.tiers = Tiers()

    def run(self, tests: Sequence[ConversationTest]) -> Iterator[Result]:
        """Each test in each of its languages, one after the other."""
        for test in tests:
            for language in test.languages:
                yield self.play(test, language)

    def play(self, test: ConversationTest, language: str) -> Result:
        """One test in one language, up to the first step that goes wrong."""
        began = self._clock()
        simulator = self._simulator(test, language)
        played: list[Played] = []
        found: list[Difference] = []
        for step in test.steps:
            found = self._step(simulator, step, language, played)
            if found:
                break
        return Result(
            test=test,
            language=language,
            seconds=self._clock() - began,
            played=tuple(played),
            differences=tuple(found),
        )

    def _step(self, simulator: Simulator, step: ScriptStep, language: str, played: list[Played]) -> list[Difference]:
        value = in_language(step.value, language) if step.input in ("user", "agent") else step.value
        did = _told(step.input, value, simulator.titles)
        before = last = simulator.snapshot
        try:
            turns = simulator.turns({step.input: value})
        except WaboxError as error:
            played.append(Played(step, did, ()))
            return [Difference(key="refused", mark=step.mark, sentence=str(error))]
        for turn in turns:
            if turn.understanding is not None:
                self.tiers.see(turn.understanding)
            self.coverage.see(before, turn.steps)
            before = turn.snapshot
            last = turn.steps[-1].snapshot if turn.steps else last
        out = simulator.output(turns)
        seen = Seen(out=out, said=tuple(bubble(body, self._bot.templates) for body in out["sent"]), last=last)
        played.append(Played(step, did, seen.said, _why(out, turns)))
        found = differences(self._bot, step, seen, language)
        if found and step.input == "tap" and value not in simulator.offered:
            sentence = f"no button so far is {quoted(value)}; {did_you_mean(value, sorted(simulator.offered))}"
            found.append(Difference(key="tap", mark=step.mark, sentence=sentence))
        return found

    def _simulator(self, test: ConversationTest, language: str) -> Simulator:
        bot, resolver = self._spoken(language)
        now = BEGINS_AT if test.at is None else test.at
        snapshot = None if test.start is None else self._begin(bot, test.start, language, now)
        return Simulator(
            bot,
            clock_start_ms=now,
            contact=_contact(test.contact),
            stubs=test.stubs,
            resolver=resolver,
            snapshot=snapshot,
        )

    def _begin(self, bot: Bot, start: Start, language: str, now: int) -> Snapshot:
        own = bot.charts.live[start.chart].context
        laid = bot.context if start.chart == bot.main else {}
        context = _laid_over({**copied_plain(own), **copied_plain(laid)}, start.context)
        snapshot = begin_at(bot.charts, start.chart, start.states, context, now)
        self.coverage.begin(snapshot)
        return msgspec.structs.replace(snapshot, language=language)

    def _spoken(self, language: str) -> tuple[Bot, Resolver]:
        """The bot with this language as the one it speaks until the customer shows theirs."""
        found = self._by_language.get(language)
        if found is None:
            texts = self._bot.texts
            languages = (language, *(name for name in texts.languages if name != language))
            bot = replace(self._bot, texts=replace(texts, languages=languages, default=language, _found={}))
            found = self._by_language[language] = (
                bot,
                Resolver(bot.intents, bot.languages, self._classifier, self._library),
            )
        return found


def _why(out: Mapping[str, Any], turns: Sequence[Turn]) -> str:
    unhandled = list(dict.fromkeys(event for turn in turns for step in turn.steps for event in step.unhandled))
    parts = []
    if out["intent"]:
        parts.append(f"understood as {out['intent']} ({out['tier']}: {out['why']})")
    elif out["tier"] == "fallback":
        parts.append(f"not understood: {out['why']}")
    if unhandled:
        parts.append(f"nobody handles {', '.join(unhandled)}")
    return "; ".join(parts)


def _contact(own: Mapping[str, str]) -> Contact:
    return replace(CUSTOMER, **own) if own else CUSTOMER


def _laid_over(context: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The context with the changes in it: mappings are merged, dotted keys are paths."""
    for path, value in changes.items():
        inner = context
        *outer, last = path.split(".")
        for key in outer:
            below = inner.get(key)
            inner[key] = below = dict(below) if isinstance(below, dict) else {}
            inner = below
        old = inner.get(last)
        both = isinstance(old, dict) and isinstance(value, Mapping)
        inner[last] = _laid_over(dict(old), value) if both and isinstance(old, dict) else copied_plain({"": value})[""]
    return context


def _told(kind: str, value: Any, titles: Mapping[str, str]) -> str:
    match kind:
        case "user" | "agent":
            return str(value)
        case "tap":
            title = titles.get(value)
            return f"[tap {value}: {title}]" if title else f"[tap {value}]"
        case "wait":
            return f"[{written_duration(value)} pass]"
        case "message":
            return f"[{value.get('type')} message]"
        case "close":
            return "[closes the case]"
    return f"[{kind} {', '.join(value)}]"
