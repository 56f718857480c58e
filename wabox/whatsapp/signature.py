"""Proof that a webhook comes from Meta: ``X-Hub-Signature-256: sha256=<64 lower-case hex digits>``.

Rules:

* The HMAC-SHA256 is over the **bytes as received**, keyed with the *app secret*. Meta escapes ``/``, ``@`` and everything
  outside ASCII; JSON that was parsed and written again has another hash, for some messages only.
* Bytes are compared with bytes, in constant time. A missing, malformed or non-ASCII header is "no", never an exception.
* Several secrets are accepted while one replaces another. An empty secret proves nothing and never matches.
* There is no time and no nonce in a signature: a replayed webhook passes. Message ids are what makes that harmless.

Source: Meta, "Create a webhook endpoint" (Sept 2026).
"""

from __future__ import annotations

import hmac
from functools import lru_cache

_PREFIX = b"sha256="
_LENGTH = len(_PREFIX) + 64


@lru_cache(maxsize=16)
def _keyed(secret: bytes) -> hmac.HMAC:
    """The keyed hash before any data; copying it is cheaper than keying a new one for every webhook."""
    return hmac.new(secret, digestmod="sha256")


def _signature(body: bytes, secret: bytes) -> bytes:
    mac = _keyed(secret).copy()
    mac.update(body)
    return _PREFIX + mac.hexdigest().encode()


def sign(body: bytes, secret: bytes) -> str:
    """The header's value as Meta would send it."""
    return _signature(body, secret).decode()


def verify(body: bytes, header: bytes | str | None, secrets: tuple[bytes, ...]) -> bool:
    """Whether ``header`` signs ``body`` with one of ``secrets``. Never raises for what was received."""
    if header is None:
        return False
    if isinstance(header, str):
        try:
            header = header.encode("ascii")
        except UnicodeEncodeError:
            return False
    if len(header) != _LENGTH:
        return False
    good = False
    for secret in secrets:
        if secret:
            good |= hmac.compare_digest(_signature(body, secret), header)
    return good
