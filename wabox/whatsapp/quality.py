"""What WhatsApp thinks of a business number. Shapes: Meta, "messaging limits" and "phone numbers" (Oct 2026)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from wabox.whatsapp.graph import GraphClient

_FIELDS = "quality_rating,whatsapp_business_manager_messaging_limit"
_TIER = re.compile(r"TIER_(\d+)(K?)\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberState:
    quality: str = ""
    """GREEN YELLOW RED UNKNOWN."""
    limit: int | None = None
    """People that may be written to in 24 hours, outside of their windows, by the whole portfolio; None: no limit, or unknown
    to us."""


async def state(graph: GraphClient, number_id: str) -> NumberState:
    """Raises GraphRefused."""
    found = await graph.get(quote(number_id, safe=""), {"fields": _FIELDS})
    quality = found.get("quality_rating")
    return NumberState(
        quality=quality if isinstance(quality, str) else "",
        limit=tier(found.get("whatsapp_business_manager_messaging_limit")),
    )


def tier(word: object) -> int | None:
    """``TIER_2K`` → 2,000; None for no limit, and for words that nobody knows yet."""
    found = _TIER.match(word) if isinstance(word, str) else None
    return int(found[1]) * (1000 if found[2] else 1) if found else None
