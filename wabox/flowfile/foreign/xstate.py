"""XState's JSON in all its spellings, rewritten to the one that our charts use.

A machine config of XState v5 whose guards and actions are names is a chart as it stands. Exports of editors and of
``JSON.stringify(machine.config)`` spell more out (``{"type": "xstate.raise", "params": {"event": …}}``), and v4 used other
words (``cond``, ``onEntry``, ``internal``). :func:`canonical` knows them all; what is ours already stays as it is.

What has no place in a chart (actors, actions that compute in JavaScript) is left out or left as a bare name, and noted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from wabox.flowfile.document import Steps
from wabox.flowfile.foreign.note import Brought, Note

OURS = ("append", "remove", "increment", "multiply", "say")
ACTORS = (
    "sendTo",
    "sendParent",
    "forwardTo",
    "escalate",
    "respond",
    "spawn",
    "spawnChild",
    "stop",
    "stopChild",
    "emit",
)
COMPUTED = ("choose", "pure", "enqueueActions")
RENAMED = {"onEntry": "entry", "onExit": "exit"}
MEANINGLESS = (
    *("predictableActionArguments", "preserveActionOrder", "delimiter", "strict", "key", "order", "schemas", "tsTypes"),
)
"""Keys that say nothing about what a machine does."""
_OPERATIONS = {
    "==": "eq", "===": "eq", "!=": "ne", "!==": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge",
    "equals": "eq", "neq": "ne", "lte": "le", "gte": "ge",
}  # fmt: skip
_IN = re.compile(r"In\(\s*['\"]?([^'\"()]+?)['\"]?\s*\)")


def canonical(definition: Mapping[str, Any], *, exact_first: bool = False) -> Brought:
    """The definition with the words of our charts; order is kept. What is no mapping where one belongs stays as it is, for
    the compiler to complain about.

    ``exact_first``: XState tries an exact event before ``foo.*`` before ``*``, whatever their order; here the order
    decides, so they are put in that order.
    """
    writer = _Writer(definition, exact_first)
    return Brought(writer.state(definition, ()), writer.notes)


class _Writer:
    def __init__(self, root: Mapping[str, Any], exact_first: bool) -> None:
        self._exact_first = exact_first
        self.notes: list[Note] = []
        self.places: dict[str, list[str]] = {}
        self._index(root, "")
        self._old = _is_old(root)
        self._key = ""
        if self._old:
            self._note(
                (), "this is XState v4: a transition to the state itself leaves it there, so it says reenter here"
            )

    def _index(self, state: object, path: str) -> None:
        """Where states are, by key and by id: ``in`` may name them from anywhere."""
        states = state.get("states") if isinstance(state, Mapping) else None
        for key, inner in states.items() if isinstance(states, Mapping) else ():
            below = f"{path}.{key}"
            names = {str(key), str(inner.get("id", key))} if isinstance(inner, Mapping) else {str(key)}
            for name in names:
                self.places.setdefault(name, []).append(below)
            self._index(inner, below)

    def _note(self, path: Steps, sentence: str) -> None:
        self.notes.append(Note(path, sentence))

    def state(self, written: object, path: Steps) -> Any:
        if not isinstance(written, Mapping):
            return written
        result: dict[str, Any] = {}
        self._key = str(path[-1]) if path else ""
        for word, value in written.items():
            key = RENAMED.get(str(word), str(word))
            here = (*path, str(word))
            if value is None and key not in ("on", "states"):
                continue
            if key == "states" and isinstance(value, Mapping):
                result[key] = {str(name): self.state(inner, (*here, str(name))) for name, inner in value.items()}
                self._key = str(path[-1]) if path else ""
            elif key in ("entry", "exit"):
                result[key] = (
                    [*_listed(result.get(key)), *_listed(self.actions(value, here))]
                    if key in result
                    else (self.actions(value, here))
                )
            elif key == "on":
                self._on(value, here, result)
            elif key in ("always", "onDone"):
                result[key] = self._transitions(value, here)
            elif key == "after":
                result[key] = self._after(value, here)
            elif key == "invoke":
                result[key] = self._invokes(value, here)
            elif key == "initial" and isinstance(value, Mapping):
                result[key] = self.transition(value, here)
            elif key == "history" and value is False:
                continue
            elif key == "parallel" and isinstance(value, bool):
                result |= {"type": "parallel"} if value else {}
            elif key == "activities":
                self._note(here, "activities run as long as a state is active; a chart has none")
            elif key == "data" and written.get("type") == "final":
                result["output"] = value
            elif key in MEANINGLESS:
                continue
            else:
                result[key] = value
        return result

    def _on(self, written: object, here: Steps, result: dict[str, Any]) -> None:
        if isinstance(written, list | tuple):
            found: dict[str, Any] = {}
            for place, item in enumerate(written):
                if not isinstance(item, Mapping) or not isinstance(item.get("event", ""), str):
                    result["on"] = written
                    return
                rest = {key: value for key, value in item.items() if key != "event"}
                _append(found, _event(item.get("event", "")), [self.transition(rest, (*here, place))])
        elif isinstance(written, Mapping):
            found = {_event(event): self._transitions(item, (*here, str(event))) for event, item in written.items()}
            if self._exact_first:
                found = dict(sorted(found.items(), key=lambda item: _breadth(item[0])))
        else:
            result["on"] = written
            return
        eventless = found.pop("", None)
        if eventless is not None:
            result["always"] = [*_listed(result.get("always")), *_listed(eventless)]
        result["on"] = found

    def _invokes(self, written: object, here: Steps) -> Any:
        if isinstance(written, list | tuple):
            return [self._invoke(item, (*here, place)) for place, item in enumerate(written)]
        return self._invoke(written, here)

    def _invoke(self, written: object, path: Steps) -> Any:
        if not isinstance(written, Mapping):
            return written
        result = {str(key): value for key, value in written.items() if key not in ("systemId", "type")}
        source = result.get("src")
        if isinstance(source, Mapping):
            result["src"] = _first(source, "src", "type", "id")
        for key in ("onSnapshot", "autoForward", "data"):
            if result.pop(key, None):
                self._note(
                    (*path, key), f"{key} of invoke has no counterpart: a call has one answer, and nothing in between"
                )
        for key in ("onDone", "onError"):
            if key in result:
                result[key] = self._transitions(result[key], (*path, key))
        return result

    def _after(self, written: object, here: Steps) -> Any:
        if isinstance(written, Mapping):
            return {str(delay): self._transitions(item, (*here, str(delay))) for delay, item in written.items()}
        found: dict[str, Any] = {}
        for place, item in enumerate(_listed(written)):
            if not isinstance(item, Mapping) or not isinstance(item.get("delay"), str | int):
                return written
            rest = {key: value for key, value in item.items() if key != "delay"}
            found.setdefault(str(item["delay"]), []).append(self.transition(rest, (*here, place)))
        return found

    def _transitions(self, written: object, path: Steps) -> Any:
        if isinstance(written, list | tuple):
            return [self.transition(item, (*path, place)) for place, item in enumerate(written)]
        return self.transition(written, path)

    def transition(self, written: object, path: Steps) -> Any:
        if self._old and isinstance(written, str) and written == self._key:
            return {"target": written, "reenter": True}
        if not isinstance(written, Mapping):
            return written
        result: dict[str, Any] = {}
        guards: list[Any] = []
        for word, value in written.items():
            here = (*path, str(word))
            if value is None:
                continue
            if word in ("guard", "cond"):
                guards.append(self.guard(value, here))
            elif word == "in":
                guards.append({"in": self._place(value)})
            elif word == "actions":
                result["actions"] = self.actions(value, here)
            elif word == "internal":
                if value is False:
                    result["reenter"] = True
            elif word in ("eventType", "source", "delay", "toJSON"):
                continue  # of a machine that was written out, not of its config
            else:
                result[str(word)] = value
        if self._old and result.get("target") == self._key and "internal" not in written:
            result["reenter"] = True
        if guards:
            result["guard"] = guards[0] if len(guards) == 1 else {"and": guards}
        return result

    # Guards.

    def guard(self, written: object, path: Steps) -> Any:
        if isinstance(written, str):
            found = _IN.fullmatch(written.strip())
            return {"in": self._place(found[1])} if found else written
        if not isinstance(written, Mapping):
            return written
        kind = written.get("type")
        if not isinstance(kind, str):
            for word in ("and", "or"):
                if set(written) == {word} and isinstance(written[word], list | tuple):
                    return {word: [self.guard(item, (*path, word, at)) for at, item in enumerate(written[word])]}
            if set(written) == {"not"}:
                return {"not": self.guard(written["not"], (*path, "not"))}
            if "path" in written and written.get("op") in _OPERATIONS:
                return {**written, "op": _OPERATIONS[written["op"]]}
            return {"in": self._place(written["in"])} if set(written) == {"in"} else written
        name = kind.removeprefix("xstate.")
        inner = _first(written, "guards", "children", "guard") or _first(
            _mapping(written.get("params")), "guards", "guard"
        )
        if name in ("and", "or") and inner is not None:
            return {name: [self.guard(item, (*path, "guards", at)) for at, item in enumerate(_listed(inner))]}
        if name == "not" and inner is not None:
            several = [self.guard(item, (*path, "guards", at)) for at, item in enumerate(_listed(inner))]
            return {"not": several[0] if len(several) == 1 else {"and": several}}
        if name in ("stateIn", "In", "in"):
            params = written.get("params")
            state = params if isinstance(params, str) else _first({**_mapping(params), **written}, *_STATE)
            return {"in": self._place(state)}
        if name == "guard" and isinstance(written.get("name"), str):
            return {"type": written["name"]}
        return _typed(kind, written)

    def _place(self, state: object) -> Any:
        """``#root.path`` of a state named by its key or id, when only one has it; otherwise as it is written. XState's
        ``{outer: inner}`` is a path too."""
        way = []
        while isinstance(state, Mapping) and len(state) == 1:
            ((outer, state),) = state.items()
            way.append(str(outer))
        if way and isinstance(state, str):
            return f"#root.{'.'.join([*way, state])}"
        if not isinstance(state, str):
            return state
        found = self.places.get(state.removeprefix("#"), [])
        return f"#root{found[0]}" if len(found) == 1 else state

    # Actions.

    def actions(self, written: object, path: Steps) -> Any:
        if isinstance(written, list | tuple):
            return [self.action(item, (*path, place)) for place, item in enumerate(written) if item is not None]
        return self.action(written, path)

    def action(self, written: object, path: Steps) -> Any:
        if isinstance(written, str):
            return (
                written if written.removeprefix("xstate.") not in (*ACTORS, *COMPUTED) else self._named(written, path)
            )
        if not isinstance(written, Mapping):
            return written
        if not isinstance(written.get("type"), str):
            return (
                {"increment": {"path": written["increment"]}} if isinstance(written.get("increment"), str) else written
            )
        kind = str(written["type"])
        name = kind.removeprefix("xstate.")
        params = written.get("params")
        more = {**_mapping(params), **{key: value for key, value in written.items() if key not in ("type", "params")}}
        if name == "assign":
            return {"assign": more["assignment"] if isinstance(more.get("assignment"), Mapping) else more}
        if name == "sendTo" and more.get("to") in _ITSELF:
            name = "send"
        if name in ("raise", "send"):
            return self._raised(name, more if more else params, path)
        if name == "cancel":
            return {"cancel": params if isinstance(params, str) else _first(more, "id", "sendId", "sendid")}
        if name == "log":
            message = params if isinstance(params, str) else _first(more, "message", "expr", "value")
            label = more.get("label")
            return {"log": {"message": message or "", **({"label": label} if label else {})}}
        if name in (*ACTORS, *COMPUTED):
            return self._named(kind, path)
        return {name: params} if name in OURS else _typed(kind, written)

    def _raised(self, name: str, params: object, path: Steps) -> Any:
        written: dict[str, Any] = {"event": params} if isinstance(params, str) else dict(_mapping(params))
        event = written.get("event")
        if isinstance(event, Mapping):
            # {type: PAID, sum: 5}: XState's events carry their data beside the type.
            data = {str(key): value for key, value in event.items() if key not in ("type", "name")}
            written["event"] = event.get("type", event.get("name"))
            written["data"] = {**data, **_mapping(written.get("data"))}
        to = written.get("to", written.get("target"))
        if name == "send" and to not in (*_ITSELF, "#_internal"):
            return self._named(f"send {written['event']} to {to}", path)
        if name == "send" and to != "#_internal":
            # To itself, but from outside: after everything that is raised.
            written.setdefault("delay", 0)
        kept = {"event": written.get("event")}
        for key in ("data", "delay", "id"):
            if written.get(key) not in (None, {}, ""):
                kept[key] = written[key]
        if "delay" not in kept:
            kept.pop("id", None)
        return {"raise": kept if len(kept) > 1 else kept["event"]}

    def _named(self, name: str, path: Steps) -> dict[str, Any]:
        bare = name.removeprefix("xstate.")
        self._note(path, f"the action {bare} has no counterpart; it is kept as a name")
        return {"type": bare}


_ITSELF = (None, "", "self", "#_self")
_STATE = ("stateValue", "state", "stateId", "id", "target", "value", "in")


def _breadth(event: str) -> tuple[bool, int]:
    """Exact names keep their order; the longer a family's name, the sooner."""
    return event.endswith("*"), -len(event) if event.endswith("*") else 0


