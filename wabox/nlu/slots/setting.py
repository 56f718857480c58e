"""Where and when a message was written: what its words depend on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

_MONTH_FIRST = frozenset({"US", "PR", "GU", "PH", "FM", "MH", "PW", "AS", "VI", "MP"})
"""Countries that write 3/4 for the fourth of March (Unicode CLDR: ``M/d/y``). All others begin with the day or the year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Everything that the reading of an answer may depend on, besides the answer."""

    language: str
    """Of the message."""
    now: datetime
    """The bot's wall clock, without zone: what "tomorrow" and "at five" are said about."""
    languages: tuple[str, ...] = ()
    """The bot's other languages: people mix them."""
    region: str | None = None
    """ISO 3166 of the customer, when known."""

    @property
    def month_first(self) -> bool:
        """Whether 3/4 is in March: in English, unless the customer is known to be where it is not."""
        return self.language.lower().startswith("en") and (self.region is None or self.region in _MONTH_FIRST)
