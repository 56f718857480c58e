"""``python -m tests.bench.bench_soak --minutes 30 --rate 300``: whether the last minute costs what the first did.

The real ``wabox serve``, 20,000 customers, a nudge five seconds after each message, so that as many timers go off as messages
come. Looked at in slices of a minute: memory, how late the timers were (the server's own histogram), the acknowledge, what was
refused. Flat is what the last third is like the second; the first third fills caches and opens the conversations. SQLite's page
cache of the writing connection takes 64 MB before it is full (:mod:`wabox.sqlite.connection`): at 40 messages a second that
lasts half an hour, and until then memory grows by about 1.5 KB a message.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.bench import machine
from tests.bench.fakegraph import FakeGraph
from tests.bench.loadgen import connected, open_loop
from tests.bench.machine import median, percentile
from tests.bench.process import WABOX, Process, wabox_env
from tests.bench.subject import USERS, make_messages
from wabox.web.door import Door

FLOW = """
id: soak
initial: open
context: {count: 0}
on: {human: .person}
states:
  open:
    timeouts: {soft: 5s, hard: 20h}
    on:
      tick: {actions: [{increment: {path: count, by: 1}}, {say: "{count}"}]}
      timeout.soft: {actions: {say: {text: "Still there?", outside: {name: nudge, values: {1: "{count}"}}}}}
  person:
    handoff: {queue: default, reason: asked for a person}
    say: A person will answer you here.
    timeouts: {soft: null, hard: 7d}
    on: {handoff.closed: open}
"""
FILES = {
    "flow.yaml": FLOW,
    "intents.yaml": 'tick:\n  en: {patterns: ["^hello$"]}\n',
    "templates.yaml": 'nudge:\n  category: utility\n  en: {body: "You wrote {{1}} messages.", examples: {1: "3"}}\n',
}
SLICE = 60.0
"""s"""


@dataclass
class Slice:
    rss: float
    late: tuple[str, str]
    """Bounds, s, under which half and 99 % of the slice's timers lie."""
    fired: int
    acks: list[float]
    refused: int


async def main(minutes: float, rate: float) -> None:
    folder = Path(tempfile.mkdtemp(prefix="wabox-bench-"))
    print(machine.facts(folder), flush=True)
    bot = folder / "soak"
    bot.mkdir()
    for name, text in FILES.items():
        (bot / name).write_text(text)
    graph = FakeGraph()
    await graph.start()
    env = wabox_env(folder / "data", graph.url)
    try:
        with Process((*WABOX, "serve", "--bot", str(bot)), folder=folder, env=env) as server:
            await server.ready()
            slices = await _slices(server, graph, folder / "data", minutes, rate)
    finally:
        graph.stop()
    thirds = [slices[start * len(slices) // 3 : (start + 1) * len(slices) // 3] for start in range(3)]
    print(f"{minutes:.0f} minutes at {rate:.0f}/s, by thirds:")
    for name, third in zip(("start", "middle", "end"), thirds, strict=True):
        acks = [one for it in third for one in it.acks]
        print(
            f"  {name:7} RSS {median([it.rss for it in third]):.0f} MB; timers late p50 < {third[-1].late[0]} s, "
            f"p99 < {third[-1].late[1]} s; acknowledge p50 {percentile(acks, 50) * 1000:.1f} ms, "
            f"p99 {percentile(acks, 99) * 1000:.0f} ms; {sum(it.refused for it in third)} refused"
        )


async def _slices(server: Process, graph: FakeGraph, data: Path, minutes: float, rate: float) -> list[Slice]:
    slices: list[Slice] = []
    before: Counter[str] = Counter()
    many = max(3, round(minutes * 60 / SLICE))
    for number in range(many):
        requests = make_messages(round(rate * SLICE))
        async with connected(server.port, 64) as pool:
            load = await open_loop(pool, requests, rate)
        after = await _lateness(server.port, data)
        slices.append(
            Slice(
                rss=machine.rss_mb(server.pid),
                late=(_under(after - before, 0.5), _under(after - before, 0.99)),
                fired=(after - before)["+Inf"],
                acks=load.latencies,
                refused=load.offered - load.acknowledged,
            )
        )
        before = after
        graph.received.clear()
        one = slices[-1]
        print(
            f"{time.strftime('%X')} minute {number + 1} of {many}: RSS {one.rss:.0f} MB; {one.fired} timers, late p50 < "
            f"{one.late[0]} s, p99 < {one.late[1]} s; acknowledge p99 {percentile(one.acks, 99) * 1000:.0f} ms; "
            f"{one.refused} of {load.offered} refused; load average {os.getloadavg()[0]:.1f}",
            flush=True,
        )
    return slices


async def _lateness(port: int, data: Path) -> Counter[str]:
    """Timers by the bound under which their lateness lies, cumulated, since the start."""
    headers = {"Authorization": f"Bearer {Door(data).token()}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False) as client:
        answer = await client.get("/metrics", timeout=30)
    found: Counter[str] = Counter()
    for line in answer.raise_for_status().text.splitlines():
        if "timer_lateness_seconds_bucket" in line and not line.startswith("#"):
            found[line.partition('le="')[2].partition('"')[0]] += round(float(line.rpartition(" ")[2]))
    return found


def _under(cumulated: Counter[str], share: float) -> str:
    total = cumulated["+Inf"]
    for bound in sorted(cumulated, key=float):
        if cumulated[bound] >= share * total:
            return bound
    return "?"


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=30)
    asked.add_argument("--rate", type=float, default=300)
    asked.add_argument("--slice", type=float, default=SLICE, help="s between two looks")
    options = asked.parse_args()
    SLICE = options.slice
    assert options.rate * 5 < USERS, "customers would write before their nudge"
    asyncio.run(main(options.minutes, options.rate))
