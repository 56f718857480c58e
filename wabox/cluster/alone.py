"""One after the other, for each name."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakValueDictionary


class Alone:
    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def __call__(self, name: str) -> Any:
        """Nobody else of this process is within this, of the same name."""
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = asyncio.Lock()
        async with lock:
            yield
