"""At rest: the memory of an idle server, and how long a person waits for a command."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from tests.bench import machine
from tests.bench.machine import median
from tests.bench.process import ROOT, WABOX, Process, compiled_env, wabox_env
from tests.bench.subject import SERVE

NOBODY = "http://127.0.0.1:9/v26.0"
"""A Graph API that is not there; nothing is sent to it."""


async def report(runs: int) -> None:
    idle, started, demos = [], [], []
    for _ in range(runs):
        folder = Path(tempfile.mkdtemp(prefix="wabox-bench-"))
        with Process(SERVE.command(folder), folder=folder, env=wabox_env(folder / "data", NOBODY)) as server:
            started.append(await server.ready())
            await asyncio.sleep(2)
            idle.append(machine.rss_mb(server.pid))
        shutil.rmtree(folder, ignore_errors=True)
        demos.append(await _demo_ready())
    helps = [_help_ms() for _ in range(max(5, runs))]
    print(
        f"\n3. At rest: idle server {median(idle):.0f} MB RSS, answers {median(started):.2f} s after its start; "
        f"`wabox --help` {median(helps):.0f} ms; `wabox demo` shows its phone after {median(demos):.2f} s"
    )


def _help_ms() -> float:
    start = time.perf_counter()
    subprocess.run(
        [*WABOX, "--help"], stdout=subprocess.DEVNULL, check=True, env={**compiled_env(), "PYTHONPATH": str(ROOT)}
    )
    return (time.perf_counter() - start) * 1000


async def _demo_ready() -> float:
    """Seconds from the command to the demo's phone page."""
    folder = Path(tempfile.mkdtemp(prefix="wabox-bench-"))
    try:
        start = time.perf_counter()
        with Process((*WABOX, "demo", "--port", "0"), folder=folder) as demo:
            await demo.ready()
            answer = b""
            while time.perf_counter() - start < 20:
                answer = await _get(demo.port, "/phone")
                if answer.startswith(b"HTTP/1.1 200"):
                    return time.perf_counter() - start
                await asyncio.sleep(0.02)
            raise RuntimeError(f"/phone answers {answer[:200]!r}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _get(port: int, path: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    try:
        return await reader.read()
    finally:
        writer.close()
