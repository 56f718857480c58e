"""The figures of a whole server, side by side in one run: durable acknowledge, the whole loop, at rest.

The server is pinned to core 0; this process (load generator and fake Graph) to core 1. Latencies of open loops count from the
scheduled send. CPU is user and system time of all threads of the server until it rests again. Each figure is the median of
``--runs`` runs, each on a new data folder. ``noise`` is how many cores others kept busy meanwhile: over 0.05, read p99 with
care. All traffic stays on 127.0.0.1.

    python -m tests.bench.bench_serve [--runs 3] [--seconds 6] [--only ack,loop,rest,burst] [--first]
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import uvloop

from tests.bench import acknowledge, burst, loop, machine, process, rest


async def run(runs: int, seconds: float, only: Sequence[str]) -> None:
    machine.pin(1)
    print(machine.facts(Path(tempfile.gettempdir())))
    print(f"server on core 0, generator and fake Graph on core 1; median of {runs} runs of {seconds:g} s", flush=True)
    if "ack" in only:
        await acknowledge.report(runs, seconds)
    if "loop" in only:
        await loop.report(runs, seconds)
    if "rest" in only:
        await rest.report(runs)
    if "burst" in only:
        await burst.report()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.bench_serve", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--only", default="ack,loop,rest", help="comma-separated: ack, loop, rest, burst")
    parser.add_argument("--first", action="store_true", help="prefer it to everything else on a busy machine (root)")
    given = parser.parse_args()
    if given.first:
        process.prefer(True)
        if os.getpgrp() != os.getpid():
            os.setsid()
        machine.go_first(os.getpid())
    uvloop.run(run(given.runs, given.seconds, given.only.split(",")))


if __name__ == "__main__":
    main()
