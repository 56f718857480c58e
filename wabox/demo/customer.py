"""Who plays in the demo: one business number and a few customers.

The customers differ in what Meta would tell about them: one with phone number and business-scoped user id, one who
writes Spanish from Mexico and has a username, and one who keeps the phone number private, so that every webhook about
her lacks ``from``, ``wa_id`` and ``recipient_id`` (facts of May 2026: Meta, "Business-scoped user IDs").
All numbers are fictional.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

ACCOUNT_ID = "100000000000001"


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """The number that the bot answers for."""

    number_id: str
    name: str = "Wabox Shop"
    display_phone_number: str = "15550001111"
    account_id: str = ACCOUNT_ID
    """The WhatsApp Business Account: ``entry[].id`` of every webhook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """One customer's phone."""

    key: str
    """How the demo and tests call this customer: ``sam``."""
    name: str
    """Profile name, as webhooks carry it."""
    user_id: str
    """Business-scoped user id."""
    wa_id: str | None = None
    """Phone number, digits only; ``None`` for a customer who keeps it private."""
    username: str | None = None
    note: str = ""
    """What is special about this customer, for the person at the demo."""
    suggestions: tuple[str, ...] = ("Hi",)
    """Openers that the empty conversation offers."""


CUSTOMERS = (
    Customer(
        key="sam",
        name="Sam Carter",
        user_id="US.40000000000000000001",
        wa_id="15550002222",
        note="writes English",
        suggestions=("Hi", "Where is my order?", "I want to talk to a person"),
    ),
    Customer(
        key="lucia",
        name="Lucía Romero",
        user_id="MX.40000000000000000002",
        wa_id="5215550003333",
        username="lucia.romero",
        note="escribe español",
        suggestions=("Hola", "¿Dónde está mi pedido?", "¿Puedo devolver algo?"),
    ),
    Customer(
        key="ana",
        name="Ana",
        user_id="MX.40000000000000000003",
        username="ana.prueba",
        note="no phone number",
        suggestions=("Hola", "Hello", "Can I return a mug?"),
    ),
)


GREETINGS = {
    "sam": ("Hi", "I want to talk to a person"),
    "lucia": ("Hola", "Quiero hablar con una persona"),
    "ana": ("Hola", "Hello"),
}


def strangers(customers: Sequence[Customer]) -> tuple[Customer, ...]:
    """The same people before a bot that may sell nothing: what they open with suits any."""
    return tuple(replace(one, suggestions=GREETINGS.get(one.key, ("Hi",))) for one in customers)
