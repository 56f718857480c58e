"""What a conversation collects: one piece of data, of one type, for one place in its context.

How each type is stored (JSON, so that actions, HTTP calls and people can use it):

==========  ===================================================================================================
text        the words
name        the words, without "my name is"
number      a whole number, or one with a fraction
money       ``{"amount": "12.50", "currency": "EUR"}``; the amount is text, so that no cent is lost
date        ``"2026-11-24"``
time        ``"17:00"``
datetime    ``"2026-11-24T17:00"``, in the bot's time zone
phone       E.164: ``"+34612345678"``
email       the address, its domain in lower case
address     ``{"text": …}``, or from a shared location ``{"latitude", "longitude", "name", "address", "text"}``
location    ``{"latitude": 40.4, "longitude": -3.7, "name": …, "address": …}``
media       ``{"type": "image", "file": "ab/ab34…", "id": …, "mime_type": …, "sha256": …, "caption": …, "filename": …}``;
            ``file`` is where it lies, or soon will, below ``media`` of the data folder
choice      the option's name
yes_no      true or false
pattern     the text that fitted
==========  ===================================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

SlotType = Literal[
    "text",
    "name",
    "number",
    "money",
    "date",
    "time",
    "datetime",
    "phone",
    "email",
    "address",
    "location",
    "media",
    "choice",
    "yes_no",
    "pattern",
]

MEDIA = ("image", "video", "audio", "voice", "document", "sticker")
"""Message types that bring a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One ``collect``, without its words."""

    name: str
    """The context path that it fills, such as ``people`` or ``order.date``."""
    type: SlotType
    retries: int = 2
    """Wrong answers that are answered with a hint; the next one is the event ``invalid``."""
    required: bool = True
    """False: "skip" leaves it empty and goes on."""
    options: tuple[tuple[str, str], ...] = ()
    """Of a choice: the value to store, and the title (a text reference) that a customer sees."""
    pattern: str | None = None
    """A regular expression that the whole answer must fit, without regard to case."""
    min: int | float | str | None = None
    """Smallest number or amount, shortest text, or earliest date or time, as they are stored."""
    max: int | float | str | None = None
    currency: str | None = None
    """ISO 4217: of an amount without a currency, and the only one that is taken."""
    region: str | None = None
    """ISO 3166: the country whose phone numbers are written without a prefix, whose day and month come in this order."""
    when: Literal["past", "future"] | None = None
    """On which side of now a date or time must lie."""
    kinds: tuple[str, ...] = field(default=MEDIA)
    """Of media: the message types that are taken."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why an answer is no value of its slot."""

    reason: str = ""
    """Which sentence explains it: ``past``, ``future``, ``min``, ``max``, ``currency``; empty: it is none at all."""


@dataclass(frozen=True, slots=True)
class Value:
    """What an answer means."""

    value: Any
    """As stored."""
