"""Every word of a customer about being written to, on its way from one store to the other. Pure.

One machine keeps a line with the customer, a cluster with one of their conversations. What both know is the *handle*, the part
of a conversation's id that is the same with every number of the business: it tells whose a line is, on either side.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Sequence

import msgspec

from wabox.core.consent import Consent, ConsentEntry, ConsentWhat
from wabox.core.contact import handle_of
from wabox.core.portable import Part, together

MADE_UP = "wabox migrate"
"""Who entered a line that nobody said, but that what holds on the other side implies."""
_encode = msgspec.json.Encoder(order="deterministic").encode


class Line(msgspec.Struct, frozen=True, kw_only=True):
    conversation_id: str
    """Where a cluster keeps it. With nothing before the colon: there is no conversation for it."""
    entry: ConsentEntry


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one conversation."""

    conversation_id: str
    sequence: int
    at: int
    """When the conversation was last written to, ms since the epoch."""
    consent: Consent
    entries: tuple[ConsentEntry, ...]
    """In the order in which they were said."""


class Named:
    """Gives each line a digest of its own, also where two are alike. Their order does not matter."""

    def __init__(self) -> None:
        self._alike = Counter[bytes]()

    def digest(self, line: Line) -> str:
        # PostgreSQL has no U+0000, so what it keeps of a text is without.
        content = _encode((handle_of(line.conversation_id), line.entry)).replace(rb"\u0000", b"")
        short = hashlib.blake2b(content, digest_size=16).digest()
        self._alike[short] += 1
        return hashlib.blake2b(b"%d %b" % (self._alike[short], short), digest_size=16).hexdigest()


class Ledger:
    """Which lines the other side does not have."""

    def __init__(self, there: set[str]) -> None:
        self._there = there
        self._named = Named()
        self._here: list[str] = []

    def new(self, line: Line) -> bool:
        self._here.append(self._named.digest(line))
        return self._here[-1] not in self._there

    def parts(self, there: set[str]) -> tuple[Part, ...]:
        """``there``: the digests that are there now. None when nobody said anything."""
        if not self._here:
            return ()
        arrived = there.intersection(self._here)
        part = Part(
            name="lines about being written to",
            count=len(self._here),
            brought=len(arrived - self._there),
            here=together(self._here),
            there=together(arrived),
        )
        return (part,)


def in_order(said: Sequence[Said]) -> list[Line]:
    """What somebody said in several conversations, by its time; within each as it was said there."""
    each = ([Line(conversation_id=one.conversation_id, entry=entry) for entry in one.entries] for one in said)
    return list(heapq.merge(*each, key=lambda line: line.entry.at))


def made_up(told: Consent, holds: Consent) -> Sequence[ConsentEntry]:
    """The fewest lines after which ``holds``, where a ledger comes to ``told``: a cluster that kept no lines yet, say.

    A refusal is never undone so: for that there must be a real word.
    """
    at, channel = holds.since or 0, holds.channel or "import"
    wanted: list[ConsentWhat] = []
    if holds.marketing is not None and told.marketing is not holds.marketing and told.marketing is not False:
        wanted.append("opt_in" if holds.marketing else "opt_out")
    if holds.stopped and not told.stopped:
        wanted.append("stop")
    if holds.reminded and not told.reminded and (holds.stopped or told.stopped):
        wanted.append("reminded")
    return [ConsentEntry(at=at, what=what, channel=channel, words=holds.words, by=MADE_UP) for what in wanted]


def alike(one: Consent, other: Consent) -> bool:
    """Whether they allow the same."""
    return (one.marketing, one.stopped) == (other.marketing, other.stopped)
