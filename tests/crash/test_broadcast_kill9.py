"""``kill -9`` in the middle of a broadcast, again and again: nobody is written to twice, and nobody is left out.

A real ``wabox serve``, killed after a number of messages drawn by lot. What was under way when it died may have left, and
WhatsApp has no key to ask with; a broadcast's messages are sent at most once, so those are the only ones that may be missing,
and they say so.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections import Counter
from pathlib import Path

import httpx

from tests.bench.fakegraph import FakeGraph
from tests.bench.process import Process, wabox_env
from tests.crash.nursery import starter
from tests.integration.meta import NUMBER, bot_folder
from wabox.web.door import Door

ROUNDS = 6
PHONES = [f"+3460022{number:04}" for number in range(300)]
PATIENCE = 40.0
"""s for each step, at the most."""


def outcomes(folder: Path) -> Counter[str]:
    database = sqlite3.connect(f"{(folder / 'data' / 'wabox.db').as_uri()}?mode=ro", uri=True)
    try:
        return Counter(dict(database.execute("SELECT status, count(*) FROM recipients GROUP BY status")))
    finally:
        database.close()


def in_doubt(folder: Path) -> set[str]:
    """Who may or may not have been written to when the server died."""
    database = sqlite3.connect(f"{(folder / 'data' / 'wabox.db').as_uri()}?mode=ro", uri=True)
    try:
        query = (
            "SELECT json_extract(CAST(contact AS TEXT), '$.wa_id') FROM recipients"
            " WHERE status IN ('sending', 'unknown', 'failed')"
        )
        return {f"+{row[0]}" for row in database.execute(query)}
    finally:
        database.close()


async def begin(folder: Path, port: int) -> None:
    csv = "phone,1,2\n" + "".join(f"{phone},Ana,Monday\n" for phone in PHONES)
    request = {"name": "spring", "csv": csv, "template": "visit_reminder", "rate": 2400.0, "number_id": NUMBER}
    headers = {"Authorization": f"Bearer {Door(folder / 'data').token()}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as client:
        answer = await client.post("/api/v1/broadcasts", json={"request": request})
        assert answer.json()["started"], answer.text


async def until(graph: FakeGraph, many: int) -> None:
    """Until so many POSTs have come: a machine that is busy reaches the same moment later."""
    end = asyncio.get_running_loop().time() + PATIENCE
    while len(graph.received) < many and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110 - it is another process
        await asyncio.sleep(0.005)


async def test_kill_9_in_the_middle_of_a_broadcast(tmp_path: Path) -> None:
    """After up to six kills everybody in the file was written to once, but for those whose message was on its way at a kill."""
    chance = random.Random(20261122)
    bot = bot_folder(tmp_path)
    graph = FakeGraph(0.02)
    await graph.start()
    env, serve = wabox_env(tmp_path / "data", graph.url), ("serve", "--bot", str(bot))
    try:
        for number in range(ROUNDS):
            if len(graph.received) > len(PHONES) // 2:
                break  # a busy machine sees late that the server is ready; what is left is for the last one
            with Process(serve, folder=tmp_path, env=env, core=None, start=starter()) as server:
                await server.ready()
                if number == 0:
                    await begin(tmp_path, server.port)
                await until(graph, len(graph.received) + chance.randint(5, 40))
                server.kill()
        assert 0 < len(graph.received) < len(PHONES), "the kills were not in the middle of it"
        with Process(serve, folder=tmp_path, env=env, core=None, start=starter()) as server:
            await server.ready()
            end = asyncio.get_running_loop().time() + PATIENCE
            while asyncio.get_running_loop().time() < end:
                left = outcomes(tmp_path)
                if not (left["waiting"] or left["entered"] or left["queued"]):
                    break
                await asyncio.sleep(0.1)
            assert server.stop() == 0, server.output[-2000:]
    finally:
        graph.stop()
    received = Counter(one.to for one in graph.received)
    assert [phone for phone, count in received.items() if count > 1] == []
    missing = set(PHONES) - received.keys()
    assert missing <= in_doubt(tmp_path)
    assert len(missing) < len(PHONES) / 2, "hardly anybody was reached"
