"""What a state puts before a customer, and whether anything comes of it.

======================  ==================================================================================
``unhandled-option``    nobody handles a button or row
``guard-without-else``  (warning) a tap does something only if a guard holds
``silent-state``        (warning) the chart comes to rest and has said nothing
``unhandled-intent``    (warning) a state expects an intent and nobody handles it there
``no-collected``        a slot is filled, and nothing follows
``no-invalid``          (warning) after the last wrong answer to a question there is neither a way on nor a person
======================  ==================================================================================
"""

from __future__ import annotations

from collections.abc import Iterator

from wabox.core.consent import WISHES
from wabox.engine.chart import Chart
from wabox.engine.collect import COLLECTED, INVALID, Collect
from wabox.engine.event import matches
from wabox.engine.fault import Fault
from wabox.engine.people import HUMAN, hears
from wabox.engine.problem import Path
from wabox.engine.reach import Reach, inside, is_clock, leaves_of
from wabox.engine.said import Said, said_in
from wabox.engine.say import SayTemplate
from wabox.engine.state import State


def check_offers(reach: Reach, main: Chart) -> Iterator[Fault]:
    """The rules above for one chart of a bot whose main chart is ``main``."""
    for state in reach.chart.states.values():
        if state in reach.active:
            for said in said_in(state):
                yield from _options(reach.chart, said, main)
            yield from _expected(reach.chart, state, main)
            if state.collect is not None:
                yield from _collecting(reach.chart, state, state.collect, main)
    yield from _silent(reach)


def _options(chart: Chart, said: Said, main: Chart) -> Iterator[Fault]:
    states = chart.states.values()
    near = (said.state, *said.state.ancestors, *inside(said.state))
    # What is only said may be answered in the state that comes after.
    ears = (*(near if said.waits else states), main.root)
    if said.waits and said.state.collect is not None:
        return  # what is collected is answered by its options
    for option in said.template.options:
        path = (*said.path, *option_path(said.template, option.event))
        if option.event in WISHES:
            continue  # wabox itself answers
        if not any(hears(one, option.event) for one in ears):
            sentence = f"nobody handles {option.event!r}: a tap on {option.title!r} would do nothing"
            fix = f"add {option.event}: to the state's on:, or take the option away"
            yield Fault(chart.id, path, "unhandled-option", sentence, fix)
        elif said.waits and not any(_surely(one, option.event) for one in ears):
            sentence = f"a tap on {option.title!r} does nothing when the guard of {option.event!r} does not hold"
            fix = "add a second transition without a guard after it, that says why not"
            yield Fault(chart.id, path, "guard-without-else", sentence, fix, "warning")


def _collecting(chart: Chart, state: State, collect: Collect, main: Chart) -> Iterator[Fault]:
    path = (*state.path, "collect")
    around = (state, *state.ancestors)
    if not any(hears(one, COLLECTED) for one in around):
        sentence = f"nothing follows when {collect.slot.name!r} is filled: nobody handles 'collected'"
        fix = "add on: {collected: …} with the state that comes next"
        yield Fault(chart.id, path, "no-collected", sentence, fix)
    if not any(hears(one, event) for one in (*around, main.root) for event in (INVALID, HUMAN)):
        sentence = f"after {collect.slot.retries + 1} wrong answers for {collect.slot.name!r} there is no way on"
        fix = "add on: {invalid: …}, or human: to the on: of the root"
        yield Fault(chart.id, path, "no-invalid", sentence, fix, "warning")


def _surely(state: State, event: str) -> bool:
    """Whether something comes of the event whatever the guards say."""
    return event in state.detours or any(
        transition.guard is None and any(matches(word, name) for word in transition.events)
        for transition in state.transitions
        for name in (event, "fallback")
    )


def option_path(template: SayTemplate, event: str) -> Path:
    """Where the option is written, below its message."""
    if template.kind is not None:
        return (template.kind.KEY,)
    if template.list is None:
        return ("buttons", event)
    for place, section in enumerate(template.list.sections):
        if any(row.event == event for row in section.rows):
            return ("list", "sections", place, "rows", event)
    return ("list",)


def _expected(chart: Chart, state: State, main: Chart) -> Iterator[Fault]:
    around = (state, *state.ancestors, *inside(state), main.root)
    listed = isinstance(state.definition.get("expect"), list | tuple)
    for place, intent in enumerate(state.expect):
        if not any(hears(one, intent) for one in around):
            sentence = f"{state.id or chart.id!r} expects {intent!r} and does nothing with it"
            fix = f"add {intent}: to its on:, or take it out of expect:"
            path: Path = (*state.path, "expect", place) if listed else (*state.path, "expect")
            yield Fault(chart.id, path, "unhandled-intent", sentence, fix, "warning")


def _silent(reach: Reach) -> Iterator[Fault]:
    """Places to rest that are entered without a word, by something that the customer did. What is said on the way counts."""
    silent = set(leaves_of((reach.chart.root,)))
    for state in reach.active:
        for transition in (*state.transitions, *state.always):
            speaks = any(action.says or action.raises for action in transition.actions)
            if not speaks and transition.kind != "after" and not is_clock(transition):
                silent |= leaves_of(transition.targets)
    for leaf in reach.waiting:
        around = (leaf, *leaf.ancestors)
        busy = any(_says(one) or one.handoff is not None or one.invokes or one.collect is not None for one in around)
        if leaf in silent and not busy:
            sentence = f"the conversation rests in {leaf.id or reach.chart.id!r}, and the customer is told nothing"
            yield Fault(reach.chart.id, leaf.path, "silent-state", sentence, "add ask: with the question", "warning")


def _says(state: State) -> bool:
    return bool(state.say or state.ask) or any(action.says for action in state.entry)
