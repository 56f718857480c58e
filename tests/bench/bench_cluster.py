"""A cluster on one machine: webhook in → RabbitMQ → Redis (with WAIT) → POST out, one web process and two workers.

    WABOX_TEST_CLUSTER=FOLDER python -m tests.bench.bench_cluster [--seconds 8] [--rate 300]

FOLDER is that of ``packaging/cluster/up``: three Redis primaries with a replica each, one node of RabbitMQ, and PostgreSQL, all
on this machine with everything else, so CPU for each message and bytes say more than rates. Without it nothing is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
import tomllib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import uvloop
from pamqp.commands import Basic

from tests.bench import machine
from tests.bench.fakegraph import FakeGraph
from tests.bench.loadgen import Load, closed_loop, connected, open_loop
from tests.bench.machine import percentile
from tests.bench.process import ROOT, WABOX, Process, compiled_env, wabox_env
from tests.bench.subject import BOT, USERS, make_messages, message_ids, messages, undisturbed
from wabox.cluster.broker import Broker
from wabox.cluster.router import Router
from wabox.cluster.topology import Topology
from wabox.core.delivery import outbound_id

CONNECTIONS = 64
PARTITIONS = 256
NAME = f"bench{os.getpid()}"
FOLDER = os.environ.get("WABOX_TEST_CLUSTER")


def engines() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((Path(str(FOLDER)) / "cluster.toml").read_text())["cluster"]
    return {**found, "name": NAME}


@contextlib.contextmanager
def process(root: Path, role: str, env: dict[str, str]) -> Any:
    where = Path(tempfile.mkdtemp(prefix=role, dir=root))
    (where / "wabox.toml").symlink_to(root / "wabox.toml")
    with Process((*WABOX, "serve", "--bot", str(BOT), "--role", role), folder=where, env=env, core=None) as one:
        yield one


@contextlib.asynccontextmanager
async def graph(delay: float = 0.05) -> AsyncIterator[FakeGraph]:
    made = FakeGraph(delay)
    await made.start()
    try:
        yield made
    finally:
        made.stop()


async def redis(urls: Sequence[str]) -> dict[str, float]:
    """Summed over the primaries: calls and us of server time of scripts, keys, bytes of this bench's keys."""
    router = Router.of(urls)
    await router.start()
    found = {"calls": 0.0, "us": 0.0, "bytes": 0.0}
    for node in router.nodes:
        (info,) = await router.ask(node, ("INFO", "commandstats"))
        for line in info.decode().splitlines():
            if line.startswith("cmdstat_evalsha:"):
                said = dict(part.split("=") for part in line.partition(":")[2].split(","))
                found["calls"] += float(said["calls"])
                found["us"] += float(said["usec"])
        (keys,) = await router.ask(node, ("KEYS", f"{NAME}:*"))
        for at in range(0, len(keys), 500):
            sizes = await router.ask(node, *(("MEMORY", "USAGE", key) for key in keys[at : at + 500]))
            found["bytes"] += sum(size or 0 for size in sizes)
    await router.aclose()
    return found


async def forget(urls: Sequence[str]) -> None:
    router = Router.of(urls)
    await router.start()
    for node in router.nodes:
        (keys,) = await router.ask(node, ("KEYS", f"{NAME}:*"))
        for at in range(0, len(keys), 500):
            await router.ask(node, *(("UNLINK", key) for key in keys[at : at + 500]))
    await router.aclose()


async def clear(urls: Sequence[str], name: str) -> None:
    broker = Broker(urls)
    await Topology(PARTITIONS, name).delete(await broker.channel())
    await broker.aclose()


async def confirms(urls: Sequence[str], rate: float, seconds: float) -> list[float]:
    """s from the due moment of each publish to its confirm, into a lane, at ``rate``."""
    broker = Broker(urls)
    channel = await broker.channel(confirms=True)
    queue, took, tasks = f"{NAME}.confirm", [], []
    quorum: dict[str, Any] = {"x-queue-type": "quorum", "x-max-length": 1000}
    await channel.queue_declare(queue, durable=True, arguments=quorum)

    async def publish(due: float) -> None:
        await channel.basic_publish(b"x" * 1200, routing_key=queue, properties=Basic.Properties(delivery_mode=2))
        took.append(time.perf_counter() - due)

    start = time.perf_counter()
    for number in range(int(rate * seconds)):
        due = start + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(publish(due)))
    await asyncio.gather(*tasks)
    await channel.queue_delete(queue)
    await broker.aclose()
    return took


