"""A process to be killed: puts and handles messages as fast as it can, and says what was acknowledged.

Prints ``put <id>`` when ``put`` has returned and ``done <id>`` when the unit of work was committed. Started by
``test_sqlite_crash.py`` with the data folder and the number of the round; ids to bring again come first, on standard input.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from tests.fakes import VirtualClock
from tests.integration.storage import Handler, arrival, message
from wabox.core.message import InboundMessage
from wabox.sqlite.admission import Limits
from wabox.sqlite.store import SqliteStore, open_store

CUSTOMERS = 20
PER_ROUND = 100_000


async def customer(store: SqliteStore, name: str, round_: int, again: list[str]) -> None:
    """Writes one message after the other; Meta brings some of the round before again first."""
    for id_ in [*again, *(f"{name}-{round_ * PER_ROUND + number}" for number in range(PER_ROUND))]:
        await store.put(arrival(message(id_, name)))
        os.write(1, f"put {id_}\n".encode())


async def main(folder: str, round_: int) -> None:
    again = sys.stdin.read().split()
    store = await open_store(Path(folder), VirtualClock(), limits=Limits(age=1e9))
    handler = Handler(store)

    async def handle(arrived: InboundMessage) -> None:
        await handler(arrived)
        os.write(1, f"done {arrived.message_id}\n".encode())

    store.lanes.run(handle)
    names = [f"c{number}" for number in range(CUSTOMERS)]
    await asyncio.gather(
        *(customer(store, name, round_, [id_ for id_ in again if id_.startswith(f"{name}-")]) for name in names)
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
