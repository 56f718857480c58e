"""``wabox selftest``: what is looked at, in order, until something does not hold.

wabox runs in processes of its own, started as an operator starts it; what they read is made here, what they say is read.
Nothing of the machine's settings reaches them: no variable of wabox's, no folder but the temporary one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from shutil import copytree

import httpx

from wabox.demo.cloud import FakeCloud
from wabox.errors import WaboxError
from wabox.sqlite import inspection

PATIENCE = 60.0
"""s for any one step. A machine that is busy, or a disk that is cold, is not a fault."""
CUSTOMER = "sam"
TALK = (
    ("Hi", "this is the self-test"),
    ("at which hour do you open up", "from seven to six"),
    ("I should like some bread for tomorrow", "How many loaves"),
    ("12", "That is 42.00. The oven holds 12 and knows its folder, media."),
)
"""What the customer writes, and words of the answer. The second and third are sentences that the bot was not taught."""


class Failed(WaboxError):
    """A check that does not hold."""


@dataclass(frozen=True, slots=True)
class Checked:
    what: str
    said: str
    ms: int
    fault: str | None = None


def program() -> list[str]:
    """What starts this wabox anew: the built file, or Python with the package."""
    return [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "wabox"]


class Rehearsal:
    def __init__(
        self,
        folder: Path,
        cloud: FakeCloud,
        api_url: str,
        timer: Callable[[], float],
        command: Sequence[str] = (),
    ) -> None:
        """``folder``: empty, and ours. ``api_url``: where ``cloud`` answers. ``timer``: seconds that only grow."""
        self._folder = folder
        self._cloud = cloud
        self._timer = timer
        self._command = list(command) or program()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("WABOX_", "NOTIFY_"))}
        self._environment = {
            **kept,
            "WABOX_GRAPH_URL": api_url,
            "WABOX_NUMBER_ID": cloud.business.number_id,
            "WABOX_APP_SECRET": cloud.app_secret,
            "WABOX_ACCESS_TOKEN": cloud.access_token,
            "WABOX_VERIFY_TOKEN": "selftest",
        }
        self._server: asyncio.subprocess.Process | None = None
        self._url = ""

    async def run(self) -> AsyncIterator[Checked]:
        """Each check when it is done; the first that fails is the last."""
        steps: Sequence[tuple[str, Callable[[], Awaitable[str]]]] = (
            ("starts", self._starts),
            ("checks a bot", self._checks),
            ("trains", self._trains),
            ("serves", self._serves),
            ("converses", self._converses),
            ("stops", self._stops),
            ("keeps", self._keeps),
        )
        try:
            for what, step in steps:
                began = self._timer()
                fault, said = None, ""
                try:
                    async with asyncio.timeout(PATIENCE):
                        said = await step()
                except TimeoutError:
                    fault = f"not done in {PATIENCE:.0f} s"
                except (Failed, OSError, ValueError, LookupError, httpx.HTTPError) as error:
                    fault = str(error) or type(error).__name__
                yield Checked(what, said, round((self._timer() - began) * 1000), fault)
                if fault is not None:
                    return
        finally:
            await self._kill()

    # -- the steps ----------------------------------------------------------------------------------------------------

    async def _starts(self) -> str:
        began = self._timer()
        version = (await self._told("--version")).strip()
        return f"{version}, in {(self._timer() - began) * 1000:.0f} ms"

    async def _checks(self) -> str:
        with as_file(files("wabox.demo") / "selftest_bot") as bot:
            copytree(bot, self._folder / "flows" / "selftest", ignore=lambda _, names: {"__pycache__"} & set(names))
        return (await self._told("check", "selftest")).strip()

    async def _trains(self) -> str:
        card = json.loads(await self._told("train", "selftest", "--json"))
        return f"a classifier of {len(card['intents'])} intents, by scikit-learn {card['versions']['scikit-learn']}"

    async def _serves(self) -> str:
        began = self._timer()
        self._server = await self._start("serve", "--port", "0", "--data", str(self._data))
        line = (await _open(self._server.stdout).readline()).decode("utf-8", "replace")
        found = re.search(r"http://[^/\s]+", line)
        if found is None:
            raise Failed(f"wabox serve ended: {await self._complaint(self._server)}")
        self._url = found[0]
        self._cloud.webhook_url = f"{self._url}/webhook"
        async with httpx.AsyncClient(base_url=self._url, trust_env=False) as client:
            answer = await client.get("/readyz")
        if answer.status_code != 200:
            raise Failed(f"it is not ready: {answer.text}")
        took = (self._timer() - began) * 1000
        return f"ready in {took:.0f} ms{self._memory()}"

    async def _converses(self) -> str:
        for turn, (said, wanted) in enumerate(TALK, 1):
            await self._cloud.say(CUSTOMER, said)
            answer = (await self._cloud.until(CUSTOMER, turn, timeout=PATIENCE))[-1]
            if wanted not in json.dumps(answer, ensure_ascii=False):
                raise Failed(f"{said!r} was not answered with {wanted!r} but with {json.dumps(answer)}")
        return f"{len(TALK)} messages answered as they should be, with guard, action and task of actions.py{self._memory()}"

    async def _stops(self) -> str:
        server, began = self._running, self._timer()
        server.terminate()
        if code := await server.wait():
            raise Failed(f"SIGTERM ended it with exit code {code}: {await self._complaint(server)}")
        return f"SIGTERM, {(self._timer() - began) * 1000:.0f} ms"

    async def _keeps(self) -> str:
        found = await asyncio.to_thread(inspection.inspect, self._data, 0, PATIENCE)
        if isinstance(found, str) or found.faults or found.conversations != 1 or found.letters:
            raise Failed(f"the database is not as it should be: {found}")
        version = ".".join(map(str, inspection.VERSION))
        bug = "without" if inspection.fixed(inspection.VERSION) else "with"
        return f"one conversation, in a whole database; SQLite {version}, {bug} the WAL-reset bug"

    # -- processes ----------------------------------------------------------------------------------------------------

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _running(self) -> asyncio.subprocess.Process:
        if self._server is None:
            raise Failed("no server was started")
        return self._server

    async def _start(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self._command,
            *arguments,
            cwd=self._folder,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def _told(self, *arguments: str) -> str:
        """What the command prints. Raises Failed with what it complains of."""
        process = await self._start(*arguments)
        try:
            out, complaint = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            raise Failed(f"wabox {arguments[0]}: {(complaint or out).decode('utf-8', 'replace').strip()[-2000:]}")
        return out.decode("utf-8", "replace")

    async def _complaint(self, process: asyncio.subprocess.Process) -> str:
        return (await _open(process.stderr).read()).decode("utf-8", "replace").strip()[-2000:] or "without a word"

    async def _kill(self) -> None:
        if self._server is not None and self._server.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._server.kill()
            await self._server.wait()

    def _memory(self) -> str:
        """Of the server, as Linux tells it."""
        try:
            status = Path(f"/proc/{self._running.pid}/status").read_text()
        except OSError:
            return ""
        resident = re.search(r"VmRSS:\s+(\d+) kB", status)
        return f", {int(resident[1]) / 1000:.0f} MB of memory" if resident else ""


def _open(pipe: asyncio.StreamReader | None) -> asyncio.StreamReader:
    if pipe is None:
        raise Failed("the process has no pipe")
    return pipe
