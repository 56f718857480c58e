"""``wabox publish`` against a real ``wabox serve``, and without one: what an owner types, what customers meet."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.bench.fakegraph import FakeGraph
from tests.bench.loadgen import Pool
from tests.bench.process import ROOT, WABOX, Process, wabox_env
from tests.bench.webhooks import message_body, request

FLOW = """
initial: counting
context: {count: 0}
timeouts: {hard: 20h}
on: {human: person}
states:
  counting:
    on:
      message.text: {actions: [{increment: {path: count}}, {say: "one {count}"}]}
      message.location: done
  person: {handoff: true, say: "A person will answer.", on: {handoff.closed: counting}}
  done: {type: final}
"""
RENAMED = FLOW.replace("counting", "tallying").replace("one {", "two {")
MANY = 24
"""Customers who write at once; each seldom enough that WhatsApp's limit for one pair (45 at once) is not met."""
PATIENCE = 60.0


class Owner:
    """Sits in the bot's folder and types commands."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "flows" / "bot"
        self.folder.mkdir(parents=True)
        self.write(FLOW)

    def write(self, flow: str) -> None:
        (self.folder / "flow.yaml").write_text(flow, encoding="utf-8")

    async def types(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "wabox", *words]
        return await asyncio.to_thread(
            subprocess.run,
            command,
            cwd=self.root,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )


class Street:
    """Customers who write, and a fake Graph that hears the answers."""

    def __init__(self) -> None:
        self.graph = FakeGraph(0.005)
        self.pool = Pool()
        self.count = 0
        self.port = 0

    async def meets(self, port: int, many: int) -> None:
        self.port = port
        await self.pool.open(port, many)

    async def says(self, customer: int, text: str = "hm") -> None:
        self.count += 1
        body = message_body(f"wamid.E2E{self.count}", customer, text, int(time.time()))
        status = await self.pool.post(request(body))
        if status == 0:  # the server let go of connections that rested; it knows the message if it has it
            await self.pool.open(self.port, 1)
            status = await self.pool.post(request(body))
        assert status == 200

    async def until(self, done: Callable[[list[str]], bool]) -> list[str]:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            texts = [received.text for received in self.graph.received]
            if done(texts):
                return texts
            await asyncio.sleep(0.01)
        raise AssertionError(f"it did not come: {[received.text for received in self.graph.received][-20:]}")


@pytest.fixture
async def street() -> AsyncIterator[Street]:
    street = Street()
    await street.graph.start()
    yield street
    street.pool.close()
    street.graph.stop()


def serve(owner: Owner, street: Street) -> Process:
    return Process(
        (*WABOX, "serve"), folder=owner.root, env=wabox_env(owner.root / "data", street.graph.url), core=None
    )


async def test_publishing_under_load_drops_nothing(tmp_path: Path, street: Street) -> None:
    """While customers write, the owner publishes twice: every message is answered once, in order, by one version or the other,
    and nobody's count is lost."""
    owner = Owner(tmp_path)
    with serve(owner, street) as server:
        await server.ready()
        await street.meets(server.port, 8)
        stop = asyncio.Event()
        sent = [0] * MANY

        async def talk(customer: int) -> None:
            while not stop.is_set():
                await street.says(customer)
                sent[customer] += 1
                await asyncio.sleep(0.3)

        talking = [asyncio.create_task(talk(customer)) for customer in range(MANY)]
        await street.until(lambda texts: len(texts) > 40)
        owner.write(FLOW.replace("one {", "ein {"))
        assert (await owner.types("publish")).returncode == 0
        owner.write(RENAMED + "migrations: {states: {counting: tallying}}\n")
        done = await owner.types("publish", "--json")
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert (told["published"], told["number"], told["move"], told["stranded"]) == (True, 3, MANY, 0)
        await street.until(lambda texts: sum(text.startswith("two") for text in texts) > 40)
        stop.set()
        await asyncio.gather(*talking)
        texts = await street.until(lambda texts: len(texts) >= sum(sent) - MANY)
        # The first message of each customer begins the conversation and is not counted.
        by_customer: dict[str, list[str]] = {}
        for received in street.graph.received:
            by_customer.setdefault(received.to, []).append(received.text)
        for said in by_customer.values():
            numbers = [int(text.split()[1]) for text in said]
            assert numbers == list(range(1, len(numbers) + 1))
            words = [text.split()[0] for text in said]
            assert words == sorted(words, key=["one", "ein", "two"].index)
        assert {text.split()[0] for text in texts} == {"one", "ein", "two"}
        assert server.stop() == 0


