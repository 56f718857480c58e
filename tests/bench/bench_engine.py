"""How fast the engine is: events per CPU-second of one core.

    python tests/bench/bench_engine.py [--json] [--seconds 2]

One conversation of eight events in a checkout chart (15 states in 3 levels, deep history, a guard, soft and hard timeouts,
an ``after`` timer). *Stored* is what the server does for each message: JSON snapshot → restore → step → JSON snapshot; *live*
leaves out the JSON. Every event is checked once, before anything is timed. CPU time of the process, median of 5 runs, so
that a busy machine distorts it less. The same conversation runs on python-statemachine when that is
installed (without timeouts and timers, which it cannot store), and on XState where there is Node and npm can fetch it.
Then a chart of a thousand states: how long it takes to compile, and the same two rates on a walk through it.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    # As a script, not only as `python -m tests.bench engine`.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench import large_chart, peer_xstate
from wabox.engine import Charts, Event, Say, Snapshot, compile_chart, decode, encode, start, step

RUNS = 5
NOW = 1_790_000_000_000

CHECKOUT = {
    "initial": "browsing",
    "context": {"name": "Ana", "items": 2, "total": 49.9},
    "timeouts": {"soft": "30m", "hard": "24h"},
    "on": {"HUMAN": ".handed_off"},
    "states": {
        "browsing": {
            "ask": {"text": "What would you like?", "buttons": {"ORDER": "Order"}},
            "on": {"ORDER": {"target": "checkout", "guard": {"path": "total", "op": "gt", "value": 0}}},
        },
        "checkout": {
            "initial": "address",
            "onDone": "fulfilment",
            "on": {"HELP_REQUESTED": "help"},
            "states": {
                "back": {"type": "history", "history": "deep"},
                "address": {
                    "initial": "asking",
                    "onDone": "confirm_items",
                    "states": {
                        "asking": {
                            "ask": "Where to, {name}?",
                            "on": {
                                "ADDRESS_GIVEN": {
                                    "target": "noted",
                                    "actions": {"assign": {"address": {"from": "event.text"}}},
                                }
                            },
                        },
                        "noted": {"type": "final"},
                    },
                },
                "confirm_items": {
                    "ask": {"text": "{total} in all. Right?", "buttons": {"CONFIRMED": "Yes", "CHANGE": "No"}},
                    "on": {"CONFIRMED": "payment", "CHANGE": "address"},
                },
                "payment": {
                    "initial": "summary",
                    "onDone": "paid",
                    "states": {
                        "summary": {"ask": "To {address}. Go on?", "on": {"CONFIRMED": "method"}},
                        "method": {
                            "ask": {"text": "How?", "buttons": {"METHOD_CHOSEN": "Card"}},
                            "on": {
                                "METHOD_CHOSEN": {
                                    "target": "waiting",
                                    "actions": [{"type": "assign", "params": {"method": "card"}}],
                                }
                            },
                        },
                        "waiting": {
                            "say": "Pay here, please.",
                            "after": {"10m": "method"},
                            "on": {"PAID": "received"},
                        },
                        "received": {"type": "final"},
                    },
                },
                "paid": {"type": "final", "say": "Thank you!"},
            },
        },
        "help": {"ask": "What is it?", "on": {"RESUME": "checkout.back"}},
        "handed_off": {"handoff": {"queue": "sales"}, "on": {"RESUME": "checkout.back"}},
        "fulfilment": {"type": "final", "say": "It is on its way, {name}."},
    },
}

CONVERSATION: list[tuple[str, str, list[str], int]] = [
    ("ORDER", "order", ["checkout.address.asking"], 1),
    ("ADDRESS_GIVEN", "Calle 5 #12, Oaxaca", ["checkout.confirm_items"], 1),
    ("HELP_REQUESTED", "help", ["help"], 1),
    ("RESUME", "go on", ["checkout.confirm_items"], 1),
    ("CONFIRMED", "yes", ["checkout.payment.summary"], 1),
    ("CONFIRMED", "yes", ["checkout.payment.method"], 1),
    ("METHOD_CHOSEN", "card", ["checkout.payment.waiting"], 1),
    ("PAID", "paid", ["fulfilment"], 2),
]
"""Event, text, leaves after it, messages it sends."""


def checked() -> tuple[Charts, Snapshot, int]:
    """The chart, the conversation's first snapshot and the size of its largest; every event does what it should."""
    charts = Charts([compile_chart("shop", CHECKOUT, guards={}, actions={})])
    first = start(charts, "shop", NOW).snapshot
    snapshot, largest = first, 0
    for name, text, leaves, messages in CONVERSATION:
        done = step(charts, decode(encode(snapshot)), Event(name, {"text": text}, customer=True), NOW)
        snapshot = done.snapshot
        largest = max(largest, len(encode(snapshot)))
        said = sum(isinstance(effect, Say) for effect in done.effects)
        if not done.handled or list(snapshot.leaves) != leaves or said != messages:
            raise SystemExit(f"{name}: {snapshot.leaves} and {said} messages instead of {leaves} and {messages}")
    return charts, first, largest


EVENTS = [Event(name, {"text": text}, customer=True) for name, text, _, _ in CONVERSATION]
"""Made beforehand: an event is what comes in, not what is measured."""


WALK = [Event(name, {"text": name}, customer=True) for name in large_chart.WALK]


