"""The archive of a backup: a compressed tar file whose first member says what the others must be.

Whoever reads one trusts nothing in it: a member that the manifest does not name, a path that leads elsewhere, a byte too many
or another hash is a reason to refuse it. So a file that was cut off, changed or made by somebody else is told from a backup.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

import msgspec

from wabox.core.backup import FORMAT, MANIFEST, Manifest, Member
from wabox.errors import StorageError
from wabox.sqlite.databasecopy import Progress, quiet

BLOCK = 1 << 20
LARGEST_MANIFEST = 256 << 20
_BROKEN = (tarfile.TarError, zlib.error, EOFError, UnicodeDecodeError, msgspec.DecodeError, ValueError)


class Spoilt(StorageError):
    """A file is no backup, or not what it was."""


def digest(path: Path) -> str:
    """SHA-256, hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def member(name: str, path: Path) -> Member:
    """Raises OSError."""
    return Member(name, path.stat().st_size, digest(path))


def write(target: Path, manifest: Manifest, folders: Iterable[Path], progress: Progress = quiet) -> None:
    """Write the archive and see it to the disk. Each member is found in one of ``folders``. Raises OSError."""
    places = list(folders)
    said = msgspec.json.encode(manifest)
    done, all_ = 0, sum(one.size for one in manifest.members) or 1
    with target.open("xb") as file:
        os.fchmod(file.fileno(), 0o600)
        # The weakest compression: JSON shrinks to a third with it, and a stronger one takes four times as long for little.
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1, format=tarfile.PAX_FORMAT) as archive:
            _add(archive, MANIFEST, len(said), _Bytes(said))
            for one in manifest.members:
                path = next(place / one.name for place in places if (place / one.name).is_file())
                with path.open("rb") as inside:
                    _add(archive, one.name, one.size, inside)
                done += one.size
                progress("packing", done / all_)
        file.flush()
        os.fsync(file.fileno())


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, size: int = -1) -> bytes:
        found, self._data = (self._data, b"") if size < 0 else (self._data[:size], self._data[size:])
        return found


def _add(archive: tarfile.TarFile, name: str, size: int, data: IO[bytes] | _Bytes) -> None:
    about = tarfile.TarInfo(name)
    about.size, about.mode = size, 0o600
    archive.addfile(about, data)


def manifest_of(path: Path) -> Manifest:
    """What the archive says of itself; nothing else of it is read. Raises Spoilt, StorageError."""
    with _reading(path), _opened(path) as archive:
        return _manifest(archive, path)


def unpack(path: Path, folder: Path, progress: Progress = quiet) -> Manifest:
    """Write every member into ``folder``, each as the manifest says or not at all. Raises Spoilt, StorageError."""
    with _reading(path), _opened(path) as archive:
        manifest = _manifest(archive, path)
        wanted = {one.name: one for one in manifest.members}
        done, all_ = 0, sum(one.size for one in wanted.values()) or 1
        while (about := archive.next()) is not None:
            data = archive.extractfile(about)
            one = wanted.pop(about.name, None)
            if one is None or data is None or not about.isfile() or about.size != one.size:
                raise Spoilt(f"{path} was changed: its manifest does not say {about.name[:80]!r} as it is")
            _save(folder / _safe(one.name, path), data, one, path)
            done += one.size
            progress("unpacking", done / all_)
        if wanted:
            raise Spoilt(f"{path} is not whole: {next(iter(wanted))} is missing. Take another backup")
        return manifest


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno is None:  # what gzip says of bytes that are none of its own
            raise Spoilt(f"{path} is no backup of wabox, or damaged: {error}") from error
        if error.errno == errno.ENOSPC:
            raise StorageError(f"{path} cannot be unpacked: the disk is full") from error
        raise StorageError(f"{path} cannot be read: {error}") from error
    except _BROKEN as error:
        raise Spoilt(f"{path} is no backup of wabox, or damaged or cut off: {error}") from error


def _opened(path: Path) -> tarfile.TarFile:
    return tarfile.open(path, mode="r|gz")


def _manifest(archive: tarfile.TarFile, path: Path) -> Manifest:
    about = archive.next()
    inside = None if about is None or about.name != MANIFEST else archive.extractfile(about)
    if about is None or inside is None or about.size > LARGEST_MANIFEST:
        raise Spoilt(f"{path} is no backup of wabox: it does not begin with {MANIFEST}")
    said = msgspec.json.decode(inside.read())
    number = said.get("format") if isinstance(said, dict) else None
    if isinstance(number, int) and number > FORMAT:
        raise Spoilt(
            f"{path} was made by a newer wabox ({said.get('wabox')}, backup format {number}, this one reads {FORMAT}): "
            "install that version"
        )
    return msgspec.convert(said, Manifest)


def _safe(name: str, path: Path) -> PurePosixPath:
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts or "\0" in name:
        raise Spoilt(f"{path} is refused: {name[:80]!r} would be written outside the folder")
    return pure


def _save(target: Path, data: IO[bytes], one: Member, path: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = hashlib.sha256()
    try:
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            while block := data.read(BLOCK):
                found.update(block)
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise Spoilt(f"{path} is refused: it has {one.name[:80]!r} twice") from None
    if found.hexdigest() != one.sha256:
        raise Spoilt(f"{path} is damaged: {one.name} is not what it was. Take another backup")
