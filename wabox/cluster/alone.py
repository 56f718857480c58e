"""One after the other, for each name."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary


class Alone:
    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def __call__(self, name: str) -> asyncio.Lock:
        """``async with`` this nobody else of this process is within the same name's. It lives as long as somebody uses it."""
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = asyncio.Lock()
        return lock
