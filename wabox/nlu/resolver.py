"""From a message to an event: the first tier that can decide, wins.

1. *structured*: a tap is its event, whatever it says.
2. *type*: what is not text is ``message.<type>``.
3. *expected*: an option by its title or number, yes or no, when the conversation waits for them.
4. *rules*: exact examples, keywords, patterns (:mod:`wabox.nlu.rules`). What the state expects goes before what it merely
   accepts, and that before what nobody would handle.
5. *fallback*.

A bare "yes" or "no" at the head of a sentence is the weakest reason there is: in "no, the address is wrong" and "hi, where is
my order" the rest decides, if it decides anything. The same message in the same situation is always the same event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wabox.core.intent import Expected, Intent, Tier, Understanding
from wabox.core.message import InboundMessage
from wabox.nlu.answers import by_number, by_title
from wabox.nlu.language import Languages
from wabox.nlu.rules import Match, Rules
from wabox.nlu.utterances import folded, tokens, words_only

TAPS = frozenset({"button_reply", "list_reply", "button"})

YES, NO, GREETING = "affirm", "deny", "greet"
_WEAK = frozenset({YES, NO, GREETING})
_POLITE = frozenset({"please", "pls", "thanks", "thank", "you", "thx", "por", "favor", "porfa", "porfavor", "gracias"})
_SIGNS = " .,!?¡¿؟\n"
_LEVELS = {"whole": 0, "expected": 1, "accepted": 2, "lent": 3, "weak": 4, "unwanted": 5}


class Resolver:
    """Understands the messages of one bot. Made once, used for every conversation; holds no state."""

    def __init__(self, intents: Sequence[Intent], languages: Sequence[str]) -> None:
        self._names = frozenset(intent.name for intent in intents)
        self._languages = Languages(languages, intents)
        self._rules = Rules(intents)
        self._yes_no = {name: self._rules.examples_of(name) for name in (YES, NO)}

    def resolve(self, message: InboundMessage, expected: Expected, language: str | None = None) -> Understanding:
        """What the message means where the conversation stands; ``language`` is the one it was in so far."""
        text = message.text or ""
        data: dict[str, Any] = {"type": message.type, "text": text}
        if message.type in TAPS:
            tapped = message.payload.get("id")
            if isinstance(tapped, str) and tapped:
                return self._understood(tapped, "structured", self._language(None, message, language), data)
        chosen = self._language(text, message, language)
        if message.type != "text" and message.type not in TAPS:
            if message.payload:
                data["payload"] = dict(message.payload)
            return self._understood(f"message.{message.type}", "type", chosen, data)
        found = tokens(text)
        matches = self._best_first(self._rules.matches(text), expected, chosen) if found else []
        event, tier = self._decide(found, matches, expected)
        if event is None:
            return Understanding(
                event="fallback", intent=None, confidence=0.0, tier="fallback", language=chosen, data=data
            )
        return self._understood(event, tier, chosen, data)

    def _decide(self, found: tuple[str, ...], matches: Sequence[Match], expected: Expected) -> tuple[str | None, Tier]:
        titled = by_title(found, expected.choices)
        if titled is not None:
            return titled, "expected"
        best = matches[0] if matches else None
        # A state that expects a number as an answer ("how many?") means the number, not the option in that place.
        if best is not None and best.intent in expected.intents and best.intent not in _WEAK:
            return best.intent, "rules"
        numbered = by_number(found, expected.choices)
        if numbered is not None:
            return numbered, "expected"
        answer = self.yes_or_no(found)
        if answer is not None and (answer in expected.intents or accepts(expected, answer)):
            return answer, "expected"
        return (best.intent, "rules") if best is not None else (None, "fallback")

    def yes_or_no(self, found: tuple[str, ...]) -> str | None:
        """Yes or no, if the whole message says that: "yes please", "no no", "sí, claro", a thumb."""
        said = tuple(dict.fromkeys(words_only(found)))
        plain = tuple(word for word in said if word not in _POLITE) or said
        for name, examples in self._yes_no.items():
            if said in examples or plain in examples or (plain and all((word,) in examples for word in plain)):
                return name
        return None

    def command(self, text: str, expected: Expected, language: str) -> str | None:
        """The intent that the whole message is, if somebody here handles it: an exact example, or a keyword or pattern with
        nothing but polite words around it. Yes, no and greetings are answers, no commands."""
        found = tuple(word for word in words_only(tokens(text)) if word not in _POLITE)
        length = len(folded(text).strip(_SIGNS))
        for match in self._best_first(self._rules.matches(text), expected, language):
            whole = {
                "example": True,
                "lent": True,
                "keyword": match.length >= len(found),
                "pattern": match.length >= length,
            }[match.kind]
            wanted = match.intent in expected.intents or accepts(expected, match.intent)
            if whole and wanted and match.intent not in _WEAK:
                return match.intent
        return None

    def language_of(self, message: InboundMessage, current: str | None = None) -> str:
        """The language to read and answer a message in."""
        return self._language(message.text if message.type == "text" else None, message, current)

    def _best_first(self, matches: Sequence[Match], expected: Expected, language: str) -> list[Match]:
        """The matches, the best one first; keywords inside a longer one of a wanted intent are gone."""
        wanted = [match for match in matches if _level(match, expected) < _LEVELS["unwanted"]]
        kept = [match for match in matches if not any(longer.swallows(match) for longer in wanted)]

        def order(match: Match) -> tuple[Any, ...]:
            return (
                _level(match, expected),
                ("example", "keyword", "pattern", "lent").index(match.kind),
                -match.length,
                expected.intents.index(match.intent) if match.intent in expected.intents else 0,
                match.language != language,
                match.place,
            )

        return sorted(kept, key=order)

    def _language(self, text: str | None, message: InboundMessage, current: str | None) -> str:
        known = self._languages.languages
        chosen = self._languages.choose(text, current) if text else current
        if chosen is None and message.locale:
            locale = message.locale.replace("_", "-").lower()
            chosen = next((name for name in known if locale == name or locale.startswith(f"{name}-")), None)
        return chosen or (known[0] if known else "en")

    def _understood(self, event: str, tier: Tier, language: str, data: Mapping[str, Any]) -> Understanding:
        intent = event if event in self._names else None
        return Understanding(event=event, intent=intent, confidence=1.0, tier=tier, language=language, data=data)


def accepts(expected: Expected, event: str) -> bool:
    """Whether some active state handles the event by name (``foo``) or family (``foo.*``)."""
    if event in expected.accepts:
        return True
    parts = event.split(".")
    return any(".".join(parts[:size]) + ".*" in expected.accepts for size in range(1, len(parts) + 1))


def _level(match: Match, expected: Expected) -> int:
    if match.kind == "example":
        return _LEVELS["whole"]
    if match.kind == "lent":
        wanted = match.intent in expected.intents or accepts(expected, match.intent)
        return _LEVELS["lent" if wanted else "unwanted"]
    weak = match.intent in _WEAK
    if match.intent in expected.intents:
        return _LEVELS["weak" if weak else "expected"]
    if accepts(expected, match.intent):
        return _LEVELS["weak" if weak else "accepted"]
    return _LEVELS["unwanted"]
