"""Switches that make the fake Cloud API misbehave, each in a way that the real one does.

A fault is armed by name with an :mod:`amount <wabox.demo.amount>`: ``faults.arm("again", "5%")``. What is drawn by lot follows
the seed (:mod:`wabox.demo.lot`): the same seed and the same messages bring the same faults. Several may be armed at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from wabox.core.ports import Clock
from wabox.demo.amount import Amount, amount
from wabox.demo.lot import Lot
from wabox.demo.refusal import Refused, http_status

GROUPS: Mapping[str, Mapping[str, str]] = {
    "What the bot sends": {
        "slow": "taken, and answered three seconds later",
        "hang": "taken, and never answered",
        "lost": "taken, and answered with an error 500",
        "error": "not taken: an error 500",
        "limit": "not taken: 429, this number sends too much",
        "limits": "Meta's own limits: 45 messages at once to a customer, then one in 6 s; 80 a second in all",
        "token": "the access token has expired",
    },
    "What it hears of that": {
        "early": "the first status of a message comes before the answer",
        "missing": "a status never comes, unless it is a failure",
        "undelivered": "taken, and reported as failed later (131026)",
    },
    "Webhooks": {
        "copies": "a webhook comes three times at once",
        "again": "a webhook comes again, up to a minute later",
        "late": "a webhook comes up to half a minute late, and others overtake it",
        "batch": "the webhooks of two seconds come as one, in any order",
    },
    "Customers": {
        "private": "customers keep their phone numbers to themselves",
        "gone": "the address of a file has expired already",
    },
}
KINDS: Mapping[str, str] = {name: sentence for group in GROUPS.values() for name, sentence in group.items()}
"""What can go wrong, in a few words. Besides these, any code of Meta's is one: ``131048`` refuses a message with it, and
``failed:131049`` reports it in a ``failed`` status after the message was taken."""

SLOW, HANG = 3.0, 60.0
"""Seconds. No client waits for the second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFault:
    """What happens to one ``POST …/messages``."""

    status: int | None = None
    """The HTTP error to answer; ``None``: answer properly, but late."""
    code: int = 131000
    delay: float = 0.0
    """Seconds before the answer."""
    taken: bool = False
    """The message goes out although the answer is an error: the sender cannot know."""

    def error(self) -> Refused:
        title = {4: "Application request limit reached", 130429: "Rate limit hit", 131056: "Pair rate limit hit"}
        return Refused(
            self.code,
            f"(#{self.code}) {title.get(self.code, 'Something went wrong')}",
            "A fault of the demo: the message went out, only the answer is wrong."
            if self.taken
            else "A fault of the demo: nothing is wrong with the message.",
            status=self.status or 500,
            transient=(self.status or 500) >= 500,
        )


_SENDS: Mapping[str, SendFault] = {
    "limit": SendFault(status=429, code=130429),
    "error": SendFault(status=500),
    "lost": SendFault(status=500, taken=True),
    "hang": SendFault(delay=HANG, taken=True),
    "slow": SendFault(delay=SLOW, taken=True),
}


class UnknownFault(ValueError):
    """There is no fault of that name."""


class Faults:
    """What is armed."""

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        self._clock = clock
        self.lot = Lot(seed)
        self.armed: dict[str, Amount] = {}
        self.sends: deque[SendFault] = deque()
        """What happens to the next sends, one after the other, before anything that is armed."""
        self.rejected: deque[int] = deque()
        """Error codes for the ``failed`` statuses of the next accepted messages."""

    # -- arming -------------------------------------------------------------------------------------------------------

    def arm(self, name: str, words: str = "1x") -> None:
        """Raises UnknownFault, or ValueError for an amount that is none."""
        if not known(name):
            raise UnknownFault(f"there is no fault {name!r}; there are {', '.join(KINDS)}, CODE and failed:CODE")
        found = amount(words, self._clock())
        if found == Amount():
            self.armed.pop(name, None)
        else:
            self.armed[name] = found

    def seed(self, seed: int) -> None:
        """Begin again: the draws that follow are the first of this seed."""
        self.lot = Lot(seed)

    def fail_next(self, times: int = 1, status: int = 500, code: int = 131000, *, taken: bool = False) -> None:
        """The next ``times`` sends are answered with an error; with ``taken`` they arrive nevertheless."""
        self.sends.extend([SendFault(status=status, code=code, taken=taken)] * times)

    def limit_next(self, times: int = 1) -> None:
        """The next ``times`` sends are answered 429, throughput exceeded."""
        self.fail_next(times, 429, 130429)

    def delay_next(self, seconds: float, times: int = 1) -> None:
        """The next ``times`` sends are accepted, and answered ``seconds`` later."""
        self.sends.extend([SendFault(delay=seconds, taken=True)] * times)

    def reject_next(self, times: int = 1, code: int = 131026) -> None:
        """The next ``times`` messages are accepted with 200 and fail afterwards, by a ``failed`` status."""
        self.rejected.extend([code] * times)

    def clear(self) -> None:
        self.armed = {}
        self.sends.clear()
        self.rejected.clear()

    def shown(self) -> dict[str, str]:
        """What is armed, and how much of it."""
        now = self._clock()
        for name in [name for name, one in self.armed.items() if not one.shown(now)]:
            del self.armed[name]
        return {name: one.shown(now) for name, one in self.armed.items()}

    # -- asking -------------------------------------------------------------------------------------------------------

    def strikes(self, name: str, about: str) -> bool:
        """Whether this fault happens now, about this customer (or file)."""
        armed = self.armed.get(name)
        return armed is not None and armed.strikes(self._clock(), self.lot.draw(name, about))

    def send(self, about: str) -> SendFault | None:
        """What happens to this customer's next message."""
        if self.sends:
            return self.sends.popleft()
        for name in tuple(self.armed):
            if (fault := _SENDS.get(name)) and self.strikes(name, about):
                return fault
            if name.isdigit() and self.strikes(name, about):
                return SendFault(status=http_status(int(name)), code=int(name))
        return None

    def doom(self, about: str) -> int | None:
        """The code with which a message that was taken will fail."""
        if self.rejected:
            return self.rejected.popleft()
        for name in tuple(self.armed):
            if name == "undelivered" and self.strikes(name, about):
                return 131026
            if name.startswith("failed:") and self.strikes(name, about):
                return int(name.removeprefix("failed:"))
        return None


def known(name: str) -> bool:
    return name in KINDS or name.removeprefix("failed:").isdigit()
