"""What of a turn may leave, as the customer wishes (promise P11). Every bubble of a turn passes here."""

from __future__ import annotations

from collections.abc import Iterable

from wabox.core.consent import Consent, ConsentEntry, after, refusal
from wabox.core.content import Content
from wabox.core.delivery import Purpose


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
