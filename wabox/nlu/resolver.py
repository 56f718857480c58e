"""From a message to an event: the first tier that can decide, wins.

1. *structured*: a tap is its event, whatever it says.
2. *type*: what is not text is ``message.<type>``.
3. *expected*: an option by its title or number, yes or no, when the conversation waits for them. Where it waits for yes or
   no, "wait" and "not sure" are ``hold``. Where its buttons are "Yes, …" and "No, …", yes and no are those.
4. *rules*: exact examples, keywords, patterns (:mod:`wabox.nlu.rules`). What the state expects goes before what it merely
   accepts, and that before what nobody would handle. An exact example of ``oos`` means nothing, whatever is in it. A keyword
   that stands in a sentence in passing ("the mug is cracked") gives way to a classifier that is sure of something else, and
   where the classifier doubts that it means that ("is the bank open today") it is asked about, not acted on.
5. *classifier*: what the rules do not decide, if the bot has a model. What the state waits for gains, what nobody here would
   handle loses. It acts when it is sure; between sure and lost it names what to ask about; yes and no are not its business.
6. *fallback*.

A bare "yes" or "no" at the head of a sentence is the weakest reason there is: in "no, the address is wrong" and "hi, where is
my order" the rest decides, if it decides anything. A yes that would lose something ("yes, but change the address", "ok, and a
mug") is none. The same message in the same situation is always the same event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any

from wabox.core.changed import changed
from wabox.core.intent import OUT_OF_SCOPE, Candidate, Expected, Intent, Tier, Understanding, Verdict
from wabox.core.message import InboundMessage
from wabox.core.ports import Classifier, Library
from wabox.nlu.answers import by_number, by_slip, by_title
from wabox.nlu.language import Languages
from wabox.nlu.rules import Match, Rules
from wabox.nlu.stopping import Stopping
from wabox.nlu.utterances import folded, is_unspaced, tokens, words_only
from wabox.nlu.yes_no import yes_no

TAPS = frozenset({"button_reply", "list_reply", "button"})

YES, NO, GREETING, HOLD = "affirm", "deny", "greet", "hold"
_WEAK = frozenset({YES, NO, GREETING})
_POLITE = frozenset({"please", "pls", "thanks", "thank", "you", "thx", "por", "favor", "porfa", "porfavor", "gracias"})
_SIGNS = " .,!?¡¿؟\n"
_ANSWERS: Mapping[str | None, str] = {"yes": YES, "no": NO, "done": NO}
_QUESTION = ("?", "؟", "？")
_LIKELY = 0.5
"""From this confidence on a classifier that thinks of the same as a keyword in passing confirms it."""
_PROBABLY = 0.7
"""How sure a yes or no is that something follows, or that could mean either."""
_EXPECTED, _UNWANTED = 3.0, 0.25
"""How the odds of a guess change when the state waits for it, and when nobody here would handle it."""
_SENTENCE, _SMALL_PART = 4, 2
"""From so many words on, of which a keyword is less than one in so many, the classifier may say that the rest means something
else."""
MOST_ASKED, _NOT_FAR = 2, 0.2
_LOST = Understanding(event="fallback", intent=None, confidence=0.0, tier="fallback", language="")
_KINDS = {"example": "an example", "keyword": "a keyword", "pattern": "a pattern", "lent": "words"}
_LEVELS = {"whole": 0, "expected": 1, "accepted": 2, "lent": 3, "weak": 4, "unwanted": 5}


class Resolver:
    """Understands the messages of one bot. Made once, used for every conversation; holds no state."""

    def __init__(
        self,
        intents: Sequence[Intent],
        languages: Sequence[str],
        classifier: Callable[[], Classifier | None] = lambda: None,
        library: Callable[[], Library | None] = lambda: None,
    ) -> None:
        """``classifier`` gives the model to ask, ``library`` the documents, if there are any just now."""
        self.library = library
        self._nobodys = Rules([one for one in intents if one.name == OUT_OF_SCOPE]).examples_of(OUT_OF_SCOPE)
        intents = [one for one in intents if one.name != OUT_OF_SCOPE]
        self._names = frozenset(intent.name for intent in intents)
        self._languages = Languages(languages, intents)
        self._rules = Rules(intents)
        self._classifier = classifier
        self.stopping = Stopping(intents)
        """What asks us to write no more."""
        self._yes_no = {name: self._rules.examples_of(name) for name in (YES, NO)}
        # Whoever writes "Hindi" to a bot that speaks it names the language; in Tagalog it is no.
        self._besides = frozenset({"hindi"}) if {"hi"} & {name[:2] for name in languages} else frozenset()

    def resolve(self, message: InboundMessage, expected: Expected, language: str | None = None) -> Understanding:
        """What the message means where the conversation stands; ``language`` is the one it was in so far."""
        began = perf_counter()
        found = self._resolve(message, expected, language)
        return changed(found, ms=round((perf_counter() - began) * 1000, 3))

    def _resolve(self, message: InboundMessage, expected: Expected, language: str | None) -> Understanding:
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
        event, tier, confidence = self._decide(text, found, matches, expected)
        if tier != "expected" and words_only(found) in self._nobodys:
            return changed(_LOST, language=chosen, data=data, why="out of scope: the owner said so")
        weak = tier == "rules" and event in _WEAK and (confidence < 1 or _head_only(matches, expected))
        if found and (event is None or weak):
            guess = self._guess(text, expected)
            if event is None or guess.intent is not None:
                return changed(guess, language=chosen, data=data)
        if event is None:
            return changed(_LOST, language=chosen, data=data)
        best = matches[0] if tier == "rules" and matches and matches[0].intent == event else None
        if best is not None and _in_passing(best, found, expected):
            rather = self._rather(text, event, expected)
            if rather is not None:
                return changed(rather, language=chosen, data=data)
        found_ = self._understood(event, tier, chosen, data)
        why = f"{_KINDS[best.kind]} of {best.intent}, {best.language}" if best is not None else ""
        return changed(found_, confidence=confidence, why=why) if why or confidence != 1 else found_

    def _guess(self, text: str, expected: Expected) -> Understanding:
        """What the classifier makes of it, here."""
        classifier = self._classifier()
        return _LOST if classifier is None else _guessed(text, classifier.classify(text), expected)

    def _rather(self, text: str, event: str, expected: Expected) -> Understanding | None:
        """What becomes of a sentence in which a keyword of ``event`` stands in passing; None: it means that.

        A classifier that is sure decides, and the keyword's own confidence need be half of that. Else it becomes a question;
        where nobody would handle ``event``, it is as if the keyword were not there.
        """
        classifier = self._classifier()
        if classifier is None:
            return None
        verdict = classifier.classify(text)
        guess = _guessed(text, verdict, expected)
        best = guess.candidates[0] if guess.candidates else None
        if not accepts(expected, event):
            wanted = best is not None and accepts(expected, best.intent)
            return guess if verdict.tried or wanted else None
        if guess.intent is not None:
            if guess.intent == event or not accepts(expected, guess.intent):
                return None
            return changed(
                guess, why=f"the classifier is sure: {guess.confidence:.2f}; {event} stands in it in passing"
            )
        if best is None or not verdict.tried or (best.intent == event and best.confidence >= _LIKELY):
            return None
        others = [name for name in guess.ask if name != event]
        why = f"{event} stands in it in passing, and the classifier doubts it: {best.confidence:.2f}"
        return changed(guess, ask=(event, *others)[:MOST_ASKED], why=why)

    def _decide(
        self, text: str, found: tuple[str, ...], matches: Sequence[Match], expected: Expected
    ) -> tuple[str | None, Tier, float]:
        titled = by_title(found, expected.choices)
        if titled is not None:
            return titled, "expected", 1.0
        best = matches[0] if matches else None
        # A state that expects a number as an answer ("how many?") means the number, not the option in that place.
        if best is not None and best.intent in expected.intents and best.intent not in _WEAK:
            return best.intent, "rules", 1.0
        numbered = by_number(found, expected.choices)
        if numbered is not None:
            return numbered, "expected", 1.0
        answered = self._answered(text, found, expected)
        if answered is not None:
            return answered[0], "expected", answered[1]
        if best is not None and (best.intent not in _WEAK or best.kind != "pattern"):
            return best.intent, "rules", 1.0
        slipped = by_slip(found, expected.choices) if expected.choices else None
        if slipped is not None:
            return slipped, "expected", _PROBABLY
        if _waits_for(expected, NO) and yes_no().read(found) == "done":
            return NO, "expected", _PROBABLY
        lead = yes_no().lead(found)
        if lead is not None and not (lead.answer == "yes" and (lead.loses or text.rstrip().endswith(_QUESTION))):
            answer = _ANSWERS.get(lead.answer)
            if answer is not None and _waits_for(expected, answer):
                return answer, "rules", _PROBABLY
        return (best.intent, "rules", 1.0) if best is not None else (None, "fallback", 0.0)

    def _answered(self, text: str, found: tuple[str, ...], expected: Expected) -> tuple[str, float] | None:
        """The event that yes, no or wait is here, and how sure that is; None where nobody waits for it."""
        answer = self.yes_or_no(found)
        if answer is None:
            said = yes_no().read(found, self._besides)
            if said == "hold" and _waits_for(expected, YES) and _waits_for(expected, NO):
                return HOLD, 1.0
            return None
        if len(found) == 1 and text.rstrip().endswith(_QUESTION):  # "ok?"
            return (HOLD, 1.0) if _waits_for(expected, answer) else None
        if _waits_for(expected, answer):
            return answer, 1.0
        meant = {choice.event for choice in expected.choices if self._meaning(choice.title) == answer}
        return (meant.pop(), 1.0) if len(meant) == 1 else None

    def _meaning(self, title: str) -> str | None:
        """Yes or no, if a button begins with it: "Yes, pay now"."""
        found = tokens(title)
        lead = yes_no().lead(found)
        return self.yes_or_no(found) or (_ANSWERS.get(lead.answer) if lead is not None else None)

    def yes_or_no(self, found: tuple[str, ...]) -> str | None:
        """Yes or no, if the whole message says that, in any language: "yes please", "no no", "sí, claro", a thumb."""
        said = tuple(dict.fromkeys(words_only(found)))
        for name, examples in self._yes_no.items():
            if said in examples:
                return name
        answer = yes_no().read(found, self._besides)
        return _ANSWERS[answer] if answer in ("yes", "no") else None

    def waits(self, found: tuple[str, ...]) -> bool:
        """Whether the message says neither yes nor no yet: "wait", "not sure"."""
        return yes_no().read(found, self._besides) == "hold"

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


def _guessed(text: str, verdict: Verdict, expected: Expected) -> Understanding:
    """What the classifier's verdict comes to, here: an event, a question, or nothing."""
    candidates = weighed(verdict, expected)
    if not candidates:
        return _LOST
    best = candidates[0]
    if best.confidence >= verdict.sure_from and verdict.decision != "reject" and not _one_word(text):
        return changed(
            _LOST,
            event=best.intent,
            intent=best.intent,
            confidence=best.confidence,
            tier="classifier",
            candidates=candidates,
        )
    asked = () if verdict.decision == "reject" else _worth_asking(candidates, expected)
    return changed(_LOST, confidence=best.confidence, candidates=candidates, ask=asked)


