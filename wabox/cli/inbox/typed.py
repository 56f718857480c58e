"""What the inbox asks for in one line, and how that line is read."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from wabox.errors import WaboxError

ASKED: Final = {
    "note": "A note for colleagues; the customer does not see it:",
    "close": "Close: how did it end? The customer does not see it:",
    "attach": "A file to attach (→ completes its name):",
    "template": "A template, and what its variables stand for, such as: visit_reminder 1=Ana",
    "transfer": "Transfer to a queue ({queues}), or to @somebody; then a note:",
}
DID: Final = {
    "note": "noted",
    "close": "closed: the bot goes on",
    "attach": "attached: Enter in the line below sends it",
    "template": "sent",
    "transfer": "handed on",
}


def file_of(text: str) -> Path:
    return Path(text).expanduser()


def words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise WaboxError(f"{error}: put values with blanks in quotes") from error


def pair(value: str) -> tuple[str, str]:
    name, equals, text = value.partition("=")
    if not equals:
        raise WaboxError(f"{value!r} is no value: write 1=Ana")
    return name, text
