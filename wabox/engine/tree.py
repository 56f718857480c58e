"""Reads the states of a definition: who is inside whom, and everything about a state that names no other state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from wabox.engine.collect import asking, read_collect
from wabox.engine.invoke import read_invokes
from wabox.engine.problem import Path
from wabox.engine.reader import Reader
from wabox.engine.saying import read_say
from wabox.engine.state import HandoffSpec, State, StateType, Timeouts

DEEPEST = 40
"""Levels of states; far more than a person can follow."""

HISTORY_KEYS = ("type", "history", "target", "id", "tags", "description", "meta")
STATE_KEYS = (
    *(
        "type",
        "initial",
        "states",
        "on",
        "always",
        "after",
        "onDone",
        "entry",
        "exit",
        "id",
        "tags",
        "description",
        "meta",
    ),
    *(
        "say",
        "ask",
        "collect",
        "reprompt",
        "expect",
        "timeouts",
        "quiet",
        "detours",
        "handoff",
        "invoke",
        "output",
        "history",
        "target",
    ),
)
ROOT_KEYS = (
    *(*STATE_KEYS, "context", "version", "language", "schema", "$schema", "types"),
    *("versions", "max_pin", "migrations", "anger"),
)
"""``version``, ``schema`` and ``types`` are XState's or an editor's; they are accepted and mean nothing here."""


def read_tree(reader: Reader, definition: object) -> State:
    """The tree with its root; transitions and initial states come later, in :mod:`wabox.engine.wiring`."""
    return _state(reader, definition, "", None, (), [0])


def _state(reader: Reader, written: object, key: str, parent: State | None, path: Path, count: list[int]) -> State:
    definition = reader.mapping(written, path, "a state")
    kind = _type(reader, definition, path)
    known = ROOT_KEYS if parent is None else HISTORY_KEYS if kind == "history" else STATE_KEYS
    reader.only(definition, path, known, "a history state" if kind == "history" else "a state")
    state = State(
        id=f"{parent.id}.{key}" if parent is not None and parent.id else key,
        key=key,
        type=kind,
        order=count[0],
        path=path,
        definition=definition,
        parent=parent,
        ancestors=() if parent is None else (parent, *parent.ancestors),
    )
    count[0] += 1
    alias = definition.get("id")
    if parent is not None and alias is not None:
        state.alias = reader.text(alias, (*path, "id"), "an id")
    state.description = str(definition.get("description") or "")
    state.meta = reader.mapping(definition.get("meta"), (*path, "meta"), "meta")
    state.tags = frozenset(reader.texts(definition.get("tags"), (*path, "tags"), "a tag"))
    if kind == "history":
        state.history = "deep" if definition.get("history") == "deep" else "shallow"
        if definition.get("history") not in (None, "shallow", "deep", True):
            shown = reader.show(definition["history"])
            reader.wrong((*path, "history"), "bad-value", f"there is no history {shown}", "write shallow or deep")
    else:
        _own(reader, definition, state, path)
        _children(reader, definition, state, path, count)
        if not state.children and definition.get("initial") is not None:
            sentence = "a state without states inside has none to begin in"
            reader.wrong((*path, "initial"), "bad-type", sentence, "add states:, or remove initial")
    state.last = count[0] - 1
    return state


def _type(reader: Reader, definition: Mapping[str, Any], path: Path) -> StateType:
    children = bool(definition.get("states"))
    written = definition.get("type")
    if written is None:
        if definition.get("history"):
            return "history"
        return "compound" if children else "atomic"
    if written not in get_args(StateType):
        fix = reader.instead(str(written), get_args(StateType), "write atomic, compound, parallel, final or history")
        reader.wrong((*path, "type"), "bad-type", f"there is no state type {reader.show(written)}", fix)
        return "compound" if children else "atomic"
    if children and written in ("atomic", "final", "history"):
        reader.wrong(
            path, "bad-type", f"a state of type {written} has no states inside", "take them out, or remove the type"
        )
        return "compound"
    if not children and written in ("compound", "parallel"):
        reader.wrong(
            path, "bad-type", f"a state of type {written} needs states inside", "add states:, or remove the type"
        )
        return "atomic"
    if written == "history" and not path:
        reader.wrong(path, "bad-type", "the root cannot be a history state", "remove the type")
        return "atomic"
    kind: StateType = written
    return kind


def _children(reader: Reader, definition: Mapping[str, Any], state: State, path: Path, count: list[int]) -> None:
    written = reader.mapping(definition.get("states"), (*path, "states"), "states")
    if written and len(state.ancestors) >= DEEPEST:
        reader.wrong(
            path,
            "bad-value",
            f"states are nested more than {DEEPEST} levels deep",
            "flatten the chart, or use a detour",
        )
        return
    children = []
    for key, inner in written.items():
        here = (*path, "states", key)
        if not key or "." in key or key[0] in "#@" or key.split() != [key]:
            reader.wrong(here, "bad-id", f"{key!r} cannot name a state", "leave out dots, blanks and a leading # or @")
            continue
        children.append(_state(reader, inner if inner is not None else {}, key, state, here, count))
    state.children = tuple(children)
    if children and not state.regions:
        reader.wrong(path, "bad-type", "a state needs a state inside that is no history", "add one")


def _own(reader: Reader, definition: Mapping[str, Any], state: State, path: Path) -> None:
    """What a chat needs on top of a statechart."""
    state.say = read_say(reader, definition.get("say"), (*path, "say"))
    state.ask = read_say(reader, definition.get("ask"), (*path, "ask"))
    state.collect = read_collect(reader, definition.get("collect"), (*path, "collect"))
    if definition.get("collect") is not None and (not state.ask or state.type != "atomic"):
        what = "has no ask" if not state.ask else f"is {state.type}"
        fix = "add ask: with the question" if not state.ask else "write it in the state inside that asks"
        reader.wrong((*path, "collect"), "bad-collect", f"a state that collects asks for it, and this {what}", fix)
    state.ask = asking(state.ask, state.collect)
    state.reprompt = read_say(reader, definition.get("reprompt"), (*path, "reprompt"))
    state.expect = reader.texts(definition.get("expect"), (*path, "expect"), "an intent")
    if "timeouts" in definition:
        state.timeouts = _timeouts(reader, definition["timeouts"], (*path, "timeouts"))
    if "quiet" in definition:
        state.quiet = _timeout(reader, definition["quiet"], (*path, "quiet"))
    detours = reader.mapping(definition.get("detours"), (*path, "detours"), "detours")
    found = {
        intent: reader.text(chart, (*path, "detours", intent), "a detour's chart") for intent, chart in detours.items()
    }
    state.detours = {intent: chart for intent, chart in found.items() if chart is not None}
    state.invokes = read_invokes(reader, definition, path, state.id)
    state.handoff = _handoff(reader, definition.get("handoff"), (*path, "handoff"))
    if "target" in definition and state.type != "history":
        reader.wrong(
            (*path, "target"), "unknown-key", "only a history state has a target", "write on:, always: or after:"
        )


def _timeouts(reader: Reader, written: object, path: Path) -> Timeouts:
    if _is_off(written):
        return Timeouts(0, 0)
    spec = reader.mapping(written, path, "timeouts")
    reader.only(spec, path, ("soft", "hard", "late", "remember"), "timeouts")
    soft, hard, late, remember = (
        _timeout(reader, spec[key], (*path, key)) if key in spec else None
        for key in ("soft", "hard", "late", "remember")
    )
    if soft and hard and soft >= hard:
        reader.wrong(
            path, "bad-duration", "the soft timeout does not come before the hard one", "make soft shorter than hard"
        )
    return Timeouts(soft, hard, late, remember)


def _timeout(reader: Reader, written: object, path: Path) -> int | None:
    if _is_off(written):
        return 0
    delay = reader.duration(written, path)
    if delay == 0:
        reader.wrong(
            path, "bad-duration", "a timeout of nothing is over before it begins", "write off to switch it off"
        )
    return delay


def _is_off(written: object) -> bool:
    return written is None or written is False or written == "off"


def _handoff(reader: Reader, written: object, path: Path) -> HandoffSpec | None:
    if written is None or written is False:
        return None
    if written is True:
        return HandoffSpec()
    if isinstance(written, str):
        return HandoffSpec(queue=written)
    spec = reader.mapping(written, path, "handoff")
    reader.only(spec, path, ("queue", "priority", "reason", "follow_up"), "handoff")
    priority = spec.get("priority", 0)
    if isinstance(priority, bool) or not isinstance(priority, int):
        reader.wrong(
            (*path, "priority"),
            "bad-value",
            f"a priority cannot be {reader.show(priority)}",
            "write a whole number; more is sooner",
        )
        priority = 0
    queue = reader.text(spec.get("queue", "default"), (*path, "queue"), "queue")
    reason = reader.text(spec.get("reason", ""), (*path, "reason"), "reason")
    later = reader.duration(spec["follow_up"], (*path, "follow_up")) if spec.get("follow_up") else None
    return HandoffSpec(queue or "default", priority, reason or "", later or 0)
