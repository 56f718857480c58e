"""How long what is kept: a period per kind of data (``[keep]`` in ``wabox.toml``).

The defaults are long: what was deleted is gone, and a business may have to show what was said. Whoever must delete earlier says
so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

DAY: Final = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """Days; 0: for ever."""

    transcript: int = 730
    """What was said and done, line by line."""
    handoffs: int = 730
    """Cases, from when they were closed."""
    outbox: int = 35
    """Messages that left or failed: WhatsApp reports on them for 30 days."""
    media: int = 365
    """Files that customers sent."""
    dead_letters: int = 90
    """What nobody could read."""
    other_changes: int = 35
    """Webhooks about no conversation."""
    contacts: int = 1095
    """Customers of whom nothing was heard, with all that is theirs. Whoever said yes or no to being written to stays."""

    def before(self, kind: str, now: int) -> int | None:
        """What is older than this goes, ms since the epoch; None: nothing does."""
        days: int = getattr(self, kind)
        return now - days * DAY if days else None


DEFAULT: Final = Keep()


def keep_of(days: Mapping[str, int]) -> Keep:
    """What the settings say; where they say nothing, the defaults."""
    return Keep(**days)


KINDS: Final = tuple(one.name for one in fields(Keep))
