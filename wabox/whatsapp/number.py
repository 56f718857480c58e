"""What Meta says about a business number: how many messages a second it may send.

80 by default, 1,000 after Meta's upgrade, 20 for a number that the WhatsApp Business app uses too. Source: Meta, "Throughput"
(May 2026).
"""

from __future__ import annotations

from typing import Any, Final

from wabox.whatsapp.graph import GraphClient

RATES: Final = {"STANDARD": 80.0, "HIGH": 1000.0}
SHARED: Final = 20.0
"""With the app on a phone."""


async def rate(graph: GraphClient, number_id: str) -> float | None:
    """Messages a second; None when Meta does not say. Raises GraphRefused."""
    return told(await graph.get(number_id, {"fields": "throughput,is_on_biz_app"}))


def told(number: dict[str, Any]) -> float | None:
    """The same from Meta's object."""
    if number.get("is_on_biz_app") is True:
        return SHARED
    throughput = number.get("throughput")
    level = throughput.get("level") if isinstance(throughput, dict) else None
    return RATES.get(level) if isinstance(level, str) else None
