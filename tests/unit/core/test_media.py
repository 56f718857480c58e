"""What a file is, whatever it is called."""

from __future__ import annotations

import base64
import hashlib

import pytest

from wabox.core.media import LocalFile, content_type, digest, local, reference, sniff

SHA = hashlib.sha256(b"x").hexdigest()


@pytest.mark.parametrize(
    "written",
    [
        SHA,
        SHA.upper(),
        base64.b64encode(bytes.fromhex(SHA)).decode(),
        base64.b64encode(bytes.fromhex(SHA)).decode().rstrip("="),
        base64.urlsafe_b64encode(bytes.fromhex(SHA)).decode(),
    ],
)
def test_a_hash_is_read_in_every_spelling(written: str) -> None:
    """Meta writes hex and base64."""
    assert digest(written) == SHA


@pytest.mark.parametrize("written", [None, 7, "", "uV0=", "../../etc/passwd", "x" * 64, "é" * 44])
def test_what_is_no_hash_is_none(written: object) -> None:
    """So nothing but 64 hex digits ever becomes part of a path."""
    assert digest(written) is None


@pytest.mark.parametrize(
    ("head", "declared", "found"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg", "image/jpeg"),
        (b"RIFF....WEBPVP8 ", "image/webp", "image/webp"),
        (b"OggS\0", "audio/ogg; codecs=opus", "audio/ogg"),
        (b"\0\0\0\x20ftypisom", "audio/mp4", "audio/mp4"),
        (b"\0\0\0\x20ftypisom", "video/mp4", "video/mp4"),
        (b"\xff\xfb\x90\x44", "audio/mpeg", "audio/mpeg"),
        (b"PK\x03\x04", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", None),
        (b"MZ\x90", "image/jpeg", "application/x-executable"),
        (b"<html>", "image/jpeg", None),
    ],
)
def test_the_type_is_what_the_first_bytes_say(head: bytes, declared: str, found: str | None) -> None:
    """Where they say nothing, nobody knows; a container's declared content is a closer word for the same."""
    wanted = declared if found is None and head.startswith(b"PK") else found
    assert content_type(head, declared) == wanted
    assert sniff(b"") is None


def test_a_local_file_and_what_it_may_be_sent_as() -> None:
    """A name alone is not enough, neither is the content."""
    png = LocalFile(path="a/b.png", sha256=SHA, size=9, head=b"\x89PNG\r\n\x1a\n")
    assert (png.type_as("image"), png.type_as("sticker"), png.type_as("document")) == ("image/png", None, None)
    assert LocalFile(path="b.jpg", sha256=SHA, size=9, head=b"\x89PNG\r\n\x1a\n").type_as("image") is None
    assert LocalFile(path="b.txt", sha256=SHA, size=9, head=b"hello").type_as("document") == "text/plain"
    assert LocalFile(path="b.txt", sha256=SHA, size=9, head=b"MZ").type_as("document") is None
    still = LocalFile(path="s.webp", sha256=SHA, size=9, head=b"RIFF....WEBPVP8 " + b"\0" * 8)
    moving = LocalFile(path="s.webp", sha256=SHA, size=9, head=b"RIFF....WEBPVP8X\x0a\0\0\0\x02\0\0\0")
    assert (still.most("sticker"), moving.most("sticker")) == (100 * 1024, 500 * 1024)
    assert local(png.id) == (SHA, "a/b.png")
    assert local("300001") is None
    assert reference(SHA) == f"{SHA[:2]}/{SHA}"
