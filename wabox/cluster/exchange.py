"""What is asked of one node of Redis, together.

Whatever comes up in one turn of the event loop, or while exchanges are under way, is the next exchange: one write, one read,
and one ``WAIT`` at its end for all that want a replica, as the writer of one machine shares its commits. A system call and a
``WAIT`` for each script were the larger part of what a worker spent on Redis.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import hiredis
from redis.asyncio.connection import Connection
from redis.exceptions import ResponseError

Command = Sequence[Any]

AT_ONCE = 4
"""Exchanges under way with one node: one that waits for a replica, or carries much, must not hold up the others."""
MOST = 64
"""What goes into one exchange."""
DEADLINE = 1.0
"""s for an exchange: a frozen node says nothing, and its replica takes over in seconds."""


@dataclass(slots=True)
class _Asked:
    packed: bytes
    commands: int
    wait: int
    """ms to wait for a replica at the end; 0: not at all."""
    answers: asyncio.Future[list[Any]]


class Exchange:
    """With one node."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._idle: list[Connection] = []
        self._queue: deque[_Asked] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._soon: asyncio.Handle | None = None
        self._closed = False

    async def ask(self, commands: Sequence[Command], wait: int = 0) -> list[Any]:
        """The answers in order, a redis-py ResponseError for what was refused; with ``wait`` (ms) one more: how many replicas
        have what was written. Raises what a connection that breaks raises."""
        loop = asyncio.get_running_loop()
        asked = _Asked(_packed(*commands), len(commands), wait, loop.create_future())
        self._queue.append(asked)
        if self._soon is None and len(self._tasks) < AT_ONCE:
            self._soon = loop.call_soon(self._begin)
        return await asked.answers

    async def aclose(self) -> None:
        self._closed = True
        self._fail(ConnectionError("wabox is stopping"))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        while self._idle:
            await self._idle.pop().disconnect(nowait=True)

    def _begin(self) -> None:
        self._soon = None
        while self._queue and len(self._tasks) < AT_ONCE:
            some = [self._queue.popleft() for _ in range(min(MOST, len(self._queue)))]
            task = asyncio.get_running_loop().create_task(self._exchanged(some))
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._queue and self._soon is None and not self._closed:
            self._begin()

    async def _exchanged(self, some: Sequence[_Asked]) -> None:
        connection = self._idle.pop() if self._idle else self._connect()
        try:
            async with asyncio.timeout(DEADLINE):
                answers = await self._exchange(connection, some)
        except BaseException as error:
            await connection.disconnect(nowait=True)
            if not isinstance(error, Exception):
                _refuse(some, ConnectionError("wabox is stopping"))
                raise
            _refuse(some, error)
            self._fail(error)  # what waits for this node would wait as long to hear the same
            return
        if self._closed:
            await connection.disconnect(nowait=True)
        else:
            self._idle.append(connection)
        for asked, found in zip(some, answers, strict=True):
            if not asked.answers.done():
                asked.answers.set_result(found)

    async def _exchange(self, connection: Connection, some: Sequence[_Asked]) -> list[list[Any]]:
        if not connection.is_connected:
            await connection.connect()  # type: ignore[no-untyped-call]
        wait = max(asked.wait for asked in some)
        last = [_packed(("WAIT", 1, wait))] if wait else []
        await connection.send_packed_command([b"".join((*(asked.packed for asked in some), *last))])
        answers = [[await _read(connection) for _ in range(asked.commands)] for asked in some]
        if wait:
            heard = await _read(connection)
            for asked, found in zip(some, answers, strict=True):
                if asked.wait:
                    found.append(heard)
        return answers

    def _fail(self, error: Exception) -> None:
        while self._queue:
            _refuse([self._queue.popleft()], error)


def _packed(*commands: Command) -> bytes:
    return b"".join(hiredis.pack_command(tuple(command)) for command in commands)


async def _read(connection: Connection) -> Any:
    try:
        return await connection.read_response(timeout=math.inf)  # the exchange has a deadline
    except ResponseError as error:
        return error  # the other answers must be read all the same


def _refuse(some: Sequence[_Asked], error: Exception) -> None:
    for asked in some:
        if not asked.answers.done():
            asked.answers.set_exception(error)