def _event(name: object) -> str:
    """XState's own events by our names."""
    words = []
    for word in str(name).split(" "):
        for theirs, ours in (("done.actor.", "done.invoke."), ("error.actor.", "error.invoke."), ("", "")):
            if word.startswith(f"xstate.{theirs}"):
                word = ours + word.removeprefix(f"xstate.{theirs}")
        words.append(word)
    return " ".join(words)


def _typed(kind: str, written: Mapping[str, Any]) -> dict[str, Any]:
    """``{type, params}``, whatever else stands beside the type becoming a parameter."""
    rest = {str(key): value for key, value in written.items() if key not in ("type", "params")}
    rest = {key: value for key, value in rest.items() if key not in ("exec", "predicate", "name", "resolve")}
    params = written.get("params")
    if not rest:
        return {"type": kind} if params is None else {"type": kind, "params": params}
    return {"type": kind, "params": {**_mapping(params), **rest}}


def _is_old(written: object) -> bool:
    """Whether a word stands somewhere that only a config of v4 has."""
    if isinstance(written, list | tuple):
        return any(_is_old(item) for item in written)
    if not isinstance(written, Mapping):
        return False
    return any(word in written for word in _OLD) or any(
        _is_old(item) for key, item in written.items() if key not in ("context", "meta", "params", "actions")
    )


_OLD = ("cond", "onEntry", "onExit", "activities", "internal", "predictableActionArguments")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _listed(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]


def _first(written: Mapping[str, Any], *keys: str) -> Any:
    return next((written[key] for key in keys if written.get(key) is not None), None)


def _append(found: dict[str, Any], event: str, more: list[Any]) -> None:
    """Add transitions behind all others, keeping document order between events that overlap: a key that stands already, but
    not last, gets a blank behind it, which means nothing."""
    keys = list(found)
    if event in found and keys[-1].rstrip() != event.rstrip():
        event += " " * sum(key.rstrip() == event for key in keys)
    if event in found:
        found[event] = [*_listed(found[event]), *more]
    else:
        found[event] = more
