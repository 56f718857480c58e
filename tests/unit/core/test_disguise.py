"""Personal data is replaced by something of the same shape, the same by the same; the rest stays."""

from __future__ import annotations

import re

import pytest

from wabox.core.contact import Contact
from wabox.core.disguise import Disguise

MARIA = Contact(user_id="ES.30000000000000000001", wa_id="34612345678", username="maria.p", name="María Peñalver")


def disguised(*texts: str, contact: Contact = MARIA, common: frozenset[str] = frozenset()) -> str:
    disguise = Disguise(contact, common)
    disguise.read(list(texts))
    return "|".join(disguise.text(text) for text in texts)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("I am María Peñalver", "I am Alex Doe"),
        ("MARÍA here, señora Peñalver", "Alex here, señora Doe"),
        ("write to maria@example.org, please", "write to customer1@example.com, please"),
        ("mail to maría@b.org", "mail to customer1@example.com"),
        ("my name is John Smith", "my name is Sam Roe"),
        ("Me llamo Lucía.", "Me llamo Sam."),
        ("my number is +34 699 887 766", "my number is +34 699 200 001"),
        ("call 0171 555 1234 after 5", "call 0172 000 0001 after 5"),
        ("IBAN ES91 2100 0418 4502 0005 1332", "IBAN ES00 0000 0000 0000 0000 0000"),
        ("card 4111 1111 1111 1111", "card 4112 0000 0000 0001"),
        ("code 123456", "code 200001"),
        ("5 Baker Street, London NW1", "11 Sample Street, Sampleton"),
        ("send it to 221b, Baker Street London", "send it to 11 Sample Street, Sampleton"),
        ("Calle del Huerto 7, 46001 Valencia", "Calle Ejemplo 11, 28000 Muestra"),
        ("Hauptstraße 12, 10115 Berlin", "11 Sample Street, Sampleton"),
        ("my id is ES.30000000000000000001", "my id is US.10000000000000000001"),
    ],
)
def test_replaced(text: str, wanted: str) -> None:
    """Names, mail, numbers, accounts, addresses, ids."""
    assert disguised(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        *("two mugs, please", "order LS-1042", "2026-11-22", "22.11.2026", "22/11/2026 at 10", "it cost 1.000.000"),
        *("1,250,000.00", "at 17:30", "Mariachi", "I live near the street", "12 road bikes"),
    ],
)
def test_left_alone(text: str) -> None:
    """What is no personal data stays: dates, amounts, order numbers, words that contain a name."""
    assert disguised(text) == text


def test_the_same_by_the_same() -> None:
    """In another spelling too; different ones stay different."""
    found = disguised("+34 699 887 766", "699887766", "+34 699 111 222", "a@b.org and c@d.org and a@b.org")
    first, again, other, mails = found.split("|")
    assert first.replace(" ", "")[-6:] == again[-6:] != other.replace(" ", "")[-6:]
    assert mails == "customer1@example.com and customer2@example.com and customer1@example.com"


def test_a_number_keeps_its_kind() -> None:
    """A number with a country stays a number of that country, so that the flow still takes it."""
    assert re.fullmatch(r"\+1 415 5\d\d 0001", disguised("+1 415 555 2671"))


def test_words_of_the_bot_are_no_names() -> None:
    """Whoever is called like something on the menu would otherwise change what the bot says."""
    contact = Contact(wa_id="34600", name="Luna Peñalver")
    assert disguised("a Luna mug for Peñalver", contact=contact, common=frozenset({"luna"})) == "a Luna mug for Alex"


def test_what_was_collected() -> None:
    """A value that is known to be a name or an address is one, whatever it looks like."""
    disguise = Disguise(MARIA, frozenset())
    disguise.told("name", "Zé")
    disguise.told("address", "the blue house behind the church")
    disguise.told("phone", "12 34")
    disguise.read({"delivery_address": "next to the bakery", "email": "none", "name": "Bo"})
    text = disguise.text("Zé lives in the blue house behind the church, next to the bakery; 12 34")
    assert (
        text == "Sam lives in 11 Sample Street, Sampleton, 12 Sample Street, Sampleton; 10 01" or "church" not in text
    )
    assert "bakery" not in text
    assert "12 34" not in text


def test_structures() -> None:
    """Everywhere in a JSON value; keys and numbers stay."""
    disguise = Disguise(MARIA, frozenset())
    value = {"María": ["María", {"n": 1, "t": "x María"}], "null": None}
    disguise.read(value)
    assert disguise.value(value) == {"María": ["Alex", {"n": 1, "t": "x Alex"}], "null": None}


def test_summary() -> None:
    """What was found, counted."""
    disguise = Disguise(MARIA, frozenset())
    disguise.read(["5 Baker Street, London", "7 Abbey Road, London", "a@b.org"])
    assert disguise.summary() == "1 name, 1 phone number, 1 user id, 1 user name, 2 addresses, 1 e-mail address"
    assert Disguise(Contact(wa_id="1"), frozenset()).summary() == "1 phone number"
