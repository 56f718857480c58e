"""The second proof of whoever signs in: a code of six digits from their phone (RFC 6238), or one of ten on paper, each once.

A code is good half a minute before and after its own half minute, as clocks differ, and never twice. Programs' tokens are not
asked for one: they are long and random already.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from wabox.core.agent import Act
from wabox.core.ports import Clock

STEP: Final = 30
"""s that a code lasts."""
DRIFT: Final = (0, -1, 1)
"""Codes before and after that are taken too."""
RECOVERY: Final = 10
ISSUER: Final = "wabox"


class Codes(Protocol):
    """Second proofs, stored. A code is spent in the transaction that finds it good, whoever else is asked at that moment."""

    async def secret(self, id_: str) -> tuple[str, int] | None:
        """The secret, and how many recovery codes are left; None: this agent has no second factor."""

    async def begin(self, id_: str, secret: str, recovery: Sequence[bytes], act: Act) -> None:
        """In place of what was there; every browser of theirs signs in anew."""

    async def end(self, id_: str, act: Act) -> bool:
        """False: there was none."""

    async def spend_step(self, id_: str, step: int) -> bool:
        """False: a code of this moment, or of a later one, was used already."""

    async def spend_recovery(self, id_: str, hash_: bytes) -> bool:
        """False: there is no such code, or none any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """Shown once: none of it is told again."""

    agent: str
    uri: str = field(repr=False)
    """``otpauth://…``, for the phone, best as a QR code."""
    recovery: tuple[str, ...] = field(repr=False)
    """For the day on which the phone is lost."""


class SecondFactor:
    def __init__(self, store: Codes, clock: Clock, draw: Callable[[int], str]) -> None:
        """``draw`` gives that many random bytes, as text."""
        self._store = store
        self._clock = clock
        self._draw = draw

    async def left(self, id_: str) -> int | None:
        """Recovery codes; None: no second factor."""
        found = await self._store.secret(id_)
        return None if found is None else found[1]

    async def begin(self, id_: str, act: Act) -> Enrolment:
        from pyotp import TOTP

        secret = self._random(32)
        recovery = tuple("-".join((one[:4], one[4:8], one[8:12])) for one in self._papers())
        await self._store.begin(id_, secret, [_hash(code) for code in recovery], act)
        return Enrolment(agent=id_, uri=TOTP(secret).provisioning_uri(name=id_, issuer_name=ISSUER), recovery=recovery)

    async def end(self, id_: str, act: Act) -> bool:
        """False: there was none."""
        return await self._store.end(id_, act)

    async def check(self, id_: str, given: str) -> bool:
        """Whether this proves it; it is spent with that. True where nothing is wanted."""
        found = await self._store.secret(id_)
        if found is None:
            return True
        code = "".join(given.split())
        if len(code) == 6 and code.isascii() and code.isdigit():
            step = self._step(found[0], code)
            return step is not None and await self._store.spend_step(id_, step)
        return bool(code) and await self._store.spend_recovery(id_, _hash(code))

    def _step(self, secret: str, code: str) -> int | None:
        """Whose code it is; every one is compared, so that time tells nothing."""
        from pyotp import TOTP

        totp, now = TOTP(secret), self._clock() // 1000 // STEP
        good = [now + by for by in DRIFT if hmac.compare_digest(totp.generate_otp(now + by), code)]
        return good[0] if good else None

    def _papers(self) -> list[str]:
        return [self._random(12).lower() for _ in range(RECOVERY)]

    def _random(self, length: int) -> str:
        """Of the 32 letters and digits that nobody confuses: five bits each."""
        return base64.b32encode(hashlib.sha256(self._draw(32).encode()).digest()).decode()[:length]


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.replace("-", "").lower().encode("utf-8", "replace")).digest()
