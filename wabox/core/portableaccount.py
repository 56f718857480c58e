"""An account, and the log of what was done, on their way from one store to the other. Pure.

Browsers do not move: everybody signs in again. When both sides have an account, the one that was changed last counts, so that
one which was closed on the one side is not opened again by the other.
"""

from __future__ import annotations

import hashlib
from collections import Counter

import msgspec

from wabox.core.agent import SHELL, Act, Agent
from wabox.core.portable import Part, together


class PortableToken(msgspec.Struct, frozen=True, kw_only=True):
    label: str
    hash: bytes
    created_at: int
    seen_at: int | None = None


class PortableCode(msgspec.Struct, frozen=True, kw_only=True):
    secret: str
    last_step: int
    created_at: int
    recovery: tuple[bytes, ...] = ()
    """Hashes of those that are left, sorted."""


class PortableAccount(msgspec.Struct, frozen=True, kw_only=True):
    agent: Agent
    password: str | None
    """Encoded."""
    created_at: int
    changed_at: int
    """When somebody last changed it, by the log; ms since the epoch."""
    tokens: tuple[PortableToken, ...] = ()
    """The oldest first."""
    code: PortableCode | None = None


_encode = msgspec.json.Encoder(order="deterministic").encode


def merged(there: PortableAccount | None, came: PortableAccount) -> PortableAccount:
    """What is stored where ``there`` is. Nothing that was spent on either side is good again."""
    if there is None:
        return came
    new = came if came.changed_at > there.changed_at else there
    codes = (there.code, came.code)
    if new.code is None or codes[0] is None or codes[1] is None or codes[0].secret != codes[1].secret:
        return new
    code = msgspec.structs.replace(
        new.code,
        last_step=max(one.last_step for one in codes if one is not None),
        recovery=tuple(sorted(set(codes[0].recovery) & set(codes[1].recovery))),
    )
    return msgspec.structs.replace(new, code=code)


def account_digest(account: PortableAccount) -> str:
    """Of what opens it and what it may: the same on both sides when nothing was lost on the way."""
    tokens = tuple((token.label, token.hash) for token in account.tokens)
    code = None if account.code is None else (account.code.secret, account.code.recovery)
    content = _encode((account.agent, account.password, account.created_at, tokens, code))
    return hashlib.blake2b(content, digest_size=16).hexdigest()


class Numbered:
    """Gives each line of the log a digest of its own, also where two are alike. They come in the order of :attr:`Act.at`."""

    def __init__(self) -> None:
        self._at = -1
        self._alike = Counter[bytes]()

    def digest(self, act: Act) -> str:
        if act.at != self._at:
            self._at, self._alike = act.at, Counter()
        content = _encode(act)
        self._alike[content] += 1
        return hashlib.blake2b(b"%d %b" % (self._alike[content], content), digest_size=16).hexdigest()


def crossing(last: Act) -> Act:
    """The line that comes after those that were brought."""
    what, target = "audit log moved", "the numbers of conversations above are those of the other store"
    return Act(at=last.at, who=SHELL.id, what=what, target=target, address="command line")


class Log:
    """Lines on their way: those that the other side does not have."""

    def __init__(self, there: set[str]) -> None:
        self.lines: list[Act] = []
        self._there = there
        self._numbered = Numbered()
        self._here: list[str] = []
        self._last: Act | None = None
        self._brought = 0

    def new(self, act: Act) -> bool:
        self._here.append(self._numbered.digest(act))
        if self._here[-1] in self._there:
            return False
        self.lines.append(act)
        self._last = act
        self._brought += 1
        return True

    def take(self) -> list[Act]:
        lines, self.lines = self.lines, []
        return lines

    def rest(self) -> list[Act]:
        """What is left, and a line that says where they come from."""
        return [*self.take(), crossing(self._last)] if self._last is not None else []

    def part(self, there: set[str]) -> Part:
        arrived = there.intersection(self._here)
        return Part(
            name="lines of the audit log",
            count=len(self._here),
            brought=self._brought,
            here=together(self._here),
            there=together(arrived),
        )
