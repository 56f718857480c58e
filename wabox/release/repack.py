"""An installed Debian package as a package again, from what dpkg knows of it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

INFO = Path("/var/lib/dpkg/info")
SCRIPTS = ("preinst", "postinst", "prerm", "postrm", "conffiles")
_NOT_OF_THE_PACKAGE = ("Status:", "Conffiles:")


def repack(name: str, target: Path) -> None:
    """Write ``target``. Its files are those on the disk. Raises OSError, CalledProcessError."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        root = Path(folder, "root")
        (root / "DEBIAN").mkdir(parents=True)
        said = _asked("dpkg-query", "-s", name)
        lines: list[str] = []
        left_out = False
        for line in said.splitlines():
            left_out = line.startswith(_NOT_OF_THE_PACKAGE) or (left_out and line.startswith(" "))
            if not left_out:
                lines.append(line)
        (root / "DEBIAN" / "control").write_text("\n".join(lines).strip() + "\n", encoding="utf-8")
        for script in SCRIPTS:
            if (file := INFO / f"{name}.{script}").exists():
                shutil.copy2(file, root / "DEBIAN" / script)
        for line in _asked("dpkg-query", "-L", name).splitlines():
            _copy(Path(line), root / line.lstrip("/"))
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-Znone", "-b", str(root), str(target)], check=True, capture_output=True
        )


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():  # /lib is a link of the system's own, and a folder to every package
        target.mkdir(parents=True, exist_ok=True)
    elif source.is_symlink():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source.readlink())
    elif source.is_file():
        shutil.copy2(source, target)


def _asked(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
