"""What is asked of Redis, partition by partition: keys, scripts, ``WAIT``, and the gate before it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import structlog
from redis.exceptions import NoScriptError, RedisError

from wabox.cluster.exchange import Command
from wabox.cluster.gate import Gates
from wabox.cluster.partition import partition_of, slot_of, tags
from wabox.cluster.router import Node, Router, Unreachable
from wabox.errors import SettingsError, Unavailable

log = structlog.get_logger(__name__)

Durability = Literal["replicated", "primary"]
"""``replicated``: nothing is sent or acknowledged before a replica has it. ``primary``: a primary that is lost takes with it
what its replica had not heard yet."""

WAIT_MS = 100
WAITS = 50
"""How often a replica that lags is waited for, before the work goes on without it, with an alarm: 5 s, longer than a primary
that was cut off from the others goes on writing (``cluster-node-timeout``: 2 to 5 s)."""
ALONE, BEHIND = 2.0, 10.0
"""s for which the other writes of that shard do not wait then: no replica is there, or one that does not keep up."""


class Script:
    """A Lua file of this folder. Sent by its digest; a node that does not know it gets the text."""

    def __init__(self, name: str) -> None:
        self.text = (Path(__file__).parent / name).read_bytes()
        self.sha = hashlib.sha1(self.text, usedforsecurity=False).hexdigest()  # Redis names scripts so

    def call(self, keys: Sequence[str], *arguments: Any, whole: bool = False) -> Command:
        head: Command = ("EVAL", self.text) if whole else ("EVALSHA", self.sha)
        return (*head, len(keys), *keys, *arguments)


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """What the script must read of a write; the rest it only stores. Times in ms since the epoch; ``remember`` and ``keep``
    are ms from now. What stays as it is, since ``version``, need not be said."""

    id: str
    version: int
    """Of the document that this was computed from."""
    now: int
    remember: int
    keep: int | None
    """None: as it is."""
    unsent: int | Literal["none", "same"] = "same"
    """When the first message may leave."""
    calls: bool | None = None
    """Whether it waits for any; None: as before."""
    timers: Sequence[tuple[str, int | None]] = ()
    """What changes: which, and when it comes due; None: no more."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One write of one conversation."""

    index: Index
    session: bytes = b""
    """Empty: as it is."""
    work: bytes = b""
    record: bytes = b""
    """Empty: none."""
    ids: Sequence[bytes] = ()
    """Digests of the messages that it handles."""

    def arguments(self) -> list[Any]:
        """As ``write.lua`` reads them."""
        index = self.index
        due = [part for member, at in index.timers if at is not None for part in (at, member)]
        return [
            index.id,
            index.version,
            index.now,
            index.remember,
            "" if index.keep is None else index.keep,
            _UNSENT.get(index.unsent, index.unsent),
            _CALLS[index.calls],
            self.session,
            self.work,
            self.record,
            len(self.ids),
            *self.ids,
            len(due),
            *due,
            *(member for member, at in index.timers if at is None),
        ]


_UNSENT: Final[Mapping[int | str, str]] = {"none": "-", "same": ""}
_CALLS: Final[Mapping[bool | None, str]] = {True: "+", False: "-", None: ""}

WRITE, SWEEP, ERASE = Script("write.lua"), Script("sweep.lua"), Script("erase.lua")


