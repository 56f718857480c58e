"""Records how a bot begins on a machine that has nothing: ``python packaging/readme/record.py ROOT OUT.cast``.

ROOT is a fresh Debian (``debootstrap --variant=minbase bookworm ROOT``, with /proc and /dev in it), the package in its
/srv. Keys are typed at a person's pace; what stands on the screen, and when, is written as an asciicast (version 2).
Needs root, for chroot.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios
import time
from pathlib import Path

WIDTH, HEIGHT = 80, 24
KEY = 0.15
"""s from one key to the next: 80 words a minute."""
READ = 1.5
"""s to read what a command said before the next is typed."""
STEPS = (
    ("# ", "apt-get install -y ./wabox_*.deb"),
    ("# ", "wabox new"),
    (": ", "Ana's Bakery"),
    (": ", ""),
    (": ", "answers"),
    (": ", "mon-sat 7-18"),
    (": ", "Europe/Madrid"),
    (": ", "ana"),
    ("# ", "cd ana-s-bakery"),
    ("# ", "wabox chat"),
    ("› ", "hi"),
    ("› ", "when do you open?"),
    ("› ", "can I talk to a person"),
    ("› ", "/quit"),
    ("# ", "exit"),
)
"""What is waited for, and what is typed then."""


def main(root: str, out: str) -> None:
    child, screen = pty.fork()
    if child == 0:
        os.environ.clear()
        os.environ |= {"TERM": "xterm-256color", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/srv", "PS1": "# "}
        os.environ |= {"LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
        os.chroot(root)
        os.chdir("/srv")
        os.execv("/bin/bash", ["bash", "--norc", "--noprofile"])  # noqa: S606 - a person's shell is what is recorded
    fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    began = time.monotonic()
    lines = [json.dumps({"version": 2, "width": WIDTH, "height": HEIGHT, "title": "A bot on a fresh Debian 12"})]
    seen = ""

    def hear(seconds: float) -> bool:
        nonlocal seen
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if select.select([screen], [], [], left)[0]:
                try:
                    data = os.read(screen, 1 << 16).decode("utf-8", "replace")
                except OSError:
                    return False
                lines.append(json.dumps([round(time.monotonic() - began, 3), "o", data], ensure_ascii=False))
                seen += data
        return True

    typed = 0
    for wanted, words in STEPS:
        waited = time.monotonic()
        while not seen.removesuffix("\x1b[?2004h").endswith(wanted):
            if time.monotonic() - waited > 120:
                sys.exit(f"no {wanted!r} within two minutes; the screen ends with {seen[-300:]!r}")
            hear(0.2)
        hear(READ)
        seen = ""
        for key in words:
            os.write(screen, key.encode())
            hear(KEY)
        os.write(screen, b"\n")
        typed += len(words) + 1
        hear(KEY)
    while hear(0.5):
        pass
    Path(out).write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(f"{typed} keys, {time.monotonic() - began:.0f} s\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