async def test_stranded_is_refused_until_decided(tmp_path: Path, street: Street) -> None:
    """Exit code 1 and the names of the removed states; then a choice, a look at who is where, and a way back."""
    owner = Owner(tmp_path)
    with serve(owner, street) as server:
        await server.ready()
        await street.meets(server.port, 2)
        await street.says(1)
        await street.says(1)
        await street.until(lambda texts: texts == ["one 1"])
        owner.write(RENAMED)
        refused = await owner.types("publish")
        assert refused.returncode == 1
        assert "1 conversation would be stranded" in refused.stdout
        assert "removed: counting" in " ".join(refused.stderr.split())
        refused = await owner.types("publish", "--json")
        assert refused.returncode == 1
        told = json.loads(refused.stdout)
        assert (told["stranded"], told["published"], told["standings"][0]["gone"]) == (1, False, ["counting"])
        differs = await owner.types("flows", "diff")
        assert "- bot counting: is gone" in differs.stdout or "counting: looks as if it were called" in differs.stdout
        assert "1 conversation there" in differs.stdout
        dry = await owner.types("publish", "--dry-run")
        assert (dry.returncode, "nothing was published" in dry.stdout) == (0, True)
        assert (await owner.types("publish", "--keep")).returncode == 0
        await street.says(1)
        await street.says(2)
        await street.says(2)
        await street.until(lambda texts: sorted(texts) == ["one 1", "one 2", "two 1"])
        listed = await owner.types("flows", "versions")
        assert "draining" in listed.stdout
        assert "counting" in listed.stdout
        back = await owner.types("publish", "--rollback", "1", "--expire")
        assert "version 1" in back.stdout
        assert back.returncode == 0
    # kill -9: everything is found again, by a command too.
    listed = await owner.types("flows", "versions", "--json")
    found = [json.loads(line) for line in listed.stdout.splitlines()]
    assert [(one["version"]["number"], one["status"], one["conversations"]) for one in found] == [
        (2, "draining", 1),
        (1, "live", 1),
    ]
    assert (await owner.types("publish", "--restart")).returncode == 0
    with serve(owner, street) as server:
        await server.ready()
        await street.meets(server.port, 2)
        await street.says(1)
        await street.until(lambda texts: any("start again" in text for text in texts))


async def test_the_api_has_a_door(tmp_path: Path, street: Street) -> None:
    """Without the token nobody publishes; with it, every error is a sentence; the description is there."""
    owner = Owner(tmp_path)
    with serve(owner, street) as server:
        await server.ready()
        token_file = tmp_path / "data" / "token"
        assert token_file.stat().st_mode & 0o777 == 0o600
        token = token_file.read_text().strip()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as client:

            async def publish(body: Any, given: str | None) -> tuple[int, Any]:
                headers = {} if given is None else {b"Authorization": b"Bearer " + given.encode()}
                answer = await client.post("/api/v1/publish", json=body, headers=headers)
                return answer.status_code, answer.json()

            wanted = {"id": "0" * 12, "bot": "bot"}
            for wrong in (None, "x", "x" * 43, token[:-1], token + "x", "é"):
                status, body = await publish(wanted, wrong)
                assert (status, list(body)) == (401, ["error"])
            status, body = await publish(wanted, token)
            assert status == 400
            assert body["error"].endswith("is missing")
            status, body = await publish({**wanted, "id": "../../etc"}, token)
            assert "is no version" in body["error"]
            status, body = await publish({**wanted, "bot": "other"}, token)
            assert body["error"] == "this server answers for the bot 'bot', not for 'other'"
            status, body = await publish({**wanted, "choice": "burn"}, token)
            assert status == 400
            assert "choice" in body["error"]
            schema = (await client.get("/api/schema/openapi.json")).json()
            assert {"/api/v1/publish", "/api/v1/versions"} <= set(schema["paths"])
            assert token not in server.output
    assert (tmp_path / "data" / "server.json").exists(), "it was killed"


