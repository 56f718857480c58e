"""Moving a conversation to another version of its chart: what is proved, what a migration says, what is refused and why."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.engine.player import NOW
from wabox.engine import Chart, ChartError, Charts, Event, compile_chart, decode, encode, fire, start, step
from wabox.engine.effect import Arm, CloseHandoff, Disarm, OpenHandoff
from wabox.engine.place import Misfit
from wabox.engine.rebase import Moved, move
from wabox.engine.snapshot import Snapshot

DATA = Path(__file__).parents[2] / "data" / "snapshots"

OLD: dict[str, Any] = {
    "initial": "browse",
    "context": {"name": None, "cart": {"lines": [], "total": 0}, "tries": 0},
    "timeouts": {"soft": "30m", "hard": "23h"},
    "states": {
        "browse": {"on": {"buy": "checkout", "both": "both"}, "detours": {"ask": "faq"}},
        "checkout": {
            "initial": "address",
            "states": {
                "address": {"on": {"next": "confirm"}},
                "confirm": {"after": {"10m": "address"}, "on": {"pay": "#m.end"}},
                "back": {"type": "history", "target": "address"},
            },
            "on": {"leave": "browse"},
        },
        "both": {
            "type": "parallel",
            "states": {
                "l": {"states": {"a": {}, "z": {"type": "final"}}},
                "r": {"states": {"b": {"on": {"t": "c"}}, "c": {}}},
            },
        },
        "end": {"type": "final"},
    },
}
FAQ: dict[str, Any] = {"states": {"what": {"on": {"told": "end"}}, "end": {"type": "final"}}}


def chart(definition: dict[str, Any], name: str = "m") -> Chart:
    return compile_chart(name, definition, guards={}, actions={})


def stood(*events: str, old: dict[str, Any] = OLD) -> tuple[Charts, Snapshot]:
    """The old charts, and a conversation after these events."""
    charts = Charts([chart(old), chart(FAQ, "faq")])
    snapshot = start(charts, "m", NOW).snapshot
    for event in events:
        snapshot = step(charts, snapshot, Event(event, customer=True), NOW).snapshot
    return charts, decode(encode(snapshot))


def changed(**at: Any) -> dict[str, Any]:
    """The old definition with other values at paths with ``__`` for dots; None takes out."""
    new = copy.deepcopy(OLD)
    for path, value in at.items():
        *above, last = path.split("__")
        inner = new
        for key in above:
            inner = inner[key]
        if value is None:
            del inner[last]
        else:
            inner[last] = value
    return new


def moved(events: str, new: dict[str, Any], *, later: int = 0) -> tuple[Charts, Moved | Misfit]:
    charts, snapshot = stood(*events.split())
    live = Charts([chart(new), chart(FAQ, "faq")])
    found = move(live, snapshot, NOW + later, charts)
    if isinstance(found, Moved):
        again = decode(encode(found.snapshot))
        assert again == found.snapshot
        step(live, again, Event("x"), NOW)  # raises when it does not fit
    return live, found


@pytest.mark.parametrize(
    ("events", "new"),
    [
        ("", changed(states__browse__say="Hello")),
        ("", changed(states__checkout=None, states__browse__on={"both": "both"})),
        (
            "buy next",
            changed(states__extra={}, states__browse__on={"buy": "checkout", "both": "both", "more": "extra"}),
        ),
        ("buy next", changed(context__notes="", context__cart={"lines": [], "total": 0, "count": 0})),
        ("both t", changed(states__both__states__r__states__d={})),
        ("ask", changed(states__browse__on={})),
    ],
)
def test_what_fits_goes_on(events: str, new: dict[str, Any]) -> None:
    """A change elsewhere, or an addition, strands nobody: leaves, history, timers and stored variables are as they were."""
    charts, before = stood(*events.split())
    live, found = moved(events, new)
    assert isinstance(found, Moved)
    assert found.how == "compatible"
    assert found.effects == ()
    after = found.snapshot
    assert (after.leaves, after.history, after.timers, after.seq) == (
        before.leaves,
        before.history,
        before.timers,
        before.seq,
    )
    assert after.charts == tuple(live.live[ref.partition("@")[0]].ref for ref in before.charts)
    assert charts is not live


def test_new_variables_come_along() -> None:
    """A new variable has its default, also inside a mapping; what is stored is not replaced, what was taken out stays out."""
    new = changed(context__notes="none", context__cart={"lines": [], "total": 5, "count": 0})
    charts, snapshot = stood("buy")
    snapshot = decode(encode(snapshot).replace(b'"lines":[],', b"").replace(b'"tries":0', b'"tries":3'))
    found = move(Charts([chart(new), chart(FAQ, "faq")]), snapshot, NOW, charts)
    assert isinstance(found, Moved)
    assert found.snapshot.context == {"name": None, "cart": {"total": 0, "count": 0}, "tries": 3, "notes": "none"}


@pytest.mark.parametrize(
    ("events", "new", "words"),
    [
        (
            "buy next",
            changed(states__checkout__states__confirm=None, states__checkout__states__address={}),
            "confirm gone",
        ),
        ("both", changed(states__both__states__l__states__a__type="final"), "a of m is final now, it was atomic"),
        ("both", changed(states__both__states__s={}), "cannot be active together"),
        ("buy", changed(states__checkout__states__address__states={"i": {}}), "is a compound state"),
        ("buy leave", changed(states__checkout__states__back=None), "history 'checkout.back'"),
        ("buy leave", changed(states__checkout__states__back__history="deep"), "history"),
        ("buy next", changed(states__checkout__states__confirm__after={}), "timer 'after:600000"),
        (
            "buy next",
            changed(states__checkout__states__confirm__after={"20m": "address", "1h": "address"}),
            "timer 'after:600000",
        ),
        ("", changed(context__tries="none"), "tries of m is text now, it was a number"),
        ("", changed(context__cart={"lines": "", "total": 0}), r"cart\.lines of m is text now, it was a list"),
        ("buy", changed(states__checkout__states__address__handoff=True), "gives the conversation to people now"),
        ("buy", changed(states__checkout__states__address__invoke={"action": "x"}), "another action's result"),
    ],
)
def test_what_does_not_fit(events: str, new: dict[str, Any], words: str) -> None:
    """Each thing that would break the conversation is a reason in words, and nothing raises."""

    _, found = moved(events, new)
    assert isinstance(found, Misfit)
    assert re.search(words, found.reason), found.reason


def test_removed_states_are_named() -> None:
    """The owner reads which states are gone."""
    _, found = moved("both t", changed(states__both__states__r__states={"b": {}}))
    assert isinstance(found, Misfit)
    assert found.gone == ("both.r.c",)


def test_timers_that_begin_and_end() -> None:
    """A timer that the live chart added begins now; one that no state asks for any more ends; a deadline stays."""
    new = changed(
        states__checkout__states__confirm__after={"10m": "address", "1h": "address"}, timeouts={"hard": "23h"}
    )
    live, found = moved("buy next", new, later=60_000)
    assert isinstance(found, Moved)
    added = "after:3600000:checkout.confirm"
    assert set(found.effects) == {Disarm("soft"), Arm(added, NOW + 3_660_000, found.snapshot.seq)}
    timers = found.snapshot.timers
    assert timers["after:600000:checkout.confirm"][0] == NOW + 600_000
    fired = fire(live, found.snapshot, added, timers[added][1], NOW + 3_660_000)
    assert fired.snapshot.leaves == ("checkout.address",)


def test_another_delay_keeps_the_time_that_it_is_due() -> None:
    """A state's only timer with another delay strands nobody: it goes off when those who wait were to hear of it."""
    new = changed(states__checkout__states__confirm__after={"20m": "address"})
    live, found = moved("buy next", new, later=60_000)
    assert isinstance(found, Moved)
    old, name = "after:600000:checkout.confirm", "after:1200000:checkout.confirm"
    armed = found.snapshot.timers[name][1]
    assert set(found.effects) == {Disarm(old), Arm(name, NOW + 600_000, armed)}
    assert old not in found.snapshot.timers
    fired = fire(live, found.snapshot, name, armed, NOW + 600_000)
    assert fired.snapshot.leaves == ("checkout.address",)


