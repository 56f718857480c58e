"""Signatures of minisign (jedisct1.github.io/minisign): Ed25519 over BLAKE2b-512 of the file.

A signature is four lines: a comment that nobody vouches for; base64 of algorithm (2 bytes), id of the key (8) and signature
(64); a trusted comment; base64 of a second signature, over the first and the trusted comment. A public key is 2 + 8 + 32.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

from wabox.errors import WaboxError

HASHED = b"ED"
KEY = b"Ed"


class Unsigned(WaboxError):
    """A file that nobody whom we trust has signed."""


def verify(data: bytes, signature: str, key: str) -> str:
    """The trusted comment. ``key``: the base64 line of the public key, or the whole file. Raises Unsigned."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError as error:
        raise Unsigned("signatures are checked by the package cryptography: pip install 'wabox[domain]'") from error
    known = _decoded(key.strip().splitlines()[-1] if key.strip() else "", 42, "the public key")
    lines = signature.strip().splitlines()
    if known[:2] != KEY or len(lines) != 4 or not lines[2].startswith("trusted comment: "):
        raise Unsigned("the public key or the signature is not minisign's")
    first, second = _decoded(lines[1], 74, "the signature"), _decoded(lines[3], 64, "the signature")
    if first[:2] != HASHED:
        raise Unsigned("the signature is of minisign's old kind; sign with: minisign -Sm FILE")
    if first[2:10] != known[2:10]:
        raise Unsigned(f"it is signed with key {_shown(first)}, and not with {_shown(known)}, which is trusted")
    comment = lines[2].removeprefix("trusted comment: ")
    public = Ed25519PublicKey.from_public_bytes(known[10:])
    try:
        public.verify(first[10:], hashlib.blake2b(data).digest())
        public.verify(second, first[10:] + comment.encode())
    except InvalidSignature:
        raise Unsigned("the signature is not of this file: it was changed, or half of it is missing") from None
    return comment


def _decoded(line: str, size: int, what: str) -> bytes:
    try:
        found = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != size:
        raise Unsigned(f"{what} is not minisign's")
    return found


def _shown(blob: bytes) -> str:
    return blob[2:10][::-1].hex().upper()
