"""References to data: ``{from: event.text}`` and ``{from: context.cart.total}`` inside otherwise literal values.

A path begins with ``event`` or ``context``; without either it is the context's. ``event.name`` and ``event.type`` are the
event's name, and ``event.data`` is its data, unless there is a ``name``, ``type`` or ``data`` in that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from wabox.core.event import Event
from wabox.engine.problem import Path
from wabox.engine.reader import Reader
from wabox.engine.value import look_up, plain

Source: TypeAlias = Callable[[Mapping[str, Any], Event], Any]
"""Reads a value out of context and event; None when it is not there."""


def keys_of(path: str) -> tuple[str, ...] | None:
    """The path's keys; None when it is no path."""
    keys = tuple(path.split("."))
    return keys if all(key and not key.isspace() for key in keys) else None


def source(path: str) -> Source | None:
    """Reads what is at the path; None when it is no path."""
    keys = keys_of(path)
    if keys is None:
        return None
    first, rest = keys[0], keys[1:]
    if first == "event" and rest:
        if rest in (("name",), ("type",)):
            word = rest[0]
            return lambda context, event: event.data.get(word, event.name)
        if rest[0] == "data":
            inner = rest[1:]
            return lambda context, event: look_up(event.data, rest if "data" in event.data else inner)
        if len(rest) == 1:
            wanted = rest[0]
            return lambda context, event: event.data.get(wanted)
        return lambda context, event: look_up(event.data, rest)
    if first == "context" and rest:
        keys = rest
    if len(keys) == 1:
        only = keys[0]
        return lambda context, event: context.get(only)
    return lambda context, event: look_up(context, keys)


def reference(written: object) -> Source | None:
    """The source that ``{from: path}`` names; None when this is a literal."""
    if isinstance(written, Mapping) and len(written) == 1 and isinstance(written.get("from"), str):
        return source(written["from"])
    return None


def value(written: Any) -> Source | Any:
    """What to store: a literal as it is, or a callable source when there is a reference in it at any depth."""
    found = reference(written)
    if found is not None:
        return lambda context, event: plain(found(context, event))
    if isinstance(written, Mapping):
        parts = {key: value(item) for key, item in written.items()}
        if any(callable(part) for part in parts.values()):
            return lambda context, event: {key: read(part, context, event) for key, part in parts.items()}
    if isinstance(written, list | tuple):
        items = [value(item) for item in written]
        if any(callable(item) for item in items):
            return lambda context, event: [read(item, context, event) for item in items]
    return plain(written)


def literal(reader: Reader, written: object, path: Path) -> Source | Any:
    """The same; what cannot be stored is reported and is None."""
    try:
        return value(written)
    except (TypeError, ValueError) as error:
        reader.wrong(
            path,
            "bad-value",
            f"{reader.show(written)} cannot be a variable's value: {error}",
            "write text, numbers, lists or mappings",
        )
        return None


def read(prepared: Source | Any, context: Mapping[str, Any], event: Event) -> Any:
    """The value of what :func:`value` prepared."""
    return prepared(context, event) if callable(prepared) else prepared
