"""What a customer agreed to, and what they asked us to stop (promise P11).

The *ledger* is a list of entries that is only ever added to: who, when, which words, through which channel. What holds now is
the ledger, folded (:func:`after`); nothing else is written about it. Three rules:

1. ``stop`` ends everything that the bot says by itself, answers included, and everything that advertises. Only ``start`` undoes
   it, and only the customer says that (the business may undo a stop that it entered itself).
2. Marketing needs an ``opt_in`` that no ``opt_out`` followed; never to have been asked is no consent. ``stop`` overrules that
   and leaves it alone, so that ``start`` restores what was.
3. What a person of the business types may leave in spite of a stop: the customer wrote to them. So may the one confirmation.

Consent is given to the business: it holds for every number that the business writes from.
Sources: WhatsApp Business Messaging Policy (Sept 2026); Meta, "user_preferences webhook" (Oct 2026): covers marketing only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from wabox.core.delivery import Purpose

ConsentWhat = Literal["stop", "start", "opt_in", "opt_out", "reminded"]
"""``reminded``: someone who had said stop wrote, and was told once how to start again."""
ConsentChannel = Literal["message", "button", "preference", "delivery", "flow", "command", "import", "api"]
"""Where it was said. ``preference``: in WhatsApp's own settings. ``delivery``: Meta refused a message for it."""

STOP, START, NO_MARKETING = "stop_messages", "start_messages", "stop_promotions"
"""Events of buttons, and intents, that every bot understands without a transition for them."""
WISHES: Mapping[str, Literal["stop", "start", "opt_out"]] = {STOP: "stop", START: "start", NO_MARKETING: "opt_out"}

STOPPED = "the customer asked us to stop. Not sent"
NO_OPT_IN = "the customer has not agreed to marketing messages. Not sent"
OPTED_OUT = "the customer does not want marketing messages. Not sent"
REFUSED = 131050
"""Meta's code: the customer stopped marketing messages in WhatsApp."""
LONGEST_WORDS = 500
"""Characters of the quoted words that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentEntry:
    """A line of the ledger. JSON-serialisable."""

    at: int
    """ms since the epoch."""
    what: ConsentWhat
    channel: ConsentChannel
    words: str | None = None
    """What the customer said or agreed to, quoted."""
    number_id: str | None = None
    """The business number that it was said to."""
    ref: str | None = None
    """The message that says so."""
    by: str | None = None
    """Who entered it: a file, a person, a state of a flow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What holds now."""

    marketing: bool | None = None
    """None: never asked."""
    stopped: bool = False
    """Nothing from the bot, and no marketing."""
    since: int | None = None
    """When the newest entry was made, ms since the epoch; words and channel are that entry's."""
    words: str | None = None
    channel: ConsentChannel | None = None
    reminded: bool = False
    """They were told, since they stopped, how to start again."""

    @property
    def advertisable(self) -> bool:
        """Whether a marketing message may be sent."""
        return self.marketing is True and not self.stopped


NEVER_ASKED = Consent()


def after(consent: Consent, entry: ConsentEntry) -> Consent:
    """What holds once the entry is in the ledger."""
    if entry.what == "reminded":
        return replace(consent, reminded=True)
    said = replace(consent, since=entry.at, words=entry.words, channel=entry.channel)
    match entry.what:
        case "stop":
            return replace(said, stopped=True, reminded=False)
        case "start":
            return replace(said, stopped=False, reminded=False)
        case "opt_in":
            return replace(said, marketing=True)
        case "opt_out":
            return replace(said, marketing=False)


def fold(entries: Iterable[ConsentEntry], consent: Consent = NEVER_ASKED) -> Consent:
    """What holds after all of them, in their order."""
    for entry in entries:
        consent = after(consent, entry)
    return consent


def refusal(consent: Consent, purpose: Purpose) -> str | None:
    """Why a message of this purpose must not leave; None when it may."""
    if purpose in ("person", "consent"):
        return None
    if consent.stopped:
        return STOPPED
    if purpose == "marketing" and consent.marketing is not True:
        return NO_OPT_IN if consent.marketing is None else OPTED_OUT
    return None
