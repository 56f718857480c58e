"""From PyInstaller's folder to what is published. Run by ``packaging/build``, inside the environment that it built from.

0. What is there twice, or is never read: ``slim.py``.
1. Symbols that only a debugger reads go out: 50 MB. ``strip`` breaks some libraries that were relinked for their wheels, such
   as OpenBLAS: what it makes is taken only if its segments still lie where they can be loaded.
2. No file may ask for a newer glibc than Debian 12's.
3. The archive holds names in order, one owner, one time: two builds of one commit are the same, byte for byte.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import os
import platform
import re
import subprocess
import sys
import tarfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import bill
import slim

from wabox import __version__

GLIBC = (2, 36)
"""Debian 12's."""
PAGE = 4096


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("folder", type=Path, help="what PyInstaller made")
    asked.add_argument("contents", type=Path, help="the list that wabox.spec wrote")
    asked.add_argument("out", type=Path)
    given = asked.parse_args()
    folder, out = given.folder, given.out
    out.mkdir(parents=True, exist_ok=True)
    slim.slim(folder)
    _strip(folder)
    _check_glibc(folder)
    inside = folder / "share"
    inside.mkdir(exist_ok=True)
    licences = bill.licences(given.contents)
    (inside / "THIRD-PARTY-LICENSES.txt").write_text(licences, encoding="utf-8")
    (inside / "LICENSE").write_bytes((Path(__file__).parents[2] / "LICENSE").read_bytes())
    name = f"wabox-{__version__}-{platform.system().lower()}-{platform.machine()}"
    sbom = out / f"{name}.cdx.json"
    sbom.write_text(
        json.dumps(bill.bill(__version__, given.contents), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    (out / f"{name}-licenses.txt").write_text(licences, encoding="utf-8")
    archive = out / f"{name}.tar.xz"
    pack(folder, archive, f"wabox-{__version__}", int(os.environ["SOURCE_DATE_EPOCH"]))
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    print(f"{archive}: {archive.stat().st_size / 1e6:.0f} MB, unpacked {size / 1e6:.0f} MB")  # noqa: T201
    sums(out)


def pack(folder: Path, archive: Path, name: str, at: int) -> None:
    """``folder`` as ``name/`` in an archive that is always the same."""

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = "root"
        member.mtime = at
        member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
        return member

    with (
        lzma.open(archive, "wb", preset=6) as file,
        tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in [folder, *sorted(folder.rglob("*"))]:
            tar.add(path, str(Path(name, path.relative_to(folder))), recursive=False, filter=plain)


def sums(out: Path) -> None:
    """SHA256SUMS of what lies there, as sha256sum --check reads it; release.json, to be signed, for wabox upgrade."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(out.iterdir())
        if path.is_file() and path.name != "SHA256SUMS" and not path.name.startswith("release.json")
    ]
    (out / "SHA256SUMS").write_text("".join(lines))
    machine = f"{platform.system()}-{platform.machine()}".lower()
    files = [
        {
            "name": path.name,
            "kind": kind,
            "platform": machine,
            "size": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for kind, pattern in (("folder", "*.tar.xz"), ("deb", "*.deb"))
        for path in sorted(out.glob(pattern))
    ]
    notice = {"name": "wabox", "version": __version__, "files": files}
    (out / "release.json").write_text(json.dumps(notice, indent=1) + "\n", encoding="utf-8")


def _strip(folder: Path) -> None:
    for path in _libraries(folder):
        stripped = path.with_name(f"{path.name}.stripped")
        subprocess.run(["strip", "--strip-unneeded", "-o", str(stripped), str(path)], check=True)
        if _loads(stripped):
            stripped.replace(path)
        else:
            stripped.unlink()


def _loads(library: Path) -> bool:
    """Whether each segment's place in the file and its address agree within a page."""
    said = subprocess.run(["readelf", "-lW", str(library)], capture_output=True, text=True, check=True).stdout
    segments = re.findall(r"^\s+LOAD\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)", said, re.MULTILINE)
    return bool(segments) and all((int(offset, 16) - int(address, 16)) % PAGE == 0 for offset, address in segments)


def _check_glibc(folder: Path) -> None:
    for path in [*_libraries(folder), folder / "wabox"]:
        said = subprocess.run(["objdump", "-T", str(path)], capture_output=True, text=True, check=True).stdout
        wanted = max((tuple(map(int, one.split("."))) for one in re.findall(r"GLIBC_(\d+\.\d+)", said)), default=(0, 0))
        if wanted > GLIBC:
            sys.exit(f"{path} asks for glibc {wanted[0]}.{wanted[1]}, and Debian 12 has {GLIBC[0]}.{GLIBC[1]}")


def _libraries(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*.so*")) if path.is_file() and not path.is_symlink()]


if __name__ == "__main__":
    main()
