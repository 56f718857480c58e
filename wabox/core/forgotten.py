"""Who was forgotten, without their names: hashes of ids, and where an id stands in what others said (promise P11). Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

from wabox.core.person import Person

Lists = Mapping[bytes, Mapping[str, int]]
"""By key: the hash of an id → when whoever has it was last forgotten, ms since the epoch."""


def hashed(key: bytes, value: str) -> str:
    """What a list with this key calls an id: 32 hex digits."""
    return hashlib.blake2b(value.encode(), key=key, digest_size=16).hexdigest()


def hashes(key: bytes, person: Person) -> tuple[str, ...]:
    """What it calls a person."""
    return tuple(sorted({hashed(key, one.value) for one in person.identities} | {hashed(key, person.handle)}))


def forgotten_at(lists: Lists, value: str) -> int | None:
    """When whoever has this id was forgotten."""
    found = [stones.get(hashed(key, value)) for key, stones in lists.items() if stones]
    return max((at for at in found if at is not None), default=None)


def mentions(ids: Iterable[str]) -> re.Pattern[bytes] | None:
    """Matches any of these as a whole word: another customer's words that happen to contain one are that customer's."""
    alternatives = b"|".join(re.escape(one.encode()) for one in sorted(ids) if one)
    return re.compile(rb"(?<![0-9A-Za-z.])(?:" + alternatives + rb")(?![0-9A-Za-z])") if alternatives else None
