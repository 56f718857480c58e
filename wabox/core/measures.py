"""What this process measures while it works: in memory, on the event loop, for ``/metrics`` and ``wabox top``.

What can be read from the transcript is not counted here but there (:mod:`wabox.core.tally`): it outlives the process.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from wabox.core.histogram import Histogram
from wabox.core.traces import Traces

REMEMBERED = 8192
"""Messages whose beginning is remembered: those that wait, and those that are not delivered yet."""


class Measures:
    """Times in seconds. Nothing here fails, waits or grows without a bound."""

    def __init__(self, traces: Traces | None = None) -> None:
        self.traces = traces
        """Who else is told, of each message; None: nobody."""
        self.ack = Histogram()
        """From a webhook's first byte to its answer."""
        self.webhooks: Counter[int] = Counter()
        """By HTTP status of our answer."""
        self.wait = Histogram()
        """From the webhook until the message's turn begins."""
        self.turns: defaultdict[str, Histogram] = defaultdict(Histogram)
        """From the begin of a turn to its commit, by the tier that decided; ``none``: nobody had to understand anything."""
        self.lateness = Histogram()
        """Of timers."""
        self.posts: defaultdict[str, Histogram] = defaultdict(Histogram)
        """To the Graph API and back, by verdict."""
        self.delivery = Histogram()
        """From the webhook that brought a message to the status "delivered" of what was answered."""
        self.failures = 0
        """Turns that failed."""
        self.conflicts = 0
        """Turns that began again because the conversation had moved on."""
        self.alerts: Counter[tuple[str, str]] = Counter()
        """By how people are told, and what became of it."""
        self.slow = 0
        """Turns that took longer than the log's limit."""
        self._arrived: dict[str, int] = {}
        self._leaving: dict[str, int] = {}

    def answered(self, status: int, seconds: float) -> None:
        """A webhook was."""
        self.webhooks[status] += 1
        self.ack.observe(seconds)

    def arrived(self, message_id: str, now: int) -> None:
        """A webhook brings a message; ``now`` in ms."""
        _remember(self._arrived, message_id, now)
        if self.traces is not None:
            self.traces.arrived(message_id)

    def stored(self, message_id: str) -> None:
        """The message is durable."""
        if self.traces is not None:
            self.traces.stored(message_id)

    def begins(self, message_id: str, now: int) -> int | None:
        """Its turn begins; when it arrived, if it came while this process ran."""
        if self.traces is not None:
            self.traces.begins(message_id)
        at = self._arrived.pop(message_id, None)
        if at is not None:
            self.wait.observe(max(0, now - at) / 1000)
        return at

    def leaves(self, outbound_id: str, arrived: int) -> None:
        """This is answered to the message that arrived then."""
        _remember(self._leaving, outbound_id, arrived)

    def posted(self, outbound_id: str, verdict: str, seconds: float) -> None:
        """The Graph API was asked to send it."""
        self.posts[verdict].observe(seconds)
        if self.traces is not None:
            self.traces.posted(outbound_id, verdict, seconds)

    def delivered(self, outbound_id: str | None, now: int) -> None:
        if self.traces is not None and outbound_id is not None:
            self.traces.delivered(outbound_id)
        at = self._leaving.pop(outbound_id, None) if outbound_id is not None else None
        if at is not None:
            self.delivery.observe(max(0, now - at) / 1000)

    def times(self) -> Mapping[tuple[str, tuple[str, ...]], Histogram]:
        """Every histogram, by name (:mod:`wabox.core.figure`) and values of its labels."""
        return {
            ("webhook_ack_seconds", ()): self.ack,
            ("queue_wait_seconds", ()): self.wait,
            ("timer_lateness_seconds", ()): self.lateness,
            ("delivery_seconds", ()): self.delivery,
            **{("turn_seconds", (tier,)): found for tier, found in self.turns.items()},
            **{("send_seconds", (verdict,)): found for verdict, found in self.posts.items()},
        }


def _remember(known: dict[str, int], key: str, at: int) -> None:
    known[key] = at
    if len(known) > REMEMBERED:
        del known[next(iter(known))]
