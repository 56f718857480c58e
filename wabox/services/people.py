"""What the business does about a customer: finds them, writes down what they said elsewhere, forgets them (promise P11)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from wabox.core.consent import LONGEST_WORDS, ConsentEntry
from wabox.core.contact import Contact
from wabox.core.person import Certificate, Person
from wabox.core.ports import Clock, Register
from wabox.errors import WaboxError

BSUID: Final = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[0-9A-Za-z]{1,128}\Z")
"""A business-scoped user id. Source: Meta, "Business-scoped user IDs" (May 2026)."""
PHONE: Final = re.compile(r"\+?[\d\s().\-]{7,30}\Z")

Wish = Literal["optin", "optout", "stop"]
"""``optout``: no marketing; ``stop``: nothing from the bot either."""


class PersonError(WaboxError):
    """Nobody, or more than one, is meant; or what was asked for is the customer's to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptIn:
    """A line of an import."""

    who: str
    """A phone number with its country code, or a user id."""
    at: int
    """When they agreed, ms since the epoch."""
    words: str
    """To what, in the words that they were shown or said."""


async def one(register: Register, words: str) -> Person:
    """Whoever is meant. Raises PersonError."""
    return chosen(await register.find(words), words)


def chosen(found: Sequence[Person], words: str) -> Person:
    """The one that was found. Raises PersonError when it is none, or more than one."""
    if not found:
        raise PersonError(f"nobody is known as {words!r}; wabox contacts list names the newest")
    if len(found) > 1:
        named = ", ".join(f"{person.name or '?'} ({person.handle})" for person in found[:5])
        raise PersonError(f"{words!r} may be {len(found)} people: {named} …; name one by the id in brackets")
    return found[0]


async def wish(register: Register, clock: Clock, who: str, wanted: Wish, words: str, by: str) -> Person:
    """Write down what a customer said elsewhere (on the phone, by letter). Raises PersonError."""
    person = await one(register, who)

    def entry(what: Literal["opt_in", "opt_out", "stop", "start"]) -> ConsentEntry:
        said = words.strip()[:LONGEST_WORDS] or None
        return ConsentEntry(at=clock(), what=what, channel="command", words=said, by=by)

    match wanted:
        case "stop":
            await register.enter(person.key, entry("stop"))
        case "optout":
            await register.enter(person.key, entry("opt_out"))
        case "optin":
            if not words.strip():
                raise PersonError("say what they agreed to, in the words that were used: --words")
            if person.consent.stopped and person.consent.channel != "command":
                raise PersonError(
                    f"{person.name or person.handle} wrote {person.consent.words!r}: only they can undo that, by writing START"
                )
            if person.consent.stopped:
                await register.enter(person.key, entry("start"))
            await register.enter(person.key, entry("opt_in"))
    return await one(register, person.handle)


async def forget(register: Register, who: str) -> Certificate:
    """Raises PersonError."""
    return await register.forget(await one(register, who))


async def bring(register: Register, given: Sequence[OptIn], by: str) -> list[str]:
    """Import opt-ins; one word each: ``added``, ``known``, or why not."""
    told: list[str | None] = []
    taken: list[tuple[Contact, ConsentEntry]] = []
    for line in given:
        contact = contact_of(line.who)
        if contact is None:
            told.append("no phone number with its country code, and no user id")
        elif not line.words.strip():
            told.append("it does not say what they agreed to")
        else:
            said = line.words.strip()[:LONGEST_WORDS]
            taken.append((contact, ConsentEntry(at=line.at, what="opt_in", channel="import", words=said, by=by)))
            told.append(None)
    results = iter(await register.bring(taken))
    return [next(results) if one is None else one for one in told]


def contact_of(who: str) -> Contact | None:
    """The customer whom an id names: ``+34 600 111 222``, ``ES.123``."""
    who = who.strip()
    if BSUID.match(who):
        return Contact(user_id=who)
    digits = "".join(letter for letter in who if letter in "0123456789").removeprefix("00")
    return Contact(wa_id=digits) if PHONE.match(who) and 7 <= len(digits) <= 15 else None
