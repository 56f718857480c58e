"""What delivered messages cost, as far as counting goes.

Since October 2026 a message is paid for when it is *delivered*, by category and country; of free-form ones (``service``) each
business number has 1,000 a month free, without carry-over. ``billable`` in the status is deprecated: its ``type`` tells. What
is free while an entry point is open (``free_entry_point``), or exempt, does not count towards the 1,000; what Meta calls
``free_customer_service`` does: it is one of them. Source: Meta, "pricing" and "non-template messages" (Oct 2026).

Counters are kept by the half hour, in UTC: a month begins at midnight of some zone, and every zone's midnight but a few is on
one. Meta does not say which zone it means; wabox takes ``[bot] timezone``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FREE = 1000
"""Service messages a month and number."""
WARN_AT = 0.8
"""Share of them from which on the owner is told."""
SLOT = 1_800_000
"""ms that one counter covers."""
ELSEWHERE = "elsewhere"
"""The source of messages that another system sent from the same number."""
SERVICE = frozenset({"service", "group_service"})
EXEMPT = "paid_exempt"
_UNCOUNTED = frozenset({"free_entry_point", EXEMPT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """How many messages of one kind were delivered."""

    number_id: str
    category: str
    """``service``, ``utility``, ``marketing``, ``authentication`` … as Meta calls it."""
    type: str
    """``regular``: paid for; ``free_customer_service``, ``free_entry_point``, ``paid_exempt`` …: not."""
    source: str
    """The chart that said it, ``send``, ``broadcast:spring``, or ``elsewhere``."""
    template: str = ""
    """Its name, when it is one."""
    delivered: int = 0

    @property
    def billed(self) -> int:
        """Those that Meta says it charges; the free ones among them are told apart by nobody but Meta's bill."""
        return self.delivered if self.type == "regular" else 0

    @property
    def of_the_free(self) -> int:
        """Those that count towards the free 1,000."""
        return self.delivered if self.category in SERVICE and self.type not in _UNCOUNTED else 0


Counted = Mapping[tuple[int, str, str, str, str, str], int]
"""Delivered messages by half hour since the epoch, number, category, type, source and template."""


def priced(pricing: Mapping[str, Any]) -> tuple[str, str]:
    """Category and type of a status's ``pricing``."""
    category, type_ = (_word(pricing, key) for key in ("category", "type"))
    if _word(pricing, "subtype") == EXEMPT:
        type_ = EXEMPT
    if not type_:
        type_ = "regular" if pricing.get("billable") is not False else "free"
    return category or "unknown", type_


def _word(pricing: Mapping[str, Any], key: str) -> str:
    found = pricing.get(key)
    return found if isinstance(found, str) else ""
