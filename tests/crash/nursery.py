"""A process that has loaded wabox and nothing else, and forks: each child is a ``wabox`` of its own within milliseconds.

Of the 1.8 s of CPU that a start takes, 1.3 s are Python reading modules, the same each time; there is nothing to be killed in
that is ours. A child does all the rest: it takes its command line, environment and folder, and runs wabox's own ``main``.

``python -m tests.crash.nursery`` reads requests, one JSON a line, and says ``{"born": …}`` for each,
``{"gone": …, "code": …}`` when a child has ended, in between.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

import msgspec

from tests.bench.process import ROOT, Start, compiled_env
from tests.crash.entry import Fate, run
from wabox.cli.lean import without

MODULES = (
    "apscheduler.executors.asyncio",
    "apscheduler.schedulers.asyncio",
    "apscheduler.triggers.interval",
    "uvloop",
    "wabox.app",
    "wabox.cli.main",
    "wabox.scheduler",
    "wabox.services.backups.nightly",
    "wabox.web.api",
    "wabox.web.console",
    "wabox.web.guard",
    "wabox.web.locks",
    "wabox.web.metrics",
    "wabox.web.server",
)


class Request(msgspec.Struct):
    fate: Fate
    arguments: list[str]
    folder: str
    env: dict[str, str]
    log: str


class Nursery:
    """The process, and what it has said of its children."""

    def __init__(self) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.nursery"],
            cwd=ROOT,
            env={**compiled_env(), "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.codes: dict[int, int] = {}
        self._born: list[int] = []
        self._rest = b""
        self._lock = threading.RLock()

    def spawn(self, fate: Fate, arguments: Sequence[str], folder: Path, env: Mapping[str, str], log: Path) -> Born:
        request = Request(fate, list(arguments), str(folder), dict(env), str(log))
        assert self._popen.stdin is not None
        with self._lock:
            self._popen.stdin.write(msgspec.json.encode(request) + b"\n")
            self._popen.stdin.flush()
            while not self._born:
                self.hear(60.0)
            return Born(self, self._born.pop())

    def hear(self, patience: float) -> None:
        """What it says within so many s, if it says anything."""
        assert self._popen.stdout is not None
        with self._lock:
            if not select.select([self._popen.stdout], [], [], patience)[0]:
                return
            if not (heard := os.read(self._popen.stdout.fileno(), 65536)):
                raise RuntimeError("the nursery is gone")
            *lines, self._rest = (self._rest + heard).split(b"\n")
            for line in lines:
                said = msgspec.json.decode(line)
                if "born" in said:
                    self._born.append(said["born"])
                else:
                    self.codes[said["gone"]] = said["code"]

    def close(self) -> None:
        self._popen.communicate()


class Born:
    """A child, with what is used here of ``subprocess.Popen``."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self._nursery = nursery
        self.pid = pid

    @property
    def returncode(self) -> int | None:
        return self._nursery.codes.get(self.pid)

    def poll(self) -> int | None:
        self._nursery.hear(0)
        return self.returncode

    def wait(self, timeout: float = 60.0) -> int:
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("wabox", timeout)
            self._nursery.hear(0.05)
        return code

    def terminate(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)


@functools.cache
def nursery() -> Nursery:
    """The one of this process, for as long as it lives."""
    made = Nursery()
    atexit.register(made.close)
    return made


def starter(fate: Fate | None = None) -> Start:
    """For :class:`~tests.bench.process.Process`, whose command is then what follows the word ``wabox``."""

    def start(command: Sequence[str], folder: Path, env: Mapping[str, str], output: Path) -> Born:
        return nursery().spawn(fate or Fate(), command, folder, env, output)

    return start


def attend() -> Request | None:
    """Forks for each request; returns in the child with its request, and in the parent, with None, when there are no more."""
    _load()
    gc.freeze()
    woken, wakes = socket.socketpair()
    wakes.setblocking(False)
    signal.set_wakeup_fd(wakes.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    rest = b""
    while True:
        ready, _, _ = select.select([0, woken], [], [])
        if woken in ready:
            woken.recv(4096)
            _bury()
        if 0 not in ready:
            continue
        if not (heard := os.read(0, 65536)):
            return None
        *lines, rest = (rest + heard).split(b"\n")
        for line in lines:
            request = msgspec.json.decode(line, type=Request)
            if os.fork() == 0:
                os.setsid()
                _say({"born": os.getpid()})
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                woken.close()
                wakes.close()
                return request


def _load() -> None:
    """Also what is loaded with a first command line and a first application; the tree of commands is the same in each child."""
    with without("rich"):
        for name in MODULES:
            import_module(name)
    from litestar import Litestar
    from typer import main as typer

    from wabox.cli.main import app

    typer.get_command = functools.cache(typer.get_command)
    with contextlib.suppress(Exception):  # "x" is no port
        typer.get_command(app)(["serve", "--port", "x"], standalone_mode=False)
    Litestar([])
    gc.collect()


def _bury() -> None:
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            _say({"gone": found[0], "code": os.waitstatus_to_exitcode(found[1])})


def _say(what: dict[str, int]) -> None:
    os.write(1, msgspec.json.encode(what) + b"\n")


def become(request: Request) -> None:
    """What a new process would be given."""
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.env)
    log = os.open(request.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(log)
    os.close(nothing)
    gc.unfreeze()


if __name__ == "__main__" and (found := attend()) is not None:
    become(found)
    run(found.fate, found.arguments)
