"""Charts that compile and are wrong all the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wabox.engine.chart import Chart, compile_chart
from wabox.engine.check import Fault, check_charts
from wabox.engine.problem import ChartError

HARD = {"hard": "23h"}
PEOPLE = {"handoff": "support", "say": "One moment", "on": {"handoff.closed": "menu"}}
"""A state that every good main chart has in some form."""


def chart(name: str = "main", /, **definition: Any) -> Chart:
    return compile_chart(name, definition, guards={"may": lambda given: True}, actions={})


BARE = {"silent-state", "never-written"}
"""What states that are written for one rule only are guilty of; those have cases of their own."""


def faults(*charts: Chart) -> list[Fault]:
    return [fault for fault in check_charts({one.id: one for one in charts}, charts[0].id) if fault.code not in BARE]


def codes(*charts: Chart) -> list[str]:
    return [fault.code for fault in faults(*charts)]


def good(**states: Any) -> Chart:
    """A chart without faults, with further states and, under ``root``, further keys of the root."""
    root = states.pop("root", {})
    menu = {"ask": {"text": "Menu", "buttons": {"human": "A person"}}}
    return chart(
        **{"timeouts": HARD, "on": {"human": "people"}, "states": {"menu": menu, "people": PEOPLE, **states}, **root}
    )


def test_nothing_wrong() -> None:
    """A menu that leads to people, who lead back, is fine."""
    assert faults(good()) == []


# -- unreachable ----------------------------------------------------------------------------------------------------------


def test_state_for_conversations_of_older_versions() -> None:
    """A state that only a migration leads to is reached, and checked like any other."""
    landing = {"ask": {"text": "We changed.", "buttons": {"human": "A person"}}}
    assert codes(good(landing=landing)) == ["unreachable"]
    assert codes(good(landing=landing, root={"migrations": {"states": {"old": "landing"}}})) == []


def test_unreachable_state() -> None:
    """A state that no transition leads to is reported where it is written; what is inside it is not reported again."""
    island = {"states": {"inner": {"on": {"back": "#root.menu"}}}}
    [fault] = faults(good(island=island))
    assert (fault.code, fault.path) == ("unreachable", ("states", "island"))
    assert "'island'" in fault.sentence


def test_reachable_only_from_an_unreachable_state() -> None:
    """Two states that lead to each other, and nobody to them, are both unreachable."""
    found = faults(good(one={"on": {"x": "two"}}, two={"on": {"x": "one"}}))
    assert [fault.path for fault in found] == [("states", "one"), ("states", "two")]


def test_reached_by_the_end_of_a_state() -> None:
    """onDone leads on when the end inside can be reached, and only then."""
    done = {"states": {"a": {"on": {"go": "b"}}, "b": {"type": "final"}}, "onDone": "after_it"}
    never = {"states": {"a": {"on": {"go": "a"}}, "b": {"type": "final"}}, "onDone": "after_it"}
    after_it = {"on": {"x": "menu"}}
    reached = good(job=done, after_it=after_it, root={"on": {"human": "people", "start": "job"}})
    missed = good(job=never, after_it=after_it, root={"on": {"human": "people", "start": "job"}})
    assert "unreachable" not in codes(reached)
    assert codes(missed).count("unreachable") == 2


def test_parallel_and_history_are_reached() -> None:
    """Every region of a parallel state and what a history state may bring back count as reached."""
    both = {
        "type": "parallel",
        "states": {
            "left": {"states": {"a": {"on": {"x": "b"}}, "b": {"on": {"x": "a"}}, "back": {"history": "deep"}}},
            "right": {"on": {"y": "#root.menu"}},
        },
    }
    assert codes(good(both=both, root={"on": {"human": "people", "in": "both", "back": "both.left.back"}})) == []


# -- resting for ever -----------------------------------------------------------------------------------------------------


def test_no_hard_timeout() -> None:
    """A chart without a hard timeout is told once, with the states that wait."""
    [fault] = [one for one in faults(good(root={"timeouts": {"soft": "1m"}})) if one.code == "no-timeout"]
    assert "'menu', 'people'" in fault.sentence
    assert "timeouts:" in fault.fix


@pytest.mark.parametrize("off", ["off", {"hard": "off"}, {"hard": None}])
def test_hard_timeout_switched_off(off: Any) -> None:
    """A state that switches the hard timeout off waits for ever, whatever is further out."""
    people = {**PEOPLE, "timeouts": off}
    [fault] = faults(good(people=people))
    assert (fault.code, fault.path) == ("no-timeout", ("states", "people"))


def test_after_moves_on_by_itself() -> None:
    """A state that an after leaves needs no timeout; one with a guard on it does."""
    moves = {"after": {"1m": "people"}}
    may_move = {"after": {"1m": {"target": "people", "guard": "may"}}}
    base = {"states": {"people": {**PEOPLE, "timeouts": HARD, "on": {"handoff.closed": "wait"}}}}
    assert "no-timeout" not in codes(chart(initial="wait", states={"wait": moves, **base["states"]}))
    assert "no-timeout" in codes(chart(initial="wait", states={"wait": may_move, **base["states"]}))


def test_states_that_do_not_wait_need_no_timeout() -> None:
    """Final states and states that always leads out of are no place to rest."""
    through = {"always": [{"guard": "may", "target": "menu"}, {"target": "over"}]}
    found = chart(
        initial="through",
        states={
            "through": through,
            "menu": {
                "timeouts": HARD,
                "ask": {"text": "?", "buttons": {"human": "A person"}},
                "on": {"human": "people"},
            },
            "people": {**PEOPLE, "timeouts": HARD, "on": {"human": "menu", "handoff.closed": "over"}},
            "over": {"type": "final"},
        },
    )
    assert codes(found) == []


def test_soft_after_hard_across_levels() -> None:
    """A soft timeout that a state inherits must come before the hard one that it sets."""
    root = {"timeouts": {"soft": "2h", "hard": "23h"}}
    [fault] = faults(good(people={**PEOPLE, "timeouts": {"hard": "1h"}}, root=root))
    assert (fault.code, fault.path) == ("soft-after-hard", ("states", "people", "timeouts"))


# -- ways out -------------------------------------------------------------------------------------------------------------


def test_dead_end_behind_a_global_escape() -> None:
    """What the root handles everywhere is no way out of a state that does not offer it."""
    [fault] = faults(good(lost={"ask": "Well?"}, root={"on": {"human": "people", "x": "lost"}}))
    assert (fault.code, fault.path) == ("dead-end", ("states", "lost"))


@pytest.mark.parametrize(
    "way_out",
    [
        {"on": {"y": "menu"}},
        {"on": {"fallback": "menu"}},
        {"ask": {"text": "Well?", "buttons": {"human": "A person"}}},
        {"ask": {"text": "Well?", "list": {"button": "Open", "rows": {"x": "Again", "human": "A person"}}}},
        {"expect": ["human"]},
        {"after": {"1m": "menu"}},
        {"always": {"guard": "may", "target": "menu"}},
        {"states": {"inner": {}}, "on": {"y": "menu"}},
    ],
)
def test_ways_out(way_out: dict[str, Any]) -> None:
    """A transition of its own, one around it, a tap or an expected intent that the root handles, or time lead out."""
    assert codes(good(room=way_out, root={"on": {"human": "people", "x": "room"}})) == []


@pytest.mark.parametrize(
    ("no_way_out", "code"),
    [
        ({"on": {"y": {}}}, "dead-end"),
        ({"on": {"timeout.soft": {"actions": {"log": "hm"}}}}, "dead-end"),
        ({"on": {"y": "way_out"}}, "dead-end"),
        ({"on": {"y": "room"}}, "self-loop"),
        ({"on": {"y": {"actions": {"say": "hm"}}}}, "self-loop"),
    ],
)
def test_no_way_out(no_way_out: dict[str, Any], code: str) -> None:
    """A transition to itself, one to an escape, or none at all, does not lead out; who answers at least is only warned."""
    way_out = {"tags": ["escape"], "ask": "What now?", "on": {"z": "menu"}}
    found = codes(good(room=no_way_out, way_out=way_out, root={"on": {"human": "people", "x": "room", "w": "way_out"}}))
    assert found == [code]


def test_follow_up_that_nobody_hears() -> None:
    people = {**PEOPLE, "handoff": {"queue": "support", "follow_up": "4h"}}
    assert [(fault.code, fault.severity) for fault in faults(good(people=people))] == [("follow-up-unheard", "warning")]
    heard = {**people, "on": {**people["on"], "handoff.follow_up": "menu"}}
    assert codes(good(people=heard)) == []


def test_handoff_that_leads_nowhere() -> None:
    """When the people are done, the chart must go on."""
    [fault] = faults(good(people={"handoff": True, "say": "One moment"}))
    assert (fault.code, "handoff.closed" in fault.fix) == ("dead-end", True)


def test_cannot_finish() -> None:
    """In a chart with an end, every state must have a way there."""
    round_and_round = {"on": {"x": "other"}}
    found = good(
        menu={"ask": {"text": "Menu", "buttons": {"human": "A person"}}, "on": {"stuck": "one", "bye": "over"}},
        one=round_and_round, other={"on": {"x": "one"}}, over={"type": "final"},
    )  # fmt: skip
    assert [(fault.code, fault.path[-1]) for fault in faults(found)] == [
        ("cannot-finish", "one"),
        ("cannot-finish", "other"),
    ]


def test_end_by_a_nested_final_state() -> None:
    """The end of a state inside leads on by onDone, and so to the end of the chart."""
    job = {"states": {"a": {"on": {"go": "b"}}, "b": {"type": "final"}}, "onDone": "over"}
    found = chart(
        initial="job", timeouts=HARD, on={"human": "people"},
        states={"job": job, "over": {"type": "final"}, "people": {"handoff": True, "on": {"handoff.closed": "over"}}},
    )  # fmt: skip
    assert codes(found) == []


# -- transitions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "where"),
    [
        ({"x": [{"target": "menu"}, {"target": "people", "guard": "may"}]}, ("x", 1)),
        ({"*": {"target": "menu"}, "x": "people"}, ("x",)),
        ({"x.*": {"target": "menu"}, "x.y": "people"}, ("x.y",)),
        ({"x.*": {"target": "menu"}, "x.y.*": "people"}, ("x.y.*",)),
    ],
)
def test_shadowed(on: dict[str, Any], where: tuple[Any, ...]) -> None:
    """A transition behind one without a guard that takes the same events is never taken."""
    [fault] = [
        one for one in faults(good(people={**PEOPLE, "on": {"handoff.closed": "menu", **on}})) if one.code == "shadowed"
    ]
    assert fault.path == ("states", "people", "on", *where)


@pytest.mark.parametrize(
    "on",
    [
        {"x": [{"target": "menu", "guard": "may"}, {"target": "people"}]},
        {"x": "people", "*": "menu"},
        {"x.*": "menu", "x_y": "people"},
        {"*": "menu", "timeout.hard": "menu", "resumed": {}},
        {"*": "menu", "timeout.*": "menu"},
        {"x.y": "menu", "x.*": "people"},
    ],
)
def test_not_shadowed(on: dict[str, Any]) -> None:
    """Guards first, wildcards last, and the clock beside a wildcard are in order."""
    assert codes(good(people={**PEOPLE, "on": {"handoff.closed": "menu", **on}})) == []


def test_shadowed_always() -> None:
    """The same holds for always."""
    way = {"always": [{"target": "menu"}, {"target": "people"}]}
    [fault] = faults(good(way=way, root={"on": {"human": "people", "x": "way"}}))
    assert (fault.code, fault.path) == ("shadowed", ("states", "way", "always", 1))


@pytest.mark.parametrize(
    "states",
    [
        {"one": {"always": "two"}, "two": {"always": "one"}},
        {"one": {"always": ".in", "states": {"in": {}}}, "two": {}},
        {"one": {"always": "one"}, "two": {}},
        {"one": {"always": [{"guard": "may", "target": "menu"}, {"target": "two"}]}, "two": {"always": "one"}},
        {"one": {"always": "two"}, "two": {"states": {"in": {"always": "#root.one"}}}},
    ],
)
def test_always_cycle(states: dict[str, Any]) -> None:
    """always that leads back to where it began never comes to rest, whatever the guards in front of it may save."""
    found = codes(good(**states, root={"on": {"human": "people", "x": "one", "y": "two"}}))
    assert found.count("always-cycle") == 1


def test_always_with_guards_is_no_cycle() -> None:
    """Two states that send each other on by guards may well come to rest."""
    one, two = {"always": {"guard": "may", "target": "two"}}, {"always": {"guard": {"not": "may"}, "target": "one"}}
    assert "always-cycle" not in codes(good(one=one, two=two, root={"on": {"human": "people", "x": "one"}}))


# -- detours --------------------------------------------------------------------------------------------------------------


def test_unknown_detour() -> None:
    """A detour to a chart that is not there is reported at its name, with the nearest one."""
    faq = chart("faq", states={"answer": {"type": "final"}})
    [fault] = faults(good(root={"detours": {"question": "fax"}}), faq)
    assert (fault.code, fault.path, fault.fix) == ("unknown-chart", ("detours", "question"), "did you mean 'faq'?")


def test_detour_to_a_broken_chart() -> None:
    """A chart that does not compile was reported already; a detour to it is not."""
    main = good(root={"detours": {"question": "faq"}})
    assert check_charts({"main": main}, "main", broken={"faq"}) == []


def test_detour_recursion() -> None:
    """Detours that lead round in a circle are reported on each chart of the circle."""
    one = chart("one", timeouts=HARD, detours={"x": "two"}, states={"a": {"on": {"x": "b"}}, "b": {"type": "final"}})
    two = chart("two", timeouts=HARD, detours={"x": "one"}, states={"a": {"on": {"x": "b"}}, "b": {"type": "final"}})
    found = faults(good(root={"detours": {"x": "one", "y": "main"}}), one, two)
    assert [(fault.code, fault.chart) for fault in found] == [
        ("detour-recursion", "main"), ("detour-recursion", "one"), ("detour-recursion", "two"),
    ]  # fmt: skip


def test_detour_that_never_ends() -> None:
    """A chart that cannot end cannot be a detour: nobody would come back from it."""
    endless = chart("endless", timeouts=HARD, states={"a": {"on": {"x": "b"}}, "b": {"on": {"x": "a"}}})
    assert codes(good(root={"detours": {"x": "endless"}}), endless) == ["detour-never-ends"]


# -- taps and people ------------------------------------------------------------------------------------------------------


def test_unhandled_button() -> None:
    """A button that nobody handles is reported at the button."""
    ask = {"text": "?", "buttons": {"human": "A person", "more": "More"}}
    [fault] = faults(good(menu={"ask": ask}))
    assert (fault.code, fault.path) == ("unhandled-option", ("states", "menu", "ask", "buttons", "more"))
    assert "'More'" in fault.sentence


def test_unhandled_row() -> None:
    """So is a row, in its section; one that is handled further out, further in or as a detour is not."""
    rows = {"human": "A person", "inside": "Inside", "around": "Around", "faq": "A question", "nobody": "Nobody"}
    ask = {"text": "?", "list": {"button": "Open", "sections": [{"rows": rows}]}}
    menu = {"ask": ask, "on": {"around": "people"}, "states": {"inner": {"on": {"inside": "#root.people"}}}}
    faq = chart("faq", states={"answer": {"type": "final"}})
    [fault] = faults(good(menu=menu, root={"detours": {"faq": "faq"}}), faq)
    assert fault.path == ("states", "menu", "ask", "list", "sections", 0, "rows", "nobody")


def test_button_of_a_detour_that_the_main_chart_handles() -> None:
    """Taps in a detour may be words of the main chart's root."""
    ask = {"text": "?", "buttons": {"human": "A person", "ok": "All right"}}
    detour = chart("detour", timeouts=HARD, states={"a": {"ask": ask, "on": {"ok": "b"}}, "b": {"type": "final"}})
    assert codes(good(root={"detours": {"x": "detour"}}), detour) == []


