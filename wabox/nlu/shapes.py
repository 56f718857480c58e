"""The patterns of a bot's intents, searched in a message within a time.

This runs in the server's one thread, so a message must not hold it. Where a pattern is provably quick on a message
(:func:`wabox.core.pattern.quick_up_to`), it runs on ``re``. Else it runs on ``regex``, which gives up, and costs 3 µs more:
after :data:`PATIENCE` a pattern does not fit this message, and after :data:`TOGETHER` none that is left does. Both are
logged, once a pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from time import perf_counter
from typing import Any, Generic, TypeVar

import structlog

from wabox.core.pattern import SEEN, quick_up_to
from wabox.nlu.utterances import unaccented

log = structlog.get_logger(__name__)

PATIENCE = 0.02
"""s for one pattern and one message."""
TOGETHER = 0.05
"""s for all patterns and one message."""
SHORT = 40
"""Characters of a usual message: on so many no watch is kept over what is quick."""

Owner = TypeVar("Owner")


class Shapes(Generic[Owner]):
    """Patterns, each with what it stands for."""

    def __init__(self) -> None:
        self._all: list[tuple[re.Pattern[str], int, Owner]] = []
        """Each with the length of a message up to which it is quick."""
        self._patient: dict[str, Any] = {}
        self._told: set[str] = set()

    def add(self, pattern: str, owner: Owner) -> None:
        written = unaccented(pattern)
        most = quick_up_to(written)
        self._all.append((re.compile(written, re.IGNORECASE), most, owner))
        if most < SHORT:
            self._giving_up(written)  # the first customer need not wait for it

    def search(self, plain: str) -> Iterator[tuple[Owner, int]]:
        """What fits a folded message, with the characters that it covered."""
        plain = plain[:SEEN]
        length = len(plain)
        until = perf_counter() + TOGETHER
        later = []
        for pattern, most, owner in self._all:
            if length > most:
                later.append((pattern.pattern, owner))
            elif length > SHORT and perf_counter() > until:
                self._late(pattern.pattern, owner)
            elif match := pattern.search(plain):
                yield owner, match.end() - match.start()
        # Last, so that what is slow takes no time from what is not.
        for written, owner in later:
            left = min(PATIENCE, until - perf_counter())
            try:
                found = self._giving_up(written).search(plain, timeout=left) if left > 0 else None
            except TimeoutError:
                found, left = None, 0.0
            if found:
                yield owner, found.end() - found.start()
            elif left <= 0:
                self._late(written, owner)

    def _giving_up(self, written: str) -> Any:
        pattern = self._patient.get(written)
        if pattern is None:
            import regex  # like re, and it can be told to give up; most bots do without

            pattern = self._patient[written] = regex.compile(written, regex.IGNORECASE)
        return pattern

    def _late(self, pattern: str, owner: Owner) -> None:
        if pattern not in self._told:
            self._told.add(pattern)
            log.warning("pattern.slow", pattern=pattern, owner=owner, fix="write it with fewer * and +")
