"""``wabox new``: the files of a first bot."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from wabox.errors import FlowError

SETTINGS = """\
# wabox's settings. Secrets do not belong here: they come from the environment or from files named here.
[bot]
name = "{name}"
# timezone = "Europe/Madrid"   # whose clock "tomorrow at five" means; without it UTC

[server]
host = "127.0.0.1"   # put a reverse proxy with HTTPS in front
port = 8080

# [whatsapp]
# Set WABOX_APP_SECRET, WABOX_VERIFY_TOKEN and WABOX_ACCESS_TOKEN, or name files:
# access_token_file = "/run/secrets/whatsapp_token"
"""
IGNORE = "data/\n"


def name_of(folder: Path) -> str:
    """What the bot of this folder is called: small letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", folder.absolute().name.lower()).strip("_") or "bot"


def reserve(folder: Path, name: str) -> Path:
    """Make the folder and its ``flows/name``. Raises FlowError if something is there already."""
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise FlowError(f"{folder} exists and is not empty; choose another name, nothing was written")
        flow = folder / "flows" / name
        flow.mkdir(parents=True)
    except OSError as error:
        raise FlowError(f"cannot write {folder}: {error.strerror}") from error
    return flow


def create(folder: Path) -> str:
    """Write a bot's folder; the bot's name, taken from the folder's. Raises FlowError if something is there already."""
    name = name_of(folder)
    flow = reserve(folder, name)
    try:
        (folder / "wabox.toml").write_text(SETTINGS.format(name=name), encoding="utf-8")
        (folder / ".gitignore").write_text(IGNORE, encoding="utf-8")
        first = files("wabox.flowfile").joinpath("first_bot")
        for source, target in ((first, flow), (first.joinpath("tests"), flow / "tests")):
            target.mkdir(exist_ok=True)
            for file in source.iterdir():
                if file.name.endswith(".yaml"):
                    (target / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    except OSError as error:
        raise FlowError(f"cannot write {folder}: {error.strerror}") from error
    return name
