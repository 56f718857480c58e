"""Personal data in a real conversation, replaced: the same by the same wherever it stands, so that it still makes sense.

Looked for in what people wrote and in what calls brought, and then replaced everywhere (the bot repeats an address):

* the customer: profile name and its words, phone number, user id, user name;
* names after "my name is" and the like;
* e-mail addresses, phone numbers, IBANs, and any six digits or more in a row;
* postal addresses that look like one;
* whole values that the conversation keeps under a name such as ``name``, ``address`` or ``email``, or collects as such.

A replacement has the shape of what it replaces (a phone number keeps its country and the kind of its number), so that the
flow understands it as before. Words that the bot itself uses are no names. This finds what has a shape; it cannot find
everything, so a person reads the file before it is shared.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from wabox.core.contact import Contact

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")
_NUMBER = re.compile(r"(?<![\w.,])\+?\d(?:[ ()./-]{0,2}\d){5,}(?![\w])")
_DATE = re.compile(r"\d{4}-\d\d?-\d\d?(?:\D.*)?|\d\d?([./-])\d\d?\1(?:\d{4}|\d\d)(?:\D.*)?")
_MONEY = re.compile(r"\d{1,3}(?:[.,]\d{3})+(?:[.,]\d\d)?")
_CALLED = re.compile(
    r"(?i:\b(?:my name is|my name's|call me|me llamo|mi nombre es|ich heiße|mein name ist|je m'appelle"
    r"|meu nome é|mi chiamo|mein Name)\b)[ :]+((?:[^\W\d_][\w'’.-]*[ ]?){1,3})"
)
_STREET = "street|st|road|rd|avenue|ave|lane|ln|drive|dr|square|sq|court|close|boulevard|blvd|terrace|crescent"
_ADDRESS = re.compile(
    rf"\b\d{{1,5}}[A-Za-z]?,? (?:[^\W\d_][\w'’.-]* ){{1,4}}(?i:{_STREET})\b[^\n]*"
    r"|(?i:\b(?:calle|c/|avenida|avda\.?|paseo|plaza|pza\.?|camino|carretera|rue|via|piazza|rua|travessa))"
    r"[ ]+[^\n\d]{2,40}\d{1,4}[^\n]*"
    r"|\b[^\W\d_]\w*(?i:straße|strasse|weg|gasse|platz|allee) \d{1,4}[^\n]*"
)
_KEYS = (
    ("email", re.compile(r"e?-?mail", re.IGNORECASE)),
    ("address", re.compile(r"address|direcci[oó]n|street|adresse", re.IGNORECASE)),
    ("phone", re.compile(r"phone|mobile|tel[eé]fono|m[oó]vil", re.IGNORECASE)),
    ("name", re.compile(r"(?:\A|_)(?:first|last|full|sur)?_?name\Z|nombre|apellido", re.IGNORECASE)),
)
"""What a variable of this name holds."""
PERSONAL = frozenset({"name", "phone", "email", "address", "location"})
"""Types of ``collect``."""

NOBODY = Contact(user_id="US.10000000000000000001", wa_id="15550002222")
FIRST, LAST = ("Alex", "Sam", "Robin", "Kim"), ("Doe", "Roe", "Poe", "Low")


class Disguise:
    """Learns what is personal, then replaces it. ``common``: words, in lower case, that are nobody's name; ``usual``: whose
    ids take the place of the customer's."""

    def __init__(self, contact: Contact, common: Collection[str], usual: Contact = NOBODY) -> None:
        self._common = common
        self._by: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        self._pattern: re.Pattern[str] | None = None
        self.found: Counter[str] = Counter()
        """How much of each kind was found: ``phone number`` → 2."""
        if contact.name:
            self._name(contact.name)
        for kind, value, other in (
            ("phone number", contact.wa_id, usual.wa_id),
            ("user id", contact.user_id, usual.user_id),
            ("user name", contact.username, "customer"),
        ):
            if value and other:
                self._replace(kind, value, other)

    # -- learning --------------------------------------------------------------------------------------------------------

    def read(self, value: Any) -> None:
        """Look through everything in a JSON value that came from people or calls."""
        for key, text in _texts(value, ""):
            self._shapes(text)
            for kind, pattern in _KEYS:
                if key and pattern.search(key):
                    self.told(kind, text)
                    break

    def told(self, kind: str, text: str) -> None:
        """This text is of this kind, one of :data:`PERSONAL`, whatever it looks like."""
        if not text.strip() or text in self._by:
            return
        match kind:
            case "name":
                self._name(text)
            case "address" | "location":
                self._address(text)
            case "phone" if any(sign.isdigit() for sign in text):
                self._replace("phone number", text, self._digits(text))
            case "email":
                self._shapes(text)

    def _shapes(self, text: str) -> None:
        for match in _EMAIL.finditer(text):
            self._replace("e-mail address", match[0], f"customer{self._next('e-mail address')}@example.com")
        for match in _IBAN.finditer(text):
            zeros = re.sub(r"[A-Z0-9]", "0", match[0][4:])
            self._replace("account number", match[0], match[0][:2] + "00" + zeros)
        for match in _ADDRESS.finditer(text):
            self._address(match[0].strip())
        for match in _CALLED.finditer(text):
            self._name(match[1].strip(" .,"))
        for match in _NUMBER.finditer(text):
            if not _DATE.fullmatch(match[0]) and not _MONEY.fullmatch(match[0]) and match[0] not in self._by:
                self._replace("number", match[0], self._digits(match[0]))

    def _name(self, name: str) -> None:
        words = [word for word in re.findall(r"[^\W\d_][\w'’-]+", name) if word.lower() not in self._common]
        if not words:
            return
        place = min(self.found["name"], len(FIRST) - 1)
        if len(words) > 1:
            self._replace("name", name, f"{FIRST[place]} {LAST[place]}")
        else:
            self.found["name"] += 1
        for number, word in enumerate(words):
            self._by.setdefault(word, (FIRST if number == 0 else LAST)[place])
        self._pattern = None

    def _address(self, address: str) -> None:
        number = 10 + self._next("address")
        spanish = re.match(r"(?i)(?:calle|c/|avenida|avda|paseo|plaza|pza|camino|carretera)", address)
        self._replace(
            "address",
            address,
            f"Calle Ejemplo {number}, 28000 Muestra" if spanish else f"{number} Sample Street, Sampleton",
        )

    def _digits(self, text: str) -> str:
        """Digits of the same shape: a number with a country keeps that and what says which kind of number it is."""
        digits = [sign for sign in text if sign.isdigit()]
        kept = 5 if text.lstrip().startswith("+") else 3 if len(digits) >= 9 else 0
        left = len(digits) - min(kept, len(digits) - 3)
        # Written in another way, with or without its country, it is the same number.
        place = self._numbers.setdefault("".join(digits[-8:]), len(self._numbers) + 1)
        fill = f"2{place:0{left - 1}d}"[-left:]
        put = iter("".join(digits)[: len(digits) - left] + fill)
        return "".join(next(put) if sign.isdigit() else sign for sign in text)

    def _next(self, kind: str) -> int:
        return self.found[kind] + 1

    def _replace(self, kind: str, old: str, new: str) -> None:
        if old and old not in self._by:
            self._by[old] = new
            self.found[kind] += 1
            self._pattern = None

    # -- replacing -------------------------------------------------------------------------------------------------------

    def text(self, text: str) -> str:
        """The text with everything known replaced, the longest first, whole words only."""
        if not self._by:
            return text
        if self._pattern is None:
            known = sorted(self._by, key=len, reverse=True)
            self._pattern = re.compile("|".join(rf"(?<!\w){re.escape(old)}(?!\w)" for old in known), re.IGNORECASE)
            self._folded = {old.casefold(): new for old, new in self._by.items()}
        return self._pattern.sub(lambda match: self._folded.get(match[0].casefold(), match[0]), text)

    def value(self, value: Any) -> Any:
        """The same in a JSON value."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self.value(inner) for key, inner in value.items()}
        return [self.value(inner) for inner in value] if isinstance(value, list | tuple) else value

    def summary(self) -> str:
        """``1 name, 2 phone numbers``; empty when nothing was found."""
        plural: Callable[[str], str] = lambda kind: f"{kind}es" if kind.endswith("s") else f"{kind}s"  # noqa: E731
        return ", ".join(
            f"{count} {kind if count == 1 else plural(kind)}" for kind, count in self.found.items() if count
        )

    _folded: Mapping[str, str] = {}


def _texts(value: Any, key: str) -> Iterator[tuple[str, str]]:
    """Every text in a JSON value, with the key that it stands under."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts(inner, name)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner, key)