def test_said_on_the_way() -> None:
    """A button of what is said in passing may be handled in the state that comes after."""
    said = {"say": {"text": "!", "buttons": {"later": "Later"}}, "always": "room"}
    room = {"on": {"later": "menu"}}
    assert codes(good(passing=said, room=room, root={"on": {"human": "people", "x": "passing"}})) == []


def test_asked_and_handled_elsewhere() -> None:
    """A button of a question must be handled where the question stands; another state that knows it does not help."""
    menu = {"ask": {"text": "?", "buttons": {"human": "A person", "later": "Later"}}}
    people = {**PEOPLE, "on": {"handoff.closed": "menu", "later": "menu"}}
    assert codes(good(menu=menu, people=people)) == ["unhandled-option"]


def test_button_in_an_action() -> None:
    """What an action says is looked at too."""
    on = {"handoff.closed": {"target": "menu", "actions": {"say": {"text": "!", "buttons": {"nobody": "Nobody"}}}}}
    assert codes(good(people={"handoff": True, "on": on})) == ["unhandled-option"]


def test_no_human() -> None:
    """A bot from which no way leads to people is refused; in a detour nobody asks for one."""
    menu = {"ask": {"text": "?", "buttons": {"x": "Again"}}, "on": {"x": "menu2"}}
    main = chart(timeouts=HARD, states={"menu": menu, "menu2": {"on": {"y": "menu"}}})
    assert codes(main) == ["no-human"]
    unreachable = chart(timeouts=HARD, states={"menu": menu, "menu2": {"on": {"y": "menu"}}, "people": PEOPLE})
    assert codes(unreachable) == ["unreachable", "no-human"]


