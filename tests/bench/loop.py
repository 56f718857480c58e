"""The whole loop: webhook in → committed → statechart → committed → POST out, against a fake Graph that takes 50 ms.

Saturation in a closed loop; latencies, CPU and bytes written at 500/s, once the server has had some seconds of it (the first
messages of a process import, compile and fill what the later ones use); then a sweep of offered rates on one server, which must
neither lose anything it acknowledged nor let memory or latency run away: what it cannot take it refuses with 503. The last step
of the sweep is the first again, to show that the server is itself again after the flood.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from tests.bench import machine
from tests.bench.fakegraph import FakeGraph
from tests.bench.loadgen import Load, closed_loop, connected, open_loop
from tests.bench.machine import median, percentile
from tests.bench.process import Process
from tests.bench.subject import BOT, SERVE, USERS, make_messages, message_ids, messages, running, undisturbed
from wabox.core.delivery import outbound_id

RATE = 500
SWEEP = (500, 1000, 1500, 2000, 3000, 4000, 500)
CONNECTIONS = 64
WARM = 3.0
"""s at :data:`RATE` before what is measured."""


@dataclass
class Turn:
    """What one offered rate came to."""

    load: Load
    sent: int
    """Messages answered at the fake Graph, each counted once."""
    rate: float
    """The same per second while the load lasted."""
    latencies: list[float]
    """s from the scheduled send of a webhook to its answer's last byte at the fake Graph."""
    us: float
    rss: float
    peak: float
    drain: float
    """s from the end of the load to the last answer."""
    noise: float
    kb: float
    """Written to the disk for each message."""


async def report(runs: int, seconds: float) -> None:
    print(f"\n2. Whole loop (fake Graph answers after 50 ms; bot {BOT.name}; {USERS:,} customers)", flush=True)
    saturated = [await _saturate(seconds) for _ in range(runs)]
    sustained, us, refused = (median(list(column)) for column in zip(*saturated, strict=True))
    print(
        f"saturated, closed loop of {CONNECTIONS}: {sustained:.0f} messages/s sustained, CPU {us:.0f} us each, "
        f"{refused:.0f} refusals/s",
        flush=True,
    )
    turns = []
    for _ in range(runs):
        async with running(SERVE) as (server, graph):
            await _offer(server, graph, RATE, WARM)
            turns.append(await _offer(server, graph, RATE, seconds))
    acks = [percentile(turn.load.latencies, at) * 1000 for at in (50, 99) for turn in turns]
    through = [percentile(turn.latencies, at) * 1000 for at in (50, 99) for turn in turns]
    print(
        f"at {RATE}/s: acknowledge p50 {median(acks[:runs]):.2f} ms, p99 {median(acks[runs:]):.1f} ms; "
        f"webhook in → POST out p50 {median(through[:runs]):.2f} ms, p99 {median(through[runs:]):.1f} ms; "
        f"CPU {median([turn.us for turn in turns]):.0f} us and {median([turn.kb for turn in turns]):.0f} KB written a message; "
        f"noise {median([turn.noise for turn in turns]):.2f}"
    )
    print(
        "offered/s  200/s  503/s  lost | ack p50  p99 ms | POST/s  in→out p50  p99 | drain s  us each | RSS MB  peak | noise"
    )
    async with running(SERVE) as (server, graph):
        for rate in SWEEP:
            _print(rate, await _offer(server, graph, rate, seconds))
    print("lost: acknowledged, but not at the fake Graph when nothing more came.")


def _print(rate: float, turn: Turn) -> None:
    load = turn.load
    span = load.offered / rate
    print(
        f"{rate:9}{load.acknowledged / span:7.0f}{load.statuses[503] / span:7.0f}{load.acknowledged - turn.sent:6} |"
        f"{percentile(load.latencies, 50) * 1000:8.1f}{percentile(load.latencies, 99) * 1000:8.0f} |"
        f"{turn.rate:7.0f}{percentile(turn.latencies, 50) * 1000:12.1f}{percentile(turn.latencies, 99) * 1000:8.0f} |"
        f"{turn.drain:8.1f}{turn.us:9.0f} |{turn.rss:7.0f}{turn.peak:6.0f} |{turn.noise:6.2f}",
        flush=True,
    )
    strange = {status: number for status, number in load.statuses.items() if status not in (200, 503) and number}
    if strange:
        print(f"  ! other answers: {strange} (0: the connection broke, or no answer within 20 s)")


async def _offer(server: Process, graph: FakeGraph, rate: float, seconds: float) -> Turn:
    ids = message_ids(int(rate * seconds))
    requests = messages(ids)
    graph.received.clear()
    due: list[float] = []
    cpu, noise = machine.cpu_seconds(server.pid), machine.Noise(server.pid)
    written = machine.written(server.pid)
    async with connected(server.port, 512 if rate > RATE else CONNECTIONS) as pool, undisturbed():
        load = await open_loop(pool, requests, rate, due=due)
        loudness = noise.cores()
        await graph.drained(load.acknowledged)
    at = {outbound_id(key, 0): moment for key, moment in zip(ids, due, strict=True)}
    first: dict[str, float] = {}
    for received in graph.received:
        if received.outbound_id in at:
            first.setdefault(received.outbound_id, received.at)
    rss = machine.rss_mb(server.pid)
    await server.rest()
    end = due[-1]
    return Turn(
        load=load,
        sent=len(first),
        rate=sum(moment <= end for moment in first.values()) / (end - due[0]),
        latencies=[moment - at[key] for key, moment in first.items()],
        us=(machine.cpu_seconds(server.pid) - cpu) / max(1, len(first)) * 1e6,
        rss=rss,
        peak=machine.peak_rss_mb(server.pid),
        drain=max(0.0, max(first.values(), default=end) - end),
        noise=loudness,
        kb=(machine.written(server.pid) - written) / max(1, len(first)) / 1024,
    )


async def _saturate(seconds: float) -> tuple[float, float, float]:
    """Messages/s that reach the fake Graph, CPU us of each, refusals/s."""
    async with running(SERVE) as (server, graph):
        requests = make_messages(int(9_000 * seconds))
        cpu = machine.cpu_seconds(server.pid)
        async with connected(server.port, CONNECTIONS) as pool, undisturbed():
            start = time.perf_counter()
            load = await closed_loop(pool, iter(requests), seconds)
            end = time.perf_counter()
            await graph.drained(load.acknowledged)
        # The first second only fills the pipeline.
        steady = sum(start + 1 <= received.at <= end for received in graph.received) / (end - start - 1)
        await server.rest()
        us = (machine.cpu_seconds(server.pid) - cpu) / max(1, len(graph.received)) * 1e6
        return steady, us, load.statuses[503] / load.seconds
