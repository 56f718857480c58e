"""Placeholders: ``{name}``, ``{cart.total}``, ``{visit.day:date}``; ``{{`` and ``}}`` are braces.

What stands behind the colon is a *format*: how the value is written in the customer's language. The engine knows no languages,
so whoever fills the text brings the formats; without them the value is written as it is.

Anything else in braces is left as written, and what is filled in is never looked at again: a customer called
``{password}`` stays one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from wabox.engine.value import look_up

PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([A-Za-z_]\w*(?:\.\w+)*)(?::([a-z]+))?\}", re.ASCII)

Show: TypeAlias = Callable[[Any, str], str | None]
"""Writes a value in a format; None when it has no such format or the value is not of that kind."""


def fill(
    text: str, context: Mapping[str, Any], show: Show | None = None, quote: Callable[[str], str] | None = None
) -> str:
    """The text with its placeholders replaced; what the context does not have becomes nothing.

    ``quote`` is how a value is put in that no format has written.
    """
    if "{" not in text and "}" not in text:
        return text

    def put(match: re.Match[str]) -> str:
        path, form = match[1], match[2]
        if path is None:
            return match[0][0]
        value = look_up(context, tuple(path.split(".")))
        shown = show(value, form) if form is not None and show is not None and value is not None else None
        if shown is not None:
            return shown
        return written(value) if quote is None else quote(written(value))

    return PLACEHOLDER.sub(put, text)


def fill_first(text: str, context: Mapping[str, Any], later: str, put: Callable[[str], str] = str) -> str:
    """The first of two fillings, which leaves ``{later}`` and ``{later.…}`` for a second by :func:`fill`.

    What is filled in (through ``put``) is written so that the second gives it back as it was: its braces are doubled.
    """

    def replace(match: re.Match[str]) -> str:
        path = match[1]
        if path is None or path == later or path.startswith(later + "."):
            return match[0]
        return doubled(put(written(look_up(context, tuple(path.split("."))))))

    return PLACEHOLDER.sub(replace, text)


def doubled(text: str) -> str:
    """Text of which :func:`fill` makes itself."""
    return text.replace("{", "{{").replace("}", "}}")


def placeholders(text: str) -> tuple[str, ...]:
    """The paths that :func:`fill` would look up, in order, each once."""
    return tuple(dict.fromkeys(match[1] for match in PLACEHOLDER.finditer(text) if match[1] is not None))


def formats(text: str) -> tuple[str, ...]:
    """The formats that its placeholders name, each once."""
    return tuple(dict.fromkeys(match[2] for match in PLACEHOLDER.finditer(text) if match[2] is not None))


def around(text: str) -> str:
    """The text with a blank in the place of each placeholder."""
    return PLACEHOLDER.sub(lambda match: match[0][0] if match[1] is None else " ", text)


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
