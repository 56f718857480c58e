"""A server in a process of its own, pinned to a core: started, found ready, measured, stopped or killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Protocol

from tests.bench import machine
from tests.bench.webhooks import SECRET

ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")
ROOT = Path(__file__).parents[2]
WABOX = (str(Path(sys.executable).with_name("wabox")),)


def prefer(value: bool) -> None:
    """Whether servers started from now on go first on a busy machine (see ``machine.go_first``)."""
    global _preferred
    _preferred = value


_preferred = False


class Child(Protocol):
    """What is used here of ``subprocess.Popen``."""

    pid: int

    @property
    def returncode(self) -> int | None: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float = ...) -> int: ...

    def terminate(self) -> None: ...


Start = Callable[[Sequence[str], Path, Mapping[str, str], Path], Child]
"""Starts a command in a session of its own: the command, its folder, its environment, where its output goes."""


def _start(command: Sequence[str], folder: Path, env: Mapping[str, str], output: Path) -> subprocess.Popen[bytes]:
    with output.open("ab") as log:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


class Process:
    """Says on its standard output where it listens: the first ``http://127.0.0.1:PORT`` is taken for its address."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        env: Mapping[str, str] | None = None,
        core: int | None = 0,
        start: Start | None = None,
    ) -> None:
        self._log = folder / "output.log"
        self._started = perf_counter()
        pinned = core is not None and (os.cpu_count() or 1) > 1
        command = [*(("taskset", "-c", str(core)) if pinned else ()), *command]
        self._log.touch()
        self._offset = self._log.stat().st_size
        environ = {**compiled_env(), "PYTHONPATH": str(ROOT), **(env or {})}
        self._popen = (start or _start)(command, folder, environ, self._log)
        self.port = 0
        self._ended = False
        if _preferred:
            machine.go_first(self._popen.pid)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def died(self) -> bool:
        """By itself: it is gone, and nobody here has ended it."""
        return self._popen.poll() is not None and not self._ended

    @property
    def output(self) -> str:
        with self._log.open("rb") as log:
            log.seek(self._offset)
            return log.read().decode(errors="replace")

    async def ready(self, timeout: float = 30.0) -> float:
        """Wait until it accepts connections; seconds since it was started. RuntimeError with its output when it does not."""
        while perf_counter() - self._started < timeout:
            if self._popen.poll() is not None:
                raise RuntimeError(f"the server ended with {self._popen.returncode}:\n{self.output[-4000:]}")
            if found := ADDRESS.search(self.output):
                self.port = int(found[1])
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    pass
                else:
                    writer.close()
                    return perf_counter() - self._started
            await asyncio.sleep(0.01)
        self.kill()
        raise RuntimeError(f"the server did not answer within {timeout:.0f} s:\n{self.output[-4000:]}")

    def kill(self) -> None:
        """kill -9; returns when it is gone."""
        if self._popen.poll() is None:
            self._ended = True
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()

    def wait(self, timeout: float = 30.0) -> int | None:
        """Its exit code once it has ended by itself, -9 when it was killed; None when it is still there after ``timeout`` s."""
        try:
            return self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, timeout: float = 15.0) -> int:
        """SIGTERM, as a service manager would; the exit code. Killed after ``timeout`` s."""
        if self._popen.poll() is None:
            self._ended = True
            self._popen.terminate()
            try:
                self._popen.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
        code = self._popen.returncode
        assert code is not None
        return code

    async def rest(self, timeout: float = 60.0) -> None:
        """Wait until it has used less than 2 % of its core for 0.4 s: what was begun is finished."""
        end = perf_counter() + timeout
        while perf_counter() < end:
            before = machine.cpu_seconds(self.pid)
            await asyncio.sleep(0.5)
            if machine.cpu_seconds(self.pid) - before <= 0.011:
                return


def compiled_env() -> dict[str, str]:
    """This process's environment without wabox's own variables, and one in which Python keeps what it has compiled.

    As on every machine but one that forbids it: to compile all modules anew would take most of the start.
    """
    environ = {key: value for key, value in os.environ.items() if not key.startswith("WABOX_")}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    environ["PYTHONPYCACHEPREFIX"] = str(Path(tempfile.gettempdir()) / f"wabox-bench-bytecode-{os.getuid()}")
    return environ


def wabox_env(data: Path, graph_url: str) -> dict[str, str]:
    """What `wabox serve` needs; port 0 takes a free one."""
    return {
        "WABOX_APP_SECRET": SECRET,
        "WABOX_VERIFY_TOKEN": "bench-verify",
        "WABOX_ACCESS_TOKEN": "bench-token",
        "WABOX_GRAPH_URL": graph_url,
        "WABOX_RATE": "0",
        "WABOX_PORT": "0",
        "WABOX_DATA": str(data),
    }
