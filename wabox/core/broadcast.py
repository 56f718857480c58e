"""One template to many customers, and when it stops by itself.

A broadcast is rows: each recipient *waits*, is *entered* into their conversation's queue, and then is what their message is
(queued … sent, delivered, read, failed), or *skipped*: it was refused here and never tried (no consent, STOP, a person has the
conversation). Nothing of it lives in memory, so a restart goes on where the last one stopped.

WhatsApp answers people's blocks and reports by lowering the number's quality, then by refusing; whoever goes on sending loses
the number. So these signals pause a broadcast, and a person decides. Codes: :mod:`wabox.whatsapp.errors`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from wabox.core.contact import Contact
from wabox.core.delivery import Purpose

BroadcastStatus = Literal["loading", "running", "paused", "stopped", "done"]
"""``paused`` can be resumed; ``stopped`` and ``done`` are final."""

RATE = 60
"""Messages a minute: slow enough that the first reports come before the last message has left."""
MAX_FAILURES = 10.0
"""Per cent."""
ENOUGH = 20
"""Outcomes before a share of failures says anything."""

BLOCKED: Mapping[int, str] = {
    131048: "WhatsApp holds messages back because customers blocked or reported the number",
    368: "WhatsApp has blocked the account for breaking a policy",
    131031: "WhatsApp has locked the account",
    131037: "the number's display name is not approved",
    131042: "there is a problem with paying",
    131044: "there is a problem with paying",
    132000: "the template gets the wrong number of values",
    132001: "the template does not exist in this language",
    132007: "the template breaks a rule of WhatsApp's",
    132012: "a value of the template has the wrong form",
    132015: "WhatsApp has paused the template for low quality",
    132016: "WhatsApp has disabled the template for low quality",
}
"""Codes of which one is enough: the next message would meet the same, or make it worse."""
CAPPED = 131049
"""WhatsApp spares this customer more marketing. One is no signal; several are."""
CAPPED_ENOUGH = 3
CAPPED_SHARE = 2.0
"""Per cent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broadcast:
    """As it is now. Times in ms since the epoch."""

    name: str
    number_id: str
    template: str
    purpose: Purpose
    category: str
    rate: float
    """Messages a minute."""
    max_failures: float
    """Per cent of outcomes from which on it pauses."""
    created_at: int
    status: BroadcastStatus = "loading"
    reason: str = ""
    """Why it is paused, or waits."""
    daily: int | None = None
    """People in 24 hours, at most; None: nobody said."""
    left_out: int = 0
    """Rows of the file that were bad."""

    @property
    def by(self) -> str:
        """The source of its messages."""
        return f"broadcast:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """One row."""

    line: int
    """Of the file; 1 is the header."""
    contact: Contact
    body: Mapping[str, Any]
    """The Cloud API request without addressing."""
    conversation_id: str | None = None
    """Where they are known, or would be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A recipient, for people."""

    line: int
    to: str
    status: str
    code: int | None = None
    reason: str | None = None
    outbound_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How many recipients there are of each status, and of each code among them."""

    statuses: Mapping[str, int]
    codes: Mapping[int, int]
    later: int = 0
    """Queued, because WhatsApp asked for another try later."""

    @property
    def total(self) -> int:
        return sum(self.statuses.values())

    @property
    def waiting(self) -> int:
        return self.statuses.get("waiting", 0)

    @property
    def under_way(self) -> int:
        """In the queue, or being sent; not those that wait for another try."""
        moving = sum(self.statuses.get(status, 0) for status in ("entered", "queued", "sending", "unknown"))
        return moving - self.later

    @property
    def failed(self) -> int:
        return self.statuses.get("failed", 0)

    @property
    def left(self) -> int:
        """Those that WhatsApp took."""
        return sum(self.statuses.get(status, 0) for status in ("sent", "delivered", "read", "played"))

    @property
    def settled(self) -> int:
        return self.left + self.failed

    @property
    def done(self) -> bool:
        return self.waiting == 0 and self.under_way <= 0


def signal(broadcast: Broadcast, progress: Progress) -> str | None:
    """Why it should not go on."""
    for code, sentence in BLOCKED.items():
        if progress.codes.get(code):
            return f"{code}: {sentence}"
    capped = progress.codes.get(CAPPED, 0)
    if capped >= CAPPED_ENOUGH and capped * 100 >= CAPPED_SHARE * max(progress.settled, 1):
        return f"{CAPPED}: WhatsApp spares {capped} of these customers more marketing for now"
    if progress.settled >= ENOUGH and progress.failed * 100 > broadcast.max_failures * progress.settled:
        return f"{progress.failed} of {progress.settled} messages failed, more than {broadcast.max_failures:g} %"
    return None


def shut_signal(reason: str | None) -> str | None:
    """The same, of why a whole number is stopped: its sentence begins with Meta's code."""
    code = (reason or "").partition(":")[0]
    return reason if code.isdecimal() and int(code) in BLOCKED else None


def due(rate: float, next_at: int, now: int, at_most: int) -> tuple[int, int]:
    """How many may be entered now, and when the next one may: at ``rate`` a minute, without catching up after a pause."""
    interval = 60_000 / rate
    # What was missed is not made up for, but for a little more than a second: that is how often the clock asks. The fewer are
    # entered at once, the fewer are in doubt when the server dies.
    begin = max(float(next_at), now - max(1250.0, interval))
    if begin > now:
        return 0, next_at
    count = min(int((now - begin) // interval) + 1, at_most)
    return count, round(begin + count * interval)


Problem = tuple[int, str]
"""A line of the file, and what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a broadcast would cost at most: everything delivered."""

    currency: str
    amount: float
    """Of those whose price is known."""
    unknown: int
    """Recipients whose price is not."""
    as_of: str
    """Where the prices come from."""
    countries: Sequence[tuple[str, int, float | None]]
    """Country, recipients, price of one."""
