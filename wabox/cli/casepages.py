"""A case with as much of what was said as somebody wants to see: the server tells it page by page."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from wabox.cli.running import Line

PAGE: Final = 1000
"""Lines of one answer, the most that the server tells."""
LEAST: Final = 200
"""Lines from which the path and what was understood are told."""


async def told(line: Line, case: str, lines: int) -> dict[str, Any]:
    """The case with at least so many lines of what was said, if there are. Raises WaboxError."""
    path = f"/api/v1/handoffs/{quote(case, safe='')}"
    found: dict[str, Any] = await line.call("GET", f"{path}?lines={max(LEAST, min(2 * lines, PAGE))}")
    while len(found["transcript"]) < lines and found["first"] is not None:
        page = await line.call("GET", f"{path}?lines={PAGE}&before={found['first']}")
        found["transcript"][:0] = page["transcript"]
        found["first"] = page["first"]
    return found
