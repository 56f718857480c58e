"""How fast the engine is: events per CPU-second of one core.

    python tests/bench/bench_engine.py [--json] [--seconds 2]

One conversation of eight events in a checkout chart (15 states in 3 levels, deep history, a guard, soft and hard timeouts,
an ``after`` timer). *Stored* is what the server does for each message: JSON snapshot → restore → step → JSON snapshot; *live*
leaves out the JSON. Every event is checked once, before anything is timed. CPU time of the process, median of 5 runs, so
that a busy machine distorts it less. The same conversation runs on python-statemachine when that is installed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from wabox.engine import Charts, Event, Say, Snapshot, compile_chart, decode, encode, start, step

RUNS = 5
NOW = 1_790_000_000_000

CHECKOUT = {
    "initial": "browsing",
    "context": {
        "cart": [{"sku": "shirt-red-m", "qty": 2}],
        "total": 49.9,
        "name": "Ana",
        "address": None,
        "method": None,
    },
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


def stored(charts: Charts, first: Snapshot) -> None:
    data = encode(first)
    for name, text, _, _ in CONVERSATION:
        data = encode(step(charts, decode(data), Event(name, {"text": text}, customer=True), NOW).snapshot)


def live(charts: Charts, first: Snapshot) -> None:
    snapshot = first
    for name, text, _, _ in CONVERSATION:
        snapshot = step(charts, snapshot, Event(name, {"text": text}, customer=True), NOW).snapshot


def rate(conversation: Callable[[], None], seconds: float) -> float:
    """Events per CPU-second: median of the runs."""
    conversation()
    count = 1
    while True:
        begun = time.process_time()
        for _ in range(count):
            conversation()
        took = time.process_time() - begun
        if took > seconds / 10:
            break
        count *= 2
    count = max(1, int(count * seconds / took))
    rates = []
    for _ in range(RUNS):
        begun = time.process_time()
        for _ in range(count):
            conversation()
        rates.append(count * len(CONVERSATION) / (time.process_time() - begun))
    return statistics.median(rates)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seconds", type=float, default=2.0, help="CPU seconds per run")
    given = parser.parse_args()
    charts, first, largest = checked()
    figures: dict[str, float | int | str] = {
        "states": len(charts["shop"].states),
        "largest_snapshot_bytes": largest,
        "stored_events_per_s": round(rate(lambda: stored(charts, first), given.seconds)),
        "live_events_per_s": round(rate(lambda: live(charts, first), given.seconds)),
    }
    if given.json:
        print(json.dumps(figures))
        return
    print(figures)


if __name__ == "__main__":
    main()
