"""What systemd hears of wabox, and that the unit file is one that it takes."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from wabox.cli.systemd import Notifier

UNIT = Path(__file__).parents[3] / "packaging" / "wabox.service"


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(5)
        yield sock


async def heard(systemd: socket.socket) -> list[str]:
    return (await asyncio.to_thread(systemd.recv, 4096)).decode().splitlines()


async def test_ready_alive_stopping(systemd: socket.socket) -> None:
    """Ready when it serves, signs of life at half the watchdog's time, and the word that it stops."""
    environ = {"NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "2000", "OTHER": "stays"}
    notifier = Notifier(environ)
    assert notifier.every == 0.001
    assert environ == {"OTHER": "stays"}
    async with notifier.ready("serves"):
        assert await heard(systemd) == ["READY=1", "STATUS=serves"]
        assert await heard(systemd) == ["WATCHDOG=1"]
        assert await heard(systemd) == ["WATCHDOG=1"]
    while (last := await heard(systemd)) == ["WATCHDOG=1"]:
        pass
    assert last[0] == "STOPPING=1"


async def test_an_abstract_socket() -> None:
    """Its name begins with @."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind("\0wabox-test-notify")
        sock.settimeout(5)
        Notifier({"NOTIFY_SOCKET": "@wabox-test-notify"}).tell("READY=1")
        assert await heard(sock) == ["READY=1"]


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": "/nowhere/at/all", "WATCHDOG_USEC": "soon"}])
async def test_nobody_listens(environ: dict[str, str]) -> None:
    """Then nothing happens."""
    notifier = Notifier(environ)
    assert notifier.every is None
    async with notifier.ready("serves"):
        notifier.tell("STATUS=fine")


def test_another_process_s_watchdog_is_not_ours() -> None:
    """The environment may have been inherited."""
    assert Notifier({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "1"}).every is None


def test_the_unit_file_is_right(tmp_path: Path) -> None:
    """systemd itself finds nothing to say about it, where it is installed; elsewhere its lines have the shape of settings."""
    text = UNIT.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"\[\w+\]|\w+=.*", line) for line in lines)
    if shutil.which("systemd-analyze") is None:
        return
    unit = tmp_path / "wabox.service"
    unit.write_text(text.replace("/usr/local/bin/wabox", "/bin/true"), encoding="utf-8")
    found = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60, check=False)
    assert (found.stderr + found.stdout).strip() == ""
