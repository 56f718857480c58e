"""Redis Cluster, by slot: which node has it, an :class:`~wabox.cluster.exchange.Exchange` with each, and nothing else.

redis-py's own cluster client is not used: with one shard of three dead it made calls to the healthy ones 20 times slower (4.4
→ 95 ms) and opened 3,256 sockets to one of them in 15 s; a router over redis-py's ``Connection`` stays at 7 ms with 37 sockets,
and is faster when all is well. It also keeps a script and its ``WAIT`` on one socket, which ``WAIT`` needs.

Source: measured with redis-py 8.1; look again with each of its releases.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from redis.asyncio.connection import Connection, SSLConnection
from redis.exceptions import (
    AskError,
    AuthenticationError,
    ClusterDownError,
    InvalidResponse,
    MasterDownError,
    MovedError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from wabox.cluster.exchange import DEADLINE, Command, Exchange
from wabox.errors import SettingsError, Unavailable

log = structlog.get_logger(__name__)

Node = tuple[str, int]

REDIRECTS = 4
REFRESH = 0.25
"""s between two looks at the topology, however many callers want one."""

GONE = (RedisConnectionError, RedisTimeoutError, OSError, asyncio.TimeoutError, InvalidResponse)
"""An answer that is none of Redis is somebody else's who listens there."""
REFUSING = (ClusterDownError, MasterDownError, OutOfMemoryError, TryAgainError)
"""The shard's answer, but no fault of the call's. ``LOADING`` is a connection error in redis-py."""
REFUSED = ("MISCONF", "NOREPLICAS", "BUSY")
"""How others of that kind begin, which redis-py has no class for: a full disk, no replica, a script that hangs."""


class Unreachable(Unavailable):
    """A shard does not answer, or refuses for a reason of its own. What was asked may or may not have happened."""