def test_another_delay_does_not_go_off_twice() -> None:
    """What has gone off and left the conversation where it is does not begin again with its new delay."""
    old = changed(states__checkout__states__confirm__after={"10m": {"actions": {"assign": {"tries": 1}}}})
    charts, snapshot = stood("buy", "next", old=old)
    name = "after:600000:checkout.confirm"
    fired = fire(charts, snapshot, name, snapshot.timers[name][1], NOW + 600_000).snapshot
    assert fired.leaves == ("checkout.confirm",)
    new = changed(states__checkout__states__confirm__after={"20m": {"actions": {"assign": {"tries": 1}}}})
    found = move(Charts([chart(new), chart(FAQ, "faq")]), fired, NOW + 700_000, charts)
    assert isinstance(found, Moved)
    assert not [timer for timer in found.snapshot.timers if timer.startswith("after:")]


def test_a_suspended_timer_keeps_what_remains() -> None:
    old = changed(states__browse__after={"10m": "end"})
    charts, snapshot = stood("ask", old=old)
    new = changed(states__browse__after={"20m": "end"})
    found = move(Charts([chart(new), chart(FAQ, "faq")]), snapshot, NOW, charts)
    assert isinstance(found, Moved)
    assert found.snapshot.stack[0].timers["after:1200000:browse"][0] == 600_000
    assert found.effects == ()


