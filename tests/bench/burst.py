"""A hundred thousand webhooks at once: memory stays bounded, what is acknowledged is answered, the rest is refused with 503."""

from __future__ import annotations

import time

from tests.bench import machine
from tests.bench.loadgen import closed_loop, connected
from tests.bench.subject import SERVE, make_messages, running, undisturbed

WEBHOOKS = 100_000
CONNECTIONS = 900
"""As many as the server takes at a time."""


async def report() -> None:
    async with running(SERVE) as (server, graph):
        requests = make_messages(WEBHOOKS)
        before = machine.rss_mb(server.pid)
        async with connected(server.port, CONNECTIONS) as pool, undisturbed():
            start = time.perf_counter()
            load = await closed_loop(pool, iter(requests), 600.0)
            seconds = time.perf_counter() - start
            await graph.drained(load.acknowledged)
        print(
            f"\n4. Burst of {WEBHOOKS:,} webhooks on {CONNECTIONS} connections: over in {seconds:.0f} s, "
            f"{load.acknowledged:,} acknowledged, {load.statuses[503]:,} refused, "
            f"{load.acknowledged - len({one.outbound_id for one in graph.received}):,} lost; "
            f"RSS {before:.0f} MB before, {machine.peak_rss_mb(server.pid):.0f} MB at most"
        )
