"""A published copy and its model as one archive, for machines that have no disk in common.

A tar file with ``bot/…`` and ``model/…``, in the order of the names, with no times and no owners: the same files always make
the same bytes. It is read into memory; what is in it is written by :class:`~wabox.flowfile.published.Shelf`, and no name may
lead out of its folder.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import PurePosixPath

from wabox.flowfile.published import SpoiltCopy

BOT, MODEL = "bot", "model"


def pack(files: Mapping[str, bytes], model: Mapping[str, bytes]) -> bytes:
    """The archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for folder, contents in ((BOT, files), (MODEL, model)):
            for name in sorted(contents):
                entry = tarfile.TarInfo(f"{folder}/{name}")
                entry.size = len(contents[name])
                archive.addfile(entry, io.BytesIO(contents[name]))
    return out.getvalue()


def unpack(bundle: bytes) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Files of the copy, and of the model. Raises SpoiltCopy."""
    found: dict[str, dict[str, bytes]] = {BOT: {}, MODEL: {}}
    try:
        with tarfile.open(fileobj=io.BytesIO(bundle), mode="r:") as archive:
            for entry in archive:
                folder, _, name = entry.name.partition("/")
                file = archive.extractfile(entry) if entry.isreg() else None
                if file is None or folder not in found or not _plain(name):
                    raise SpoiltCopy(f"the bundle has {entry.name!r}, which no bundle of wabox has")
                found[folder][name] = file.read()
    except tarfile.TarError as error:
        raise SpoiltCopy(f"the bundle cannot be read: {error}") from error
    return found[BOT], found[MODEL]


def _plain(name: str) -> bool:
    """Whether it leads to below the folder that it is put into."""
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts
