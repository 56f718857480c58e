"""A webhook is Meta's, or it is nobody's."""

from __future__ import annotations

import pytest

from wabox.whatsapp.signature import sign, verify

BODY = b'{"text":"caf\\u00e9 \\/ @"}'
SECRET, OLD = b"app-secret", b"the-one-before"


def test_the_published_vector() -> None:
    """GitHub's published test vector: the algorithm is HMAC-SHA256, keyed with the secret, in lower-case hex."""
    header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert sign(b"Hello, World!", b"It's a Secret to Everybody") == header
    assert verify(b"Hello, World!", header, (b"It's a Secret to Everybody",))


def test_the_header_may_come_as_bytes_or_text() -> None:
    """ASGI servers pass bytes, tests and other servers text."""
    header = sign(BODY, SECRET)
    assert verify(BODY, header, (SECRET,))
    assert verify(BODY, header.encode(), (SECRET,))


def test_either_secret_counts_while_rotating() -> None:
    """The current and the previous secret are accepted, in any place, and no third one."""
    for secret in (SECRET, OLD):
        assert verify(BODY, sign(BODY, secret), (SECRET, OLD))
    assert not verify(BODY, sign(BODY, b"third"), (SECRET, OLD))


def test_the_bytes_count_not_the_json() -> None:
    """The same JSON written with other escapes has another signature."""
    assert not verify('{"text":"café / @"}'.encode(), sign(BODY, SECRET), (SECRET,))


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        b"",
        "sha256=",
        "sha256=" + "0" * 64,
        "sha1=" + "0" * 64,
        "0" * 64,
        "sha256=" + "zz" * 32,
        "sha256=" + "é" * 64,
        "sha256=" + "é" * 32,
        b"sha256=" + b"\xff" * 64,
        "sha256=" + "0" * 4000,
        "sha256=\ud83d" + "0" * 63,
    ],
)
def test_anything_else_is_refused_without_an_exception(header: str | bytes | None) -> None:
    """Missing, malformed, non-ASCII or simply wrong: false."""
    assert verify(BODY, header, (SECRET,)) is False


@pytest.mark.parametrize("change", [str.upper, lambda header: header + " ", lambda header: header.replace("=", " = ")])
def test_nearly_right_is_wrong(change: object) -> None:
    """The header is compared byte by byte, not read kindly."""
    assert callable(change)
    assert not verify(BODY, change(sign(BODY, SECRET)), (SECRET,))


def test_an_empty_secret_proves_nothing() -> None:
    """A secret that was never set must not let in whoever guesses that."""
    assert not verify(BODY, sign(BODY, b""), (b"",))
    assert not verify(BODY, sign(BODY, b""), ())
    assert verify(BODY, sign(BODY, SECRET), (b"", SECRET))
