"""What is measured: a server, started on a new folder, and the requests that it is given."""

from __future__ import annotations

import contextlib
import gc
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tests.bench.fakegraph import FakeGraph
from tests.bench.loadgen import connected, open_loop
from tests.bench.process import ROOT, WABOX, Process, wabox_env
from tests.bench.webhooks import SIZE, message_body, request, status_body

USERS = 20_000
BOT = ROOT / "flows" / "shop"
COUNTER = ROOT / "tests" / "data" / "bots" / "counter"
TEXT = "hello"

_ids = count(1)


def message_ids(number: int) -> list[str]:
    """That many, never given out before."""
    return [f"wamid.HBgNBENCH{next(_ids):012d}" for _ in range(number)]


def messages(ids: Sequence[str]) -> list[bytes]:
    """A text for each id. Each customer writes again only after all others did."""
    now = int(time.time())
    return [request(message_body(key, index * 7919 % USERS, TEXT, now)) for index, key in enumerate(ids)]


def make_messages(number: int) -> list[bytes]:
    return messages(message_ids(number))


def make_statuses(number: int) -> list[bytes]:
    """Delivery statuses of messages that another system sent: stored, nothing to handle."""
    now = int(time.time())
    ids = message_ids(number)
    return [request(status_body(key, index % USERS, "delivered", now, size=SIZE)) for index, key in enumerate(ids)]


@dataclass(frozen=True)
class Subject:
    """A server and what to send it."""

    name: str
    command: Callable[[Path], Sequence[str]]
    """Its command line, given its folder."""
    make: Callable[[int], list[bytes]]
    """Makes that many requests, all distinct."""


def _module(name: str, argument: object) -> Sequence[str]:
    return (sys.executable, "-m", f"tests.bench.{name}", str(argument))


SERVE = Subject("wabox serve, messages", lambda _: (*WABOX, "serve", "--bot", str(BOT)), make_messages)
STATUSES = Subject("wabox serve, statuses", SERVE.command, make_statuses)
ACCEPT = Subject("wabox, not handled", lambda _: _module("accept_server", COUNTER), make_messages)
BARE = Subject("bare ASGI, does nothing", lambda _: (sys.executable, "-m", "tests.bench.bare_server"), make_messages)
PYWA = Subject("pywa + FastAPI", lambda folder: _module("pywa_server", folder / "data"), make_messages)


@contextlib.asynccontextmanager
async def running(subject: Subject, delay: float = 0.05) -> AsyncIterator[tuple[Process, FakeGraph]]:
    """The server on a new folder, with a fake Graph, ready and warm."""
    graph = FakeGraph(delay)
    await graph.start()
    folder = Path(tempfile.mkdtemp(prefix="wabox-bench-"))
    try:
        with Process(subject.command(folder), folder=folder, env=wabox_env(folder / "data", graph.url)) as server:
            await server.ready()
            async with connected(server.port, 8) as pool:
                await open_loop(pool, subject.make(200), 200)
            await server.rest()
            graph.received.clear()
            yield server, graph
    finally:
        graph.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.asynccontextmanager
async def undisturbed() -> AsyncIterator[None]:
    """No garbage collection in the generator while it measures."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()