class Router:
    """Made by :func:`Router.of`; call :meth:`start` before anything else."""

    def __init__(
        self,
        seeds: Sequence[Node],
        options: dict[str, Any],
        *,
        connect: type[Connection] = Connection,
    ) -> None:
        self._seeds = tuple(seeds)
        self._options = options
        self._connect = connect
        self._owners: list[Node | None] = [None] * 16_384
        self._exchanges: dict[Node, Exchange] = {}
        self._refreshing: asyncio.Task[None] | None = None
        self._looked_at = -REFRESH
        self._closed = False

    @classmethod
    def of(cls, urls: Sequence[str]) -> Router:
        """From ``redis://user:password@host:port`` (``rediss`` for TLS). Raises SettingsError."""
        seeds: list[Node] = []
        options: dict[str, Any] = {"socket_timeout": None, "socket_connect_timeout": DEADLINE}
        secure = False
        for number, url in enumerate(urls, 1):
            parts = urlsplit(url)
            if parts.scheme not in ("redis", "rediss") or not parts.hostname:
                raise SettingsError(f"[cluster] redis: address {number} is none; write redis://host:6379.")
            secure = secure or parts.scheme == "rediss"
            if parts.password:
                options["password"] = unquote(parts.password)
            if parts.username:
                options["username"] = unquote(parts.username)
            seeds.append((parts.hostname, parts.port or 6379))
        if not seeds:
            raise SettingsError("[cluster] redis: name at least one node, redis://host:6379.")
        return cls(seeds, options, connect=SSLConnection if secure else Connection)

    async def start(self) -> None:
        """Learn who has what. Raises Unreachable when no node answers."""
        await self.refresh()

    async def aclose(self) -> None:
        self._closed = True
        if self._refreshing is not None:
            self._refreshing.cancel()
        for exchange in self._exchanges.values():
            await exchange.aclose()

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The primaries."""
        return tuple(dict.fromkeys(owner for owner in self._owners if owner is not None))

    def owner(self, slot: int) -> Node | None:
        """The primary that has it, as far as is known."""
        return self._owners[slot]

    async def run(self, slot: int, *commands: Command, wait: int = 0) -> list[Any]:
        """Send the commands to the owner of ``slot``, on one connection, in one write; their answers in order, and with
        ``wait`` (ms) at last how many replicas have what they wrote.

        Raises Unreachable, or redis-py's ResponseError for what is wrong with a command itself.
        """
        for _ in range(REDIRECTS):
            node = self._owners[slot]
            if node is None:
                await self.refresh()
                node = self._owners[slot]
            if node is None:
                raise Unreachable(f"no node of Redis Cluster has slot {slot}")
            try:
                return await self.ask(node, *commands, wait=wait)
            except (MovedError, ReadOnlyError):
                await self.refresh()
            except AskError as moving:
                # The slot is on its way to another node, which takes a command only after ASKING.
                asked = [part for command in commands for part in (("ASKING",), command)]
                answers = await self.ask((moving.host, moving.port), *asked, wait=wait)
                return [*answers[1 : 2 * len(commands) : 2], *answers[2 * len(commands) :]]
            except Unreachable:
                self._look_again()
                raise
        raise Unreachable(f"slot {slot} of Redis Cluster keeps moving")

    async def ask(self, node: Node, *commands: Command, wait: int = 0) -> list[Any]:
        """Send the commands to one node. Raises what :meth:`run` raises, and what a cluster redirects with."""
        if self._closed:
            raise Unreachable("wabox is stopping")
        exchange = self._exchanges.get(node)
        if exchange is None:
            exchange = self._exchanges[node] = Exchange(lambda: self._connection(node))
        try:
            answers = await exchange.ask(commands, wait)
        except AuthenticationError as error:
            raise SettingsError(f"[cluster] redis: {node[0]}:{node[1]} refuses the password: {error}") from error
        except GONE as error:
            raise Unreachable(
                f"Redis at {node[0]}:{node[1]} does not answer: {error or type(error).__name__}"
            ) from error
        failure = next((answer for answer in answers if isinstance(answer, ResponseError)), None)
        if failure is None:
            return answers
        if isinstance(failure, REFUSING) or str(failure).startswith(REFUSED):
            raise Unreachable(f"Redis at {node[0]}:{node[1]} refuses: {failure}") from failure
        raise failure

    def _connection(self, node: Node) -> Connection:
        return self._connect(host=node[0], port=node[1], **self._options)

    def _look_again(self) -> None:
        """See who has what now, without making anybody wait for it."""
        if self._refreshing is None or self._refreshing.done():
            task = asyncio.get_running_loop().create_task(self._refresh())
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._refreshing = task

    async def refresh(self) -> None:
        """See who has what; many callers share one look. Raises Unreachable when nobody answers."""
        self._look_again()
        assert self._refreshing is not None  # noqa: S101 - it was just begun
        await asyncio.shield(self._refreshing)

    async def _refresh(self) -> None:
        loop = asyncio.get_running_loop()
        wait = self._looked_at + REFRESH - loop.time()
        if wait > 0:
            await asyncio.sleep(wait)
        self._looked_at = loop.time()
        why: Exception | None = None
        for node in dict.fromkeys((*self.nodes, *self._seeds)):
            try:
                (ranges,) = await self.ask(node, ("CLUSTER", "SLOTS"))
            except (Unreachable, ResponseError) as error:
                why = error
                continue
            self._take(node, ranges)
            return
        raise Unreachable(f"no node of Redis Cluster answers; {why}")

    def _take(self, asked: Node, ranges: Sequence[Any]) -> None:
        owners: list[Node | None] = [None] * len(self._owners)
        for first, last, primary, *_ in ranges:
            host = primary[0].decode() if isinstance(primary[0], bytes) else primary[0]
            node = (host or asked[0], int(primary[1]))
            for slot in range(int(first), int(last) + 1):
                owners[slot] = node
        self._owners = owners
