"""The actions that every chart has.

::

    assign:    {name: {from: event.text}, cart.total: 0}      set context paths; values are literals or references
    append:    {path: cart.items, value: {sku: {from: event.sku}}}
    remove:    {path: cart.items, value: "red"}               the first equal item of a list, or that key of a mapping;
                                                              without value: the path itself
    increment: {path: tries, by: 1}
    multiply:  {path: line.sum, by: {from: line.count}}
    raise:     {event: checked, data: {...}}                  an internal event; with delay a timer that raises it: 10s,
                                                              or {from: visit.remind_in} for a delay that is in the context
    cancel:    {id: reminder}                                 the timers of delayed events with that id
    say:       a text or bubble, as the state's own say
    repair:    back | repeat | skip | cancel | restart …      what customers ask for anywhere: :mod:`wabox.engine.repair`
    opt_in:    what the customer agrees to                    and opt_out: :mod:`wabox.engine.agree`
    log:       {message: "paid {total}"}

Every one of them makes new values and leaves the old alone, so a step can be dropped half way without a trace. What cannot be
done (counting up a text) raises, like an action of the bot.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from wabox.core.duration import parse_duration
from wabox.core.event import Event
from wabox.engine.agree import read_agree
from wabox.engine.effect import Log, Say
from wabox.engine.event import RAISE, raise_timer
from wabox.engine.problem import Path
from wabox.engine.reader import Reader
from wabox.engine.reference import keys_of, literal, read, reference
from wabox.engine.saying import read_say
from wabox.engine.state import BoundAction, Running
from wabox.engine.text import fill
from wabox.engine.value import look_up, plain, put_in
from wabox.engine.wish import read_repair

LONGEST_TIMER = 1_000
"""Characters of the name of a delayed event's timer, its data included."""


def _path(
    reader: Reader, params: object, path: Path, name: str, known: tuple[str, ...]
) -> tuple[Mapping[str, Any], tuple[str, ...]] | None:
    """The parameters of an action that works on one context path, and that path."""
    written = reader.mapping(params, path, name)
    reader.only(written, path, known, name)
    where = written.get("path")
    keys = keys_of(where.removeprefix("context.")) if isinstance(where, str) else None
    if keys is None:
        reader.wrong(
            path, "bad-action", f"{name} needs the path of a context variable", f"write {name}: {{path: cart.items, …}}"
        )
        return None
    return written, keys


def _assign(reader: Reader, params: object, path: Path, state: str) -> BoundAction | None:
    changes: list[tuple[tuple[str, ...], Any]] = []
    written = reader.mapping(params, path, "assign")
    for key, item in written.items():
        keys = keys_of(key.removeprefix("context."))
        if keys is None:
            reader.wrong((*path, key), "bad-action", f"{key!r} is no context variable", "write assign: {name: value}")
            continue
        changes.append((keys, literal(reader, item, (*path, key))))
    fixed = {keys[0]: item for keys, item in changes if len(keys) == 1 and not callable(item)}
    if len(fixed) == len(changes):
        return BoundAction(lambda running: _merge(running, fixed), "assign", params=written, calm=True)
    flat = all(len(keys) == 1 for keys, _ in changes)
    sources = {keys[0]: item for keys, item in changes if callable(item)}

    def assign(running: Running) -> None:
        # All values are read before any is set: {a: {from: b}, b: {from: a}} swaps.
        before, event = running.context, running.event
        after = {**before, **fixed}
        for key, read_it in sources.items():
            after[key] = read_it(before, event)
        running.context = after

    def assign_deep(running: Running) -> None:
        before, event = running.context, running.event
        after = before
        for keys, item in changes:
            after = put_in(after, keys, read(item, before, event))
        running.context = after

    return BoundAction(assign if flat else assign_deep, "assign", params=written, calm=True)


def _merge(running: Running, changes: Mapping[str, Any]) -> None:
    running.context = {**running.context, **changes}


def _append(reader: Reader, params: object, path: Path, state: str) -> BoundAction | None:
    found = _path(reader, params, path, "append", ("path", "value"))
    if found is None:
        return None
    written, keys = found
    item = literal(reader, written.get("value"), (*path, "value"))

    def append(running: Running) -> None:
        before = look_up(running.context, keys)
        if before is None:
            before = []
        if not isinstance(before, list):
            raise TypeError(f"{'.'.join(keys)} is no list")
        running.context = put_in(running.context, keys, [*before, read(item, running.context, running.event)])

    return BoundAction(append, "append", params=written, calm=True)


def _remove(reader: Reader, params: object, path: Path, state: str) -> BoundAction | None:
    found = _path(reader, params, path, "remove", ("path", "value"))
    if found is None:
        return None
    written, keys = found
    whole = "value" not in written
    item = literal(reader, written.get("value"), (*path, "value"))

    def remove(running: Running) -> None:
        wanted: Any = keys[-1] if whole else read(item, running.context, running.event)
        where = keys[:-1] if whole else keys
        before = look_up(running.context, where)
        if isinstance(before, list) and wanted in before:
            place = before.index(wanted)
            after: Any = [*before[:place], *before[place + 1 :]]
        elif isinstance(before, Mapping) and isinstance(wanted, str) and wanted in before:
            after = {key: kept for key, kept in before.items() if key != wanted}
        else:
            return
        running.context = put_in(running.context, where, after) if where else after

    return BoundAction(remove, "remove", params=written, calm=True)


def _increment(reader: Reader, params: object, path: Path, state: str) -> BoundAction | None:
    return _reckon(reader, params, path, "increment", 1, operator.add)


