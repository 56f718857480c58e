"""A connection to RabbitMQ that is made again when it is lost, by whoever needs it next, once for all who need it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import aiormq
import structlog
from aiormq.abc import AbstractChannel, AbstractConnection
from aiormq.exceptions import (
    AMQPError,
    ChannelInvalidStateError,
    ChannelNotFoundEntity,
    ConnectionNotAllowed,
    InvalidFrameError,
    ProbableAuthenticationError,
)

from wabox.errors import Unavailable

log = structlog.get_logger(__name__)
# It writes a line, not in our format, for each attempt that fails; who asked hears it as Unavailable.
logging.getLogger("aiormq").setLevel(logging.CRITICAL)

DEADLINE = 3.0
"""s to connect: a frozen broker says nothing."""
HEARTBEAT = 4
"""s in which a broker, or a worker, that says nothing is given up; either looks twice. RabbitMQ's manual finds less than 5 too
little for a slow network; who is given up wrongly loses lanes for a moment, and who is dead holds them all that long."""
FRAMES = 1024
"""How many may wait for the next turn of the event loop, each way. aiormq says ten, so ten leave in a turn: in a busy worker
acknowledgements fell behind by thousands, its heartbeat behind them, and the broker gave everything to others once more.
Without a limit they would pile up while a broker takes nothing."""
CLOSING = 1.0
"""s for the broker to say goodbye."""
QUIET = 60.0
"""s before the same trouble is told again: who waits for the broker asks twice a second, for as long as it is away."""
BROKEN = (AMQPError, ChannelInvalidStateError, ConnectionError, OSError, asyncio.TimeoutError)
"""What a lost connection looks like. A channel that was closed a moment ago says so with a RuntimeError of aiormq's."""


def cancelled() -> bool:
    """Whether a CancelledError that was just caught is meant for this task: aiormq ends with one what waits on a lost
    connection."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def reason(error: BaseException) -> str:
    """What went wrong with a connection or on it, and what to do where that is known."""
    said = str(error) or type(error).__name__
    return f"{said}: run wabox cluster init" if isinstance(error, ChannelNotFoundEntity) else said


async def close(channel: AbstractChannel) -> None:
    """Close it, or leave that to the end of its connection: a broker may not answer any more."""
    with contextlib.suppress(*BROKEN):
        await asyncio.wait_for(channel.close(), CLOSING)


class _Connection(aiormq.Connection):
    HEARTBEAT_GRACE_MULTIPLIER = 1
    """aiormq waits for three times as long: a node that stood still would hold up all who speak with it."""
    FRAME_BUFFER_SIZE = FRAMES


class Broker:
    """Not aio-pika's robust connection: the queues of the old one are void after a break, and who used it must know."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = tuple(urls)
        self._connection: AbstractConnection | None = None
        self._connecting: asyncio.Lock = asyncio.Lock()
        self._closed = False
        self._told: dict[str, float] = {}

    def lost(self, reason: str) -> None:
        """Tell the operator of a server, once for all who meet it."""
        now = time.monotonic()
        if reason not in self._told or now - self._told[reason] >= QUIET:
            self._told[reason] = now
            log.warning("cluster.broker_lost", reason=reason)

    async def channel(self, *, confirms: bool = False) -> AbstractChannel:
        """A new channel. Raises Unavailable when no broker can be reached."""
        connection = await self._open()
        try:
            opening = connection.channel(publisher_confirms=confirms, frame_buffer_size=FRAMES)
            return await asyncio.wait_for(opening, DEADLINE)
        except asyncio.CancelledError as error:
            if cancelled():
                raise
            raise Unavailable("RabbitMQ went away while it opened a channel") from error
        except BROKEN as error:
            raise Unavailable(f"RabbitMQ does not open a channel: {error or type(error).__name__}") from error

    async def version(self) -> str:
        """Of the node that we speak with. Raises Unavailable."""
        connection = await self._open()
        return str(connection.server_properties.get("version", "0"))

    async def reach(self) -> None:
        """Raises Unavailable when no broker can be reached."""
        await self._open()

    async def _open(self) -> AbstractConnection:
        async with self._connecting:
            if self._closed:
                raise Unavailable("wabox is stopping")
            if self._connection is not None and not self._connection.is_closed:
                return self._connection
            why = ""
            for url in self._urls:
                connection = _Connection(f"{url}?heartbeat={HEARTBEAT}")
                # Whenever it is made anew, this one was lost, or did not answer: the next may be the one that lives.
                self._urls = (*self._urls[1:], self._urls[0])
                try:
                    await asyncio.wait_for(connection.connect(), DEADLINE)
                except BROKEN as error:
                    why = _refused(url, error)
                    continue
                self._connection = connection
                if self._told:
                    self._told.clear()
                    log.info("cluster.broker_found")
                return connection
            raise Unavailable(f"no node of RabbitMQ answers: {why}")

    async def aclose(self) -> None:
        self._closed = True
        if self._connection is not None:
            with contextlib.suppress(*BROKEN):
                await asyncio.wait_for(self._connection.close(), CLOSING)


def _refused(url: str, error: BaseException) -> str:
    """Where, why, and what to do where it will not pass by itself. No word of the password."""
    parts = urlsplit(url)
    at = f"{parts.hostname}:{parts.port or 5672}"
    if isinstance(error, ProbableAuthenticationError):
        return f"{at} refuses the user {parts.username or 'guest'!r} or the password; see [cluster] rabbitmq"
    if isinstance(error, (InvalidFrameError, ConnectionNotAllowed)):  # instead of "open" it said "close"
        host = parts.path[1:] or "/"
        return f"{at} has no virtual host {host!r}, or not for the user {parts.username!r}; see [cluster] rabbitmq"
    if getattr(error, "errno", None) == errno.ECONNREFUSED:
        return f"nobody listens at {at}"
    return f"{at}: {error or type(error).__name__}"
