"""What a backup is called, what it says of itself, and which ones are kept.

A backup is one file, ``wabox-2026-11-22T030000Z.tar.gz`` (``.age`` after it when it is encrypted), whose first member is its
manifest. Customers' files lie inside it, or, in a folder of many backups, beside them: ``media/<2 hex digits>/<SHA-256>``, each
once for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

FORMAT: Final = 1
"""Of the manifest and the archive around it. A newer one is refused, never guessed at."""
MANIFEST: Final = "manifest.json"
SUFFIX: Final = ".tar.gz"
SEALED: Final = ".age"
DAY: Final = 86_400_000

_NAME = re.compile(
    r"wabox-(\d{4}-\d{2}-\d{2}T\d{6}Z)(?:-(\d+))?(-before-schema-\d+)?" + re.escape(SUFFIX) + rf"({re.escape(SEALED)})?"
)


class Member(msgspec.Struct, frozen=True):
    """A file in the archive, or one of the customers' files beside it (then its name is its hash)."""

    name: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    format: int
    wabox: str
    """The version that made it."""
    schema: int
    """Of the database in it."""
    made_at: int
    """ms since the epoch: the state of this moment."""
    counts: Mapping[str, int]
    """Rows by table."""
    members: tuple[Member, ...]
    """In the archive, in their order."""
    beside: tuple[Member, ...] = ()
    """Customers' files that are not in the archive."""
    whole: bool = True
    """False: only the database, made before an upgrade changed it."""


class Kept(msgspec.Struct, frozen=True):
    """A backup by its name."""

    name: str
    stamp: str
    """``2026-11-22T030000Z``."""
    upgrade: bool
    sealed: bool


def named(name: str) -> Kept | None:
    """What a file's name says; None when it is no backup's."""
    found = _NAME.fullmatch(name)
    return None if found is None else Kept(name, found[1], found[3] is not None, found[4] is not None)


class Rule(msgspec.Struct, frozen=True):
    """How many to keep: one a day, one a week, one a month, counted over the days, weeks and months that have one."""

    daily: int = 7
    weekly: int = 4
    monthly: int = 6


_RULE = re.compile(r"(\d{1,4})\s+(daily|weekly|monthly)")


def rule(written: str) -> Rule:
    """``7 daily 4 weekly 6 monthly``; what is not named is 0. ValueError for anything else."""
    parts = _RULE.findall(written)
    if not parts or _RULE.sub("", written).replace(",", "").strip():
        raise ValueError(f"{written!r} is no rule; write for example: 7 daily 4 weekly 6 monthly")
    amounts = {name: int(number) for number, name in parts}
    if len(amounts) < len(parts) or not any(amounts.values()):
        raise ValueError(f"{written!r} says one thing twice, or keeps nothing; write: 7 daily 4 weekly 6 monthly")
    return Rule(**{"daily": 0, "weekly": 0, "monthly": 0, **amounts})


UPGRADES: Final = 3
"""Copies from before upgrades that are kept."""


def surplus(names: Iterable[str], kept: Rule, week: Callable[[str], str]) -> list[str]:
    """Which of these files may go. ``week`` names the week of a day (``2026-11-22`` → ``2026-W47``).

    Of a day, a week or a month its newest one stays; the newest of all always does. What has another name is nobody's business.
    """
    found = sorted((one for name in names if (one := named(name)) is not None), key=lambda one: (one.stamp, one.name))
    upgrades = [one for one in found if one.upgrade]
    usual = [one for one in found if not one.upgrade]
    staying = {one.name for one in (*upgrades[-UPGRADES:], *usual[-1:])}
    periods: tuple[tuple[int, Callable[[str], str]], ...] = (
        (kept.daily, lambda stamp: stamp[:10]),
        (kept.weekly, lambda stamp: week(stamp[:10])),
        (kept.monthly, lambda stamp: stamp[:7]),
    )
    for number, period in periods:
        newest: dict[str, str] = {}
        for one in reversed(usual):
            newest.setdefault(period(one.stamp), one.name)
        staying.update(list(newest.values())[:number])
    return [one.name for one in found if one.name not in staying]
