"""``python -m tests.crash --kills 200 --cuts 50 --seed 1``: the long run, at the end of which nothing may be lost.

Kills and power cuts run side by side, each on data folders of their own.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from tests.crash import rounds
from tests.crash.world import SILENT, World

Run = Callable[[Path, int, int, Callable[[str], None]], Coroutine[Any, Any, Counter[str]]]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    for name, usual in (("kills", 200), ("cuts", 50), ("seed", 20261122), ("each", 50)):
        asked.add_argument(f"--{name}", type=int, default=usual)
    asked.add_argument("--customers", type=int, default=240)
    asked.add_argument("--rate", type=float, default=350, help="messages offered per second by all customers together")
    asked.add_argument("--stretch", type=float, default=4, help="how much longer than in CI a server lives")
    asked.add_argument("--silent", type=float, default=SILENT, help="share of messages whose status never comes")
    asked.add_argument("--weak", action="store_true", help="power cuts without a sync at each commit: this must fail")
    options = asked.parse_args()
    world = partial(World, customers=options.customers, per_second=options.rate, silent=options.silent)
    asyncio.run(_both(options, world))


async def _both(options: argparse.Namespace, world: Callable[[int], World]) -> None:
    began = time.monotonic()
    killed = partial(rounds.killed, world=world, stretch=options.stretch)
    powerless = partial(rounds.powerless, world=world, weak=options.weak)
    found = await asyncio.gather(
        _series("kills", killed, options.kills, options.seed, options.each),
        _series("power cuts", powerless, options.cuts, options.seed + 1_000_000, options.each),
    )
    messages = sum(seen["messages"] for seen in found)
    faults = max(1, options.kills + options.cuts)
    why = ("no status", "status not taken", "the test brought its status late")
    repeated = [sum(seen[f"repeated, {reason}"] for seen in found) / faults for reason in why]
    print(
        f"In all {options.kills} kills and {options.cuts} power cuts over {messages:,} acknowledged messages: none lost, "
        f"doubled or out of order; {(time.monotonic() - began) / 60:.0f} min. Replies repeated each time: {repeated[0]:.2f} "
        f"of which Meta reported nothing ({options.silent:.0%} never are), {repeated[1]:.2f} whose status wabox had not taken, "
        f"{repeated[2]:.2f} whose status the test brought too late."
    )


async def _series(what: str, run: Run, total: int, seed: int, each: int) -> Counter[str]:
    """A new folder now and then: conversations that grow for hours would make the last kills slow."""
    found: Counter[str] = Counter()
    for start in range(0, total, each):
        number = min(each, total - start)
        with tempfile.TemporaryDirectory() as folder:
            seen = await run(Path(folder), seed + start, number, partial(_tell, what))
        found += seen
        print(
            f"{number} {what} (seed {seed + start}): nothing lost, doubled or out of order. {dict(seen)}; "
            f"load average {os.getloadavg()[0]:.1f}",
            flush=True,
        )
    return found


def _tell(what: str, line: str) -> None:
    print(f"  {time.strftime('%X')} {what}: {line}", flush=True)


if __name__ == "__main__":
    main()