def suspended_bytes() -> int:
    """A snapshot in the middle of the checkout while a question is answered on top of it."""
    answer = {"initial": "said", "states": {"said": {"ask": "Done?", "on": {"DONE": "end"}}, "end": {"type": "final"}}}
    asking = {**CHECKOUT, "detours": {"QUESTION": "answer"}}
    charts = Charts(
        [compile_chart(name, it, guards={}, actions={}) for name, it in (("shop", asking), ("answer", answer))]
    )
    snapshot = start(charts, "shop", NOW).snapshot
    for event in (*EVENTS[:2], Event("QUESTION", customer=True)):
        snapshot = step(charts, snapshot, event, NOW).snapshot
    assert snapshot.stack
    return len(encode(snapshot))


def large() -> tuple[Charts, float]:
    """The chart of a thousand states, and how many ms of CPU compiling it took (median)."""
    definition, took = large_chart.definition(), []
    for _ in range(RUNS):
        begun = time.process_time()
        chart = compile_chart("large", definition, guards={}, actions={})
        took.append((time.process_time() - begun) * 1000)
    return Charts([chart]), statistics.median(took)


def stored(charts: Charts, first: bytes, events: Sequence[Event]) -> None:
    data = first
    for event in events:
        data = encode(step(charts, decode(data), event, NOW).snapshot)


def live(charts: Charts, first: Snapshot, events: Sequence[Event]) -> None:
    snapshot = first
    for event in events:
        snapshot = step(charts, snapshot, event, NOW).snapshot


@dataclass(frozen=True)
class Peer:
    version: str
    conversations: dict[str, Callable[[], object]]


def peer() -> Peer | None:
    """The same conversation on python-statemachine; None when it is not installed."""
    if importlib.util.find_spec("statemachine") is None:
        return None
    from tests.bench import peer_statemachine as other

    events = [(name.lower(), text) for name, text, _, _ in CONVERSATION]

    def stored_peer(check: bool = False) -> None:
        data = other.stored(other.Checkout(other.Order()))
        for (name, text), (_, _, _, messages) in zip(events, CONVERSATION, strict=True):
            machine = other.restored(data)
            machine.send(name, text=text)
            data = other.stored(machine)
            if check and len(machine.model.said) != messages:
                raise SystemExit(f"{other.VERSION}: {name} sent {machine.model.said}")

    def live_peer() -> None:
        machine = other.Checkout(other.Order())
        for name, text in events:
            machine.send(name, text=text)

    stored_peer(check=True)
    return Peer(other.VERSION, {"peer stored": stored_peer, "peer live": live_peer})


def rates(conversations: dict[str, Callable[[], object]], seconds: float) -> dict[str, float]:
    """Events per CPU-second, by name: median of the runs, which take turns so that a busy minute hits all alike."""
    counts: dict[str, int] = {}
    found: dict[str, list[float]] = {name: [] for name in conversations}
    for name, conversation in conversations.items():
        counts[name] = max(1, round(seconds / _took(conversation, max(1, round(0.05 / _took(conversation, 3))))))
    for _ in range(RUNS):
        for name, conversation in conversations.items():
            found[name].append(len(CONVERSATION) / _took(conversation, counts[name]))
    return {name: statistics.median(each) for name, each in found.items()}


def _took(conversation: Callable[[], object], count: int) -> float:
    """CPU seconds of one conversation."""
    begun = time.process_time()
    for _ in range(count):
        conversation()
    return max(time.process_time() - begun, 1e-6) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seconds", type=float, default=2.0, help="CPU seconds per run")
    given = parser.parse_args()
    charts, first, largest = checked()
    data = encode(first)
    conversations: dict[str, Callable[[], object]] = {
        "stored": lambda: stored(charts, data, EVENTS),
        "live": lambda: live(charts, first, EVENTS),
    }
    thousand, compiling = large()
    begun = start(thousand, "large", NOW).snapshot
    begun_data = encode(begun)
    conversations |= {
        "large stored": lambda: stored(thousand, begun_data, WALK),
        "large live": lambda: live(thousand, begun, WALK),
    }
    other = peer()
    if other is not None:
        conversations |= other.conversations
    measured = rates(conversations, given.seconds)
    node = peer_xstate.measure(given.seconds)
    if isinstance(node, peer_xstate.XState):
        measured |= {"xstate stored": node.stored, "xstate live": node.live}
    figures = {
        "states": len(charts.live["shop"].states),
        "largest_snapshot_bytes": largest,
        "suspended_snapshot_bytes": suspended_bytes(),
        "large_states": len(thousand.live["large"].states),
        "large_compile_ms": round(compiling, 1),
        "events_per_cpu_second": {name: round(rate) for name, rate in measured.items()},
        "peer": None if other is None else other.version,
    }
    if given.json:
        print(json.dumps(figures))
        return
    print(
        f"Checkout chart of {figures['states']} states, snapshots up to {largest} bytes, {figures['suspended_snapshot_bytes']} "
        "with a suspended frame; events per CPU-second of one core"
    )
    who = {"wabox": ("stored", "live")} | ({} if other is None else {other.version: ("peer stored", "peer live")})
    if isinstance(node, peer_xstate.XState):
        who[node.version] = ("xstate stored", "xstate live")
    who[f"wabox, {figures['large_states']:,} states"] = ("large stored", "large live")
    print(f"{'':30}{'JSON → restore → step → JSON':>30}{'step alone':>14}")
    for name, (one, two) in who.items():
        print(f"{name:30}{measured[one]:>30,.0f}{measured[two]:>14,.0f}")
    print(f"Compiling the chart of {figures['large_states']:,} states takes {compiling:.0f} ms.")
    print("Wanted: 100,000 stored, 60,000 with a thousand states, 500 bytes with a suspended frame, 100 ms to compile.")
    if isinstance(node, str):
        print(node)
    if other is None:
        print("python-statemachine is not installed; pip install it to see it here.")


if __name__ == "__main__":
    main()