async def test_without_a_server(tmp_path: Path) -> None:
    """Publishing needs no server; errors and failing tests stop it; a choice too many is wrong usage."""
    owner = Owner(tmp_path)
    done = await owner.types("publish", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["number"] == 1
    assert "nothing to do" in (await owner.types("publish")).stdout
    owner.write(FLOW.replace("on: {human: person}", "on: {human: nobody}"))
    broken = await owner.types("publish")
    assert broken.returncode == 1
    assert "flow.yaml:5" in broken.stderr
    owner.write(RENAMED)
    (owner.folder / "tests").mkdir()
    (owner.folder / "tests" / "one.yaml").write_text('- {user: hm}\n- {user: hm, bot: "ten"}\n', encoding="utf-8")
    failing = await owner.types("publish")
    assert failing.returncode == 1
    assert "1 of 1 tests fail" in failing.stderr
    assert (await owner.types("publish", "--no-test")).returncode == 0
    assert (await owner.types("publish", "--keep", "--move")).returncode == 2
    missing = await owner.types("publish", "--rollback", "7")
    assert missing.returncode == 1
    assert "there is no version '7'" in missing.stderr


async def test_two_publish_at_once(tmp_path: Path) -> None:
    """Of two commands on one data folder one waits for the other; both end well, and one version is live."""
    owner = Owner(tmp_path)
    first, second = await asyncio.gather(owner.types("publish"), owner.types("publish"))
    assert {first.returncode, second.returncode} == {0}, first.stderr + second.stderr
    listed = await owner.types("flows", "versions", "--json")
    assert [json.loads(line)["status"] for line in listed.stdout.splitlines()] == ["live"]


async def test_an_owner_at_the_terminal_is_asked(tmp_path: Path, street: Street) -> None:
    """Where somebody sits at a terminal the choice is asked for, with what each means; a word that is none is asked again."""
    owner = Owner(tmp_path)
    with serve(owner, street) as server:
        await server.ready()
        await street.meets(server.port, 1)
        await street.says(1)
        await street.says(1)
        await street.until(lambda texts: texts == ["one 1"])
    owner.write(RENAMED)
    answers = iter([b"burn\n", b"restart\n"])
    shown, code = await asyncio.to_thread(at_a_terminal, owner.root, answers)
    assert "begin anew" in shown
    assert "write keep, move, restart, expire" in shown
    assert "version 2" in shown
    assert code == 0


def at_a_terminal(folder: Path, answers: Iterator[bytes]) -> tuple[str, int]:
    """``wabox publish`` on a pseudo-terminal; what it showed, and its exit code."""
    ours, theirs = pty.openpty()
    env = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(
        [sys.executable, "-m", "wabox", "publish"], cwd=folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        shown, asked = b"", 0
        with contextlib.suppress(OSError):  # the terminal is gone with its last process
            while data := os.read(ours, 4096):
                shown += data
                if shown.count(b"Your choice") > asked:
                    asked += 1
                    os.write(ours, next(answers))
        code = process.wait(30)
    os.close(ours)
    return shown.decode(), code


async def test_a_spoilt_copy_at_the_start(tmp_path: Path, street: Street) -> None:
    """The server does not start on a copy that was tampered with; it says what to do, and that helps."""
    owner = Owner(tmp_path)
    assert (await owner.types("publish")).returncode == 0
    copy = next((tmp_path / "data" / "published" / "bot").iterdir()) / "flow.yaml"
    copy.chmod(0o644)
    copy.write_text(FLOW + "# tampered\n", encoding="utf-8")
    owner.write(RENAMED)
    with serve(owner, street) as server:
        with pytest.raises(RuntimeError, match="ended with 1"):
            await server.ready()
        words = " ".join(server.output.split())
        assert "was changed by hand" in words
        assert "wabox publish" in words
        assert "Traceback" not in words
    assert (await owner.types("publish")).returncode == 0
    with serve(owner, street) as server:
        await server.ready()
