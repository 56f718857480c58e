"""A worker behind a network of its own, which can be cut: a namespace of Linux, a pair of virtual interfaces, and a relay at
either end, for the servers listen on loopback alone. Needs root.

A cut is silence: nothing is refused and no connection ends, until one side loses patience. What was under way arrives when it
is healed, if both still want it.

    python -m tests.cluster.network HERE THERE PORT...      a relay: what comes to HERE's ports goes to THERE's
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from urllib.parse import urlsplit

from tests.bench.process import ROOT
from wabox.cluster.store import Place

NAME = "waboxcut"
OURS, THEIRS = "10.213.77.1", "10.213.77.2"
INSIDE = ("ip", "netns", "exec", NAME)
"""Before a command: it runs behind the network."""
_OUTER, _INNER = "waboxcut0", "waboxcut1"


def ports(place: Place) -> list[int]:
    """Of every engine; the replicas of Redis have the three after those of its primaries."""
    redis = [urlsplit(url).port or 0 for url in place.redis]
    others = [urlsplit(url).port or 0 for url in (*place.rabbitmq, place.postgres)]
    return [*redis, *(port + len(redis) for port in redis), *others]


@contextlib.asynccontextmanager
async def namespace(place: Place) -> AsyncIterator[None]:
    _gone()
    for line in (
        f"netns add {NAME}",
        f"link add {_OUTER} type veth peer name {_INNER}",
        f"link set {_INNER} netns {NAME}",
        f"addr add {OURS}/24 dev {_OUTER}",
        f"link set {_OUTER} up",
        f"-n {NAME} addr add {THEIRS}/24 dev {_INNER}",
        f"-n {NAME} link set {_INNER} up",
        f"-n {NAME} link set lo up",
    ):
        _ip(*line.split())
    numbers = [str(port) for port in ports(place)]
    relay = (sys.executable, "-m", "tests.cluster.network")
    relays = [
        await asyncio.create_subprocess_exec(*relay, OURS, "127.0.0.1", *numbers, cwd=ROOT),
        await asyncio.create_subprocess_exec(*INSIDE, *relay, "127.0.0.1", OURS, *numbers, cwd=ROOT),
    ]
    await asyncio.sleep(2.0)
    try:
        yield
    finally:
        for one in relays:
            one.kill()
            await one.wait()
        _gone()


def cut() -> None:
    _ip("link", "set", _OUTER, "down")


def heal() -> None:
    _ip("link", "set", _OUTER, "up")


def _ip(*words: str) -> None:
    subprocess.run(("ip", *words), check=True)


def _gone() -> None:
    for words in (("netns", "del", NAME), ("link", "del", _OUTER)):
        subprocess.run(("ip", *words), check=False, stderr=subprocess.DEVNULL)


async def _relay(here: str, there: str, numbers: Sequence[int]) -> None:
    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    def accept(port: int):  # type: ignore[no-untyped-def]
        async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                far_reader, far_writer = await asyncio.open_connection(there, port)
            except OSError:
                writer.close()
                return
            await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

        return accepted

    servers = [await asyncio.start_server(accept(port), here, port) for port in numbers]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(_relay(sys.argv[1], sys.argv[2], [int(word) for word in sys.argv[3:]]))