class Shards:
    """Redis Cluster as wabox sees it."""

    def __init__(
        self, router: Router, partitions: int, durability: Durability = "replicated", prefix: str = ""
    ) -> None:
        """``prefix``: before every key, so that two bots (or two tests) may share a cluster."""
        self.router = router
        self.partitions = partitions
        self.durability = durability
        self.gates = Gates(self._answers)
        self._alone: dict[Node | None, float] = {}
        """Primaries that have no replica that answers, and until when (loop time) nobody waits for one."""
        self.unreplicated = 0
        """Writes that went on without a replica, since the start."""
        self._prefix = prefix
        self._tags = tags(partitions)

    def partition(self, conversation_id: str) -> int:
        return partition_of(conversation_id, self.partitions)

    def key(self, partition: int, name: str) -> str:
        return f"{self._prefix}{{{self._tags[partition]}}}{name}"

    async def run(self, partition: int, *commands: Command, wait: int = 0) -> list[Any]:
        """Raises Unavailable at once while the partition's gate is closed, and closes it when the shard does not answer."""
        reason = self.gates.closed.get(partition)
        if reason is not None:
            raise Unavailable(reason)
        try:
            return await self.router.run(slot_of(partition, self.partitions), *commands, wait=wait)
        except Unreachable as error:
            self.gates.close(partition, str(error))
            raise

    async def each(self, commands: Mapping[int, Command]) -> dict[int, Any]:
        """One command for each of many partitions, together: a write and a read for each node, not for each partition (with
        256 partitions, looking around once a second was a quarter of a core). Their answers; without those of partitions
        whose gate is closed, or closes now. A command may run twice, where a part of the node's partitions has moved."""
        nodes: dict[Node | None, list[int]] = {}
        for partition in commands:
            if partition not in self.gates.closed:
                nodes.setdefault(self._owner(partition), []).append(partition)
        found = await asyncio.gather(*(self._together(node, some, commands) for node, some in nodes.items()))
        return {partition: answer for some in found for partition, answer in some.items()}

    async def _together(
        self, node: Node | None, partitions: Sequence[int], commands: Mapping[int, Command]
    ) -> dict[int, Any]:
        if node is not None:
            with contextlib.suppress(Unreachable, RedisError):
                answers = await self.router.ask(node, *(commands[partition] for partition in partitions))
                return dict(zip(partitions, answers, strict=True))
        # The node is away, or has not all of them any more. Each for itself finds out: it follows a move, or closes its gate.
        answers = await asyncio.gather(
            *(self.run(partition, commands[partition]) for partition in partitions), return_exceptions=True
        )
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, Unavailable):
                raise answer
        return {
            partition: answer[0]
            for partition, answer in zip(partitions, answers, strict=True)
            if not isinstance(answer, BaseException)
        }

    async def call(self, partition: int, script: Script, keys: Sequence[str], *arguments: Any) -> Any:
        """Run a script that writes nothing that must survive a failover."""
        try:
            return (await self.run(partition, script.call(keys, *arguments)))[0]
        except NoScriptError:
            return (await self.run(partition, script.call(keys, *arguments, whole=True)))[0]

    async def write(self, partition: int, keys: Sequence[str], change: Change) -> tuple[int, int]:
        """Run the unit-of-work script and wait for a replica; its answer and the document's version.

        Raises Unavailable, and then it may or may not have happened: whoever repeats it learns which.
        """
        return await self._stored(partition, WRITE, keys, *change.arguments())

    async def erase(self, partition: int, keys: Sequence[str], *arguments: Any) -> bool:
        """Run ``erase.lua``; False when the conversation moved on. Raises what :meth:`write` raises."""
        code, _ = await self._stored(partition, ERASE, keys, *arguments)
        return code == 0

    async def _stored(self, partition: int, script: Script, keys: Sequence[str], *arguments: Any) -> tuple[int, int]:
        replicated = self.durability == "replicated"
        wait = 0 if not replicated else 1 if self._lonely(partition) else WAIT_MS
        try:
            answers = await self.run(partition, script.call(keys, *arguments), wait=wait)
        except NoScriptError:
            answers = await self.run(partition, script.call(keys, *arguments, whole=True), wait=wait)
        code, version = answers[0]
        if replicated and code != 2 and not answers[1]:
            await self._replicated(partition)
        return int(code), int(version)

    async def _replicated(self, partition: int) -> None:
        """Wait for a replica again. What a replica has, it has in order: one later write that arrived says all."""
        pause = BEHIND
        for _ in range(WAITS):
            if self._lonely(partition):
                self.unreplicated += 1
                return  # others have waited in vain just now: customers need not wait one after the other
            # One WAIT for all who wait at this moment: each for itself, ten of them would be too slow for any answer.
            _, role, heard = await self.run(partition, self._probe(partition), ("ROLE",), wait=WAIT_MS)
            if heard:
                return
            if not role[2]:
                pause = ALONE  # a replica that was just promoted has none of its own: there is nobody to wait for
                break
        self._alone[self._owner(partition)] = asyncio.get_running_loop().time() + pause
        self.unreplicated += 1
        log.error(
            "cluster.not_replicated", partition=partition, fix="is the replica of this shard running and in step?"
        )

    def _lonely(self, partition: int) -> bool:
        return asyncio.get_running_loop().time() < self._alone.get(self._owner(partition), 0.0)

    def _owner(self, partition: int) -> Node | None:
        return self.router.owner(slot_of(partition, self.partitions))

    async def _answers(self, partition: int) -> bool:
        """A write, because a node may read and not write."""
        try:
            await self.router.run(slot_of(partition, self.partitions), self._probe(partition))
        except (Unavailable, RedisError, SettingsError):
            return False  # a password that is refused, too: a prober that dies leaves the gate shut for ever
        return True

    def _probe(self, partition: int) -> Command:
        """A write that changes nothing."""
        return ("SET", self.key(partition, "probe"), "1", "PX", 1000)

    async def aclose(self) -> None:
        await self.gates.aclose()
        await self.router.aclose()
