"""A cluster at work: one process takes messages in, two answer them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import tomllib
from collections import Counter, defaultdict
from pathlib import Path

import httpx
import pytest

from tests.bench.fakegraph import FakeGraph, Received
from tests.bench.process import ROOT, Process, compiled_env, wabox_env
from tests.bench.webhooks import message_body, signature
from tests.integration import clustered

if clustered.FOLDER is None:
    pytest.skip("packaging/cluster/up was not run", allow_module_level=True)

WABOX = (sys.executable, "-m", "wabox")
FLOW = """
initial: counting
timeouts: {soft: 30m, hard: 23h}
on: {human: people}
states:
  counting:
    ask: "Which number?"
    on: {message.text: {target: counting, reenter: true, actions: {assign: {last: {from: event.text}}}}}
    entry: {say: "{last}"}
  people: {handoff: true, on: {handoff.closed: counting}}
context: {last: hello}
"""
CUSTOMERS, EACH = 12, 8
NAME = f"e2e{clustered.NAME[4:]}"


def folder(root: Path) -> dict[str, str]:
    """A bot, and the settings of its cluster; the environment of its processes."""
    bot = root / "flows" / "echo"
    bot.mkdir(parents=True)
    (bot / "flow.yaml").write_text(FLOW, encoding="utf-8")
    said = tomllib.loads((Path(str(clustered.FOLDER)) / "cluster.toml").read_text())["cluster"]
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in {**said, "name": NAME}.items())
    (root / "wabox.toml").write_text(f"[cluster]\n{lines}", encoding="utf-8")
    made = subprocess.run(
        [*WABOX, "cluster", "init", "--partitions", "8"],
        cwd=root,
        env={**compiled_env(), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "8 partitions" in made.stdout, made.stderr
    return wabox_env(root / "data", "")


def said(graph: FakeGraph) -> dict[str, list[str]]:
    """What each customer was sent, but for the standing question; a message that came again before anything else, once."""
    found: dict[str, list[Received]] = defaultdict(list)
    for one in graph.received:
        if not found[one.to] or found[one.to][-1].outbound_id != one.outbound_id:
            found[one.to].append(one)
    return {to: [one.text for one in all_ if one.text.strip() != "Which number?"] for to, all_ in found.items()}


async def metrics(process: Process, data: Path) -> dict[str, float]:
    """What a process tells a monitor; nothing, without the token."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{process.port}") as client:
        assert (await client.get("/metrics")).status_code == 401
        token = (data / "metrics_token").read_text().strip()
        text = (await client.get("/metrics", headers={"Authorization": f"Bearer {token}"})).text
    lines = [line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def answered_by_a_person(web: Process, root: Path) -> None:
    """From the command line, which knows the cluster, and the address of one process. A worker does it."""
    env = {**compiled_env(), "PYTHONPATH": str(ROOT)}

    def wabox(*words: str) -> str:
        found = subprocess.run([*WABOX, *words], cwd=root, env=env, capture_output=True, text=True, timeout=60)
        assert found.returncode == 0, found.stderr
        return found.stdout

    there = ("--server", f"http://127.0.0.1:{web.port}", "--json")
    conversation = json.loads(wabox("conversations", "list", "--json", "--over").splitlines()[0])["id"]
    case = json.loads(wabox("handoff", "take", conversation, *there))["case"]["id"]
    wabox("handoff", "reply", case, "Marta here", *there)


async def test_two_workers_answer_in_order_though_one_is_killed(tmp_path: Path) -> None:
    """Every message is taken and answered, in order; only what was under way when the worker died may come twice."""
    graph = FakeGraph(0.01)
    await graph.start()
    env = {**folder(tmp_path), "WABOX_GRAPH_URL": graph.url}

    def process(role: str) -> Process:
        where = tmp_path / f"{role}{time.monotonic_ns()}"
        where.mkdir()
        for name in ("flows", "wabox.toml"):
            (where / name).symlink_to(tmp_path / name)
        return Process((*WABOX, "serve", "--role", role), folder=where, env=env, core=None)

    with process("web") as web, process("worker") as doomed, process("worker") as other:
        for one in (web, doomed, other):
            await one.ready()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{web.port}", timeout=30) as client:
            assert (await client.get("/readyz")).json()["ready"]
            for number in range(EACH):
                for customer in range(CUSTOMERS):
                    at = int(time.time())
                    body = message_body(f"wamid.{number}.{customer}", customer, str(number), at)
                    headers = {"X-Hub-Signature-256": signature(body), "Content-Type": "application/json"}
                    answers = [await client.post("/webhook", content=body, headers=headers)]
                    while answers[-1].status_code == 503 and len(answers) < 50:  # Meta comes again, too
                        answers.append(await client.post("/webhook", content=body, headers=headers))
                    assert answers[-1].status_code == 200, (number, customer, answers)
                if number == EACH // 2:
                    doomed.kill()
        wanted = ["hello", *(str(number) for number in range(1, EACH))]
        end = time.monotonic() + 60
        while time.monotonic() < end and list(said(graph).values()) != [wanted] * CUSTOMERS:  # noqa: ASYNC110 - other processes
            await asyncio.sleep(0.1)
        assert list(said(graph).values()) == [wanted] * CUSTOMERS
        counts = Counter(one.outbound_id for one in graph.received)
        repeated = Counter({one.outbound_id: one.to for one in graph.received if counts[one.outbound_id] > 1}.values())
        assert max(counts.values()) <= 2
        assert not repeated or max(repeated.values()) == 1, "one of a customer was under way, at most"
        await asyncio.to_thread(answered_by_a_person, web, tmp_path)
        end = time.monotonic() + 30
        while time.monotonic() < end and graph.received[-1].text != "Marta here":  # noqa: ASYNC110 - other processes
            await asyncio.sleep(0.1)
        assert graph.received[-1].text == "Marta here"
        found = {one: await metrics(one, tmp_path / "data") for one in (web, other)}
        assert 0 < found[other]["wabox_cluster_partitions"] <= 8
        assert found[other]["wabox_conversations"] == CUSTOMERS
        assert found[web]['wabox_webhooks_total{status="200"}'] == CUSTOMERS * EACH
        assert other.stop() == 0, other.output[-2000:]
        assert web.stop() == 0, web.output[-2000:]
    graph.stop()
