"""WhatsApp takes free words only within 24 hours of the customer's last message; after that, templates.

``late-message`` names what a chart may say later than that. What is worked out: how long a customer may have been silent
at most when a timer (``after``, the soft and the hard timeout, a delayed event) or a person's answer moves the chart on, also
through a chain of them. A message of the customer sets it back to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from wabox.core.duration import parse_duration
from wabox.core.kind import Reaction, TemplateUse
from wabox.engine.event import AFTER, HARD, SOFT, matches
from wabox.engine.fault import Fault
from wabox.engine.problem import Path
from wabox.engine.reach import Reach, entered, leaves_of
from wabox.engine.say import SayTemplate
from wabox.engine.state import State, Transition

HOUR = 3_600_000
WINDOW = 24 * HOUR - 5 * 60_000
"""ms of silence after which a message would be late: 24 hours, less what lies between the timer and the phone."""
MINUTES = 10 * 60_000
PATIENCE = 50
"""Rounds of a loop of timers after which it counts as one that goes on for ever."""


class _Silence:
    """For one leaf, in ms: how long the customer may have been silent when it was entered, and when its clocks were wound."""

    __slots__ = ("entered", "hard", "rounds", "soft")

    def __init__(self) -> None:
        self.entered = self.soft = self.hard = self.rounds = 0

    def grow(self, entered: int, soft: int, hard: int) -> bool:
        """Whether anything became longer."""
        new = tuple(min(WINDOW, max(pair)) for pair in ((self.entered, entered), (self.soft, soft), (self.hard, hard)))
        if new == (self.entered, self.soft, self.hard):
            return False
        self.rounds += 1
        self.entered, self.soft, self.hard = (WINDOW if value and self.rounds > PATIENCE else value for value in new)
        return True


def check_window(reach: Reach) -> Iterator[Fault]:
    """Everything that the chart may say too late, each once."""
    yield from _Clock(reach).faults()


class _Clock:
    def __init__(self, reach: Reach) -> None:
        self.chart = reach.chart
        self.reach = reach
        self.silence = {leaf: _Silence() for leaf in reach.leaves}
        self.late: dict[Path, Fault] = {}
        self.delayed = self._delayed()

    def faults(self) -> Iterator[Fault]:
        if not any(self._clocks(leaf) for leaf in self.silence):
            return
        todo = list(self.silence)
        while todo:
            leaf = todo.pop()
            for transition, silent in self._moves(leaf):
                todo += self._take(leaf, transition, silent)
            self._nudge(leaf)
        yield from self.late.values()

    def _clocks(self, leaf: State) -> bool:
        return any(True for _ in self._moves(leaf)) or bool(_force(leaf, "soft"))

    def _delayed(self) -> dict[str, int]:
        """The longest delay of each event that is raised later."""
        found: dict[str, int] = {}
        for state in self.reach.active:
            actions = [*state.entry, *state.exit]
            for transition in (*state.transitions, *state.always):
                actions += transition.actions
            for action in actions:
                delay = action.params.get("delay") if action.raises else None
                if action.raises and delay is not None:
                    # One that comes from the context may be anything.
                    wait = parse_duration(delay) if isinstance(delay, str | int) else WINDOW
                    found[action.raises] = max(found.get(action.raises, 0), wait)
        return found

    def _moves(self, leaf: State) -> Iterator[tuple[Transition, int]]:
        """What may move the chart on without the customer, and how long he may have been silent then."""
        known = self.silence[leaf]
        soft, hard = _force(leaf, "soft"), _force(leaf, "hard")
        for state in (leaf, *leaf.ancestors):
            for transition in state.always:
                if known.entered:
                    yield transition, known.entered
            for transition in state.transitions:
                for word in transition.events:
                    if word.startswith(AFTER):
                        yield transition, known.entered + int(word[len(AFTER) :].split(":")[0])
                    elif soft and matches(word, SOFT):
                        yield transition, known.soft + soft
                    elif hard and matches(word, HARD):
                        yield transition, known.hard + hard
                    elif hard and word in ("handoff.closed", "handoff.text", "handoff.*"):
                        # A person answers before the conversation is over, not in its last minutes.
                        yield transition, known.hard + hard - MINUTES
                    elif word in self.delayed:
                        # Nothing comes after the end of the conversation.
                        longest = known.entered + self.delayed[word]
                        yield transition, min(longest, known.hard + hard) if hard else longest
                    elif known.entered and transition.kind in ("done", "invoke"):
                        yield transition, known.entered

    def _take(self, leaf: State, transition: Transition, silent: int) -> Iterator[State]:
        """Follow a transition; yields the leaves whose customers may have been silent for longer than was known."""
        active = {leaf, *leaf.ancestors}
        following = leaves_of(transition.targets) or frozenset({leaf})
        for action in transition.actions:
            for template in action.says:
                self._said(transition.source, (*transition.path, "actions"), template, silent)
        fresh = set(entered(transition.targets)) - (set() if transition.reenter else active)
        if leaf in following and transition.targets and transition.source is not leaf:
            fresh.add(leaf)
        for state in fresh:
            for key, templates in (("say", state.say), ("ask", state.ask)):
                listed = isinstance(state.definition.get(key), list | tuple)
                for place, template in enumerate(templates):
                    self._said(state, (*state.path, key, place) if listed else (*state.path, key), template, silent)
            for action in state.entry:
                for template in action.says:
                    self._said(state, (*state.path, "entry"), template, silent)
        before = self.silence[leaf]
        for other in following:
            same = [_force(other, key) == _force(leaf, key) for key in ("soft", "hard")]
            soft = before.soft if same[0] else silent
            hard = before.hard if same[1] else silent
            known = self.silence.get(other)
            if known is not None and known.grow(silent if other in fresh or other is not leaf else 0, soft, hard):
                yield other

    def _nudge(self, leaf: State) -> None:
        """wabox's own reminder, where the chart has none."""
        soft = _force(leaf, "soft")
        around = (leaf, *leaf.ancestors)
        heard = any(matches(word, SOFT) for state in around for one in state.transitions for word in one.events)
        held = any(state.handoff is not None for state in around)
        waits = leaf in self.reach.waiting
        if soft and waits and not heard and not held and self.silence[leaf].soft + soft >= WINDOW:
            owner = next(state for state in around if state.timeouts.soft is not None)
            path = (*owner.path, "timeouts")
            sentence = (
                f"the reminder in {leaf.id or self.chart.id!r} would come a day after the customer's last message"
            )
            fix = "make soft shorter than 24h, switch it off, or say a template on timeout.soft"
            self.late.setdefault(path, Fault(self.chart.id, path, "late-message", sentence, fix))

    def _said(self, state: State, path: Path, template: SayTemplate, silent: int) -> None:
        if silent >= WINDOW and template.outside is None and not isinstance(template.kind, TemplateUse | Reaction):
            sentence = (
                f"{state.id or self.chart.id!r} may say this a day after the customer's last message, "
                "when WhatsApp takes templates only"
            )
            fix = "name a template for that (outside:), or let a timeout end the wait within 24 hours"
            self.late.setdefault(path, Fault(self.chart.id, path, "late-message", sentence, fix))


def _force(leaf: State, key: str) -> int:
    """The soft or hard delay in force in a leaf, ms; 0: none."""
    found: int | None = next(
        (delay for state in (leaf, *leaf.ancestors) if (delay := getattr(state.timeouts, key)) is not None),
        None,
    )
    return found or 0
