"""PostgreSQL has no U+0000 in text."""

from __future__ import annotations

from typing import overload


@overload
def kept(value: str) -> str: ...
@overload
def kept(value: None) -> None: ...
@overload
def kept(value: str | None) -> str | None: ...
def kept(value: str | None) -> str | None:
    """What is stored of it."""
    return None if value is None else value.replace("\0", "")


def sought(value: str) -> str:
    """What is looked for, when somebody asks for it: an id that nothing has, if no id can have it."""
    return value.replace("\0", "\ufffd")
