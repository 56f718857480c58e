"""Pictures of the charts that conversations run on. A chart never changes, so each is drawn once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from wabox.diagram import svg
from wabox.engine.chart import Chart

KEPT: Final = 200


class Pictures:
    def __init__(self, charts: Callable[[], Iterable[Mapping[str, Chart]]]) -> None:
        """``charts``: of every version that is served, the live one first."""
        self._charts = charts
        self._drawn: dict[str, str] = {}

    async def of(self, ref: str) -> str | None:
        """SVG without its style; None: there is no such chart any more. A large one takes its time, on a thread."""
        found = next((chart for some in self._charts() if (chart := some.get(ref)) is not None), None)
        if found is None:
            return None
        if found.ref not in self._drawn:
            drawn = await asyncio.to_thread(svg, found, styled=False)
            while len(self._drawn) >= KEPT:
                del self._drawn[next(iter(self._drawn))]
            self._drawn[found.ref] = drawn
        return self._drawn[found.ref]
