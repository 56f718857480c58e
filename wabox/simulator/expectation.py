"""Did what must come, come? Compares one step of a test with what the conversation did."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wabox.core.markup import formatted, settled
from wabox.engine.snapshot import Snapshot
from wabox.engine.text import PLACEHOLDER, around
from wabox.engine.view import active_states
from wabox.flowfile.bot import Bot
from wabox.flowfile.document import Mark
from wabox.flowfile.formats import in_language as show_in
from wabox.flowfile.script import Expectation, ScriptStep, in_language
from wabox.flowfile.texts import filled
from wabox.simulator.bubble import Bubble


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one step did."""

    out: Mapping[str, Any]
    """As :meth:`wabox.simulator.Simulator.output` tells it."""
    said: tuple[Bubble, ...]
    last: Snapshot | None
    """Where the conversation stands, or stood when it ended; None before it begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not as expected."""

    key: str
    """The expectation, ``context cart.count`` with its path; ``failed`` and ``refused`` for what nobody may expect."""
    mark: Mark
    sentence: str
    expected: tuple[str, ...] = ()
    """Lines; empty when the sentence says it all."""
    got: tuple[str, ...] = ()


def differences(bot: Bot, step: ScriptStep, seen: Seen, language: str) -> list[Difference]:
    """Everything that is not as the step expects it, in the order in which it is written."""
    compare = _Comparison(bot, seen, language)
    found = [difference for expectation in step.expectations for difference in compare.all(expectation)]
    wanted = {event for one in step.expectations if one.key == "events" for event in _several(one.value)}
    if "error.execution" not in wanted:
        for failure in seen.out["failed"]:
            sentence = f"the flow failed in {failure['where']}: {failure['error']}"
            found.append(Difference(key="failed", mark=step.mark, sentence=sentence))
    return found


