"""The power goes while the server works: what was not synced is lost, in part or whole, and nothing that was acknowledged."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.crash import powercut, rounds
from tests.crash.disk import RECORD

CUTS = 5


async def test_a_power_cut_loses_nothing_that_was_acknowledged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After five cuts the whole history is right, though each lost what SQLite had not synced."""
    seen = await rounds.powerless(tmp_path, seed=20261122, cuts=CUTS)
    with capsys.disabled():
        print(f"\n{CUTS} power cuts: {dict(seen)}")
    assert seen["messages"] > 20 * CUTS, "there was hardly any load"


def note(what: bytes, offset: int = 0, data: bytes = b"") -> bytes:
    return RECORD.pack(what, len(b"wabox.db"), offset, len(data)) + b"wabox.db" + data


def test_what_was_synced_is_there_and_the_rest_by_lot(tmp_path: Path) -> None:
    """The simulation itself: synced writes stay, the others come whole sectors at a time, and all are lost sometimes."""
    base, data, journal = tmp_path / "base", tmp_path / "data", tmp_path / "journal"
    data.mkdir()
    (data / "wabox.db").write_bytes(b"0" * 1024)
    powercut.copy(data, base)
    journal.write_bytes(
        note(b"W", 0, b"1" * 512)
        + note(b"S")
        + note(b"W", 512, b"2" * 512)
        + note(b"W", 1024, b"3" * 512)
        + note(b"W")[:5]
    )
    seen = set()
    for seed in range(40):
        powercut.cut(base, journal, data, Random(seed))
        content = (data / "wabox.db").read_bytes()
        seen.add(tuple(chr(content[at]) for at in range(0, len(content), 512)))
    assert seen >= {("1", "0"), ("1", "2"), ("1", "2", "3")}
    assert all(sectors[0] == "1" for sectors in seen)
