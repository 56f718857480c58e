"""Files of a bot's folder that flows can send: pictures, videos, recordings, documents, stickers.

Found once, when the bot is loaded; a message names one by its path below the folder, exactly. So whatever a placeholder of a
path is filled with, nothing but these files can be sent: not ``flow.yaml``, and nothing outside of the folder.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from wabox.core.content import Content
from wabox.core.kind import Carousel, Media, TemplateMessage
from wabox.core.media import HEAD, SIZES, SUFFIXES, LocalFile
from wabox.engine.text import PLACEHOLDER

Files: TypeAlias = Mapping[str, LocalFile]
"""By path."""
LARGEST = max(SIZES.values())


def find_files(folder: Path) -> dict[str, LocalFile]:
    """Every file that can be sent. What cannot be read is left out: a flow that names it is told so."""
    found: dict[str, LocalFile] = {}
    for path in _walk(folder, top=True):
        try:
            size = path.stat().st_size
            # What is too large is reported without being read.
            content = path.read_bytes() if size <= LARGEST else b""
        except OSError:
            continue
        name = path.relative_to(folder).as_posix()
        found[name] = LocalFile(path=name, sha256=hashlib.sha256(content).hexdigest(), size=size, head=content[:HEAD])
    return found


def _walk(folder: Path, *, top: bool = False) -> Iterator[Path]:
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return
    for path in paths:
        # As in published copies: no hidden files, no tests, no links to folders.
        if path.name.startswith(".") or (top and path.name == "tests"):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
        elif path.suffix[1:].lower() in SUFFIXES and path.is_file():
            yield path


def placed(content: Content, files: Files) -> Content:
    """The message with its local files found."""
    if not files:
        return content
    kind, outside = content.kind, content.outside
    if isinstance(kind, TemplateMessage):
        kind = _template(kind, files)
    elif isinstance(kind, Carousel):
        kind = replace(kind, cards=tuple(replace(card, file=_media(card.media, files).file) for card in kind.cards))
    media = content.media if content.media is None else _media(content.media, files)
    outside = outside if outside is None else _template(outside, files)
    if (media, kind, outside) == (content.media, content.kind, content.outside):
        return content
    return replace(content, media=media, kind=kind, outside=outside)


def _template(template: TemplateMessage, files: Files) -> TemplateMessage:
    header = template.header
    return replace(template, header=_media(header, files)) if isinstance(header, Media) else template


def _media(media: Media, files: Files) -> Media:
    file = files.get(media.link.removeprefix("./"))
    return media if file is None else replace(media, file=file)


def fitting(written: str, kind: str, files: Files) -> dict[str, str] | None:
    """What to fill the placeholders of a path with, so that it is one of the files, best of this kind; None when none is."""
    names: list[str] = []
    pattern = ""
    last = 0
    for hit in PLACEHOLDER.finditer(written):
        pattern += re.escape(written[last : hit.start()])
        last = hit.end()
        if hit[1] is None:
            pattern += re.escape(hit[0][0])
        else:
            pattern += "(.+)"
            names.append(hit[1])
    whole = re.compile(pattern + re.escape(written[last:]))
    hits = [(whole.fullmatch(path), file) for path, file in files.items()]
    fit = [(found, file.type_as(kind) is not None and file.size <= file.most(kind)) for found, file in hits if found]
    # What another placeholder value would lead to is not known here: one good file is enough.
    best = max(fit, key=lambda one: one[1], default=None)
    return None if best is None else dict(zip(names, best[0].groups(), strict=True))