def test_human_unheard() -> None:
    """A state in which asking for a person does nothing is a warning."""
    found = chart(
        timeouts=HARD,
        states={
            "menu": {"on": {"x": "people", "y": "shop"}},
            "shop": {"on": {"x": "menu", "human": "people"}},
            "people": PEOPLE,
        },
    )
    [fault] = faults(found)
    assert (fault.code, fault.severity) == ("human-unheard", "warning")
    assert "'menu'" in fault.sentence
    assert "'shop'" not in fault.sentence


# -- any chart ------------------------------------------------------------------------------------------------------------

names = st.sampled_from("abcd")
targets = st.one_of(names, names.map("#root.{}".format), names.map(".{}".format), st.just("#root"), st.none())
transitions = st.fixed_dictionaries({}, optional={"target": targets, "guard": st.just("may"), "reenter": st.booleans()})
events = st.sampled_from(["x", "y", "*", "x.*", "timeout.hard", "human", "done.state.a"])
state_keys = {
    "on": st.dictionaries(events, transitions, max_size=3),
    "always": st.lists(transitions, max_size=2),
    "after": st.dictionaries(st.just("1m"), transitions, max_size=1),
    "onDone": transitions,
    "timeouts": st.sampled_from([HARD, "off", {"soft": "1m", "hard": "1h"}]),
    "handoff": st.booleans(),
    "ask": st.just({"text": "?", "buttons": {"x": "X", "human": "H"}}),
    "detours": st.dictionaries(events, names, max_size=1),
}
leaves = st.one_of(
    st.just({"type": "final"}), st.just({"history": "deep"}), st.fixed_dictionaries({}, optional=state_keys), st.none()
)
states = st.recursive(
    leaves,
    lambda inner: st.fixed_dictionaries(
        {"states": st.dictionaries(names, inner, min_size=1, max_size=4)},
        optional={**state_keys, "type": st.sampled_from(["compound", "parallel"]), "initial": names},
    ),
    max_leaves=10,
)