class _Comparison:
    def __init__(self, bot: Bot, seen: Seen, language: str) -> None:
        self._bot = bot
        self._seen = seen
        self._language = language

    def all(self, expectation: Expectation) -> Iterator[Difference]:
        key, value = expectation.key, expectation.value
        out = self._seen.out
        match key:
            case "bot":
                yield from self._bot_says(expectation)
            case "state":
                yield from self._state(expectation)
            case "context":
                missing = object()
                found = _look_up(self._seen.last.context if self._seen.last else {}, expectation.path, missing)
                if (None if found is missing else found) != value:
                    got = "nothing" if found is missing else _shown(found)
                    yield self._differs(expectation, f"context {expectation.path}", _shown(value), got)
            case "handoff":
                queues = [case["queue"] for case in out["handoffs"] if case["status"] == "waiting"]
                if queues != ([] if value is None else [value]):
                    got = ", ".join(queues) or "nobody was called"
                    yield self._differs(expectation, key, "nobody" if value is None else value, got)
            case "intent" | "language":
                if out[key] != value:
                    got = out[key] or "nothing"
                    if key == "intent" and out["tier"]:
                        got += f" (tier {out['tier']})"
                    yield self._differs(expectation, key, value or "nothing", got)
            case "events":
                if not _in_order(_several(value), out["events"]):
                    got = " → ".join(out["events"]) or "none"
                    yield self._differs(expectation, key, " → ".join(_several(value)), got)
            case "stack":
                leaves = [leaf for frame in out["stack"] for leaf in frame["states"]]
                if leaves != value:
                    yield self._differs(expectation, key, ", ".join(value) or "nothing", ", ".join(leaves) or "nothing")

    def _state(self, expectation: Expectation) -> Iterator[Difference]:
        value, leaves = expectation.value, self._seen.out["states"]
        if value is None:
            fits = not leaves
        elif isinstance(value, list):
            fits = sorted(value) == sorted(leaves)
        else:
            last = self._seen.last
            active = active_states(self._bot.charts.find(last.chart), last.leaves) if last else ()
            fits = value in {state.id for state in active}
        if not fits:
            wanted = "the conversation is over" if value is None else ", ".join(_several(value))
            yield self._differs(expectation, "state", wanted, ", ".join(leaves) or "the conversation is over")

    # -- what the bot says -----------------------------------------------------------------------------------------------

    def _bot_says(self, expectation: Expectation) -> Iterator[Difference]:
        value = in_language(expectation.value, self._language)
        said = self._seen.said
        if not isinstance(value, list):
            words = in_language(value, self._language)
            if not any(self._in(words, bubble) for bubble in said):
                whole = "\n".join(bubble.text for bubble in said)
                if not self._in(words, Bubble((whole,))):
                    sentence = "the bot says nothing" if not said else "the bot says something else"
                    yield self._unsaid(expectation, sentence, words, said)
            return
        if len(said) != len(value):
            bubbles = f"{len(said)} bubble{'' if len(said) == 1 else 's'}"
            wanted = f"{len(value)} bubble{'' if len(value) == 1 else 's'}" if value else "silence"
            yield Difference(
                key="bot",
                mark=expectation.mark,
                sentence=f"expected {wanted}, the bot says {bubbles if said else 'nothing'}",
                expected=tuple(str(in_language(one, self._language)) for one in value),
                got=tuple(bubble.text for bubble in said),
            )
            return
        for place, (one, bubble) in enumerate(zip(value, said, strict=True), 1):
            words = in_language(one, self._language)
            if not self._in(words, bubble):
                sentence = f"bubble {place} says something else" if len(said) > 1 else "the bot says something else"
                yield self._unsaid(expectation, sentence, words, [bubble])

    def _unsaid(self, expectation: Expectation, sentence: str, words: str, said: Sequence[Bubble]) -> Difference:
        expected = self._written(words)
        lines = [line for bubble in said for line in bubble.text.split("\n")]
        near = difflib.get_close_matches(expected.split("\n")[0], lines, n=1, cutoff=0.5)
        got = (near[0],) if near else tuple(bubble.text for bubble in said)
        return Difference(key="bot", mark=expectation.mark, sentence=sentence, expected=(expected,), got=got)

    def _written(self, words: str) -> str:
        return self._bot.text(words, self._language) if self._is_key(words) else words

    def _is_key(self, words: str) -> bool:
        texts = self._bot.texts
        return texts.is_key(words) and words in texts.keys

    def _in(self, words: str, bubble: Bubble) -> bool:
        if not self._is_key(words):
            return words in bubble.text or formatted(words) in bubble.text
        # What the placeholders were filled with may have changed since; what stands around them has not.
        said = str(self._seen.out["language"] or self._language)
        text = settled(self._bot.texts.formatted(words, said))
        if not any(sign.isalnum() or not sign.isascii() for sign in around(text)):
            # It has no words of its own and would fit everything: what it says now must have been said.
            return any(one.strip() and one in bubble.text for one in self._filled(text, said))
        # Headers and titles are not formatted.
        written = self._bot.text(words, said)
        return any(_pattern(one).search(bubble.text) is not None for one in {text, written})

    def _filled(self, text: str, language: str) -> Iterator[str]:
        """The text as each chart of the conversation would say it."""
        last = self._seen.last
        for context in (last.context, *(frame.context for frame in last.stack)) if last is not None else ():
            yield filled(text, context, show_in(language))

    def _differs(self, expectation: Expectation, key: str, expected: str, got: str) -> Difference:
        return Difference(key=key, mark=expectation.mark, sentence="", expected=(expected,), got=(got,))


def _pattern(text: str) -> re.Pattern[str]:
    """Whatever the placeholders stand for."""
    parts: list[str] = []
    end = 0
    for match in PLACEHOLDER.finditer(text):
        parts.append(re.escape(text[end : match.start()]))
        parts.append(re.escape(match[0][0]) if match[0] in ("{{", "}}") else "(?s:.*?)")
        end = match.end()
    return re.compile("".join((*parts, re.escape(text[end:]))))


def _look_up(context: Mapping[str, Any], path: str, missing: object) -> Any:
    value: Any = context
    for key in path.split("."):
        if isinstance(value, Mapping) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return missing
    return value


def _in_order(wanted: Sequence[str], events: Sequence[str]) -> bool:
    rest = iter(events)
    return all(event in rest for event in wanted)


def _several(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
