"""The data folder: one process at a time, on a disk that can hold it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes import VirtualClock
from wabox.errors import DataFolderBusy, StorageError
from wabox.sqlite import folder as data_folder
from wabox.sqlite.folder import FolderLock, exposed, file_system, prepare
from wabox.sqlite.store import open_store


async def test_a_second_store_is_refused_while_the_first_is_open(tmp_path: Path) -> None:
    """The sentence says who has the folder; closing lets go of it."""
    first = await open_store(tmp_path, VirtualClock())
    with pytest.raises(DataFolderBusy, match=rf"{tmp_path} is in use by another wabox \(process {os.getpid()}\): stop"):
        await open_store(tmp_path, VirtualClock())
    await first.close()
    second = await open_store(tmp_path, VirtualClock())
    await second.close()


def test_the_lock_holds_between_processes_and_dies_with_its_own(tmp_path: Path) -> None:
    """Another process is kept out; when the holder is killed, nothing is left to clean up."""
    program = (
        "import sys, pathlib; from wabox.sqlite.folder import FolderLock\n"
        "lock = FolderLock(pathlib.Path(sys.argv[1])); print('locked', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(DataFolderBusy, match=f"process {holder.pid}"):
            FolderLock(tmp_path)
        holder.kill()
        holder.wait()
        FolderLock(tmp_path).release()


def test_the_folder_is_made_for_its_owner_only(tmp_path: Path) -> None:
    """Customers' messages are nobody else's business."""
    prepare(tmp_path / "a" / "data")
    assert (tmp_path / "a" / "data").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    """The sentence names it."""
    (tmp_path / "data").write_text("a file")
    with pytest.raises(StorageError, match="data cannot be made: File exists"):
        prepare(tmp_path / "data")


MOUNTS = """\
23 22 0:40 / {folder} rw,relatime shared:1 - {kind} server:/export rw
24 23 254:1 / {folder}/local rw,relatime - ext4 /dev/vdb rw
25 22 0:41 / {folder}/with\\040space rw,relatime - tmpfs tmpfs rw
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
"""


def test_the_file_system_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    """As the kernel lists mounts: the longest one that holds the folder."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS.format(folder=tmp_path, kind="nfs4"))
    assert file_system(tmp_path / "data", mounts) == "nfs4"
    assert file_system(tmp_path / "local" / "data", mounts) == "ext4"
    assert file_system(tmp_path / "localhost", mounts) == "nfs4"
    assert file_system(tmp_path / "with space", mounts) == "tmpfs"
    assert file_system(tmp_path.parent, mounts) == "ext4"
    assert file_system(tmp_path, tmp_path / "not there") is None


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """SQLite's log does not work there, so the start fails and not the data."""
    monkeypatch.setattr(data_folder, "file_system", lambda _: kind)
    with pytest.raises(StorageError, match=rf"network file system \({kind}\)"):
        prepare(tmp_path)


def test_what_others_can_read_is_named_at_the_start(tmp_path: Path) -> None:
    """A folder that is closed hides what is in it; in one that is open, so is each file."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    for name, mode in (("wabox.db", 0o644), ("token", 0o600)):
        (data / name).touch()
        (data / name).chmod(mode)
    assert exposed(data) == []
    data.chmod(0o755)
    assert exposed(data) == ["data/", "wabox.db"]
