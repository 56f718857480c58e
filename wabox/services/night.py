"""Nobody is reminded at three in the morning: the customer's night, by the clock of where they are.

Where that is, the phone number says: the time zone of its country, if that has one; for a country with several, or without
a number, the bot's own zone is taken. The hours are ``[bot] quiet_hours``.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from wabox.core.contact import Contact
from wabox.flowfile.bot import Bot


def ends_at(bot: Bot, contact: Contact, now: int) -> int | None:
    """When the night that it is for this customer ends, ms since the epoch; None by day."""
    if bot.manners.night is None:
        return None
    begin, end = bot.manners.night
    here = datetime.fromtimestamp(now / 1000, ZoneInfo(zone_of(bot, contact)))
    minute = here.hour * 60 + here.minute
    inside = begin <= minute < end if begin < end else minute >= begin or minute < end
    if not inside:
        return None
    morning = here.replace(hour=end // 60, minute=end % 60, second=0, microsecond=0)
    if morning <= here:
        # By the wall clock, not by 24 hours: it may be the night that the clocks change.
        morning = datetime.combine(here.date() + timedelta(days=1), morning.timetz())
    return round(morning.timestamp() * 1000)


def zone_of(bot: Bot, contact: Contact) -> str:
    """The IANA name of the customer's time zone."""
    from wabox.nlu.slots.contacts import country_of

    country = country_of(contact.wa_id) or bot.manners.region
    zones = _zones(country) if country is not None else ()
    return zones[0] if len(zones) == 1 else bot.manners.timezone


@lru_cache(maxsize=256)
def _zones(country: str) -> tuple[str, ...]:
    """Of a country, as CLDR has them."""
    from babel.core import get_global

    return tuple(get_global("territory_zones").get(country, ()))
