"""Arrays on disk, in numpy's zip of them, and the files around them.

Reading costs a bounded amount of memory and time, whatever the bytes are, and nothing in them could be run.
"""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from wabox.errors import ModelError

LARGEST_UNPACKED = 256 << 20
AGAIN = "train it again: wabox train"

UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    ValueError,
    KeyError,
    OSError,
    EOFError,
    RuntimeError,
    MemoryError,
)
"""What :func:`unpack` raises for bytes that are no such arrays."""

Kinds = Mapping[str, tuple[Any, int]]
"""Array → type and dimensions."""


def pack(arrays: Mapping[str, Any]) -> bytes:
    """The arrays as one file."""
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    return packed.getvalue()


def unpack(raw: bytes, kinds: Kinds) -> dict[str, Any]:
    """Exactly the arrays of these kinds. Raises one of :data:`UNREADABLE`."""
    with zipfile.ZipFile(io.BytesIO(raw)) as packed:
        inside = packed.infolist()
        if sorted(entry.filename for entry in inside) != sorted(f"{name}.npy" for name in kinds):
            raise ValueError("it does not hold the arrays that it should")
        if sum(entry.file_size for entry in inside) > LARGEST_UNPACKED:
            raise ValueError(f"unpacked it would have more than {LARGEST_UNPACKED >> 20} MB")
        found = {}
        for name, (kind, dimensions) in kinds.items():
            size = packed.getinfo(f"{name}.npy").file_size
            with packed.open(f"{name}.npy") as file:
                # Not more than the directory says: a zip may lie about how much it unpacks to.
                content = file.read(size + 1)
            if len(content) != size:
                raise ValueError(f"{name} is longer than it says")
            array = _array(name, content, np.dtype(kind), dimensions)
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise ValueError(f"{name} has values that are no numbers")
            found[name] = array
        return found


def _array(name: str, content: bytes, kind: np.dtype[Any], dimensions: int) -> Any:
    """An array in numpy's format. Its header is compared with its size before any memory is taken for it."""
    file = io.BytesIO(content)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError(f"{name} is of another version of numpy's format")
    shape, by_columns, found = np.lib.format.read_array_header_1_0(file)
    if found != kind or len(shape) != dimensions or by_columns:
        raise ValueError(f"{name} is {found} with {len(shape)} dimensions")
    if min(shape) < 0 or prod(shape) * kind.itemsize != len(content) - file.tell():
        raise ValueError(f"{name} does not have the size that it says")
    return np.frombuffer(content, dtype=kind, offset=file.tell()).reshape(shape)


def lines(grams: tuple[str, ...]) -> Any:
    """Grams as an array of bytes: UTF-8, one a line."""
    return np.frombuffer("\n".join(grams).encode(), dtype=np.uint8)


def grams_of(blob: Any) -> tuple[str, ...]:
    """What :func:`lines` made of grams. Raises ValueError."""
    try:
        found = tuple(blob.tobytes().decode().split("\n")) if blob.size else ()
    except UnicodeDecodeError:
        raise ValueError("its grams are not UTF-8") from None
    if len(set(found)) != len(found):
        raise ValueError("it has a gram twice")
    return found


def write_whole(path: Path, raw: bytes) -> None:
    """Whole and on the disk, or not at all. Raises OSError."""
    new = path.with_name(f".{path.name}.new")
    with new.open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def read_bounded(path: Path, most: int) -> bytes:
    """The file, if it is not longer than ``most``. Raises ModelError."""
    try:
        with path.open("rb") as file:
            raw = file.read(most + 1)
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}; `wabox train` makes a model") from None
    if len(raw) > most:
        raise ModelError(f"{path} has more than {most >> 20} MB, so wabox did not make it; {AGAIN}")
    return raw
