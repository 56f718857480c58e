"""JSON-like values: paths into them, and what may enter a context."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

Keys: TypeAlias = tuple[str, ...]

DEEPEST = 32
"""Levels of nesting in a context. A conversation's variables are flat; what is deeper is a loop or an attack."""


def look_up(value: Any, keys: Keys) -> Any:
    """What is at the path; None when it leads nowhere. A number picks from a list."""
    for key in keys:
        if type(value) is dict or isinstance(value, Mapping):
            value = value.get(key)
        elif (
            isinstance(value, list | tuple)
            and key.isascii()
            and key.isdigit()
            and len(key) < 10
            and int(key) < len(value)
        ):
            value = value[int(key)]
        else:
            return None
    return value


def put_in(value: Mapping[str, Any], keys: Keys, new: Any) -> dict[str, Any]:
    """A copy with ``new`` at the path; mappings on the way are copied, and made where something else (or nothing) stood."""
    first, rest = keys[0], keys[1:]
    if rest:
        inner = value.get(first)
        new = put_in(inner if isinstance(inner, Mapping) else {}, rest, new)
    return {**value, first: new}


def without(value: Mapping[str, Any], keys: Keys) -> dict[str, Any]:
    """A copy without what is at the path; mappings on the way are copied."""
    first, rest = keys[0], keys[1:]
    inner = value.get(first)
    if rest:
        return {**value, first: without(inner, rest)} if isinstance(inner, Mapping) else dict(value)
    return {key: kept for key, kept in value.items() if key != first}


def plain(value: Any, depth: int = DEEPEST) -> Any:
    """A deep copy of what may be stored in a context; TypeError or ValueError says what may not.

    Everything that comes back from JSON as something else is refused here (keys that are no strings, NaN, integers of
    more than 64 bits) or made what it will be (tuples become lists, half a surrogate pair the replacement character):
    a conversation must go on alike whether or not it was stored in between.
    """
    if value is None or value is True or value is False:
        return value
    kind = type(value)
    if kind is str:
        return value if value.isascii() else _whole(value)
    if kind is int:
        if not -(2**63) <= value < 2**64:
            raise ValueError("an integer of more than 64 bits cannot be stored; store it as text")
        return value
    if kind is float:
        if not math.isfinite(value):
            raise ValueError(f"{value} is not a number that can be stored")
        return value
    if depth == 0:
        raise ValueError(f"more than {DEEPEST} levels of nesting cannot be stored")
    if isinstance(value, Mapping):
        result = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"the key {key!r} is no string; only strings can be keys")
            result[_whole(key)] = plain(item, depth - 1)
        return result
    if isinstance(value, list | tuple):
        return [plain(item, depth - 1) for item in value]
    if isinstance(value, str):
        return _whole(str.__str__(value))
    if isinstance(value, int):
        return plain(int(value))
    if isinstance(value, float):
        return plain(float(value))
    raise TypeError(
        f"a value of type {kind.__name__} cannot be stored; use text, numbers, true/false, lists and mappings"
    )


def copied_plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """A context of its own from any mapping; TypeError or ValueError as :func:`plain`."""
    return {key: plain(item) for key, item in plain(values).items()}


def kind_of(value: Any) -> str:
    """What a value is, in the words of a sentence: ``a number``, ``a list`` …"""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, list | tuple):
        return "a list"
    return "nothing" if value is None else "a mapping"


def _whole(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
