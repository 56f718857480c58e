"""Exchanges with a node of Redis: together, in order, and nobody pays for another's mistake."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import pytest
from redis.exceptions import ResponseError

from wabox.cluster.exchange import AT_ONCE, Exchange


class Connection:
    """A node that answers what it was told to answer, when it is let."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.is_connected = False

    async def connect(self) -> None:
        self.is_connected = True

    async def send_packed_command(self, pieces: list[bytes]) -> None:
        said = [line.decode() for line in b"".join(pieces).split(b"\r\n")]
        commands = _commands(deque(said))
        self._node.writes.append(commands)
        self._answers = deque(commands)

    async def read_response(self, *, timeout: float) -> Any:
        await self._node.open.wait()
        if self._node.broken:
            raise ConnectionError("gone")
        command = self._answers.popleft()
        if command[0] == "BAD":
            raise ResponseError("ERR no such command")
        return self._node.replicas if command[0] == "WAIT" else command[1]

    async def disconnect(self, *, nowait: bool) -> None:
        self.is_connected = False


class Node:
    def __init__(self) -> None:
        self.writes: list[list[list[str]]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.replicas = 1
        self.broken = False

    def exchange(self) -> Exchange:
        made: Any = lambda: Connection(self)  # noqa: E731 - as short as it is
        return Exchange(made)


def _commands(lines: deque[str]) -> list[list[str]]:
    found = []
    while lines and lines[0].startswith("*"):
        count = int(lines.popleft()[1:])
        words = []
        for _ in range(count):
            lines.popleft()
            words.append(lines.popleft())
        found.append(words)
    return found


async def test_what_comes_up_together_is_one_write_with_one_wait() -> None:
    """Whoever asked for no replica is not told of one; everybody gets their own answers."""
    node = Node()
    exchange = node.exchange()
    asked = [([("SET", "a")], 100), ([("GET", "b"), ("GET", "c")], 0), ([("SET", "d")], 1)]
    found = await asyncio.gather(*(exchange.ask(commands, wait) for commands, wait in asked))
    assert found == [["a", 1], ["b", "c"], ["d", 1]]
    assert node.writes == [[["SET", "a"], ["GET", "b"], ["GET", "c"], ["SET", "d"], ["WAIT", "1", "100"]]]
    await exchange.aclose()


async def test_what_comes_up_meanwhile_is_the_next_write() -> None:
    node = Node()
    exchange = node.exchange()
    node.open.clear()
    first = []
    for number in range(AT_ONCE):
        first.append(asyncio.ensure_future(exchange.ask([("GET", str(number))])))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    later = [asyncio.ensure_future(exchange.ask([("GET", f"later{number}")])) for number in range(5)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(node.writes) == AT_ONCE, "no more than so many are under way"
    node.open.set()
    assert await asyncio.gather(*first, *later) == [[str(n)] for n in range(AT_ONCE)] + [
        [f"later{n}"] for n in range(5)
    ]
    assert len(node.writes) == AT_ONCE + 1
    await exchange.aclose()


async def test_a_refusal_is_its_own_askers_alone() -> None:
    node = Node()
    exchange = node.exchange()
    bad, good = await asyncio.gather(exchange.ask([("BAD", "x"), ("GET", "y")]), exchange.ask([("GET", "z")]))
    assert isinstance(bad[0], ResponseError)
    assert bad[1:] == ["y"]
    assert good == ["z"]
    await exchange.aclose()


async def test_a_node_that_breaks_off_tells_everybody_who_waits_for_it() -> None:
    """What is behind it would wait as long to hear the same. It is asked again by whoever asks next."""
    node = Node()
    exchange = node.exchange()
    node.broken = True
    found = await asyncio.gather(*(exchange.ask([("GET", "a")]) for _ in range(200)), return_exceptions=True)
    assert {type(one) for one in found} == {ConnectionError}
    node.broken = False
    assert await exchange.ask([("GET", "b")]) == ["b"]
    await exchange.aclose()


async def test_whoever_went_away_holds_nobody_up() -> None:
    node = Node()
    exchange = node.exchange()
    node.open.clear()
    gone, stays = (
        asyncio.ensure_future(exchange.ask([("GET", "a")])),
        asyncio.ensure_future(exchange.ask([("GET", "b")])),
    )
    for _ in range(3):
        await asyncio.sleep(0)
    gone.cancel()
    node.open.set()
    assert await stays == ["b"]
    await exchange.aclose()
    with pytest.raises(asyncio.CancelledError):
        await gone