def test_a_timeout_that_nobody_had_begins() -> None:
    """A conversation without an end gets one from a version that has one; a nudge that was given is not given again."""
    charts, snapshot = stood("buy", old=changed(timeouts=None))
    assert snapshot.timers == {}
    found = move(Charts([chart(OLD), chart(FAQ, "faq")]), snapshot, NOW, charts)
    assert isinstance(found, Moved)
    assert set(found.snapshot.timers) == {"soft", "hard"}
    charts, snapshot = stood("buy")
    nudged = fire(charts, snapshot, "soft", snapshot.timers["soft"][1], NOW).snapshot
    _, new = moved("buy", changed(states__browse__say="Hello"))
    found = move(Charts([chart(changed(states__browse__say="Hello")), chart(FAQ, "faq")]), nudged, NOW, charts)
    assert isinstance(found, Moved)
    assert set(found.snapshot.timers) == {"hard"}
    assert isinstance(new, Moved)


def test_suspended_frames_move_too() -> None:
    """The whole stack is on the live charts afterwards, with the remaining time of its timers."""
    charts, snapshot = stood("ask")
    assert len(snapshot.stack) == 1
    live = Charts([chart(changed(states__browse__say="Hello")), chart({**FAQ, "meta": {"x": 1}}, "faq")])
    found = move(live, snapshot, NOW, charts)
    assert isinstance(found, Moved)
    assert found.snapshot.charts == (live.live["m"].ref, live.live["faq"].ref)
    assert found.snapshot.stack[0].timers == snapshot.stack[0].timers
    gone = move(Charts([chart(OLD)]), snapshot, NOW, charts)
    assert isinstance(gone, Misfit)
    assert gone.reason == "there is no chart faq any more"


def test_what_is_at_home_is_not_touched() -> None:
    """On the live charts nothing happens, whatever its migrations say."""
    definition = {**OLD, "migrations": {"states": {"browse": "end"}}}
    charts, snapshot = stood(old=definition)
    found = move(charts, snapshot, NOW, charts)
    assert isinstance(found, Moved)
    assert found.how == "same"
    assert found.snapshot is snapshot


RENAMED: dict[str, Any] = changed(
    states__checkout=None,
    states__pay={
        "initial": "where",
        "states": {
            "where": {"on": {"next": "confirm"}},
            "confirm": {"after": {"20m": "where"}},
            "back": {"type": "history", "target": "where"},
        },
    },
    states__browse__on={"buy": "pay"},
)


def migrated(events: str, **migration: Any) -> Moved | Misfit:
    charts, snapshot = stood(*events.split())
    found = move(Charts([chart({**RENAMED, "migrations": migration}), chart(FAQ, "faq")]), snapshot, NOW, charts)
    if isinstance(found, Moved):
        assert found.how == "migrated"
        step(Charts([chart({**RENAMED, "migrations": migration})]), decode(encode(found.snapshot)), Event("x"), NOW)
    return found


def test_migration_of_states() -> None:
    """What is inside a renamed state goes along; a leaf may have its own new place; history is renamed with its states."""
    states = {"checkout": "pay", "checkout.address": "pay.where"}
    found = migrated("buy", states=states)
    assert isinstance(found, Moved)
    assert found.snapshot.leaves == ("pay.where",)
    found = migrated("buy leave", states=states)
    assert isinstance(found, Moved)
    assert found.snapshot.history == {"pay.back": ("pay.where",)}
    found = migrated("buy leave", states={"checkout": "pay"})
    assert isinstance(found, Moved)
    assert found.snapshot.history == {}, "what fits no more is forgotten"
    found = migrated("buy", states={"checkout.address": "pay"})
    assert isinstance(found, Moved)
    assert found.snapshot.leaves == ("pay.where",), "a state that has states inside begins where it begins"


