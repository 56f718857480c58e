"""An event loop whose time passes only when nobody has anything to do: a day with all its waiting takes seconds.

Everything that asks the loop for the time goes along: sleeping, timeouts, libraries. What runs in threads (the writer of the
store) is waited for before time moves, so the same work takes the same time on a slow machine.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

from wabox.sqlite.writer import Writer

STUCK = 20.0
"""Real seconds without anything to do and without anything to wait for: a test that hangs should say so."""


class _Selector(selectors.DefaultSelector):
    def __init__(self, loop: SimulatedLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if self._loop.threads or timeout is None:
            ready = super().select(STUCK)
            if not ready:
                raise RuntimeError("nothing happens any more")
            return ready
        self._loop.now += timeout
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Begins at 0 s."""

    def __init__(self) -> None:
        self.now = 0.0
        self.threads: set[asyncio.Future[Any]] = set()
        """What threads are working at."""
        super().__init__(_Selector(self))
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self.now

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:
        return self.await_thread(super().run_in_executor(executor, func, *args))

    def await_thread(self, future: asyncio.Future[Any]) -> asyncio.Future[Any]:
        """Time stands still until this is done."""
        self.threads.add(future)
        future.add_done_callback(self.threads.discard)
        return future

    def watch(self, writer: Writer) -> None:
        """Time stands still while this store writes."""
        submit: Callable[..., asyncio.Future[Any]] = writer.submit

        def watched(*args: Any) -> asyncio.Future[Any]:
            return self.await_thread(submit(*args))

        writer.submit = watched  # type: ignore[method-assign]
