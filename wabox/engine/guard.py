"""Guards: a name, a comparison, or and/or/not of guards. There is no expression language and nothing is evaluated as code.

::

    guard: in_stock                                   a function of the bot's actions.py
    guard: {type: in_stock, params: {at_least: 2}}    the same with literal parameters
    guard: {path: cart.total, op: gt, value: 500}     a comparison; the path is the context's, or event.<key>
    guard: {path: event.text, op: eq, value: {from: context.code}}
    guard: {and: [...]}   {or: [...]}   {not: ...}    XState's {type: xstate.and, guards: [...]} means the same
    guard: {in: "#checkout.pay"}                      that state is active
    guard: consent.marketing                          the customer agreed to marketing messages

A comparison never raises: what cannot be compared (a missing value, text with a number) does not hold. ``true`` is not 1.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from wabox.core.action import Guard, GuardInput
from wabox.core.event import Event
from wabox.engine.agree import GUARD, MARKETING
from wabox.engine.problem import Path
from wabox.engine.reader import Reader
from wabox.engine.reference import Source, reference, source
from wabox.engine.state import BoundGuard, State, Test

FindState = Callable[[str, Path], State | None]
"""Resolves a target; reports what it cannot."""


def read_guard(
    reader: Reader, written: object, path: Path, guards: Mapping[str, Guard], find: FindState
) -> BoundGuard | None:
    """The guard as a test; None when it is wrong, which the reader then knows."""
    if isinstance(written, str):
        return _named(reader, written, {}, path, guards)
    if not isinstance(written, Mapping):
        reader.wrong(
            path, "bad-guard", f"a guard cannot be {reader.show(written)}", "write a guard's name, or {path, op, value}"
        )
        return None
    if "type" in written:
        return _typed(reader, written, path, guards, find)
    if "path" in written or "op" in written:
        return _comparison(reader, written, path)
    if len(written) == 1:
        ((key, inner),) = written.items()
        if key in ("and", "or"):
            return _several(reader, str(key), inner, (*path, str(key)), guards, find)
        if key == "not":
            return _not(read_guard(reader, inner, (*path, "not"), guards, find))
        if key == "in":
            return _in(reader, inner, (*path, "in"), find)
    reader.wrong(
        path,
        "bad-guard",
        f"a guard cannot be {reader.show(written)}",
        "write a name, {type, params}, {path, op, value}, {in: state}, or and/or/not of guards",
    )
    return None


def _named(
    reader: Reader, name: str, params: Mapping[str, Any], path: Path, guards: Mapping[str, Guard]
) -> BoundGuard | None:
    if name == GUARD and name not in guards:
        return MARKETING
    if name not in guards:
        reader.wrong(
            path,
            "unknown-guard",
            f"there is no guard {name!r}",
            reader.instead(name, guards, "write a function of that name with @guard in actions.py"),
        )
        return None
    function = guards[name]

    def test(context: Mapping[str, Any], event: Event, active: frozenset[str]) -> bool:
        return bool(function(GuardInput(context, event, params)))

    return BoundGuard(test, name, (name,))


def _typed(
    reader: Reader, written: Mapping[str, Any], path: Path, guards: Mapping[str, Guard], find: FindState
) -> BoundGuard | None:
    name = written["type"]
    if name in ("xstate.and", "xstate.or"):
        return _several(reader, name[7:], written.get("guards"), (*path, "guards"), guards, find)
    if name == "xstate.not":
        inner = written.get("guards")
        first = inner[0] if isinstance(inner, list) and inner else inner
        return _not(read_guard(reader, first, (*path, "guards"), guards, find))
    reader.only(written, path, ("type", "params"), "a guard")
    params = reader.mapping(written.get("params"), (*path, "params"), "params")
    if not isinstance(name, str):
        reader.wrong((*path, "type"), "bad-guard", "a guard's type is its name", "write the name of a guard")
        return None
    return _named(reader, name, params, path, guards)


def _several(
    reader: Reader, word: str, written: object, path: Path, guards: Mapping[str, Guard], find: FindState
) -> BoundGuard | None:
    if not isinstance(written, list) or not written:
        reader.wrong(path, "bad-guard", f"{word} needs a list of guards", f"write {word}: [first, second]")
        return None
    bound = [read_guard(reader, item, (*path, place), guards, find) for place, item in enumerate(written)]
    parts = [guard for guard in bound if guard is not None]
    tests = tuple(guard.test for guard in parts)

    def every(context: Mapping[str, Any], event: Event, active: frozenset[str]) -> bool:
        return all(test(context, event, active) for test in tests)

    def some(context: Mapping[str, Any], event: Event, active: frozenset[str]) -> bool:
        return any(test(context, event, active) for test in tests)

    label = f" {word} ".join(f"({guard.label})" if " " in guard.label else guard.label for guard in parts)
    names = tuple(dict.fromkeys(name for guard in parts for name in guard.names))
    return BoundGuard(every if word == "and" else some, label, names) if len(parts) == len(bound) else None


def _not(inner: BoundGuard | None) -> BoundGuard | None:
    if inner is None:
        return None
    test = inner.test
    label = f"not ({inner.label})" if " " in inner.label else f"not {inner.label}"
    return BoundGuard(lambda context, event, active: not test(context, event, active), label, inner.names)


def _in(reader: Reader, written: object, path: Path, find: FindState) -> BoundGuard | None:
    if not isinstance(written, str):
        reader.wrong(path, "bad-guard", "in needs a state", 'write in: "#checkout.pay"')
        return None
    # The tree is read before its guards, so the state is known; only its id goes into the test.
    state = find(written, path)
    if state is None:
        return None
    wanted = state.id
    return BoundGuard(lambda context, event, active: wanted in active, f"in {wanted or 'root'}")


def _comparison(reader: Reader, written: Mapping[str, Any], path: Path) -> BoundGuard | None:
    reader.only(written, path, ("path", "op", "value"), "a comparison")
    where, op = written.get("path"), written.get("op", "eq")
    left = source(where) if isinstance(where, str) else None
    if left is None:
        reader.wrong(
            (*path, "path"),
            "bad-guard",
            f"{reader.show(where)} is no path",
            "write path: cart.total or path: event.text",
        )
        return None
    compare = _OPERATIONS.get(op) if isinstance(op, str) else None
    if compare is None:
        reader.wrong(
            (*path, "op"),
            "bad-guard",
            f"there is no comparison {reader.show(op)}",
            f"use one of {', '.join(_OPERATIONS)}",
        )
        return None
    if "value" not in written and op != "exists":
        reader.wrong(path, "bad-guard", "the comparison has nothing to compare with", "add value:")
        return None
    value = written.get("value", True)
    right = reference(value)
    label = f"{where} {op} {reader.show(value)}"
    return BoundGuard(_fixed(left, compare, value) if right is None else _moving(left, compare, right), label)


def _fixed(left: Source, compare: Callable[[Any, Any], bool], value: Any) -> Test:
    return lambda context, event, active: compare(left(context, event), value)


def _moving(left: Source, compare: Callable[[Any, Any], bool], right: Source) -> Test:
    return lambda context, event, active: compare(left(context, event), right(context, event))


def _equal(left: Any, right: Any) -> bool:
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def holds(left: Any, right: Any) -> bool:
        return _kind(left) == _kind(right) != "" and compare(left, right)

    return holds


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), "")


_KINDS = {int: "number", float: "number", str: "text"}
"""What can be ordered; a context holds no other types, and bool is not int here."""


def _among(left: Any, right: Any) -> bool:
    if isinstance(right, str):
        return isinstance(left, str) and left in right
    if isinstance(right, Mapping):
        return isinstance(left, str) and left in right
    return isinstance(right, list | tuple) and any(_equal(left, item) for item in right)


_OPERATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": _equal,
    "ne": lambda left, right: not _equal(left, right),
    "lt": _ordered(operator.lt),
    "le": _ordered(operator.le),
    "gt": _ordered(operator.gt),
    "ge": _ordered(operator.ge),
    "in": _among,
    "contains": lambda left, right: _among(right, left),
    "exists": lambda left, right: (left is not None) == bool(right),
}
"""``in``: the value's list, mapping or text has what is at the path; ``contains``: what is at the path has the value."""
