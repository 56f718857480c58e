"""What one delivered message costs, by category and country: the owner's prices first, then the few that Meta's page names.

A price that nobody gave is unknown, and said to be. Source of :data:`KNOWN`: Meta, "pricing" and "non-template messages", as of
1 October 2026; a service message costs what a utility or authentication template does. Prices change on the first of January,
April, July and October.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from wabox.errors import SettingsError

AS_OF = "Meta's examples of 2026-10-01; set [prices] for yours"
CURRENCY = "USD"
CATEGORIES = ("marketing", "utility", "authentication", "service")
OTHER = "other"
"""In the owner's prices: every country that has none of its own."""
_MARKETS: Mapping[str, float] = {"MX": 0.0085, "US": 0.0034, "CA": 0.0034, "ES": 0.02}
KNOWN: Mapping[str, Mapping[str, float]] = {"utility": _MARKETS, "authentication": _MARKETS, "service": _MARKETS}

Prices = Mapping[str, Mapping[str, float]]
"""Category → country (ISO 3166) → price of one message."""


def price(category: str, country: str | None, own: Prices) -> float | None:
    """Of one message; None when nobody knows. Once the owner has prices, only those count: they may be in another currency."""
    if own:
        table = own.get(category, {})
        return table.get(country or OTHER, table.get(OTHER))
    return KNOWN.get(category, {}).get(country or "")


def read(table: Mapping[str, Any]) -> tuple[Prices, str]:
    """Prices and their currency, as ``[prices]`` of the settings has them. Raises SettingsError."""
    found: dict[str, dict[str, float]] = {}
    for category, countries in table.items():
        if category == "currency":
            continue
        if not isinstance(countries, dict) or not all(_is_price(*one) for one in countries.items()):
            raise SettingsError(f"[prices] {category} must be like {{ES = 0.0509, other = 0.06}}: countries and prices")
        found[category] = {country: float(price) for country, price in countries.items()}
    return found, str(table.get("currency", CURRENCY))


def _is_price(country: str, price: Any) -> bool:
    number = isinstance(price, int | float) and not isinstance(price, bool) and price >= 0
    return number and re.fullmatch("[A-Z]{2}|other", country) is not None