@settings(deadline=None)
@given(
    definition=st.fixed_dictionaries(
        {"states": st.dictionaries(names, states, min_size=1, max_size=4)}, optional=state_keys
    )
)
def test_any_chart(definition: dict[str, Any]) -> None:
    """Whatever compiles can be checked, twice with the same result, and every fault points into the definition."""
    try:
        one = chart("main", **definition)
    except ChartError:
        return
    found = faults(one)
    assert found == faults(one)
    for fault in found:
        inner: Any = definition
        for step in fault.path[:-1]:
            inner = inner[step]


@pytest.mark.parametrize(
    "state",
    [
        {"invoke": {"http": "https://x.example/{bkie}", "onDone": "a"}},
        {"invoke": {"http": {"url": "https://x.example", "headers": {"X": "{secrt.key}"}}, "onDone": "a"}},
        {"invoke": {"action": "look", "input": {"deep": [{"from": "context.bkie.size"}]}, "onDone": "a"}},
        {"entry": {"assign": {"known": {"from": "bkie"}}}},
        {"on": {"x": {"target": "a", "actions": {"append": {"path": "known", "value": {"from": "bkie"}}}}}},
    ],
)
def test_what_calls_and_actions_read_must_be_written(state: dict[str, Any]) -> None:
    """A mistyped variable in a url, a header, an input or an assignment is a warning like one in a text."""
    chart = {"initial": "a", "context": {"known": 1, "bike": 2}, "states": {"a": state}}
    compiled = compile_chart("m", chart, guards={}, actions={})
    found = [fault for fault in check_charts({"m": compiled}, "m", set()) if fault.code == "never-written"]
    assert len(found) == 1


def test_secrets_and_events_are_no_variables() -> None:
    invoke = {
        "http": {
            "url": "https://x.example/{known}",
            "headers": {"X": "{secret.key}"},
            "json": {"a": {"from": "event.text"}},
        },
        "onDone": "a",
    }
    chart = {"initial": "a", "context": {"known": 1}, "states": {"a": {"invoke": invoke}}}
    compiled = compile_chart("m", chart, guards={}, actions={})
    assert [fault.code for fault in check_charts({"m": compiled}, "m", set()) if fault.code == "never-written"] == []
