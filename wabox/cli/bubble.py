"""What was sent, as a person would read it in a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wabox.flowfile.templates import Templates

WIDTH = 72


def bubble(body: Mapping[str, Any], templates: Templates | None = None) -> str:
    """A Cloud API body, at most 80 columns wide; options that can be tapped are numbered."""
    from wabox.simulator.bubble import bubble as seen

    found = seen(body, templates)
    lines = [para for words in found.words for para in words.split("\n")]
    wrapped = [part for line in lines for part in (textwrap.wrap(line, WIDTH) or [""])]
    for place, title in enumerate(found.options, 1):
        wrapped += textwrap.wrap(f"{place}. {title}", WIDTH, subsequent_indent="   ")
    return "\n".join(f"  │ {line}" for line in wrapped) + "\n"
