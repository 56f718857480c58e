"""Random charts: every kind of state and transition, guards and actions that fail now and then.

A chart is made by a generator of its own from a seed and a size, and Hypothesis draws these two: drawing every state from
Hypothesis is a hundred times slower, and what it saves in a failure, a smaller size does too.
"""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import strategies as st

from wabox.actions import ActionInput, GuardInput

EVENTS = ("e0", "e1", "e2", "e.x")
DESCRIPTORS = (*EVENTS, "e.*", "*", "e0 e1", "raised", "error.execution", "resumed", "timeout.soft")


def odd(given: GuardInput) -> bool:
    return bool(given.context["n"] % 2)


def breaks(given: GuardInput) -> bool:
    raise ValueError("a guard that breaks")


def fails(given: ActionInput) -> dict[str, Any]:
    raise ValueError("an action that fails")


def notes(given: ActionInput) -> dict[str, Any]:
    given.context["trail"].append("lost")
    return {"trail": [*given.context["trail"][-5:], given.event.name], "seen": given.event.data.get("k")}


GUARDS = {"odd": odd, "breaks": breaks}
ACTIONS = {"fails": fails, "notes": notes}

GUARDS_WRITTEN: tuple[Any, ...] = (
    *(
        None,
        None,
        None,
        "odd",
        {"not": "odd"},
        {"path": "n", "op": "lt", "value": 4},
        {"path": "n", "op": "gt", "value": 2},
    ),
    *("breaks", {"and": ["odd", {"path": "event.k", "op": "exists"}]}, {"in": "#root"}),
)
ACTIONS_WRITTEN: tuple[Any, ...] = (
    *({"increment": {"path": "n"}}, {"assign": {"n": 0}}, {"assign": {"last": {"from": "event.k"}}}, "notes", "fails"),
    *({"raise": "raised"}, {"raise": "e1"}, {"say": "said {n}"}, {"append": {"path": "trail", "value": {"from": "n"}}}),
    {"raise": {"event": "e2", "delay": "7s", "id": "r"}},
    *({"cancel": "r"}, {"assign": {"trail": []}}),
)
TIMEOUTS = ({"soft": "30s"}, {"soft": "20s", "hard": "2m"}, {"hard": "off"}, {"soft": "off"})


class Maker:
    def __init__(self, seed: int, size: int, detours: tuple[str, ...]) -> None:
        self.random = Random(seed)
        self.size = size
        self.detours = detours

    def chance(self, one_in: int) -> bool:
        return self.random.randrange(one_in) == 0

    def chart(self) -> dict[str, Any]:
        tree = self.states(self.size, root=True)
        found = list(walk(tree))
        self.ids = [f"#root.{path}" if path else "#root" for path, _ in found]
        for path, state in found:
            if state.get("type") != "history":
                self.fill(path, state)
        return {"context": {"n": 0, "trail": []}, **tree}

    def states(self, depth: int, *, root: bool = False) -> dict[str, Any]:
        if depth == 0 or (not root and self.chance(3)):
            return {}
        children = {f"s{number}": self.states(depth - 1) for number in range(self.random.choice((1, 2, 2, 3)))}
        state: dict[str, Any] = {"states": children}
        if self.chance(3):
            state["type"] = "parallel"
        elif self.chance(2):
            children["f"] = {"type": "final"}
        if self.chance(2):
            children["h"] = {"type": "history", "history": self.random.choice(("shallow", "deep"))}
        return state

    def actions(self) -> list[Any]:
        return [self.random.choice(ACTIONS_WRITTEN) for _ in range(self.random.randrange(4))]

    def transition(self) -> dict[str, Any]:
        written: dict[str, Any] = {"actions": self.actions()}
        if not self.chance(4):
            written["target"] = self.random.choice(self.ids)
        guard = self.random.choice(GUARDS_WRITTEN)
        if guard is not None:
            written["guard"] = guard
        if self.chance(4):
            written["reenter"] = True
        return written

    def fill(self, path: str, state: dict[str, Any]) -> None:
        for side in ("entry", "exit"):
            if self.chance(2):
                state[side] = self.actions()
        for side in ("say", "ask"):
            if self.chance(5):
                state[side] = f"{side} of {path} {{n}}"
        if self.chance(6):
            state["handoff"] = True
        if state.get("type") == "final":
            return
        names = self.random.sample(DESCRIPTORS, self.random.randrange(4))
        state["on"] = {name: [self.transition() for _ in range(self.random.choice((1, 2)))] for name in names}
        if self.chance(6):
            guard = self.random.choice(("odd", {"path": "n", "op": "gt", "value": 3}, {"path": "event.k", "value": 1}))
            state["always"] = [self.transition() | {"guard": guard}]
        if self.chance(4):
            state["after"] = {self.random.choice(("1s", "5s", "10s", "1m")): self.transition()}
        if "states" in state and self.chance(2):
            state["onDone"] = self.transition()
        if self.chance(3):
            state["timeouts"] = self.random.choice(TIMEOUTS)
        if self.detours and self.chance(3):
            state["detours"] = {self.random.choice(EVENTS): self.random.choice(self.detours)}


def walk(state: dict[str, Any], path: str = "") -> list[tuple[str, dict[str, Any]]]:
    found = [(path, state)]
    for key, child in state.get("states", {}).items():
        found += walk(child, f"{path}.{key}" if path else key)
    return found


def charts(*detours: str) -> st.SearchStrategy[dict[str, Any]]:
    """Definitions that compile, with the guards and actions of this module."""
    return st.builds(lambda seed, size: Maker(seed, size, detours).chart(), st.integers(0, 2**32), st.integers(1, 3))


moments = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(EVENTS), st.sampled_from([{}, {"k": 1}, {"k": "é\ud83d"}]), st.booleans()),
        st.sampled_from([1_000, 6_000, 40_000, 200_000]),
    ),
    min_size=1,
    max_size=10,
)
"""(event, data, whether it is the customer's), or ms that pass."""
