"""A chart of a thousand states, and a conversation that walks through it."""

from __future__ import annotations

from typing import Any

DEPARTMENTS, SHELVES, THINGS = 10, 10, 9


def definition() -> dict[str, Any]:
    """10 departments of 10 shelves of 9 things: 1,011 states with the root; each thing leads to the next one, each shelf and
    department too, and the root takes everybody home."""
    return {
        "initial": "d0",
        "context": {"seen": 0, "name": "Ana"},
        "timeouts": {"soft": "30m", "hard": "23h"},
        "on": {"HOME": ".d0", "HUMAN": ".people"},
        "states": {
            **{f"d{number}": _department(number) for number in range(DEPARTMENTS)},
            "people": {"handoff": True, "on": {"handoff.closed": "d0"}},
        },
    }


def _department(number: int) -> dict[str, Any]:
    return {
        "initial": "s0",
        "on": {"DEPARTMENT": f"d{(number + 1) % DEPARTMENTS}"},
        "states": {f"s{shelf}": _shelf(shelf) for shelf in range(SHELVES)},
    }


def _shelf(shelf: int) -> dict[str, Any]:
    return {
        "initial": "t0",
        "on": {"SHELF": f"s{(shelf + 1) % SHELVES}"},
        "states": {
            f"t{thing}": {
                "ask": {"text": "Thing {seen}, {name}?", "buttons": {"NEXT": "Next", "SHELF": "Next shelf"}},
                "on": {
                    "NEXT": {"target": f"t{(thing + 1) % THINGS}", "actions": {"assign": {"seen": thing}}},
                },
            }
            for thing in range(THINGS)
        },
    }


WALK = ("NEXT", "NEXT", "SHELF", "NEXT", "DEPARTMENT", "NEXT", "HUMAN", "handoff.closed")
