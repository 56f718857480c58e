"""A process that is really killed: nothing it acknowledged is lost, nothing is handled twice or out of order."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import msgspec

from wabox.sqlite.connection import open_writer

ROOT = Path(__file__).parents[2]
ROUNDS = 4
REPEATED = 100


def run_and_kill(folder: Path, round_: int, again: list[str], lines: int) -> tuple[list[str], list[str]]:
    """Ids whose put, and whose handling, was acknowledged before the process was killed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.sqlite_load", folder, str(round_)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    said: list[str] = []
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(" ".join(again))
        process.stdin.close()
        for line in process.stdout:
            said.append(line)
            if len(said) == lines:
                process.kill()
    assert process.returncode == -signal.SIGKILL
    # What was in the pipe when it died counts as well; a last line may be cut short.
    words = [line.split() for line in said if line.endswith("\n")]
    return [word[1] for word in words if word[0] == "put"], [word[1] for word in words if word[0] == "done"]


def stored(folder: Path) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """What was handled and what waits, by customer, in order; read as the next start would, log and all."""
    connection = open_writer(folder / "wabox.db")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    handled = {name.rpartition(".")[2]: snapshot.decode().split() for name, snapshot in snapshots(connection)}
    waiting: dict[str, list[str]] = {}
    for conversation_id, body in connection.execute(
        "SELECT conversation_id, body FROM inbox WHERE seq > 0 ORDER BY seq"
    ):
        waiting.setdefault(conversation_id.rpartition(".")[2], []).append(msgspec.json.decode(body)["message_id"])
    connection.close()
    return handled, waiting


def snapshots(connection: sqlite3.Connection) -> list[tuple[str, bytes]]:
    return connection.execute("SELECT id, snapshot FROM conversations").fetchall()


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """Killed under load again and again; each time the last messages are brought again, as Meta would."""
    acknowledged: list[str] = []
    finished: list[str] = []
    for round_ in range(1, ROUNDS + 1):
        put, done = run_and_kill(tmp_path, round_, acknowledged[-REPEATED:], lines=400 + 150 * round_)
        acknowledged += put
        finished += done
        handled, waiting = stored(tmp_path)
        kept: set[str] = set()
        for name in handled.keys() | waiting.keys():
            ids = handled.get(name, []) + waiting.get(name, [])
            numbers = [int(id_.removeprefix(f"{name}-")) for id_ in ids]
            assert numbers == sorted(set(numbers)), "each once, and in order"
            kept.update(ids)
        assert set(acknowledged) <= kept
        assert set(finished) <= {id_ for ids in handled.values() for id_ in ids}
    assert len(set(acknowledged)) > 100 * ROUNDS
    assert len(acknowledged) > len(set(acknowledged)), "some were brought again"
    assert finished
