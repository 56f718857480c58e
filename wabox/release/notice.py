"""The release file, read: which version there is, and what to download for which machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import msgspec

from wabox.errors import WaboxError

Kind = Literal["folder", "deb"]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]*")
_VERSION = re.compile(r"(\d+(?:\.\d+){0,3})(?:[.]?(dev|a|b|rc)(\d+))?")
_RANK = {"dev": 0, "a": 1, "b": 2, "rc": 3, None: 4}


class NoRelease(WaboxError):
    """There is no release that can be used: what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    name: str
    kind: Kind
    platform: str
    """``linux-x86_64``."""
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    name: str
    version: str
    files: tuple[File, ...]

    def file(self, kind: Kind, platform: str) -> File:
        """Raises NoRelease."""
        for one in self.files:
            if (one.kind, one.platform) == (kind, platform):
                return one
        raise NoRelease(f"wabox {self.version} is not there as {kind} for {platform}")


def read(data: bytes) -> Release:
    """Of bytes whose signature was checked. Raises NoRelease."""
    try:
        found = msgspec.json.decode(data, type=Release)
    except msgspec.DecodeError as error:
        raise NoRelease(f"release.json cannot be read: {error}") from error
    if found.name != "wabox" or not _VERSION.fullmatch(found.version):
        raise NoRelease(f"release.json is of {found.name!r} {found.version!r}, and not of a wabox")
    for one in found.files:
        if not _NAME.fullmatch(one.name) or not re.fullmatch(r"[0-9a-f]{64}", one.sha256):
            raise NoRelease(f"release.json names {one.name!r}, which is no file beside it")
    return found


def order(version: str) -> tuple[tuple[int, ...], int, int]:
    """What versions are compared by: 0.2.0.dev1 < 0.2.0a1 < 0.2.0rc1 < 0.2.0. Raises NoRelease."""
    found = _VERSION.fullmatch(version)
    if found is None:
        raise NoRelease(f"{version!r} is no version of wabox")
    numbers = tuple(map(int, found[1].split(".")))
    return (*numbers, *(0,) * (4 - len(numbers))), _RANK[found[2]], int(found[3] or 0)
