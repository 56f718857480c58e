"""The data folder: one process at a time, on a disk of this machine."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import structlog

from wabox.errors import DataFolderBusy, StorageError

log = structlog.get_logger(__name__)

LOCK = "wabox.lock"

NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "lustre", "glusterfs", "ncpfs", "gpfs", "beegfs"}
)
"""File systems where two machines can mount one file: SQLite's WAL needs memory that all its readers share, and a file lock
there may lie (sqlite.org/wal.html: "WAL does not work over a network filesystem")."""
NETWORK_FUSE = frozenset({"fuse.sshfs", "fuse.glusterfs", "fuse.s3fs", "fuse.rclone", "fuse.juicefs", "fuse.ceph"})


class FolderLock:
    """Held while a process uses the folder; the kernel lets go of it when the process dies, however it dies."""

    def __init__(self, folder: Path) -> None:
        """Raises DataFolderBusy when another process (or another store of this one) holds it, StorageError if it cannot be."""
        try:
            self._file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StorageError(
                f"{folder / LOCK} cannot be opened: {error.strerror}. Is the folder another user's?"
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._file, 32).decode("ascii", "replace").strip()
            os.close(self._file)
            raise DataFolderBusy(
                f"{folder} is in use by another wabox{f' (process {holder})' if holder else ''}: "
                "stop that one first, or give this one a data folder of its own."
            ) from None
        try:
            os.ftruncate(self._file, 0)
            os.write(self._file, f"{os.getpid()}\n".encode())
        except OSError as error:
            os.close(self._file)
            raise StorageError(f"{folder / LOCK} cannot be written: {error.strerror}. Is the disk full?") from error

    def release(self) -> None:
        """Let go. The file stays: deleting it would let two processes lock two files of one name."""
        os.close(self._file)


def holder(folder: Path) -> int | None:
    """The process that holds the folder, or did last; None when nobody knows."""
    try:
        return int((folder / LOCK).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def prepare(folder: Path) -> None:
    """Make the folder, for this user's eyes only. Raises StorageError when wabox cannot work there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"The data folder {folder} cannot be made: {error.strerror}. Check the path and its owner."
        ) from error
    kind = file_system(folder)
    if kind in NETWORK or kind in NETWORK_FUSE:
        raise StorageError(
            f"The data folder {folder} is on a network file system ({kind}), where the database could be damaged: "
            "put it on a disk of this machine."
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StorageError(f"The data folder {folder} cannot be written by this user: check its owner and permissions.")
    if open_to_others := exposed(folder):
        log.warning("data.exposed", files=open_to_others, do=f"chmod -R go= {folder}")


def exposed(folder: Path) -> list[str]:
    """What other users of this machine could read or change there: names, none when the folder itself is closed."""
    if not folder.stat().st_mode & 0o077:
        return []
    names = [path.name for path in sorted(folder.iterdir()) if path.is_file() and path.stat().st_mode & 0o077]
    return [f"{folder.name}/", *names]


def file_system(folder: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str | None:
    """The type of the file system that holds ``folder``; None where the kernel does not say (not Linux)."""
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return None
    place = folder.resolve()
    best, kind = -1, None
    for line in lines:
        # 36 35 98:0 /root /mount/point rw,noatime shared:1 - ext4 /dev/sda1 rw   (proc(5); spaces are written \040)
        left, _, right = line.partition(" - ")
        mounted = Path(left.split()[4].replace("\\040", " "))
        # The last line wins among equals: a mount hides what was mounted there before.
        if place.is_relative_to(mounted) and len(mounted.parts) >= best:
            best, kind = len(mounted.parts), right.split()[0]
    return kind
