"""``python -m tests.bench.bench_sleepers --sleepers 1000000 --due 10000``: conversations that sleep, each with an armed timer.

One process, the real store, no server: memory that the sleepers cost, the sweep when none is due, ten thousand due in one
second (taken out and handled by a turn that commits a reply) with webhooks stored meanwhile, and the start over messages that
nobody handled yet.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import Any

from tests.bench import machine
from tests.integration.storage import arrival, contact, conversation, message, unit
from wabox.core.conversation import Timer, UnitOfWork
from wabox.core.message import InboundMessage
from wabox.errors import Unavailable
from wabox.services.timers import fire
from wabox.sqlite.connection import DATABASE, open_writer
from wabox.sqlite.store import SqliteStore, open_store

DAY = 86_400_000
STEP = 100_000
"""Sleepers in one transaction."""
SNAPSHOT = (
    b'{"v":1,"chart":"shop@0123456789ab","leaves":["cart.open"],"context":{"items":["shirt","shirt"],"name":"Ana"}}'
)


async def main(sleepers: int, due: int, unfinished: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        print(machine.facts(folder), flush=True)
        now = int(time.time() * 1000)
        before = opened_rss(folder)
        await asleep(folder, sleepers, due, now)
        print(
            f"{sleepers:,} sleepers: RSS {before:.1f} MB with none, {opened_rss(folder):.1f} MB with them; "
            f"database {(folder / 'wabox.db').stat().st_size / 1e6:.0f} MB",
            flush=True,
        )
        store = await opened(folder)
        times = []
        for _ in range(200):
            start = perf_counter()
            await fire(store, lambda: now)
            times.append((perf_counter() - start) * 1000)
        print(
            f"sweep, none due: p50 {machine.percentile(times, 50):.2f} ms, p99 {machine.percentile(times, 99):.2f} ms"
        )
        await rush(store, now + DAY // 2, due)
        await store.close()
        await waiting(folder, unfinished)


def opened_rss(folder: Path) -> float:
    """MB of a process of its own that has opened the folder and swept ten times."""
    command = (sys.executable, "-m", "tests.bench.bench_sleepers", "--measure", str(folder))
    return float(subprocess.run(command, capture_output=True, text=True, check=True, timeout=600).stdout.split()[-1])


async def measure(folder: Path) -> None:
    store = await opened(folder)
    for _ in range(10):
        await fire(store, lambda: int(time.time() * 1000))
    print(machine.rss_mb(os.getpid()))
    await store.close()


async def opened(folder: Path) -> SqliteStore:
    return await open_store(folder, lambda: int(time.time() * 1000))


async def asleep(folder: Path, sleepers: int, due: int, now: int) -> None:
    """So many conversations at rest; ``due`` of the timers in half a day, all in one second, the others later.

    The store writes the first; SQL writes the others as copies of it, and the last one again by the store shows that they are
    what it would have written.
    """

    def one(number: int) -> UnitOfWork:
        at = now + (DAY // 2 - number % 1000 if number < due else DAY + number)
        return unit(name=f"s{number}", snapshot=SNAPSHOT, at=now, arm=[Timer(name="soft", due_at=at, armed=1)])

    store = await opened(folder)
    await store.commit(one(0))
    await store.close()
    with closing(open_writer(folder / DATABASE)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(conversations)")]
        first = conversation("s0")
        new = {
            "key": "key + n",
            "id": "replace(id, 's0', 's' || n)",
            "contact": "CAST(replace(replace(CAST(contact AS TEXT), 's0', 's' || n), 'S0', 'S' || n) AS BLOB)",
        }
        at = f"({now} + CASE WHEN n < {due} THEN {DAY // 2} - n % 1000 ELSE {DAY} + n END)"
        for start in range(1, sleepers, STEP):
            numbers = (
                f"WITH RECURSIVE numbers(n) AS (SELECT {start} UNION ALL"
                f" SELECT n + 1 FROM numbers WHERE n + 1 < {min(start + STEP, sleepers)})"
            )
            connection.execute(
                f"INSERT INTO conversations ({', '.join(columns)}) {numbers}"
                f" SELECT {', '.join(new.get(name, name) for name in columns)} FROM numbers,"
                f" (SELECT * FROM conversations WHERE id = '{first}')"
            )
            connection.execute(
                f"INSERT INTO timers (conversation, name, armed, due_at, wake_at) {numbers}"
                f" SELECT (SELECT key FROM conversations WHERE id = '{first}') + n, 'soft', 1, {at}, {at} FROM numbers"
            )
        copied = _written(connection, sleepers - 1)
        connection.execute("DELETE FROM timers WHERE conversation = ?", (copied[0][0],))
        connection.execute("DELETE FROM conversations WHERE key = ?", (copied[0][0],))
    store = await opened(folder)
    await store.commit(one(sleepers - 1))
    await store.close()
    with closing(open_writer(folder / DATABASE)) as connection:
        assert _written(connection, sleepers - 1) == copied, "SQL does not write what the store writes"
    gc.collect()


def _written(connection: sqlite3.Connection, number: int) -> list[tuple[Any, ...]]:
    """The rows of a sleeper."""
    found: list[tuple[Any, ...]] = connection.execute(
        "SELECT * FROM conversations WHERE id = ?", (conversation(f"s{number}"),)
    ).fetchall()
    return found + connection.execute("SELECT * FROM timers WHERE conversation = ?", (found[0][0],)).fetchall()


async def rush(store: SqliteStore, now: int, due: int) -> None:
    handled = 0
    done = asyncio.Event()

    async def handle(found: InboundMessage) -> None:
        nonlocal handled
        name = (found.contact.user_id or "").removeprefix("MX.")
        session = await store.open(conversation(name))
        again = Timer(name="hard", due_at=now + DAY, armed=session.sequence)
        await store.commit(
            unit(found.message_id, name=name, expected=session.sequence, snapshot=SNAPSHOT, at=now, arm=[again])
        )
        if found.channel == "timer":
            handled += 1
            if handled == due:
                done.set()

    acks: list[float] = []

    async def webhooks() -> None:
        number = 0
        while not done.is_set():
            number += 1
            start = perf_counter()
            try:
                await store.put(arrival(message(f"w{number}", f"w{number % 50}", at=now)))
                acks.append((perf_counter() - start) * 1000)
            except Unavailable:
                acks.append(float("inf"))
            await asyncio.sleep(0.005)

    store.lanes.run(handle)
    start = perf_counter()
    meanwhile = asyncio.create_task(webhooks())
    fired = 0
    while fired < due:
        fired += await fire(store, lambda: now)
    taken = perf_counter() - start
    await done.wait()
    handled_after = perf_counter() - start
    await meanwhile
    print(
        f"{due:,} due in one second: taken out in {taken:.2f} s, all handled after {handled_after:.2f} s; "
        f"webhooks meanwhile p50 {machine.percentile(acks, 50):.1f} ms, p99 {machine.percentile(acks, 99):.1f} ms "
        f"({acks.count(float('inf'))} of {len(acks)} refused)",
        flush=True,
    )


async def left_over(folder: Path, unfinished: int) -> None:
    """So many messages of 50,000 customers in the inbox: the store writes one, SQL the others as copies of it."""
    store = await opened(folder)
    await store.put(arrival(message("u0", "s0")))
    await store.close()
    with closing(open_writer(folder / DATABASE)) as connection:
        slot, seq = connection.execute("SELECT slot, seq FROM inbox WHERE message_id = 'u0'").fetchone()
        connection.execute(
            "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ?)"
            " INSERT INTO inbox (slot, seq, conversation_id, message_id, body)"
            " SELECT ? + n, ? + n, replace(conversation_id, 's0', 's' || (n % 50000)), 'u' || n, CAST(replace(replace("
            "replace(CAST(body AS TEXT), 's0', 's' || (n % 50000)), 'S0', 'S' || (n % 50000)), 'u0', 'u' || n) AS BLOB)"
            " FROM numbers, (SELECT * FROM inbox WHERE message_id = 'u0')",
            (unfinished, slot, seq),
        )


async def waiting(folder: Path, unfinished: int) -> None:
    await left_over(folder, unfinished)
    begin = perf_counter()
    store = await opened(folder)

    async def handle(found: InboundMessage) -> None:
        name = (found.contact.user_id or "").removeprefix("MX.")
        session = await store.open(conversation(name))
        await store.commit(unit(found.message_id, name=name, expected=session.sequence, snapshot=SNAPSHOT))

    store.lanes.run(handle)
    started = perf_counter() - begin
    refused = 0
    while True:
        try:
            await store.put(arrival(message(f"first{refused}", "new")))
            break
        except Unavailable:
            refused += 1
            await asyncio.sleep(0.05)
    print(
        f"start over {unfinished:,} unfinished messages: {started:.2f} s, the first webhook is stored after "
        f"{perf_counter() - begin:.2f} s ({refused} refused); RSS {machine.rss_mb(os.getpid()):.0f} MB; "
        f"load average {os.getloadavg()[0]:.1f}"
    )
    await store.close()


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    for name, usual in (("sleepers", 1_000_000), ("due", 10_000), ("unfinished", 100_000)):
        asked.add_argument(f"--{name}", type=int, default=usual)
    asked.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = asked.parse_args()
    assert contact("ana").user_id == "MX.ana"
    if options.measure is not None:
        asyncio.run(measure(options.measure))
    else:
        asyncio.run(main(options.sleepers, options.due, options.unfinished))
