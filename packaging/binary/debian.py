"""The Debian package of a built folder: ``packaging/build --deb``. It needs nothing but libc6, and takes nothing with it.

``/usr/lib/wabox`` the folder · ``/usr/bin/wabox`` a link to it · the hardened unit, started by nobody but the operator ·
man page, completion. Removed, and even purged, it leaves ``/var/lib/wabox``, ``/etc/wabox`` and the user: they are the owner's.
"""

from __future__ import annotations

import argparse
import gzip
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import assemble
import manpage

from wabox import __version__
from wabox.cli.completion import Shell, script
from wabox.cli.tree import nodes

ROOT = Path(__file__).parents[2]
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}
MAINTAINER = f"{os.environ.get('DEBFULLNAME', 'The wabox authors')} <{os.environ.get('DEBEMAIL', 'wabox@localhost')}>"
COMPLETION = {
    Shell.bash: "usr/share/bash-completion/completions/wabox",
    Shell.zsh: "usr/share/zsh/vendor-completions/_wabox",
    Shell.fish: "usr/share/fish/vendor_completions.d/wabox.fish",
}
CONTROL = """\
Package: wabox
Version: {version}
Architecture: {architecture}
Maintainer: {maintainer}
Installed-Size: {size}
Depends: libc6 (>= 2.36), passwd
Recommends: ca-certificates
Section: net
Priority: optional
Description: WhatsApp bot in a box
 One process answers WhatsApp: conversations are statecharts in YAML, timers
 and messages survive a crash, people take over where the bot cannot.
"""
POSTINST = """\
#!/bin/sh
set -e
if [ "$1" = configure ]; then
    if ! getent passwd wabox >/dev/null; then
        useradd --system --user-group --home-dir /var/lib/wabox --shell /usr/sbin/nologin wabox
    fi
    install -d -o wabox -g wabox -m 0700 /var/lib/wabox
    install -d -m 0755 /etc/wabox
    [ -e /etc/wabox/secrets ] || install -m 0600 /dev/null /etc/wabox/secrets
    if [ -d /run/systemd/system ]; then
        systemctl daemon-reload || true
        # wabox upgrade restarts it by itself, and looks whether it becomes ready.
        if [ -n "$2" ] && [ -z "$WABOX_UPGRADE" ]; then systemctl try-restart wabox.service || true; fi
    fi
fi
"""
PRERM = """\
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
    systemctl disable --now wabox.service >/dev/null 2>&1 || true
fi
"""
POSTRM = """\
#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi
if [ "$1" = purge ] && [ -d /var/lib/wabox ]; then
    echo "wabox: conversations and secrets stay in /var/lib/wabox and /etc/wabox; delete them yourself." >&2
fi
"""


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("folder", type=Path, help="what packaging/build made")
    asked.add_argument("out", type=Path)
    given = asked.parse_args()
    root = given.folder.parent / "deb"
    shutil.rmtree(root, ignore_errors=True)
    at = int(os.environ["SOURCE_DATE_EPOCH"])
    lay_out(given.folder, root, at)
    version = debian_version()
    architecture = ARCHITECTURE[platform.machine()]
    size = sum(path.lstat().st_size for path in root.rglob("*")) // 1024
    control = root / "DEBIAN"
    control.mkdir()
    (control / "control").write_text(
        CONTROL.format(maintainer=MAINTAINER, version=version, architecture=architecture, size=size)
    )
    for name, text in (("postinst", POSTINST), ("prerm", PRERM), ("postrm", POSTRM)):
        (control / name).write_text(text)
        (control / name).chmod(0o755)
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
            os.utime(path, (at, at))
    package = given.out / f"wabox_{version}_{architecture}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zxz", "-z3", "-b", str(root), str(package)], check=True)
    assemble.sums(given.out)


def debian_version() -> str:
    """0.2.0.dev1 and 0.2.0rc1 come before 0.2.0."""
    return re.sub(r"\.?(dev|a|b|rc)", r"~\1", __version__)


def lay_out(folder: Path, root: Path, at: int) -> None:
    """Every file at its place below ``root``."""
    shutil.copytree(folder, root / "usr/lib/wabox", symlinks=True)
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/wabox").symlink_to("../lib/wabox/wabox")
    unit = (ROOT / "packaging/wabox.service").read_text(encoding="utf-8").split("\n\n", 1)[1]
    unit = unit.replace("/usr/local/bin/wabox", "/usr/bin/wabox")
    lines = [line for line in unit.splitlines() if not line.startswith("# HERE")]
    _write(
        root / "usr/lib/systemd/system/wabox.service",
        "\n".join(["# wabox; yours: systemctl edit wabox", *lines]) + "\n",
    )
    for shell, place in COMPLETION.items():
        _write(root / place, script(shell, list(nodes())))
    man = root / "usr/share/man/man1/wabox.1.gz"
    man.parent.mkdir(parents=True)
    man.write_bytes(gzip.compress(manpage.page(at).encode(), 9, mtime=0))
    documents = root / "usr/share/doc/wabox"
    documents.mkdir(parents=True)
    (documents / "NEWS.md.gz").write_bytes(gzip.compress((ROOT / "CHANGELOG.md").read_bytes(), 9, mtime=0))
    day = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(at))
    changes = f"wabox ({debian_version()}) stable; urgency=medium\n\n  * See NEWS.md.gz.\n\n -- {MAINTAINER}  {day}\n"
    (documents / "changelog.gz").write_bytes(gzip.compress(changes.encode(), 9, mtime=0))
    licence = (
        "wabox: Copyright 2026 the wabox authors. Apache-2.0: see /usr/share/common-licenses\n\nWhat is built in:\n\n"
    )
    _write(documents / "copyright", licence + (folder / "share/THIRD-PARTY-LICENSES.txt").read_text(encoding="utf-8"))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
