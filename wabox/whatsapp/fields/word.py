"""Open enumerations, and structs that take what they can use.

Meta adds words, members and whole objects without notice, and its own samples differ in whether an id is a number. So:

* A word that nobody knew yesterday is a :class:`Word` like any other; ``known`` tells.
* Every member may be missing. One of the wrong type is left out, and the others are read all the same.
* Members that a struct does not name are not lost: whoever reads one has the object as it came beside it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeVar

import msgspec

S = TypeVar("S", bound=msgspec.Struct)

Id = str | int
"""An id at Meta: text in one sample and a number in the next."""
Seconds = int | str
"""A time, in seconds since the epoch, as number or text; some are dates written out."""


class Word(StrEnum):
    """One of Meta's words, or one that it invented since."""

    @classmethod
    def _missing_(cls, value: object) -> Word | None:
        if not isinstance(value, str):
            return None
        word = str.__new__(cls, value)
        word._name_ = word._value_ = value
        return word

    @property
    def known(self) -> bool:
        return self._name_ in type(self).__members__


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of a webhook."""


def read(kind: type[S], value: Any) -> S:
    """The object as ``kind``, as far as it can be read. Never raises."""
    try:
        return msgspec.convert(value, kind, strict=False)
    except (msgspec.ValidationError, RecursionError):
        pass
    found: dict[str, Any] = {}
    if isinstance(value, dict):
        for field in msgspec.structs.fields(kind):
            if field.encode_name in value:
                try:
                    found[field.name] = msgspec.convert(value[field.encode_name], field.type, strict=False)
                except (msgspec.ValidationError, RecursionError):
                    found[field.name] = _rest(field.type, value[field.encode_name])
    return kind(**{name: part for name, part in found.items() if part is not None})


def _rest(type_: Any, value: Any) -> Any:
    """What can be read of a list with a wrong item in it, or of an object inside: None for anything else."""
    inner = next((kind for kind in getattr(type_, "__args__", ()) if kind is not type(None)), type_)
    if isinstance(value, list) and getattr(type_, "__origin__", None) is tuple:
        parts = (_item(inner, item) for item in value)
        return tuple(part for part in parts if part is not None)
    if isinstance(value, dict) and isinstance(inner, type) and issubclass(inner, msgspec.Struct):
        return read(inner, value)
    return None


def _item(kind: Any, value: Any) -> Any:
    if isinstance(value, dict) and isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return read(kind, value)
    try:
        return msgspec.convert(value, kind, strict=False)
    except (msgspec.ValidationError, RecursionError):
        return None
