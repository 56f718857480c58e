"""Reading: two connections that cannot write.

A point read on the reply path costs microseconds and stays on the event loop. What people ask for may be long (a count over a
million rows) and runs on a thread, one question at a time.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

from wabox.errors import Unavailable
from wabox.sqlite.damage import is_damage, sentence

P = ParamSpec("P")
T = TypeVar("T")
Query = Callable[Concatenate[sqlite3.Connection, P], T]


class Reader:
    def __init__(self, connection: sqlite3.Connection, damaged: Callable[[str], None] = lambda why: None) -> None:
        """``damaged`` is told, on whatever thread, when the file turns out to be."""
        self._connection = connection
        self._damaged = damaged

    def read(self, query: Query[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The query's answer; raises Unavailable."""
        try:
            return query(self._connection, *args, **kwargs)
        except sqlite3.Error as error:
            if is_damage(error):
                self._damaged(sentence("The database", error))
            raise Unavailable(f"The database cannot be read: {error}.") from error

    def close(self) -> None:
        self._connection.close()


class PeoplesReader:
    def __init__(self, connection: sqlite3.Connection, damaged: Callable[[str], None] = lambda why: None) -> None:
        self._reader = Reader(connection, damaged)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="wabox-records")
        self._closed = False

    async def read(self, query: Query[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The query's answer; raises Unavailable."""
        if self._closed:
            raise Unavailable("The store is closed.")
        ask = partial(self._reader.read, query, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._thread, ask)

    async def run(self, work: Callable[[], T]) -> T:
        """Something else that takes long and is about the same file."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def close(self) -> None:
        """Waits for the question under way."""
        self._closed = True
        await asyncio.to_thread(self._thread.shutdown)
        self._reader.close()
