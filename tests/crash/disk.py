"""The disk under SQLite, in the process that is tried: writes and syncs are noted, slowed, refused, or the last thing done.

wabox runs as it is, on the SQLite of its own Python. Only that library's way to the files is intercepted: the function by
which its default VFS opens a file, and in each file that it opened the ones that write, truncate and sync
(sqlite.org/c3ref/vfs.html).
"""

from __future__ import annotations

import _sqlite3
import ctypes
import os
import signal
import struct
import time
from collections import Counter
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_int, c_int64, c_void_p, cast, memmove, sizeof
from pathlib import Path
from typing import Any

RECORD = struct.Struct("<cBqi")
"""What happened (W write, T truncate, S sync, D delete), the length of the file's name, the offset, the length of the data."""
OK, FULL, IOERR_FSYNC, IOERR_WRITE = 0, 13, 10 | 4 << 8, 10 | 3 << 8

SYNC_SECONDS = 0.004
"""How long a sync takes that is not really made: without it hardly anything would be unsynced at any moment."""

_OPEN = CFUNCTYPE(c_int, c_void_p, c_char_p, c_void_p, c_int, c_void_p)
_DELETE = CFUNCTYPE(c_int, c_void_p, c_char_p, c_int)
_WRITE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_TRUNCATE = CFUNCTYPE(c_int, c_void_p, c_int64)
_SYNC = CFUNCTYPE(c_int, c_void_p, c_int)


_installed: list[Disk] = []
"""For the life of the process: what C points to must not be collected."""


class _Vfs(Structure):
    _fields_ = (
        ("version", c_int),
        ("file_size", c_int),
        ("longest_path", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        ("data", c_void_p),
        ("open", c_void_p),
        ("delete", c_void_p),
    )


class _Methods(Structure):
    _fields_ = (
        ("version", c_int),
        *((name, c_void_p) for name in ("close", "read", "write", "truncate", "sync", "size", "lock", "unlock")),
        *((f"other{number}", c_void_p) for number in range(10)),
    )


class Disk:
    """Install one before the first connection is opened; it stays for the life of the process."""

    def __init__(
        self, *, journal: Path | None = None, dies: tuple[str, int] | None = None, control: Path | None = None
    ) -> None:
        """``journal``: where to note everything; then nothing is really synced. ``dies``: kill -9 before the n-th of such as
        ``wabox.db-wal.write``. ``control``: a file that says, while it is there, ``slow SECONDS`` or ``full``.
        """
        self._journal = None if journal is None else os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._dies = dies
        self._control = control
        self._done: Counter[str] = Counter()
        self._names: dict[int, str] = {}
        self._tables: dict[int, _Methods] = {}
        self._kept: list[Any] = []

    def install(self) -> None:
        _installed.append(self)
        library = ctypes.CDLL(_sqlite3.__file__)  # its symbols and those of the library it was linked with
        find = library.sqlite3_vfs_find
        find.restype = POINTER(_Vfs)
        vfs = find(None).contents
        opened, deleted = _OPEN(vfs.open), _DELETE(vfs.delete)

        def open_(this: int, name: bytes | None, file: int, flags: int, out: int | None) -> int:
            found = opened(this, name, file, flags, out)
            if found == OK and name is not None:
                self._names[file] = Path(name.decode()).name
                self._take(file)
            return found

        def delete(this: int, name: bytes, sync: int) -> int:
            found = deleted(this, name, sync)
            if found == OK:
                self._note(b"D", Path(name.decode()).name, sync)
            return found

        vfs.open = self._keep(_OPEN(open_))
        vfs.delete = self._keep(_DELETE(delete))

    def _take(self, file: int) -> None:
        pointer = cast(file, POINTER(c_void_p))
        address = pointer[0]
        if address is None:
            return
        if address not in self._tables:
            self._tables[address] = self._table(address)
        pointer[0] = ctypes.addressof(self._tables[address])

    def _table(self, address: int) -> _Methods:
        table = _Methods()
        memmove(byref(table), address, sizeof(_Methods))
        written, truncated, synced = _WRITE(table.write), _TRUNCATE(table.truncate), _SYNC(table.sync)

        def write(file: int, data: int, length: int, offset: int) -> int:
            name = self._names[file]
            if (refused := self._before(f"{name}.write")) != OK:
                return refused
            if self._journal is not None:
                self._note(b"W", name, offset, ctypes.string_at(data, length))
            return written(file, data, length, offset)

        def truncate(file: int, size: int) -> int:
            name = self._names[file]
            self._before(f"{name}.truncate")
            self._note(b"T", name, size)
            return truncated(file, size)

        def sync(file: int, flags: int) -> int:
            name = self._names[file]
            self._before(f"{name}.sync")
            if self._journal is None:
                return synced(file, flags)
            time.sleep(SYNC_SECONDS)
            self._note(b"S", name)
            return OK

        table.write = self._keep(_WRITE(write))
        table.truncate = self._keep(_TRUNCATE(truncate))
        table.sync = self._keep(_SYNC(sync))
        return table

    def _before(self, what: str) -> int:
        self._done[what] += 1
        if self._dies is not None and self._dies[0] == what and self._done[what] == self._dies[1]:
            os.kill(os.getpid(), signal.SIGKILL)
        if self._control is None:
            return OK
        try:
            order, _, value = self._control.read_text().partition(" ")
        except OSError:
            return OK
        if order == "slow" and what.endswith(".sync"):
            time.sleep(float(value))
        return FULL if order == "full" and what.endswith(".write") else OK

    def _note(self, what: bytes, name: str, offset: int = 0, data: bytes = b"") -> None:
        if self._journal is not None:
            named = name.encode()
            os.write(self._journal, RECORD.pack(what, len(named), offset, len(data)) + named + data)

    def _keep(self, function: Callable[..., int]) -> int | None:
        self._kept.append(function)
        return cast(function, c_void_p).value  # type: ignore[arg-type]
