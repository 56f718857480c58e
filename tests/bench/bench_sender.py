"""What the sender costs: a full outbox on its way to a Graph API that takes 50 ms, at the pace of one number.

Everything is the real thing: store, chains, marks on disk, pace, HTTP client; the fake Graph API runs on the other core. Two
ways to leave: ``live``, each message as soon as its turn is committed (the commit is not counted: it is the turn's), and
``backlog``, all of them waiting when the server starts. ``core`` is the CPU time of this process, all threads, per second of
sending; the goal is under 15 % at 80 a second.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from tests.bench import machine
from tests.bench.bench_client import BODY, NUMBER
from wabox.core.changed import changed
from wabox.core.contact import Contact
from wabox.core.conversation import UnitOfWork
from wabox.core.delivery import DeliveryStatus, OutboundMessage, outbound_id
from wabox.services.outbox import Outbox
from wabox.sqlite.store import SqliteStore, open_store
from wabox.whatsapp.client import CloudMessenger


def now() -> int:
    return time.time_ns() // 1_000_000


def unit_of(number: int, *, sending: bool) -> UnitOfWork:
    conversation = f"{NUMBER}:MX.{number}"
    message = OutboundMessage(
        id=outbound_id(f"m{number}", 0), conversation_id=conversation, number_id=NUMBER, body=BODY, created_at=now()
    )
    if sending:
        message = changed(message, status=DeliveryStatus.SENDING, attempted_at=now())
    return UnitOfWork(
        conversation_id=conversation,
        number_id=NUMBER,
        contact=Contact(user_id=f"MX.{number}"),
        expected=0,
        handled=(),
        snapshot=b"{}",
        at=now(),
        sends=(message,),
    )


async def until_sent(outbox: Outbox) -> None:
    while outbox._tasks:
        await asyncio.wait(outbox._tasks)


async def live(store: SqliteStore, outbox: Outbox, count: int, rate: float) -> float:
    """CPU seconds of the sender: of all, less those of the same commits without a sender."""
    begin = time.perf_counter()
    for number in range(count):
        unit = unit_of(number, sending=outbox.idle(f"{NUMBER}:MX.{number}", NUMBER))
        await store.commit(unit)
        outbox.deliver(unit.conversation_id, unit.sends)
        await asyncio.sleep(max(0.0, begin + number / rate - time.perf_counter()))
    await until_sent(outbox)
    return time.perf_counter() - begin


async def commits(store: SqliteStore, count: int, rate: float) -> None:
    begin = time.perf_counter()
    for number in range(count):
        await store.commit(unit_of(number, sending=True))
        await asyncio.sleep(max(0.0, begin + number / rate - time.perf_counter()))


async def measure(url: str, way: str, count: int, rate: float) -> str:
    with tempfile.TemporaryDirectory() as folder:
        base = 0.0
        if way == "live":
            store = await open_store(Path(folder) / "base", now)
            cpu = time.process_time()
            await commits(store, count, rate)
            base = time.process_time() - cpu
            await store.close()
        store = await open_store(Path(folder) / "data", now)
        messenger = CloudMessenger(url, "x" * 200)
        outbox = Outbox(store, messenger, now, jitter=random.random, rate=rate)
        if way == "backlog":
            for first in range(0, count, 200):
                await asyncio.gather(*(
                    store.commit(unit_of(number, sending=False)) for number in range(first, min(first + 200, count))
                ))  # fmt: skip
        noise, cpu, begin = machine.Noise(), time.process_time(), time.perf_counter()
        if way == "live":
            took = await live(store, outbox, count, rate)
        else:
            await outbox.recover()
            await until_sent(outbox)
            took = time.perf_counter() - begin
        cpu = time.process_time() - cpu - base
        await outbox.stop()
        await messenger.aclose()
        await store.close()
    return (
        f"{count / took:6.1f}/s  core {cpu / took:6.1%}  {cpu / count * 1e6:6.0f} us a message"
        f"   (others: {noise.cores():.2f} cores)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--messages", type=int, default=1600)
    parser.add_argument("--rate", type=float, default=80.0)
    options = parser.parse_args()
    graph = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.bench_client", "--graph", "0.05"],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert graph.stdout is not None
        url = graph.stdout.readline().strip()
        machine.pin(0)
        for way in ("live", "backlog"):
            print(f"{way:8} {uvloop.run(measure(url, way, options.messages, options.rate))}", flush=True)
    finally:
        graph.kill()
        graph.wait()


if __name__ == "__main__":
    main()
