"""Commands that work on a data folder: where the bot runs on a cluster, what they would show is not what customers see."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from wabox.errors import WaboxError

INSTEAD: Final = {
    "upgrade": "upgrade every machine with what installed wabox, one after the other",
}
"""By the command's first words: why not, and what to do."""


def refuse(args: Sequence[str]) -> None:
    """Raises WaboxError when this command cannot work here. Whoever names a folder with ``--data`` means that folder."""
    why = INSTEAD.get(" ".join(args[:2])) or INSTEAD.get(args[0] if args else "")
    if why is None or any(one in ("--help", "-h") or one.partition("=")[0] == "--data" for one in args):
        return
    from wabox.settings import load

    try:
        cluster = load(Path.cwd()).cluster
    except WaboxError:
        return  # the command says so itself
    if cluster is not None:
        command = " ".join(args[:2]) if " ".join(args[:2]) in INSTEAD else args[0]
        raise WaboxError(f"this bot runs on a cluster, where wabox {command} does not work: {why} (wabox help cluster)")
