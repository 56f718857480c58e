"""The thread that waits for the disk."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable

Work = Callable[[], None]
Then = Callable[[Exception | None], None]


class Disk:
    """The thread that waits for the disk, one thing at a time."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[Work, Then | None, asyncio.AbstractEventLoop | None]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="wabox-writer", daemon=True)
        self._thread.start()

    def do(self, work: Work, then: Then) -> None:
        """Call ``work`` on the thread, then ``then`` on the loop, with what went wrong."""
        self._queue.put((work, then, asyncio.get_running_loop()))

    def last(self, work: Work) -> None:
        self._queue.put((work, None, None))

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        while True:
            work, then, loop = self._queue.get()
            error: Exception | None = None
            try:
                work()
            except Exception as found:  # noqa: BLE001 - `then` says what it means
                error = found
            if loop is None or then is None:
                return
            # A loop that is gone has nobody left to tell.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(then, error)
