"""What a customer agreed to, and what they asked us to stop (promise P11)."""

from __future__ import annotations

from dataclasses import dataclass

from wabox.core.delivery import Purpose

STOPPED = "the customer asked us to stop. Not sent"
NO_OPT_IN = "the customer has not agreed to marketing messages. Not sent"
OPTED_OUT = "the customer does not want marketing messages. Not sent"
REFUSED = 131050
"""Meta's code: the customer stopped marketing messages in WhatsApp."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What holds now."""

    marketing: bool | None = None
    """None: never asked."""
    stopped: bool = False
    """Nothing from the bot, and no marketing."""


NEVER_ASKED = Consent()


def refusal(consent: Consent, purpose: Purpose) -> str | None:
    """Why a message of this purpose must not leave; None when it may."""
    if purpose in ("person", "consent"):
        return None
    if consent.stopped:
        return STOPPED
    if purpose == "marketing" and consent.marketing is not True:
        return NO_OPT_IN if consent.marketing is None else OPTED_OUT
    return None
