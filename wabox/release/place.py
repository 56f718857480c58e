"""Where this wabox lies, and how another one takes its place.

==========  ==========================================  ====================================================
``folder``  ``/opt/wabox-0.1.0``, and ``/opt/wabox``,   the new folder is unpacked beside the old one, and the
            a link to it                                link is replaced in one step
``deb``     what dpkg put into ``/usr/lib/wabox``       dpkg installs the new package, or the old one again
``pip``     a Python package                            pip does it; we only say how
==========  ==========================================  ====================================================
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from wabox.errors import WaboxError
from wabox.release.notice import Kind

DEB = Path("/usr/lib/wabox")


class Immovable(WaboxError):
    """This wabox cannot be replaced by itself: why, and what to do."""


class Place(Protocol):
    kind: Kind

    def prepare(self, file: Path, version: str) -> Path:
        """Unpack the downloaded file; the program inside, to be tried. Raises Immovable."""
        ...

    def swap(self) -> None:
        """What was prepared is what runs from now on."""
        ...

    def back(self) -> None:
        """As it was before the swap."""
        ...


def place_of(program: Path, version: str, *, frozen: bool, work: Path) -> Place:
    """Of the program that runs; ``version`` is what shall come. ``work``: a folder for what is only tried.

    Raises Immovable, with the command to type.
    """
    if not frozen:
        raise Immovable(f"this wabox is a Python package: {sys.executable} -m pip install --upgrade wabox=={version}")
    folder = program.resolve().parent
    if folder.is_relative_to(DEB):
        return DebianPackage(work)
    for link in sorted(folder.parent.iterdir()):
        if link.is_symlink() and link.resolve() == folder:
            return LinkedFolder(link)
    raise Immovable(
        f"no link leads to {folder}, so nothing can be put in its place: ln -s {folder.name} {folder.parent}/wabox"
    )


@dataclass
class LinkedFolder:
    link: Path
    kind: Kind = "folder"

    def __post_init__(self) -> None:
        self._old = self.link.readlink()
        self._new: Path | None = None

    def prepare(self, file: Path, version: str) -> Path:
        beside = self.link.resolve().parent
        target, unpacked = beside / f"wabox-{version}", beside / f".wabox-{version}.{os.getpid()}"
        if target == self.link.resolve():
            raise Immovable(f"{target} is what runs now")
        try:
            with tarfile.open(file) as archive:
                archive.extractall(unpacked, filter="data")
            (inside,) = unpacked.iterdir()
            if target.exists():
                shutil.rmtree(target)  # of an upgrade that was not finished
            inside.rename(target)
        except (OSError, ValueError, tarfile.TarError) as error:
            raise Immovable(f"cannot unpack {file.name} into {beside}: {error}. Nothing was changed") from error
        finally:
            shutil.rmtree(unpacked, ignore_errors=True)
        self._new = target
        return target / "wabox"

    def swap(self) -> None:
        if self._new is not None:
            self._point(Path(self._new.name))

    def back(self) -> None:
        self._point(self._old)

    def _point(self, target: Path) -> None:
        """In one step: nobody finds the link missing."""
        working = self.link.with_name(f".{self.link.name}.{os.getpid()}")
        working.unlink(missing_ok=True)
        working.symlink_to(target)
        working.replace(self.link)


@dataclass
class DebianPackage:
    work: Path
    dpkg: str = "dpkg"
    kind: Kind = "deb"

    def __post_init__(self) -> None:
        self._new: Path | None = None
        self._old = self.work / "old.deb"

    def prepare(self, file: Path, version: str) -> Path:
        """The package that is installed is packed again: the way back."""
        from wabox.release.repack import repack

        self._new = file
        try:
            repack("wabox", self._old)
            subprocess.run(["dpkg-deb", "-x", str(file), str(self.work / "try")], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise Immovable(f"cannot prepare {file.name}: {error}. Nothing was changed") from error
        return self.work / "try" / DEB.relative_to("/") / "wabox"

    def swap(self) -> None:
        if self._new is not None:
            self._install(self._new)

    def back(self) -> None:
        self._install(self._old)

    def _install(self, package: Path) -> None:
        done = subprocess.run(
            [self.dpkg, "--force-downgrade", "--force-confold", "-i", str(package)], capture_output=True, text=True
        )
        if done.returncode != 0:
            raise Immovable(f"dpkg did not install {package.name}: {done.stderr.strip()[-500:]}")