def test_migration_of_timers() -> None:
    """A timer keeps its deadline under its new name; without an entry it goes with its state or ends, the new one begins."""
    states = {"checkout": "pay", "checkout.address": "pay.where"}
    timers = {"after:10m:checkout.confirm": "after:20m:pay.confirm", "soft": None}
    found = migrated("buy next", states=states, timers=timers)
    assert isinstance(found, Moved)
    assert found.snapshot.timers["after:1200000:pay.confirm"][0] == NOW + 600_000
    assert "soft" not in found.snapshot.timers
    assert Disarm("after:600000:checkout.confirm") in found.effects
    found = migrated("buy next", states=states)
    assert isinstance(found, Moved)
    assert found.snapshot.timers["after:1200000:pay.confirm"][0] == NOW + 1_200_000


def test_migration_of_variables() -> None:
    """Renamed, dropped, given a default; a type that still differs is refused."""
    context = {"rename": {"tries": "attempts"}, "default": {"name": "Ana", "city": "Madrid"}, "drop": ["cart"]}
    found = migrated("", context=context)
    assert isinstance(found, Moved)
    assert found.snapshot.context["attempts"] == 0
    assert found.snapshot.context["tries"] == 0, "declared, so it has its default"
    assert found.snapshot.context["city"] == "Madrid"
    assert found.snapshot.context["cart"] == {"lines": [], "total": 0}
    found = migrated("buy", context={"rename": {"cart": "tries"}}, states={"checkout.address": "pay.where"})
    assert isinstance(found, Misfit)


def test_migration_that_does_not_say_enough() -> None:
    """Where the entry leaves a state without a place, the reason names it; nothing raises."""
    found = migrated("buy", states={"checkout": "pay"})
    assert isinstance(found, Misfit)
    assert found.gone == ("checkout.address",)


def test_migration_from_one_version_only() -> None:
    """``from`` names a hash, the beginning of one, several, or a chart of another name."""
    charts, snapshot = stood("buy")
    digest = charts.live["m"].hash
    states = {"checkout.address": "pay.where"}
    for source in (digest, digest[:4], [digest, "0000"], "*", f"m@{digest}"):
        found = move(
            Charts([chart({**RENAMED, "migrations": [{"from": source, "states": states}]})]), snapshot, NOW, charts
        )
        assert isinstance(found, Moved), source
    other = {"from": "ffff" if not digest.startswith("ffff") else "0000", "states": states}
    assert isinstance(move(Charts([chart({**RENAMED, "migrations": other})]), snapshot, NOW, charts), Misfit)
    renamed = chart({**RENAMED, "migrations": {"from": "m@*", "states": states}}, "n")
    found = move(Charts([renamed]), snapshot, NOW, charts)
    assert isinstance(found, Moved)
    assert found.snapshot.chart == renamed.ref


def test_migration_goes_before_the_comparison() -> None:
    """What only the author knows, that a variable has another name, is not lost because every state is still there."""
    new = {**changed(context__attempts=0), "migrations": {"context": {"rename": {"tries": "attempts"}}}}
    _, found = moved("", new)
    assert isinstance(found, Moved)
    assert found.how == "migrated"


def test_migration_to_people() -> None:
    """Coming into a state that has a hand-off opens the case, leaving one closes it."""
    desk = changed(
        states__desk={"handoff": {"queue": "q", "priority": 2, "reason": "moved"}}, states__browse__on={"x": "desk"}
    )
    charts, snapshot = stood("buy")
    new = {**desk, "migrations": {"states": {"checkout": "desk"}}}
    del new["states"]["checkout"]
    found = move(Charts([chart(new)]), snapshot, NOW, charts)
    assert isinstance(found, Misfit), "checkout.address would have to be inside desk"
    new["migrations"] = {"states": {"checkout.address": "desk"}}
    found = move(Charts([chart(new)]), snapshot, NOW, charts)
    assert isinstance(found, Moved)
    assert OpenHandoff("q", 2, "moved", "desk") in found.effects
    charts, snapshot = stood("x", old=desk)
    found = move(Charts([chart({**OLD, "migrations": {"states": {"desk": "browse"}}})]), snapshot, NOW, charts)
    assert isinstance(found, Moved)
    assert any(isinstance(effect, CloseHandoff) for effect in found.effects)


