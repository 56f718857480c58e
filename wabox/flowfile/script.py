"""The steps of a conversation test: one input each, and beside it what must come of it.

=============  =======================================================================================================
input          what happens
=============  =======================================================================================================
``user``       the customer writes this
``tap``        the customer taps the button or row of this event
``message``    the customer sends this, as the Cloud API describes a message: ``{type: image, image: {id: "1"}}``
``wait``       time passes; timers that come due go off
``agent``      a person answers
``close``      ``true``: the person is done
``stub``       from here on calls have these results: ``{name: result}``, ``{name: {error: sentence}}``
=============  =======================================================================================================

=============  =======================================================================================================
expectation    what must be
=============  =======================================================================================================
``bot``        words that stand in what it says, or the key of a text; a list: exactly so many bubbles; ``[]``: silence
``state``      an active state, or the one that it ended in; a list: exactly these leaves; ``null``: the conversation is over
``context``    values by dotted path, at the end of the step
``handoff``    the queue that people are called from in this step; ``null``: nobody is
``intent``     what was understood; ``null``: nothing
``language``   the language of the answer
``events``     events that came, in this order, others between them allowed
``stack``      the leaves of the suspended charts, outermost first
=============  =======================================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from wabox.core.duration import parse_duration
from wabox.flowfile.document import Mark, Node, Source
from wabox.flowfile.findings import Finding, did_you_mean
from wabox.flowfile.known import Known
from wabox.flowfile.words import listed, quoted

INPUTS = ("user", "tap", "message", "wait", "agent", "close", "stub")
EXPECTATIONS = ("bot", "state", "context", "handoff", "intent", "language", "events", "stack")
SPOKEN = ("user", "agent", "bot")
"""Where ``{en: …, es: …}`` may stand."""

Add = Callable[[Finding], None]


class Expectation(NamedTuple):
    key: str
    """One of :data:`EXPECTATIONS`."""
    value: Any
    """As written."""
    mark: Mark
    path: str = ""
    """Of ``context``: which variable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptStep:
    input: str
    """One of :data:`INPUTS`."""
    value: Any
    """As written, but for ``wait``: ms."""
    mark: Mark
    """Where the input stands."""
    expectations: tuple[Expectation, ...] = ()


def in_language(value: Any, language: str) -> Any:
    """What is written for this language; what is written once is for every language."""
    return value[language] if isinstance(value, Mapping) else value


