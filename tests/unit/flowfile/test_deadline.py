"""Functions of a bot that never return."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.unit.flowfile.folders import check, write
from wabox.flowfile import deadline
from wabox.flowfile.bot import check_bot, load_bot
from wabox.flowfile.deadline import bounded, within
from wabox.simulator import Simulator

FLOW = """\
initial: menu
timeouts: {hard: 23h}
on: {human: people}
states:
  menu:
    ask: {text: Menu, buttons: {wait: Wait, ask: Ask, human: A person}}
    on: {wait: {actions: hang, target: people}, ask: [{guard: may, target: people}]}
  people: {handoff: support, say: One moment., on: {handoff.closed: menu}}
"""
ACTIONS = """\
import re, threading, time
from wabox.actions import action, guard

@action
def hang(given):
    HANG

@guard
def may(given):
    while True:
        try:
            time.sleep(0.001)
        except Exception:
            pass
"""


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "LONGEST", 0.05)
    monkeypatch.setattr(deadline, "LOOK", 0.02)


def simulator(folder: Path, hang: str) -> Simulator:
    return Simulator(load_bot(write(folder, {"flow.yaml": FLOW, "actions.py": ACTIONS.replace("HANG", hang)})))


@pytest.mark.parametrize(
    "hang",
    [
        "while True: pass",
        "time.sleep(60)",
        "threading.Lock().acquire() and threading.Event().wait()",
        "re.search('(a|a)+b', 'a' * 60)",
    ],
)
def test_an_action_that_hangs(tmp_path: Path, hang: str) -> None:
    """It is interrupted where it hangs, the failure names the line, and the customer is told and gets a person."""
    chat = simulator(tmp_path, hang)
    chat.play({"user": "hi"})
    answer = chat.play({"tap": "wait"})
    assert "it did not return within 0.05 s (actions.py, line 6)" in answer["failed"][0]["error"]
    assert answer["sent"]
    assert answer["handoffs"][0]["status"] == "waiting"


def test_a_guard_that_hangs(tmp_path: Path) -> None:
    """It does not hold, also when it catches every Exception; the customer is told and gets a person."""
    chat = simulator(tmp_path, "pass")
    chat.play({"user": "hi"})
    answer = chat.play({"tap": "ask"})
    assert "TimeoutError" in answer["failed"][0]["error"]
    assert answer["states"] == ["menu"]
    assert answer["handoffs"] == [{"status": "waiting", "queue": "default", "reason": answer["handoffs"][0]["reason"]}]


def test_twice_late_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that is late twice within a minute is not tried for a while, then again."""
    tried = []

    def hang(given: object) -> None:
        tried.append(given)
        time.sleep(60)

    monkeypatch.setattr(deadline, "REST", 0.3)
    call = bounded(hang)
    for _ in range(4):
        with pytest.raises(TimeoutError):
            call(None)
    assert len(tried) == 2
    time.sleep(0.3)
    with pytest.raises(TimeoutError):
        call(None)
    assert len(tried) == 3


def test_in_time() -> None:
    """What returns in time returns what it returns, raises what it raises, and is not interrupted afterwards."""
    assert bounded(lambda given: given + 1)(1) == 2
    with pytest.raises(KeyError):
        bounded(lambda given: {}[given])(1)
    for _ in range(20):
        within(0.05, lambda: time.sleep(0.01), "")
    time.sleep(0.2)


def test_in_another_thread() -> None:
    """In any other thread a function just runs."""
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(bounded(lambda given: 7)(None)))
    thread.start()
    thread.join()
    assert found == [7]


def test_a_file_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An actions.py that never ends to load is a finding that names its line."""
    monkeypatch.setattr("wabox.flowfile.actions.LOADING", 0.05)
    folder = write(tmp_path, {"flow.yaml": FLOW, "actions.py": "import time\nwhile True:\n    time.sleep(0.01)\n"})
    [brief] = [brief for brief in check(folder) if "(" not in brief]
    assert brief == "actions.py:1:1 actions"
    [finding] = [one for one in check_bot(folder) if one.code == "actions"]
    assert "it did not return within 0.05 s (actions.py, line" in finding.sentence


def test_a_process_that_ends(tmp_path: Path) -> None:
    """A timer that still ticks when the process ends does not end it badly."""
    program = (
        "import time; from wabox.flowfile.deadline import bounded, _watch\n"
        "bounded(lambda given: given)(1); assert _watch.ticking\n"
        "import atexit; atexit.register(time.sleep, 0.0)\n"
        "class Slow:\n    def __del__(self): time.sleep(0.6)\n"
        "slow = Slow()\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
