"""Sums and look-ups of the shop: what a chart cannot say in YAML.

Each function gets the context (a copy), the event and the params, and returns what changes in the context. It must not
read a clock, roll a die or call the network: the same conversation, played again, must give the same answers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from wabox.actions import ActionInput, GuardInput, action, guard

RETAIL = 20
"""Who wants more of one thing talks to a person, and gets a better price."""

_WORDS = {2: "two couple pair dos par", 3: "three tres", 4: "four cuatro", 5: "five cinco"}
NUMBERS = {word: number for number, words in _WORDS.items() for word in words.split()}
_COUNTED = re.compile(rf"\b(\d+|{'|'.join(NUMBERS)}) (?!please|por favor)\w")

PARCELS = {"LS-1041": "delivered", "LS-1042": "on_its_way", "LS-1043": "packing"}
"""Orders that exist without having been placed here. A real shop would ask its carrier."""


@action
def add_to_cart(given: ActionInput) -> dict[str, Any]:
    """The item on the card, as many times as the customer said."""
    item, items = given.context["item"], given.context["cart"]["items"]
    return {"cart": _cart({**items, item: items.get(item, 0) + _quantity(given)}, given.context)}


@action
def take_out(given: ActionInput) -> dict[str, Any]:
    """All of one product: ``product.mug`` takes out the mugs."""
    item = given.event.name.removeprefix("product.")
    items = given.context["cart"]["items"]
    return {"cart": _cart({key: count for key, count in items.items() if key != item}, given.context)}


@action
def empty_cart(given: ActionInput) -> dict[str, Any]:
    return {"cart": _cart({}, given.context)}


@guard
def wholesale(given: GuardInput) -> bool:
    return _quantity(given) > RETAIL


@guard
def counted(given: GuardInput) -> bool:
    """Whether a product was named in words and with its number: "two mugs". A number alone is an option of a list ("the 3"),
    a tap has the price in its title, and "una taza" is just "a mug"."""
    named = given.event.name.startswith("product.") and given.event.data.get("type") == "text"
    return named and _COUNTED.search(_text(given)) is not None


@action
def number_order(given: ActionInput) -> dict[str, Any]:
    """An order number that looks drawn but is derived, so that playing the conversation again gives the same."""
    cart, orders = given.context["cart"], given.context["orders"]
    seed = repr((sorted(cart["items"].items()), given.context["address"], orders))
    number = 2000 + int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=4).digest(), "big") % 8000
    return {"order": {"number": f"LS-{number}", "total": cart["total"]}}


@action
def find_order(given: ActionInput) -> dict[str, Any]:
    """The order that the customer names, or else the one they placed last; ``missing`` when there is neither."""
    orders = given.context["orders"]
    if named := re.search(r"\d{4}", _text(given)):
        number = f"LS-{named[0]}"
    elif orders:
        number = orders[-1]
    else:
        return {"parcel": {"number": "", "status": "missing"}}
    return {"parcel": {"number": number, "status": "packing" if number in orders else PARCELS.get(number, "unknown")}}


def _quantity(given: ActionInput | GuardInput) -> int:
    """A button says it in its name (``quantity.2``), a customer in digits or words; whoever says none wants one."""
    if button := re.search(r"\d+", given.event.name):
        return int(button[0])
    words = re.findall(r"\w+", _text(given))
    numbers = [int(word) if word.isdecimal() else NUMBERS.get(word, 0) for word in words]
    return next((number for number in numbers if number), 1)


def _text(given: ActionInput | GuardInput) -> str:
    return str(given.event.data.get("text", "")).lower()


def _cart(items: Mapping[str, int], context: Mapping[str, Any]) -> dict[str, Any]:
    """The cart with what its summary needs: a line per product, how many things, how much money."""
    products = context["products"]
    costs = {item: count * products[item]["price"] for item, count in items.items()}
    return {
        "items": dict(items),
        "lines": "\n".join(f"{count} × {products[item]['name']} · {costs[item]} €" for item, count in items.items()),
        "count": sum(items.values()),
        "total": sum(costs.values()),
    }
