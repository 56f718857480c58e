"""``dataclasses.replace`` for values that are changed on every message.

Structs of msgspec are made and changed in C: 0.2 µs where a frozen dataclass of 18 fields takes 8, and 6 to be made. So what is
made for every message is a struct (:class:`~wabox.core.message.InboundMessage`,
:class:`~wabox.core.conversation.UnitOfWork` …); this changes both kinds. Dataclasses must be frozen, with slots, and without
``__post_init__``: their attributes are copied as they are.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def changed(value: T, **parts: Any) -> T:
    """The value with other parts. Raises TypeError for a part that it has not."""
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.replace(value, **parts)
    kind = type(value)
    made = object.__new__(kind)
    put = object.__setattr__
    for name in value.__dataclass_fields__:  # type: ignore[attr-defined]
        put(made, name, parts.pop(name) if name in parts else getattr(value, name))
    if parts:
        raise TypeError(f"{kind.__name__} has no {', '.join(parts)}")
    return made
