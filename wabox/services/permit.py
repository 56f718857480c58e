"""What of a turn may leave, as the customer wishes (promise P11). Every bubble of a turn passes here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from wabox.core.consent import LONGEST_WORDS, Consent, ConsentEntry, after, refusal
from wabox.core.content import Content
from wabox.core.delivery import Purpose
from wabox.core.message import InboundMessage
from wabox.engine.agree import GUARD, VARIABLE
from wabox.engine.chart import Chart
from wabox.engine.effect import Agree
from wabox.engine.snapshot import Snapshot
from wabox.flowfile.bot import Bot


class Permit:
    """The consent during one turn, which may change it."""

    def __init__(self, consent: Consent) -> None:
        self.consent = consent
        self.entries: list[ConsentEntry] = []
        """What the turn adds to the ledger."""
        self._purposes: dict[int, Purpose] = {}
        """Of bubbles that are no answer of the bot's, by identity."""

    def agree(self, entry: ConsentEntry) -> None:
        """The customer says how they want to be written to."""
        self.entries.append(entry)
        self.consent = after(self.consent, entry)

    def take(self, effect: Agree, message: InboundMessage, now: int) -> None:
        """The flow asked about marketing, and got an answer: both are quoted."""
        words = " / ".join(part for part in (effect.words, effect.said) if part)[:LONGEST_WORDS]
        self.agree(
            ConsentEntry(
                at=now,
                what=effect.what,
                channel="flow",
                words=words or None,
                number_id=message.number_id,
                ref=message.message_id,
                by=effect.state or None,
            )
        )

    def variables(self, bot: Bot) -> Mapping[str, Any]:
        """What the charts of a bot know of it, if any of them asks."""
        asks = any(map(_asks, bot.charts.live.values()))
        return {VARIABLE: {"marketing": self.consent.marketing}} if asks else {}

    def tell(self, bot: Bot, snapshot: Snapshot | None) -> Snapshot | None:
        """The conversation with that in it: the customer may have changed their mind elsewhere."""
        known = self.variables(bot) if snapshot is not None else {}
        if snapshot is None or not known:
            return snapshot
        stack = tuple(msgspec.structs.replace(frame, context={**frame.context, **known}) for frame in snapshot.stack)
        return msgspec.structs.replace(snapshot, context={**snapshot.context, **known}, stack=stack)

    def typed(self, content: Content) -> Content:
        """Somebody of the business says this."""
        self._purposes[id(content)] = "person"
        return content

    def confirmation(self, content: Content) -> Content:
        """It is about the customer's own wish not to be written to."""
        self._purposes[id(content)] = "consent"
        return content

    def is_ours(self, line: object) -> bool:
        """Whether it leaves though the bot must be quiet: a confirmation, a person's words."""
        return id(line) in self._purposes

    def purpose(self, content: Content) -> Purpose:
        return self._purposes.get(id(content), "service")

    def filter(self, said: Iterable[Content]) -> tuple[Content, ...]:
        """What of it the consent lets leave."""
        return tuple(content for content in said if refusal(self.consent, self.purpose(content)) is None)


@lru_cache(maxsize=1024)
def _asks(chart: Chart) -> bool:
    """Whether a guard of the chart is about consent."""
    return any(
        transition.guard is not None and GUARD in transition.guard.names
        for state in chart.states.values()
        for transition in (*state.transitions, *state.always)
    )
