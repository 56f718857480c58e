"""Placeholders: ``{name}``, ``{cart.total}``; ``{{`` and ``}}`` are braces.

Anything else in braces is left as written, and what is filled in is never looked at again: a customer called
``{password}`` stays one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from wabox.engine.value import look_up

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([A-Za-z_]\w*(?:\.\w+)*)\}", re.ASCII)


def fill(text: str, context: Mapping[str, Any]) -> str:
    """The text with its placeholders replaced; what the context does not have becomes nothing."""
    if "{" not in text and "}" not in text:
        return text

    def put(match: re.Match[str]) -> str:
        path = match[1]
        return match[0][0] if path is None else written(look_up(context, tuple(path.split("."))))

    return _PLACEHOLDER.sub(put, text)


def fill_first(text: str, context: Mapping[str, Any], later: str, put: Callable[[str], str] = str) -> str:
    """The first of two fillings, which leaves ``{later}`` and ``{later.…}`` for a second by :func:`fill`.

    What is filled in (through ``put``) is written so that the second gives it back as it was: its braces are doubled.
    """

    def replace(match: re.Match[str]) -> str:
        path = match[1]
        if path is None or path == later or path.startswith(later + "."):
            return match[0]
        return doubled(put(written(look_up(context, tuple(path.split("."))))))

    return _PLACEHOLDER.sub(replace, text)


def doubled(text: str) -> str:
    """Text of which :func:`fill` makes itself."""
    return text.replace("{", "{{").replace("}", "}}")


def placeholders(text: str) -> tuple[str, ...]:
    """The paths that :func:`fill` would look up, in order, each once."""
    return tuple(dict.fromkeys(match[1] for match in _PLACEHOLDER.finditer(text) if match[1] is not None))


def written(value: Any) -> str:
    """A context value as a customer reads it."""
    if value is None or isinstance(value, Mapping):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, list | tuple):
        return ", ".join(filter(None, map(written, value)))
    return str(value)
