"""The end of a task that goes on for ever."""

from __future__ import annotations

import asyncio
from typing import Any


async def end(task: asyncio.Task[Any] | None) -> None:
    """Cancel it until it is over: in Python 3.11 ``asyncio.wait_for`` may lose a cancellation that comes as its result does,
    and the drivers of our engines wait so (cpython #86296)."""
    while task is not None and not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.1)
