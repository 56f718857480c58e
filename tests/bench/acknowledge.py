"""Durable acknowledge: a signed 1,024-byte webhook, committed with ``synchronous=FULL`` before the 200.

The yardstick is a bare ASGI callable that does nothing. Then four subjects: the routes and the store of wabox with handling
switched off (nobody takes messages out of the inbox); the real ``wabox serve`` with delivery statuses (stored, nothing to
handle); the same with messages, where handling and sending compete for the core; and pywa's FastAPI integration with the same
insert as the first.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.bench import machine
from tests.bench.loadgen import Load, closed_loop, connected, open_loop
from tests.bench.machine import median, percentile
from tests.bench.subject import ACCEPT, BARE, PYWA, SERVE, STATUSES, Subject, running, undisturbed

RATE = 500
CONNECTIONS = 64
SUBJECTS = (BARE, ACCEPT, STATUSES, SERVE, PYWA)


@dataclass
class Figures:
    """One value a run."""

    acks: list[float] = field(default_factory=list)
    refusals: list[float] = field(default_factory=list)
    saturated_us: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    us: list[float] = field(default_factory=list)
    noise: list[float] = field(default_factory=list)


async def report(runs: int, seconds: float) -> None:
    found = {subject.name: Figures() for subject in SUBJECTS}
    for _ in range(runs):
        for subject in SUBJECTS:
            await _measure(subject, seconds, found[subject.name])
    print(f"\n1. Durable acknowledge (1,024-byte signed bodies, {CONNECTIONS} connections)")
    print(f"{'':24}   saturated: acks/s  503/s  us each | at {RATE}/s: p50 ms  p99 ms  us each  noise")
    for name, it in found.items():
        print(
            f"{name:24}{median(it.acks):20.0f}{median(it.refusals):7.0f}{median(it.saturated_us):9.0f} |"
            f"{median(it.p50):17.2f}{median(it.p99):8.2f}{median(it.us):9.0f}{median(it.noise):7.2f}"
        )
    bare, ours, theirs = found[BARE.name], found[ACCEPT.name], found[PYWA.name]
    print(
        f"{PYWA.name} uses {median(theirs.saturated_us) / median(ours.saturated_us):.1f} times the CPU of '{ACCEPT.name}' per "
        f"webhook when saturated, {median(theirs.us) / median(ours.us):.1f} times at {RATE}/s (same insert); "
        f"that one uses {median(ours.saturated_us) / median(bare.saturated_us):.1f} times the CPU of doing nothing.\n"
        "us each: CPU of everything a webhook causes, per 200. pywa answers before it inserts, so its ms promise nothing; "
        f"'{SERVE.name}' also handles each message and sends the answer."
    )


async def _measure(subject: Subject, seconds: float, into: Figures) -> None:
    async with running(subject) as (server, _):
        requests = subject.make(int(RATE * seconds))
        cpu, noise = machine.cpu_seconds(server.pid), machine.Noise(server.pid)
        async with connected(server.port, CONNECTIONS) as pool, undisturbed():
            load = await open_loop(pool, requests, RATE)
        into.noise.append(noise.cores())
        await server.rest()
        _warn(subject, load)
        into.us.append((machine.cpu_seconds(server.pid) - cpu) / load.acknowledged * 1e6)
        into.p50.append(percentile(load.latencies, 50) * 1000)
        into.p99.append(percentile(load.latencies, 99) * 1000)

        requests = subject.make(int(14_000 * seconds))
        cpu = machine.cpu_seconds(server.pid)
        async with connected(server.port, CONNECTIONS) as pool, undisturbed():
            load = await closed_loop(pool, iter(requests), seconds)
        into.acks.append(load.acknowledged / load.seconds)
        into.refusals.append(load.statuses[503] / load.seconds)
        await server.rest()
        into.saturated_us.append((machine.cpu_seconds(server.pid) - cpu) / load.acknowledged * 1e6)


def _warn(subject: Subject, load: Load) -> None:
    if load.acknowledged != load.offered:
        print(
            f"  ! {subject.name}: {load.acknowledged} of {load.offered} acknowledged at {RATE}/s: {dict(load.statuses)}"
        )
    if load.lag > 0.02:
        print(f"  ! {subject.name}: the generator was up to {load.lag * 1000:.0f} ms late (its core was taken away)")
