"""What consoles and shells are told of: after each commit, which conversation changed, and what of it.

In this process, in memory: whoever listens reads the truth from the store. A listener that does not keep up is let go; it comes
back and reads everything again, which is cheaper than a queue that grows.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import msgspec

from wabox.core.change import Changed, after
from wabox.core.delivery import DeliveryStatus
from wabox.core.ports import Clock

BEHIND: Final = 1000
"""Changes that may wait for one listener."""
BEHIND_PIECES: Final = 100
TOGETHER: Final = 0.2
"""s within which changes leave as one piece."""
NOTHING: Final = b"data: {}\r\n\r\n"
BEGIN: Final = b"retry: 500\r\n" + NOTHING
"""A browser that lost the stream asks for it again after that many ms."""

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode


class Changes:
    """Consoles get what changed within :data:`TOGETHER` as one piece, written once for all of them: two hundred of them that
    each encode and write every change cost more than the bot."""

    def __init__(self, clock: Clock = lambda: 0) -> None:
        self._clock = clock
        self._listeners: set[asyncio.Queue[Changed | None]] = set()
        self._streams: set[asyncio.Queue[bytes | None]] = set()
        self._there: Counter[str] = Counter()
        self._pending: dict[tuple[str, str | None], Changed] = {}
        self._flushing: asyncio.TimerHandle | None = None
        self._flushed_at = 0.0

    @property
    def listeners(self) -> int:
        return len(self._listeners) + len(self._streams)

    @property
    def there(self) -> frozenset[str]:
        """Agents who listen, ids."""
        return frozenset(self._there)

    def publish(self, change: Changed) -> None:
        """Costs nothing while nobody listens."""
        for queue in tuple(self._listeners):
            if queue.qsize() >= BEHIND:
                self._listeners.discard(queue)
                queue.put_nowait(None)
            else:
                queue.put_nowait(change)
        if not self._streams:
            return
        about = change.conversation_id, change.outbound_id
        before = self._pending.pop(about, None)
        if before is not None:
            change = after(before, change)
        self._pending[about] = change
        if self._flushing is None:
            loop = asyncio.get_running_loop()
            # The first after a rest goes at once.
            wait = max(0.0, self._flushed_at + TOGETHER - loop.time())
            self._flushing = loop.call_later(wait, self._flush)

    def _flush(self) -> None:
        self._flushing, self._flushed_at = None, asyncio.get_running_loop().time()
        piece = b"".join(b"data: %b\r\n\r\n" % _encode(change) for change in self._pending.values())
        self._pending.clear()
        for queue in tuple(self._streams):
            if queue.qsize() >= BEHIND_PIECES:
                self._streams.discard(queue)
                queue.put_nowait(None)
            else:
                queue.put_nowait(piece)

    def came(self, outbound_id: str, status: DeliveryStatus) -> None:
        """What became of one of our messages."""
        if self.listeners:
            told = Changed(
                conversation_id="",
                at=self._clock(),
                kinds=("delivery",),
                status=status.value,
                outbound_id=outbound_id,
            )
            self.publish(told)

    def close(self) -> None:
        """The server stops: every listener's stream ends."""
        for listener in self._listeners:
            listener.put_nowait(None)
        for stream in self._streams:
            stream.put_nowait(None)
        self._listeners.clear()
        self._streams.clear()
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None

    async def listen(self, agent: str | None = None) -> AsyncGenerator[Changed, None]:
        """What changes from now on; ends when the server stops, or the listener is too far behind. ``agent``: who listens and
        may act on it, an id."""
        queue: asyncio.Queue[Changed | None] = asyncio.Queue()
        with self._listening(self._listeners, queue, agent):
            while (change := await queue.get()) is not None:
                yield change

    async def stream(
        self, agent: str | None = None, *, heartbeat: float, sees: Callable[[str, str | None], bool] | None = None
    ) -> AsyncGenerator[bytes, None]:
        """The same as server-sent events: one JSON object each, ``{}`` at once and after each ``heartbeat`` s without any, so
        that both sides know that the other is there. ``sees``: whether a case, by queue and holder, is theirs; of another one
        they hear that it changed (it may have been theirs), of a conversation without a case nothing."""
        if sees is not None:
            async for told in self._some(agent, heartbeat, sees):
                yield told
            return
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        with self._listening(self._streams, queue, agent):
            yield BEGIN
            while True:
                try:
                    piece = await asyncio.wait_for(queue.get(), heartbeat)
                except TimeoutError:
                    yield NOTHING
                    continue
                if piece is None:
                    return
                yield piece

    async def _some(
        self, agent: str | None, heartbeat: float, sees: Callable[[str, str | None], bool]
    ) -> AsyncGenerator[bytes, None]:
        changes: asyncio.Queue[Changed | None] = asyncio.Queue()
        with self._listening(self._listeners, changes, agent):
            yield BEGIN
            while True:
                try:
                    change = await asyncio.wait_for(changes.get(), heartbeat)
                except TimeoutError:
                    yield NOTHING
                    continue
                if change is None:
                    return
                if not change.outbound_id and not (change.queue and sees(change.queue, change.agent)):
                    if "case" not in change.kinds:
                        continue
                    change = Changed(conversation_id="", at=change.at, case_id=change.case_id, kinds=("case",))
                yield b"data: %b\r\n\r\n" % _encode(change)

    @contextmanager
    def _listening(self, among: set[asyncio.Queue[T]], queue: asyncio.Queue[T], agent: str | None) -> Iterator[None]:
        among.add(queue)
        if agent is not None:
            self._there[agent] += 1
        try:
            yield
        finally:
            among.discard(queue)
            if agent is not None:
                self._there[agent] -= 1
                self._there += Counter()  # those who left are gone from it
