"""``python -m tests.crash --kills 200 --cuts 50 --seed 1``: the long run, at the end of which nothing may be lost."""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from pathlib import Path

from tests.crash import rounds


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    for name, usual in (("kills", 200), ("cuts", 50), ("seed", 20261122), ("each", 50)):
        asked.add_argument(f"--{name}", type=int, default=usual)
    asked.add_argument("--weak", action="store_true", help="power cuts without a sync at each commit: this must fail")
    options = asked.parse_args()
    for what, run, total in (("kills", rounds.killed, options.kills), ("power cuts", rounds.powerless, options.cuts)):
        # A new folder now and then: conversations that grow for hours would make the last kills slow.
        for start in range(0, total, options.each):
            number = min(options.each, total - start)
            more = {"weak": True} if options.weak and run is rounds.powerless else {}
            with tempfile.TemporaryDirectory() as folder:
                seen = asyncio.run(run(Path(folder), options.seed + start, number, _tell, **more))
            print(
                f"{number} {what} (seed {options.seed + start}): nothing lost, doubled or out of order. {dict(seen)}; "
                f"load average {os.getloadavg()[0]:.1f}",
                flush=True,
            )


def _tell(line: str) -> None:
    print(f"  {time.strftime('%X')} {line}", flush=True)


if __name__ == "__main__":
    main()