async def owned(one: Process) -> int:
    """Partitions that a worker has, as it says itself."""
    reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
    writer.write(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return int(json.loads(answer.partition(b"\r\n\r\n")[2])["partitions"])


async def run(seconds: float, rate: float) -> None:
    said = engines()
    root = Path(tempfile.mkdtemp(prefix="wabox-bench-"))
    print(machine.facts(root))
    print(
        f"everything on one machine; bot {BOT.name}; {USERS:,} customers; {PARTITIONS} partitions; WAIT 1", flush=True
    )
    (root / "wabox.toml").write_text(
        "[cluster]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in said.items())
    )
    took = await confirms(said["rabbitmq"], rate, seconds)
    print(
        f"publish and confirm at {rate:.0f}/s: p50 {percentile(took, 50) * 1000:.1f} ms, "
        f"p99 {percentile(took, 99) * 1000:.1f} ms",
        flush=True,
    )
    made = [*WABOX, "cluster", "init", "--partitions", str(PARTITIONS)]
    await asyncio.to_thread(
        subprocess.run, made, cwd=root, env={**compiled_env(), "PYTHONPATH": str(ROOT)}, check=True, timeout=300
    )
    try:
        async with graph() as there:
            env = wabox_env(root / "data", there.url)
            with process(root, "web", env) as web, process(root, "worker", env) as first:
                await web.ready()
                await first.ready()
                with process(root, "worker", env) as second:
                    await second.ready()
                    # A worker learns what it owns from what it is given; the promise is about 5 s after it joined.
                    async with connected(web.port, 8) as pool:
                        await open_loop(pool, make_messages(1000), 200)
                    await asyncio.sleep(2)  # and the other learns within a second what it has lost
                    shares = [await owned(one) for one in (first, second)]
                    print(f"7 s after a second worker joined: {shares[0]} and {shares[1]} partitions", flush=True)
                    await _steady(there, web, (first, second), seconds, rate)
                    await _loop(there, web, (first, second), seconds, rate, said)
    finally:
        await forget(said["redis"])
        await clear(said["rabbitmq"], NAME)
        shutil.rmtree(root, ignore_errors=True)


async def _steady(there: FakeGraph, web: Process, workers: Sequence[Process], seconds: float, rate: float) -> None:
    """What a message costs while there is time: each is waited for alone, where a busy worker does many together."""
    there.received.clear()
    used = [machine.cpu_seconds(one.pid) for one in (web, *workers)]
    async with connected(web.port, 16) as pool:
        load = await open_loop(pool, make_messages(int(rate * seconds)), rate)
    await there.drained(load.acknowledged)
    spent = [machine.cpu_seconds(one.pid) - was for one, was in zip((web, *workers), used, strict=True)]
    count = max(1, load.acknowledged)
    print(
        f"at {rate:.0f}/s: CPU a message: web {spent[0] / count * 1e6:.0f} us, "
        f"workers {sum(spent[1:]) / count * 1e6:.0f} us",
        flush=True,
    )


async def _loop(
    there: FakeGraph, web: Process, workers: Sequence[Process], seconds: float, rate: float, said: dict[str, Any]
) -> None:
    async with connected(web.port, 8) as pool:
        warm = await open_loop(pool, make_messages(200), 50)
    await there.drained(warm.acknowledged)
    there.received.clear()
    before = await redis(said["redis"])
    used = [machine.cpu_seconds(one.pid) for one in (web, *workers)]
    ids = message_ids(int(4_000 * seconds))
    requests = messages(ids)
    async with connected(web.port, CONNECTIONS) as pool, undisturbed():  # idle connections do not live long
        start = time.perf_counter()
        load: Load = await closed_loop(pool, iter(requests), seconds)
        end = time.perf_counter()
        ours = {outbound_id(key, 0) for key in ids}
        came = await _answers(there, ours, load.acknowledged)
    last, count = max(came.values(), default=end), max(1, len(came))
    spent = [machine.cpu_seconds(one.pid) - was for one, was in zip((web, *workers), used, strict=True)]
    after = await redis(said["redis"])
    calls = after["calls"] - before["calls"]
    print(
        f"whole loop, closed loop of {CONNECTIONS}: {load.acknowledged / load.seconds:.0f}/s acknowledged, "
        f"{count / (last - start):.0f}/s answered to the last; {load.acknowledged - len(came)} not answered; "
        f"answers {dict(load.statuses)}; drained {max(0.0, last - end):.1f} s after the load",
        flush=True,
    )
    print(
        f"CPU a message: web {spent[0] / count * 1e6:.0f} us, workers {sum(spent[1:]) / count * 1e6:.0f} us; "
        f"scripts {(after['us'] - before['us']) / max(1, calls):.1f} us of a server each, {calls / count:.2f} a message",
        flush=True,
    )
    live = min(USERS, count + warm.acknowledged)
    print(
        f"Redis: {after['bytes'] / live:.0f} bytes for each of {live:,} live conversations, all keys counted",
        flush=True,
    )
    for _ in range(30):
        await asyncio.sleep(1)
        was, after = after, await redis(said["redis"])
        if was["bytes"] == after["bytes"]:
            break
    took = time.perf_counter() - last
    print(f"       {after['bytes'] / live:.0f} bytes {took:.0f} s after the last answer: its records are in PostgreSQL")


async def _answers(there: FakeGraph, ours: set[str], expected: int) -> dict[str, float]:
    """When each reply of ``ours`` came first. Waits until ``expected`` have, or nothing came for 5 s.

    Read receipts and typing indicators come too, where a reply takes its time, and do not count."""
    came: dict[str, float] = {}
    looked, since = 0, time.perf_counter()
    while len(came) < expected and time.perf_counter() < since + 5:
        for one in there.received[looked:]:
            looked, since = looked + 1, time.perf_counter()
            if one.outbound_id in ours:
                came.setdefault(one.outbound_id, one.at)
        await asyncio.sleep(0.02)
    return came


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_cluster")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rate", type=float, default=300.0, help="publishes a second")
    given = parser.parse_args()
    if FOLDER is None:
        print("WABOX_TEST_CLUSTER names no folder of packaging/cluster/up: nothing to measure")
        return
    uvloop.run(run(given.seconds, given.rate))


if __name__ == "__main__":
    main()