def _multiply(reader: Reader, params: object, path: Path, state: str) -> BoundAction | None:
    return _reckon(reader, params, path, "multiply", None, operator.mul)


def _reckon(
    reader: Reader, params: object, path: Path, name: str, default: object, compute: Callable[[Any, Any], Any]
) -> BoundAction | None:
    """A variable and a number make its new value; a variable that is not there counts as 0."""
    found = _path(reader, params, path, name, ("path", "by"))
    if found is None:
        return None
    written, keys = found
    by = literal(reader, written.get("by", default), (*path, "by"))
    if by is None:
        reader.wrong(path, "bad-action", f"{name} needs a number", f"write {name}: {{path: cart.total, by: 2}}")
        return None

    def reckon(running: Running) -> None:
        before = look_up(running.context, keys)
        other = read(by, running.context, running.event)
        before = 0 if before is None else before
        for number in (before, other):
            if isinstance(number, bool) or not isinstance(number, int | float):
                raise TypeError(f"{'.'.join(keys)} cannot be counted: {number!r} is no number")
        running.context = put_in(running.context, keys, plain(compute(before, other)))

    return BoundAction(reckon, name, params=written, calm=True)


def _raise(reader: Reader, params: object, path: Path, state: str) -> BoundAction | None:
    written = {"event": params} if isinstance(params, str) else reader.mapping(params, path, "raise")
    reader.only(written, path, ("event", "data", "delay", "id"), "raise")
    name = written.get("event")
    if not isinstance(name, str) or not name or name.split() != [name]:
        reader.wrong(
            path, "bad-action", "raise needs the name of an event", "write raise: name, or raise: {event: name}"
        )
        return None
    data = literal(reader, dict(reader.mapping(written.get("data"), (*path, "data"), "data")), (*path, "data"))
    if "delay" in written:
        return _raise_later(reader, written, name, data, path)
    if "id" in written:
        reader.wrong(
            (*path, "id"), "bad-action", "an event raised at once has no id", "add a delay, or leave the id out"
        )
    always = Event(name)

    def raise_now(running: Running) -> None:
        running.queue.append(Event(name, read(data, running.context, running.event)) if data else always)

    return BoundAction(raise_now, "raise", raises=name, params=written)


def _raise_later(reader: Reader, written: Mapping[str, Any], name: str, data: Any, path: Path) -> BoundAction | None:
    """With an id there is one such timer, begun anew each time; without, each raise is a timer of its own."""
    from_context = reference(written["delay"])
    delay = from_context or reader.duration(written["delay"], (*path, "delay"))
    identity = written.get("id", "")
    if not isinstance(identity, str) or ":" in identity:
        reader.wrong(
            (*path, "id"), "bad-action", "the id of a delayed event is a name without ':'", "write id: reminder"
        )
        return None
    if delay is None:
        return None
    wait = delay

    def raise_later(running: Running) -> None:
        given = read(data, running.context, running.event)
        if identity:
            again = raise_timer(identity, name)
            for timer in [timer for timer in running.timers if timer == again or timer.startswith(again + " ")]:
                del running.timers[timer]
        number = 1
        while (timer := raise_timer(identity, name, number, given)) in running.timers:
            number += 1
        if len(timer) > LONGEST_TIMER:
            raise ValueError(f"the data of the delayed event {name} is too long; keep it in the context")
        running.arm(timer, wait if isinstance(wait, int) else parse_duration(wait(running.context, running.event)))

    return BoundAction(raise_later, "raise", raises=name, params=written)


def _cancel(reader: Reader, params: object, path: Path, state: str) -> BoundAction | None:
    written = {"id": params} if isinstance(params, str) else reader.mapping(params, path, "cancel")
    reader.only(written, path, ("id",), "cancel")
    identity = written.get("id")
    if not isinstance(identity, str) or not identity:
        reader.wrong(path, "bad-action", "cancel needs the id of a delayed event", "write cancel: reminder")
        return None
    prefix = f"{RAISE}{identity}:"
    return BoundAction(lambda running: running.cancel(prefix), "cancel", params=written)


def _say(reader: Reader, params: object, path: Path, state: str) -> BoundAction | None:
    templates = read_say(reader, params, path)
    if not templates:
        if params is None:
            reader.wrong(path, "bad-action", "say has nothing to say", "write say: the text")
        return None

    def say(running: Running) -> None:
        for template in templates:
            running.effects.append(Say(template, running.context, state))

    return BoundAction(say, "say", says=templates, calm=True)


def _log(reader: Reader, params: object, path: Path, state: str) -> BoundAction | None:
    written = {"message": params} if isinstance(params, str) else reader.mapping(params, path, "log")
    reader.only(written, path, ("message", "label"), "log")
    message = reader.text(written.get("message", ""), (*path, "message"), "message") or ""

    def write(running: Running) -> None:
        running.effects.append(Log(fill(message, running.context), state))

    return BoundAction(write, "log", params=written, calm=True)


BUILT_IN: Mapping[str, Callable[[Reader, object, Path, str], BoundAction | None]] = {
    "assign": _assign,
    "append": _append,
    "remove": _remove,
    "increment": _increment,
    "multiply": _multiply,
    "raise": _raise,
    "cancel": _cancel,
    "say": _say,
    "log": _log,
    "repair": read_repair,
    "opt_in": read_agree("opt_in"),
    "opt_out": read_agree("opt_out"),
}
"""Each reads the action's parameters, for the state that has it."""