def weighed(verdict: Verdict, expected: Expected) -> tuple[Candidate, ...]:
    """The candidates as they stand here, the best first: what the state waits for gains, what nobody would handle loses."""
    odds = {
        candidate.intent: candidate.confidence * _weight(candidate.intent, expected)
        for candidate in verdict.candidates
        if candidate.intent not in (YES, NO)
    }
    # What is left for all others, "none of them" above all, stays as it was; so does what it gives to yes and no.
    rest = max(1.0 - sum(one.confidence for one in verdict.candidates if one.intent in odds), 0.0)
    total = sum(odds.values()) + rest
    found = [Candidate(intent, share / total) for intent, share in odds.items() if total > 0]
    return tuple(sorted(found, key=lambda candidate: -candidate.confidence))


def _weight(intent: str, expected: Expected) -> float:
    if intent in expected.intents:
        return _EXPECTED
    return 1.0 if accepts(expected, intent) else _UNWANTED


def _one_word(text: str) -> bool:
    """One word that is no keyword says too little to act on: "blue" is in "my baby is turning blue"."""
    found = words_only(tokens(text))
    return len(found) < 2 and not is_unspaced(text)


def _in_passing(match: Match, found: Sequence[str], expected: Expected) -> bool:
    """Whether a keyword is a small part of a sentence, in a state that does not wait for it, or nobody here would handle it."""
    if match.kind not in ("keyword", "pattern") or match.intent in expected.intents or match.intent in _WEAK:
        return False
    if not accepts(expected, match.intent):
        return len(found) > match.length or match.kind == "pattern"
    if match.kind == "pattern":
        return False
    return len(found) >= _SENTENCE and match.length * _SMALL_PART < len(found)


def _waits_for(expected: Expected, answer: str) -> bool:
    return answer in expected.intents or accepts(expected, answer)


def _worth_asking(candidates: Sequence[Candidate], expected: Expected) -> tuple[str, ...]:
    """Up to two that somebody here would handle, the second only if it is not far behind."""
    possible = [one for one in candidates if accepts(expected, one.intent) and one.intent not in _WEAK]
    return tuple(one.intent for one in possible[:MOST_ASKED] if one.confidence >= possible[0].confidence * _NOT_FAR)


def _head_only(matches: Sequence[Match], expected: Expected) -> bool:
    """Whether a greeting, yes or no at the head of a longer message is all that the rules found."""
    return bool(matches) and matches[0].kind == "pattern" and matches[0].intent not in expected.intents


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
