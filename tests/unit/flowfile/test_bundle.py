"""A bundle: the same files make the same bytes, and nothing leads out of its folder."""

from __future__ import annotations

import io
import tarfile

import pytest

from wabox.flowfile.bundle import pack, unpack
from wabox.flowfile.published import SpoiltCopy

FILES = {"flow.yaml": b"initial: a", "media/größe.bin": bytes(range(256)) * 3, "a" * 150 + "/b": b""}


def test_what_is_packed_is_unpacked() -> None:
    """In whatever order it came, the archive is the same."""
    model = {"card.json": b"{}"}
    bundle = pack(FILES, model)
    assert bundle == pack(dict(reversed(FILES.items())), model)
    assert unpack(bundle) == (FILES, model)


@pytest.mark.parametrize("name", ["bot/../../x", "bot//etc/passwd", "other/x", "bot", "bot/"])
def test_a_foreign_archive_is_refused(name: str) -> None:
    """Whoever can write to PostgreSQL cannot write elsewhere on a worker's disk."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    with pytest.raises(SpoiltCopy):
        unpack(out.getvalue())
    with pytest.raises(SpoiltCopy):
        unpack(b"no archive" * 100)
