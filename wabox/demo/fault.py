"""Switches that make the fake Cloud API misbehave, each in a way that the real one does.

They are counted: "the next two sends", not "from now on", so that a demo and a test always come back to normal.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from wabox.demo.refusal import Refused


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


@dataclass(slots=True)
class Faults:
    """What is armed; every field may also be set directly."""

    sends: deque[SendFault] = field(default_factory=deque)
    rejected: deque[int] = field(default_factory=deque)
    """Error codes for the ``failed`` statuses of the next accepted messages."""
    copies: deque[int] = field(default_factory=deque)
    """How often, at the same time, the next customer messages are posted to the webhook."""
    withhold_statuses: bool = False
    """Post no delivery statuses at all."""

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

    def duplicate_next(self, times: int = 1, copies: int = 3) -> None:
        """The webhooks of the next ``times`` customer messages are posted ``copies`` times at once."""
        self.copies.extend([copies] * times)

    def shown(self) -> dict[str, int]:
        """How often each kind is still armed."""
        return {
            "lost": sum(fault.taken and fault.status is not None for fault in self.sends),
            "limit": sum(fault.status == 429 for fault in self.sends),
            "slow": sum(fault.delay > 0 for fault in self.sends),
            "copies": len(self.copies),
        }

    def clear(self) -> None:
        self.sends.clear()
        self.rejected.clear()
        self.copies.clear()
        self.withhold_statuses = False