def test_without_the_old_chart() -> None:
    """When nobody has the old chart any more the snapshot itself is compared."""
    _, snapshot = stood("buy", "next")
    found = move(Charts([chart(changed(states__browse__say="x"))]), snapshot, NOW)
    assert isinstance(found, Moved)
    assert isinstance(move(Charts([chart(RENAMED)]), snapshot, NOW), Misfit)
    assert isinstance(move(Charts([chart(changed(context__cart="none"))]), snapshot, NOW), Misfit)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ({"versions": "always"}, "bad-value"),
        ({"max_pin": "soon"}, "bad-duration"),
        ({"max_pin": 0}, "bad-duration"),
        ({"migrations": 3}, "bad-value"),
        ({"migrations": {"to": "x"}}, "unknown-key"),
        ({"migrations": {"from": "version 3"}}, "bad-value"),
        ({"migrations": {"from": 123456789012}}, "bad-value"),
        ({"migrations": {"states": {"x": "nowhere"}}}, "unknown-target"),
        ({"migrations": {"states": {"x": "checkout.back"}}}, "bad-target"),
        ({"migrations": {"timers": {"soft": "after:3m:browse"}}}, "unknown-timer"),
        ({"migrations": {"timers": {"soft": True}}}, "bad-value"),
        ({"migrations": {"context": {"swap": {}}}}, "unknown-key"),
        ({"migrations": {"context": {"default": {"x": object()}}}}, "bad-value"),
        ({"migrations": [{}, {"context": {"drop": [True]}}]}, "bad-value"),
    ],
)
def test_wrong_migrations(written: dict[str, Any], code: str) -> None:
    """Whatever is wrong with an entry is found when the chart is compiled, at its place."""
    with pytest.raises(ChartError) as error:
        chart({**OLD, **written})
    assert [problem.code for problem in error.value.problems] == [code]
    assert error.value.problems[0].path[0] in written


def test_golden_snapshot_moves() -> None:
    """A stored conversation of layout 1, with a detour on its stack, goes on in edited charts of today."""
    definitions = json.loads((DATA / "layout-1.charts.json").read_text("utf-8"))
    snapshot = decode((DATA / "layout-1.json").read_bytes().strip())
    old = Charts([chart(given, name) for name, given in definitions.items()])
    assert all(ref in old for ref in snapshot.charts)
    for given in definitions.values():
        given["states"]["added"] = {}
        given.setdefault("context", {})["added"] = [1]
    live = Charts([chart(given, name) for name, given in definitions.items()])
    found = move(live, snapshot, NOW, old)
    assert isinstance(found, Moved)
    assert found.how == "compatible"
    told = step(live, decode(encode(found.snapshot)), Event("told", customer=True), NOW)
    assert told.snapshot.leaves == ("main.checkout.address", "main.watch.calm")
    assert told.snapshot.context["added"] == [1]


CALLS: dict[str, Any] = changed(states__checkout__states__address__invoke={"id": "stock", "action": "look"})


def test_a_result_on_its_way_finds_who_asked() -> None:
    """A conversation that awaits a call's result moves only to where the result is known."""
    charts, snapshot = stood("buy", old=CALLS)
    assert snapshot.invokes == {"stock": 2}
    same = {**CALLS, "meta": {"x": 1}}
    found = move(Charts([chart(same), chart(FAQ, "faq")]), snapshot, NOW, charts)
    assert isinstance(found, Moved)
    assert found.snapshot.invokes == {"stock": 2}
    for new in (OLD, {**RENAMED, "migrations": {"states": {"checkout.address": "pay.where"}}}):
        found = move(Charts([chart(new), chart(FAQ, "faq")]), snapshot, NOW)
        assert isinstance(found, Misfit)
        assert "result of the call stock is awaited" in found.reason


def test_a_migration_enters_nothing() -> None:
    """So it cannot lead to a state that waits for a call: nobody would make it."""
    new = copy.deepcopy({**RENAMED, "migrations": {"states": {"checkout.address": "pay.where"}}})
    new["states"]["pay"]["states"]["where"]["invoke"] = {"id": "stock", "action": "look"}
    charts, snapshot = stood("buy")
    found = move(Charts([chart(new), chart(FAQ, "faq")]), snapshot, NOW, charts)
    assert isinstance(found, Misfit)
    assert "only made when it is entered" in found.reason