class ScriptReader:
    """Reads parts of one file; every mistake goes to ``add``."""

    def __init__(self, source: Source, known: Known, add: Add) -> None:
        self.source = source
        self.known = known
        self._add = add
        self.begun: Mapping[str, Any] = {}
        """What the context is laid over with when the test begins."""

    # -- steps -----------------------------------------------------------------------------------------------------------

    def steps(self, node: Node, languages: Sequence[str]) -> tuple[ScriptStep, ...]:
        written = node.value if isinstance(node.value, list) else []
        if not written:
            self.wrong(node.mark, "no-steps", "the test has no steps", 'write "- user: hi"')
        found = (self._step(one, languages) for one in written)
        return tuple(step for step in found if step is not None)

    def _step(self, node: Node, languages: Sequence[str]) -> ScriptStep | None:
        if not isinstance(node.value, dict):
            fix = f"write one of {', '.join(f'{name}:' for name in INPUTS)}"
            self.wrong(node.mark, "bad-step", f"a step is a mapping with one input, here stands {node.kind}", fix)
            return None
        self.only(node, (*INPUTS, *EXPECTATIONS), "a step")
        inputs = [name for name in node.value if name in INPUTS]
        if len(inputs) != 1:
            if inputs:
                sentence, fix = f"a step has one input, this one has {listed(inputs)}", "make a step of each"
                self.wrong(node.keys[inputs[1]], "bad-step", sentence, fix)
            elif all(name in EXPECTATIONS for name in node.value):
                fix = f"add one of {', '.join(f'{name}:' for name in INPUTS)}"
                self.wrong(node.mark, "bad-step", "nothing happens in this step", fix)
            return None
        [name] = inputs
        expectations = tuple(
            expectation
            for key, child in node.items()
            if key in EXPECTATIONS
            for expectation in self._expectations(key, child, languages)
        )
        value = self._input(name, node.value[name], languages)
        return ScriptStep(input=name, value=value, mark=node.keys[name], expectations=expectations)

    def _input(self, name: str, node: Node, languages: Sequence[str]) -> Any:
        match name:
            case "user" | "agent":
                return self._spoken(node, f"what the {'customer' if name == 'user' else 'agent'} writes", languages)
            case "tap":
                return self.text(node, "the event of a button")
            case "message":
                plain = self.mapping(node, "a message")
                kind = node.get("type")
                if isinstance(node.value, dict) and (kind is None or not isinstance(kind.value, str)):
                    fix = 'write {type: image, image: {id: "1"}}, as in a webhook of the Cloud API'
                    self.wrong(node.mark, "bad-value", "a message has a type", fix)
                return plain
            case "stub":
                return self.stubs(node)
            case "wait":
                return self._wait(node)
        if node.value is not True:
            self.wrong(
                node.mark, "bad-value", f"{name} is followed by true, here stands {node.kind}", "write close: true"
            )
        return True

    def _wait(self, node: Node) -> int:
        try:
            return parse_duration(node.plain())
        except ValueError as error:
            sentence, _, fix = str(error).partition("; ")
            self.wrong(node.mark, "bad-duration", sentence.replace("'", '"'), fix)
            return 0

    # -- expectations ----------------------------------------------------------------------------------------------------

    def _expectations(self, key: str, node: Node, languages: Sequence[str]) -> Iterator[Expectation]:
        match key:
            case "bot":
                self._bot(node, languages)
            case "state":
                for one in self.listed(node) if node.value is not None else ():
                    self.state(one)
            case "context":
                if self.mapping(node, "a context"):
                    for path, child in node.items():
                        if child.value is None and not self.known.variables.knows(path, self.begun):
                            # Anything else would be seen to be missing; null would hold whatever happens.
                            names, sentence = self.known.variables.names(), f"no chart has a variable {quoted(path)}"
                            self.unknown(node.keys[path], "unknown-variable", sentence, path, names)
                        yield Expectation(key, child.plain(), node.keys[path], path)
                return
            case "handoff":
                self._name(node, self.known.queues, "unknown-queue", "there is no queue")
            case "intent":
                self._name(node, self.known.intents, "unknown-intent", "there is no intent")
            case "language":
                self._name(node, self.known.languages, "unknown-language", "the bot does not speak", null=False)
            case "events":
                for one in self.listed(node):
                    self.text(one, "an event")
            case "stack":
                if not isinstance(node.value, list):
                    fix = "write [] when nothing is suspended"
                    self.wrong(node.mark, "bad-value", f"a stack is a list of states, here stands {node.kind}", fix)
                for one in self.listed(node):
                    self.state(one)
        yield Expectation(key, node.plain(), node.mark)

    def _bot(self, node: Node, languages: Sequence[str]) -> None:
        if isinstance(node.value, dict):
            self._by_language(node, languages)
            for child in node.value.values():
                if isinstance(child.value, dict):
                    self.text(child, "what the bot says")
                else:
                    self._bot(child, languages)
        elif isinstance(node.value, list):
            for child in node.value:
                self._spoken(child, "what the bot says", languages)
        elif node.value is None:
            self.wrong(node.mark, "bad-value", "here stands nothing", "write [] when the bot says nothing")
        else:
            self.text(node, "what the bot says")

    def _name(self, node: Node, known: Iterable[str], code: str, sentence: str, *, null: bool = True) -> None:
        if node.value is None and null:
            return
        name = self.text(node, "a name")
        if name is not None and name not in known:
            self.unknown(node.mark, code, f"{sentence} {quoted(name)}", name, sorted(known))

    def state(self, node: Node, charts: Iterable[str] | None = None) -> str | None:
        """The id of a state of these charts (default: any); None for no text and for one that is not there."""
        name = self.text(node, "a state")
        if name is None:
            return None
        known = {chart: self.known.states[chart] for chart in charts or self.known.states}
        if not any(name in states for states in known.values()):
            # Nobody who mistypes a state of his own means one of the charts that come with wabox.
            own = [id_ for chart, states in known.items() if not chart.startswith("repair.") for id_ in states]
            self.unknown(node.mark, "unknown-state", f"no state is called {quoted(name)}", name, own)
            return None
        return name

    # -- values ----------------------------------------------------------------------------------------------------------

    def _spoken(self, node: Node, what: str, languages: Sequence[str]) -> Any:
        if isinstance(node.value, dict):
            self._by_language(node, languages)
            return {language: self.text(child, what) for language, child in node.items()}
        return self.text(node, what)

    def _by_language(self, node: Node, languages: Sequence[str]) -> None:
        spoken = self.known.languages
        for language, mark in node.keys.items():
            if language not in spoken:
                otherwise = f"the bot speaks {', '.join(spoken)}"
                sentence = f"the bot does not speak {quoted(language)}"
                self.unknown(mark, "unknown-language", sentence, language, spoken, otherwise)
        for language in languages:
            if node.get(language) is None:
                sentence = f"the test runs in {language}, and here is nothing in {language}"
                self.wrong(node.mark, "language-missing", sentence, f"add {language}: …")

    def stubs(self, node: Node) -> dict[str, Any]:
        """Results by name."""
        plain = self.mapping(node, "a stub")
        for name, mark in node.keys.items():
            if name not in self.known.calls:
                fix = (
                    "name what a state invokes: its id or its action"
                    if self.known.calls
                    else "no state of this bot invokes anything"
                )
                sentence = f"no state invokes {quoted(name)}"
                self.unknown(mark, "unknown-stub", sentence, name, sorted(self.known.calls), fix)
        return plain

    def mapping(self, node: Node, what: str) -> dict[str, Any]:
        """The plain mapping; an empty one, and a finding, for anything else."""
        if isinstance(node.value, dict):
            plain: dict[str, Any] = node.plain()
            return plain
        self.wrong(node.mark, "bad-value", f"{what} is a mapping, here stands {node.kind}", "write key: value")
        return {}

    def text(self, node: Node | None, what: str) -> str | None:
        """The text; None, and a finding, for anything else, or an empty one."""
        if node is None:
            return None
        if isinstance(node.value, str) and node.value.strip():
            return node.value
        stands = "an empty text" if isinstance(node.value, str) else node.kind
        fix = "put it in quotes" if isinstance(node.value, (bool, int, float)) else "write a text"
        self.wrong(node.mark, "bad-value", f"{what} is a text, here stands {stands}", fix)
        return None

    def listed(self, node: Node) -> list[Node]:
        """One or several."""
        return node.value if isinstance(node.value, list) else [node]

    def only(self, node: Node, known: Sequence[str], what: str) -> None:
        """Report the keys of a mapping that mean nothing."""
        for key, mark in node.keys.items():
            if key not in known:
                self.unknown(mark, "unknown-key", f"{what} has no key {quoted(key)}", key, known)

    def unknown(
        self, mark: Mark, code: str, sentence: str, word: str, known: Iterable[str], otherwise: str = ""
    ) -> None:
        """A name that does not exist, with the nearest one that does."""
        self.wrong(mark, code, sentence, did_you_mean(word, known, otherwise))

    def wrong(self, mark: Mark, code: str, sentence: str, fix: str) -> None:
        self._add(self.source.finding(mark, code, sentence, fix))
