"""``python -m tests.bench.bench_transcripts --rows 10000000``: what a long memory costs, beside an empty database.

One process, the real store, no server. Two folders, one empty, one with so many lines of transcript; then in turn, on both: a
unit of work that commits, the look at a case (the newest page of a transcript), ``conversations list`` and ``show``, a webhook
that is stored, and the fold of the tallies.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from time import perf_counter

from tests.bench import machine
from tests.integration.storage import arrival, conversation, message, outbound, unit
from wabox.core.conversation import Record
from wabox.sqlite.connection import DATABASE, open_writer
from wabox.sqlite.conversations import ACTIVE_STEP
from wabox.sqlite.store import SqliteStore, open_store

CUSTOMERS = 100_000
EVERY = 10_000
"""ms between two customers' last messages."""
STEP = 200_000
"""Lines in one transaction."""
ROUNDS = 400
SNAPSHOT = b'{"v":1,"chart":"shop@0123456789ab","leaves":["menu"],"context":{"name":"Ana"}}'
IN = {"channel": "whatsapp", "type": "text", "text": "Where is my order, please? It should have come on Monday."}
OUT = {"type": "text", "text": {"body": "It left the store on Friday and arrives today. Anything else?"}}

Ask = Callable[[SqliteStore, int], Awaitable[object]]


async def main(rows: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="wabox-bench-") as place:
        print(machine.facts(Path(place)), flush=True)
        folders = {0: Path(place) / "empty", rows: Path(place) / "full"}
        began = time.perf_counter()
        for lines, folder in folders.items():
            folder.mkdir(mode=0o700)
            await filled(folder, lines)
        size = (folders[rows] / DATABASE).stat().st_size / 1e9
        print(
            f"{rows:,} lines of {CUSTOMERS:,} customers: {size:.1f} GB, filled in {time.perf_counter() - began:.0f} s"
        )
        stores = {}
        for lines, folder in folders.items():
            opening = perf_counter()
            stores[lines] = await opened(folder)
            print(f"opening with {lines:,} lines: {perf_counter() - opening:.2f} s", flush=True)
        times: dict[tuple[str, int], list[float]] = defaultdict(list)
        noise = machine.Noise()
        for number in range(rounds):
            for name, ask in ASKED.items():
                for lines, store in stores.items():  # in turn, so that a busy spell hits both
                    start = perf_counter()
                    await ask(store, number * 7919 % CUSTOMERS)
                    times[name, lines].append((perf_counter() - start) * 1000)
        print(f"{'ms':24}{'empty p50':>11}{'p99':>9}{'full p50':>11}{'p99':>9}")
        for name in ASKED:
            figures = [machine.percentile(times[name, lines], share) for lines in folders for share in (50, 99)]
            print(f"{name:24}{figures[0]:11.2f}{figures[1]:9.2f}{figures[2]:11.2f}{figures[3]:9.2f}")
        print(f"others kept {noise.cores():.2f} cores busy meanwhile")
        for store in stores.values():
            await store.close()


async def opened(folder: Path) -> SqliteStore:
    return await open_store(folder, lambda: int(time.time() * 1000))


async def filled(folder: Path, rows: int) -> None:
    """The store writes the first customer and their lines; SQL writes the others as copies, a line of each in turn."""
    store = await opened(folder)
    now = int(time.time() * 1000)
    records = [Record(at=now, kind="in", ref="w0", body=IN), Record(at=now, kind="out", ref="w0:0", body=OUT)]
    await store.commit(unit(name="s0", snapshot=SNAPSHOT, at=now, records=records))
    await store.close()
    with closing(open_writer(folder / DATABASE)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(conversations)")]
        new = {
            "key": "key + n",
            "id": "replace(id, 's0', 's' || n)",
            # Not all at once: the order of the most recently active is kept in steps of five minutes.
            "updated_at": f"updated_at - n * {EVERY}",
            "active_at": f"updated_at - n * {EVERY} - (updated_at - n * {EVERY}) % {ACTIVE_STEP}",
            "contact": "CAST(replace(replace(CAST(contact AS TEXT), 's0', 's' || n), 'S0', 'S' || n) AS BLOB)",
        }
        connection.execute(
            f"INSERT INTO conversations ({', '.join(columns)}) {_numbers(1, CUSTOMERS)}"
            f" SELECT {', '.join(new.get(name, name) for name in columns)} FROM numbers,"
            f" (SELECT * FROM conversations WHERE id = '{conversation('s0')}')"
        )
        [key] = connection.execute("SELECT key FROM conversations WHERE id = ?", (conversation("s0"),)).fetchone()
        for start in range(0, rows, STEP):
            _lines(connection, key, start, min(start + STEP, rows))


def _lines(connection: sqlite3.Connection, key: int, start: int, end: int) -> None:
    connection.execute(
        f"INSERT INTO transcript (conversation, at, kind, ref, body) {_numbers(start, end)}"
        f" SELECT {key} + (n / 2) % {CUSTOMERS}, at + n, kind, ref || n, body FROM numbers"
        " JOIN transcript first ON first.key = 1 + n % 2"
    )


def _numbers(start: int, end: int) -> str:
    return f"WITH RECURSIVE numbers(n) AS (SELECT {start} UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {end})"


async def commit(store: SqliteStore, number: int) -> None:
    name = f"s{number}"
    session = await store.open(conversation(name))
    now = int(time.time() * 1000)
    id_ = f"t{number}:{session.sequence}"
    records = [Record(at=now, kind="in", ref=id_, body=IN), Record(at=now, kind="out", ref=f"{id_}:0", body=OUT)]
    said = [outbound(id_, name=name)]
    done = await store.commit(
        unit(name=name, expected=session.sequence, snapshot=SNAPSHOT, at=now, records=records, sends=said)
    )
    assert done == "committed"


ASKED: dict[str, Ask] = {
    "webhook stored": lambda store, number: store.put(arrival(message(f"p{number}", f"new{number}"))),
    "unit of work": commit,
    "a case's page": lambda store, number: store.desk.page(conversation(f"s{number}"), 50, None),
    "conversations show": lambda store, number: store.transcript(conversation(f"s{number}")),
    "conversations list": lambda store, number: store.conversations(),
    "stats": lambda store, number: store.stats(),
    "nothing due": lambda store, number: store.sweep(int(time.time() * 1000), 500),
}
"""What is timed, in ms."""


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=10_000_000)
    asked.add_argument("--rounds", type=int, default=ROUNDS)
    options = asked.parse_args()
    asyncio.run(main(options.rows, options.rounds))
