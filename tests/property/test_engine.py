"""Random charts and random events: whatever they are, the engine keeps its promises."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.property import scxml
from tests.property.charts import ACTIONS, DESCRIPTORS, GUARDS, charts, moments
from wabox.engine import Arm, Charts, Disarm, Event, Failed, Step, compile_chart, decode, encode, fire, start, step
from wabox.engine.run import Run
from wabox.errors import ConversationError

NOW = 1_790_000_000_000


@pytest.fixture(autouse=True, scope="module")
def short_circles() -> Iterator[None]:
    """Many random charts go round in circles: these tests need not follow them for long."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Run, "budget", scxml.BOUND)
        yield


thorough = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def compiled(definitions: dict[str, Any], memory: int = 20_000) -> Charts:
    return Charts(
        compile_chart(name, definition, guards=GUARDS, actions=ACTIONS, memory=memory)
        for name, definition in definitions.items()
    )


def told(done: Step) -> tuple[object, ...]:
    """What a step did, comparable between two runs."""
    return (done.snapshot, done.effects, done.handled, done.events, done.unhandled, done.transitions, done.actions)


def play(live: Charts, script: list[Any], *, stored: bool = False) -> list[Step]:
    """Every step of a conversation; ``stored``: with a JSON round trip before each."""
    now = NOW
    steps = [start(live, "m", now)]

    def snapshot() -> Any:
        return decode(encode(steps[-1].snapshot)) if stored else steps[-1].snapshot

    for moment in script:
        if not isinstance(moment, int):
            steps.append(step(live, snapshot(), Event(*moment), now))
            continue
        end = now + moment
        for _ in range(20):
            due = min(((at, name, armed) for name, (at, armed) in snapshot().timers.items()), default=None)
            if due is None or due[0] > end:
                break
            now = due[0]
            steps.append(fire(live, snapshot(), due[1], due[2], now))
        now = end
    return steps


three = st.fixed_dictionaries({"m": charts("d1", "d2", "nowhere"), "d1": charts("d2", "m"), "d2": charts()})


@thorough
@given(three, moments)
def test_stored_conversation_goes_on_like_a_live_one(definitions: dict[str, Any], script: list[Any]) -> None:
    """A JSON round trip between any two events changes nothing at all."""
    live = compiled(definitions)
    assert list(map(told, play(live, script))) == list(map(told, play(live, script, stored=True)))


@thorough
@given(three, moments)
def test_remembered_plans_change_nothing(definitions: dict[str, Any], script: list[Any]) -> None:
    """With every plan remembered, with hardly any and with none the conversation is the same."""
    once = list(map(told, play(compiled(definitions), script)))
    warm = compiled(definitions)
    play(warm, script)
    assert list(map(told, play(warm, script))) == once
    assert list(map(told, play(compiled(definitions, memory=0), script))) == once
    assert list(map(told, play(compiled(definitions, memory=2), script))) == once


@thorough
@given(three, moments)
def test_snapshot_that_was_given_stays_as_it_was(definitions: dict[str, Any], script: list[Any]) -> None:
    """Stepping a snapshot, even twice, changes nothing in it, nor in the event's data, nor in the chart."""
    live = compiled(definitions)
    before = copy.deepcopy(definitions)
    snapshot = start(live, "m", NOW).snapshot
    for moment in script:
        if isinstance(moment, int):
            continue
        name, data, customer = moment
        kept, kept_data = copy.deepcopy(snapshot), copy.deepcopy(data)
        done = step(live, snapshot, Event(name, data, customer), NOW)
        assert told(step(live, snapshot, Event(name, data, customer), NOW)) == told(done)
        assert (snapshot, data) == (kept, kept_data)
        snapshot = done.snapshot
    assert definitions == before


@thorough
@given(three, moments)
def test_timer_effects_are_the_timers(definitions: dict[str, Any], script: list[Any]) -> None:
    """Whoever carries out Arm and Disarm, and nothing else, has exactly the snapshot's timers."""
    rows: dict[str, tuple[int, int]] = {}
    live = compiled(definitions)
    for done in play(live, script):
        for effect in done.effects:
            if isinstance(effect, Arm):
                rows[effect.name] = (effect.due_at, effect.armed)
            elif isinstance(effect, Disarm):
                assert rows.pop(effect.name, None) is not None
        for name in done.events[:1]:
            # A timer that fired is gone from the rows: the store moved it.
            fired = {"timeout.soft": "soft", "timeout.hard": "hard"}.get(name, name)
            if fired in rows and fired not in done.snapshot.timers:
                del rows[fired]
        rows = {
            name: row for name, row in rows.items() if not name.startswith("raise:") or name in done.snapshot.timers
        }
        assert rows == done.snapshot.timers


@thorough
@given(charts(), moments)
def test_agrees_with_the_recommendation(definition: dict[str, Any], script: list[Any]) -> None:
    """States, variables, history, messages and the order of actions are those of SCXML's pseudo-code."""
    live = compiled({"m": definition})
    literal = scxml.Interpreter(live["m"])
    literal.begin()
    done = start(live, "m", NOW)
    for moment in [None, *script]:
        if isinstance(moment, int):
            continue
        if moment is not None:
            event = Event(*moment)
            literal.effects, literal.actions = [], []
            if done.snapshot.status == "done":
                break
            done = step(live, done.snapshot, event, NOW)
            assert done.handled is literal.send(event)
        if literal.restless:
            assert any(isinstance(effect, Failed) and "no rest" in effect.error for effect in done.effects)
            break
        leaves = sorted(state.id for state in literal.configuration if not state.children)
        assert list(done.snapshot.leaves) == leaves
        assert done.snapshot.context == literal.context
        assert done.snapshot.history == {
            name: tuple(state.id for state in states) for name, states in literal.history_value.items()
        }
        assert list(done.actions) == literal.actions
        spoken = [effect for effect in done.effects if type(effect).__name__ in ("Say", "OpenHandoff", "CloseHandoff")]
        assert spoken == literal.effects
        assert (done.snapshot.status == "done") is not literal.running


@thorough
@given(three, three, moments, moments)
def test_snapshot_of_another_definition_is_refused_in_words_or_goes_on(
    one: dict[str, Any], other: dict[str, Any], script: list[Any], rest: list[Any]
) -> None:
    """A snapshot under a changed chart never breaks with anything but a ConversationError."""
    before, after = compiled(one), compiled(other)
    refs = {before.live[name].ref: after.live[name].ref for name in one}
    snapshot = play(before, script)[-1].snapshot
    moved = msgspec.structs.replace(
        snapshot,
        chart=refs[snapshot.chart],
        stack=tuple(msgspec.structs.replace(frame, chart=refs[frame.chart]) for frame in snapshot.stack),
    )
    for moment in rest:
        event = Event(*moment) if not isinstance(moment, int) else Event("e0")
        try:
            moved = step(after, moved, event, NOW).snapshot
        except ConversationError:
            break


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    """Bytes that are no snapshot are refused with a ConversationError."""
    with pytest.raises(ConversationError):
        decode(data)


@given(st.text(max_size=30), st.sampled_from(DESCRIPTORS))
def test_any_event_name(name: str, descriptor: str) -> None:
    """Whatever an event is called, it is handled or not, and the conversation goes on."""
    live = compiled(
        {"m": {"context": {"n": 0, "trail": []}, "states": {"a": {"on": {descriptor: {"actions": "notes"}}}}}}
    )
    done = step(live, start(live, "m", NOW).snapshot, Event(name), NOW)
    assert done.handled is (done.actions == ("notes",))
    assert decode(encode(done.snapshot)) == done.snapshot
