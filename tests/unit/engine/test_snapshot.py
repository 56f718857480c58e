"""Snapshots: what they look like, that they are read for ever, and that a wrong one is refused in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.unit.engine.player import NOW, Player
from wabox.engine import Charts, Event, Frame, Snapshot, compile_chart, decode, encode, fire, start, step
from wabox.engine.snapshot import LARGEST
from wabox.errors import ConversationError

DATA = Path(__file__).parents[2] / "data" / "snapshots"


def golden_charts(layout: int) -> Charts:
    definitions = json.loads((DATA / f"layout-{layout}.charts.json").read_text("utf-8"))
    return Charts(compile_chart(name, given, guards={}, actions={}) for name, given in definitions.items())


def test_golden_snapshot_is_read_written_and_goes_on() -> None:
    """A snapshot of layout 1 is read, names charts whose hashes are still the same, is written as it was, and goes on."""
    data = (DATA / "layout-1.json").read_bytes().strip()
    charts = golden_charts(1)
    snapshot = decode(data)
    assert encode(snapshot) == data
    assert snapshot.charts == tuple(charts.live[name].ref for name in ("shop", "returns"))
    assert (snapshot.seq, snapshot.language, snapshot.misses, snapshot.status) == (7, "es", 1, "active")
    assert snapshot.stack == (
        Frame(
            chart=charts.live["shop"].ref,
            leaves=("main.checkout.address", "main.watch.calm"),
            context={"name": "Ana", "cart": [{"sku": "rojo", "qty": 2}], "total": 49.9},
            history={"main.checkout.back": ("main.checkout.items",)},
            timers={"soft": (1800000, 5), "hard": (86400000, 5), "after:600000:main.checkout.address": (540000, 4)},
        ),
    )
    assert snapshot.timers == {"soft": (1790000100000, 7), "raise:reminder:remind": (1790000050000, 6)}
    reminded = fire(charts, snapshot, "raise:reminder:remind", 6, 1790000050000)
    assert reminded.snapshot.context == {"reminded": 1}
    back = step(charts, reminded.snapshot, Event("told", customer=True), 1790000060000)
    assert back.snapshot.leaves == ("main.checkout.address", "main.watch.calm")
    assert back.snapshot.timers["after:600000:main.checkout.address"] == (1790000600000, 9)
    assert (back.snapshot.language, back.snapshot.misses, back.snapshot.seq) == ("es", 1, 9)
    menu = step(charts, back.snapshot, Event("menu"), 1790000060000)
    assert menu.snapshot.history == {"main.checkout.back": ("main.checkout.address",)}
    assert step(charts, menu.snapshot, Event("back"), 1790000060000).snapshot.leaves == back.snapshot.leaves


def test_what_is_empty_is_left_out() -> None:
    """A fresh conversation takes few bytes."""
    chart = compile_chart("m", {"states": {"a": {}}}, guards={}, actions={})
    assert (
        encode(start(Charts([chart]), "m", NOW).snapshot)
        == f'{{"v":1,"chart":"{chart.ref}","leaves":["a"],"seq":1}}'.encode()
    )


def test_unknown_keys_are_ignored() -> None:
    """A later release of the same layout may add keys."""
    assert decode(b'{"v":1,"chart":"m@0","leaves":["a"],"seq":3,"mood":"good"}').seq == 3


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is damaged"),
        (b"null", "is damaged"),
        (b'{"v":1', "is damaged"),
        (b'{"v":1,"chart":"m@0"}', "is damaged"),
        (b'{"v":1,"chart":"m@0","leaves":"a"}', "is damaged"),
        (b'{"v":1,"chart":"m@0","leaves":["a"],"timers":{"soft":5}}', "is damaged"),
        (b'{"v":1,"chart":"m@0","leaves":["a"],"status":"odd"}', "is damaged"),
        (b'{"v":1,"chart":"m@0","leaves":["\xff"]}', "is damaged"),
        (b'{"v":1,"chart":"m@0","leaves":["a"],"context":{"x":' + b"[" * 5000 + b"]" * 5000 + b"}}", "is damaged"),
        (b'{"v":2,"chart":"m@0","leaves":["a"]}', "layout 2"),
        (b'{"v":2,"states":["a"]}', "layout 2"),
        (b'{"states":["a"]}', "layout 0"),
        (b" " * (LARGEST + 1), "more than 1048576"),
    ],
)
def test_unreadable_snapshot(data: bytes, words: str) -> None:
    """What is no snapshot of ours is refused with a sentence that says which it is: damaged, too large, of another layout."""
    with pytest.raises(ConversationError, match=words):
        decode(data)


@pytest.mark.parametrize("value", [object(), float, {1: {2: object()}}, "\ud800"])
def test_context_that_is_no_json_is_not_written(value: Any) -> None:
    """A context that somebody else put something odd into is refused when it is written."""
    with pytest.raises(ConversationError, match="cannot be written"):
        encode(Snapshot(v=1, chart="m@0", leaves=("a",), context={"x": value}))


def test_snapshot_that_grew_too_large_is_not_written() -> None:
    """It is refused before it is stored, when there still is one to go back to."""
    with pytest.raises(ConversationError, match="adds to the context without end"):
        encode(Snapshot(v=1, chart="m@0", leaves=("a",), context={"x": "x" * LARGEST}))


CHART: dict[str, Any] = {
    "initial": "p",
    "states": {
        "p": {
            "type": "parallel",
            "states": {
                "x": {
                    "states": {
                        "h": {"type": "history"},
                        "d": {"type": "history", "history": "deep"},
                        "x1": {"after": {"1s": "x2"}},
                        "x2": {"states": {"i": {}, "j": {}}},
                    }
                },
                "y": {"states": {"y1": {}, "y2": {}}},
            },
        },
        "q": {"detours": {"x": "m2"}},
    },
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"leaves": ("q", "gone")}, "in state 'gone', which chart m@"),
        ({"leaves": ("p.x",)}, "in state 'p.x', which in chart m@.* is a compound state"),
        ({"leaves": ("p.x.h",)}, "is a history state"),
        ({"leaves": ()}, "none at all"),
        ({"leaves": ("q", "q")}, "it needs each once"),
        ({"leaves": ("p.x.x1", "q")}, "cannot be active together"),
        ({"leaves": ("p.x.x1",)}, "cannot be active together"),
        ({"leaves": ("p.y.y1", "p.x.x1")}, "in disorder"),
        ({"leaves": ("p.x.x1", "p.x.x2.i", "p.y.y1")}, "cannot be active together"),
        ({"history": {"p.x": ("p.x.x1",)}}, "history 'p.x', which chart"),
        ({"history": {"gone": ("p.x.x1",)}}, "history 'gone'"),
        ({"history": {"p.x.h": ("q",)}}, "history 'p.x.h' of state 'q'"),
        ({"history": {"p.x.h": ("p.x.x2.i",)}}, "history 'p.x.h' of state 'p.x.x2.i'"),
        ({"history": {"p.x.h": ("p.x.x1", "p.x.x2")}}, "cannot be active together"),
        ({"history": {"p.x.h": ()}}, "none at all"),
        ({"history": {"p.x.d": ("p.x.x2",)}}, "history 'p.x.d' of state 'p.x.x2'"),
        ({"history": {"p.x.d": ("p.x.x2.i", "p.x.x2.j")}}, "cannot be active together"),
        ({"timers": {"after:1:p.x.x1": (5, 5)}}, "timer 'after:1:p.x.x1'"),
        ({"timers": {"medium": (5, 5)}}, "timer 'medium'"),
        ({"timers": {"raise:x": (5, 5)}}, "timer 'raise:x'"),
        ({"chart": "m@000000000000"}, r"chart m@000000000000, which is not loaded \(only m@"),
        ({"chart": "other@0"}, "chart other@0, which is not loaded$"),
        ({"stack": (Frame(chart="other@0", leaves=("a",)),)}, "chart other@0"),
    ],
)
def test_snapshot_that_does_not_fit_its_chart(change: dict[str, Any], words: str) -> None:
    """It is refused before anything is done, in a sentence that names chart and state."""
    charts = Charts([compile_chart("m", CHART, guards={}, actions={})])
    snapshot = start(charts, "m", NOW).snapshot
    assert step(charts, snapshot, Event("x"), NOW).snapshot.leaves == ("p.x.x1", "p.y.y1")
    for wrong in (
        msgspec.structs.replace(snapshot, **change),
        decode(encode(msgspec.structs.replace(snapshot, **change))),
    ):
        for _ in range(2):
            with pytest.raises(ConversationError, match=words):
                step(charts, wrong, Event("x"), NOW)


@pytest.mark.parametrize("change", [{"leaves": ("gone",)}, {"history": {"gone": ("a",)}}, {"timers": {"gone": (1, 1)}}])
def test_suspended_frame_that_does_not_fit_its_chart(change: dict[str, Any]) -> None:
    """The frames of the stack are checked like the active one."""
    charts = Charts(
        [
            compile_chart("m", CHART, guards={}, actions={}),
            compile_chart("m2", {"states": {"a": {}}}, guards={}, actions={}),
        ]
    )
    frame = {"chart": charts["m"].ref, "leaves": ("q",)} | change
    snapshot = Snapshot(v=1, chart=charts["m2"].ref, leaves=("a",), stack=(Frame(**frame),))
    with pytest.raises(ConversationError, match="'gone'"):
        step(charts, snapshot, Event("x"), NOW)


def test_restoring_runs_nothing() -> None:
    """Reading a snapshot and stepping it with an event that nobody handles says, arms and enters nothing."""
    given = {
        "timeouts": {"soft": "1m"},
        "states": {"a": {"entry": {"increment": {"path": "n"}}, "say": "Hello", "after": {"1h": {}}}},
    }
    player = Player(Charts([compile_chart("m", given, guards={}, actions={})]), "m")
    before = player.step.snapshot
    done = step(player.charts, decode(encode(before)), Event("x"), NOW + 5)
    assert done.effects == ()
    assert done.snapshot == msgspec.structs.replace(before, seq=before.seq + 1)
