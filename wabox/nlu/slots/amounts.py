"""Slots of the types number and money."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from wabox.core.slot import Slot, Value, Wrong
from wabox.nlu.slots.moments import doubtful
from wabox.nlu.slots.numbers import Number, as_json, number_at
from wabox.nlu.slots.sentence import Found, Sentence
from wabox.nlu.slots.words import Vocabulary, Word, plain, words_of

_CURRENCIES = """
EUR € euro euros eur يورو eurocent
USD $ us$ dollar dollars dolar dolares usd دولار bucks dollari
GBP £ pound pounds quid libra libras gbp جنيه_استرليني
JPY ¥ yen jpy
INR ₹ rupee rupees rupia rupias inr rs روبية
BRL r$ real reais reales brl
MXN mxn mex$
ARS ars
COP cop
CLP clp
PEN s/ sol soles pen
CHF chf franken francs
SAR ريال ر.س riyal riyals sar
AED درهم د.إ dirham dirhams aed
EGP جنيه ج.م egp
MAD mad
TRY ₺ lira liras try
CNY yuan rmb cny
NGN ₦ naira ngn
KES kes shilling shillings
ZAR zar rand
CAD cad c$
AUD aud a$
"""
"""ISO 4217, then its signs and names, folded."""
_ONLY_IN_CAPITALS = frozenset({"mad", "try", "pen", "rs", "ars", "cop", "sol", "real", "rand", "sar", "cad"})
_SHARED = frozenset({"$", "dollar", "dollars", "dolar", "dolares", "دولار", "bucks"})
"""Also the sign of other countries' money: there it is theirs."""
_DOLLARS = {
    "MX": "MXN",
    "AR": "ARS",
    "CO": "COP",
    "CL": "CLP",
    "CA": "CAD",
    "AU": "AUD",
    "NZ": "NZD",
    "SG": "SGD",
    "HK": "HKD",
}
_PESO = frozenset({"peso", "pesos"})
_PESOS = {**_DOLLARS, "UY": "UYU", "PH": "PHP", "DO": "DOP", "CU": "CUP"}
_SMALL = frozenset({"cent", "cents", "centimo", "centimos", "centavo", "centavos", "centime", "centimes", "pence"})


def _table() -> dict[tuple[str, ...], str]:
    found: dict[tuple[str, ...], str] = {}
    for line in _CURRENCIES.strip().splitlines():
        code, *names = line.split()
        for name in (code, *names):
            found.setdefault(tuple(word.text for word in words_of(plain(name.replace("_", " ")))), code)
    return found


_NAMES = _table()


@dataclass(frozen=True, slots=True)
class Amount:
    """A number in a message."""

    value: Decimal
    start: int
    end: int
    currency: str | None
    article: bool
    unit: bool
    """Something is glued to it that makes it another thing: 5kg, 3rd, 7%."""


def amounts(sentence: Sentence, vocabulary: Vocabulary | None, language: str) -> list[Amount]:
    """Every number of a message, with its currency."""
    key = ("amounts", language)
    if key not in sentence.memo:
        sentence.memo[key] = _amounts(sentence, vocabulary, language)
    found: list[Amount] = sentence.memo[key]
    return found


def _amounts(sentence: Sentence, vocabulary: Vocabulary | None, language: str) -> list[Amount]:
    words = sentence.words
    found = []
    place = 0
    while place < len(words):
        number = number_at(words, place, vocabulary, language)
        if number is None:
            place += 1
            continue
        found.append(_amount(sentence, place, number))
        place = max(found[-1].end, number.end)
    return found


def _amount(sentence: Sentence, place: int, number: Number) -> Amount:
    words = sentence.words
    start, end = place, number.end
    value = number.value
    if start and words[start - 1].text in "-−–" and words[start].glued and (start < 2 or not words[start - 1].glued):
        start, value = start - 1, -value
    region = sentence.setting.region
    code = None
    for length in (3, 2, 1):
        before = _currency(sentence, start - length, start, region) if start >= length else None
        after = _currency(sentence, end, end + length, region)
        if code is None and after is not None:
            code, end = after, end + length
        elif code is None and before is not None:
            code, start = before, start - length
    if code is not None:
        value, end = _and_cents(words, value, end, sentence)
    unit = (
        code is None
        and end < len(words)
        and words[end].glued
        and (words[end].text[0].isalpha() or words[end].text in "%/:-")
    )
    return Amount(value, start, end, code, number.article, unit)


def _currency(sentence: Sentence, start: int, end: int, region: str | None) -> str | None:
    words = sentence.words[start:end]
    if len(words) != end - start:
        return None
    name = tuple(word.text for word in words)
    if len(name) == 1 and name[0] in _SHARED and region in _DOLLARS:
        return _DOLLARS[region]
    if len(name) == 1 and name[0] in _PESO:
        return _PESOS.get(region or "")
    code = _NAMES.get(name)
    if (
        len(name) == 1
        and name[0] in _ONLY_IN_CAPITALS
        and sentence.text[words[0].start : words[0].end] != name[0].upper()
    ):
        return None
    return code


def _and_cents(words: tuple[Word, ...], value: Decimal, end: int, sentence: Sentence) -> tuple[Decimal, int]:
    """Twelve euros and fifty cents."""
    start = end + 1 if end < len(words) and words[end].text in ("and", "y", "con", "et", "und", "e", "و") else end
    for language, vocabulary in sentence.vocabularies():
        cents = number_at(words, start, vocabulary, language)
        if cents is not None and cents.end < len(words) and words[cents.end].text in _SMALL and 0 < cents.value < 100:
            return value + cents.value / 100, cents.end + 1
    return value, end


def parse_number(slot: Slot, sentence: Sentence, taken: list[Found]) -> Value | Wrong:
    """The number that is the answer: alone, or the only one in it outside of dates and times (``taken``)."""
    for language, vocabulary in sentence.vocabularies():
        found = [
            amount
            for amount in amounts(sentence, vocabulary, language)
            if not _overlaps(sentence.found(None, amount.start, amount.end), taken)
        ]
        only = [amount for amount in found if not amount.article] or found
        if len(only) != 1 or only[0].unit or doubtful(sentence.words, vocabulary, only[0].start, only[0].end):
            continue
        if only[0].article and not sentence.is_all(only[0].start, only[0].end, vocabulary):
            continue
        return _bounded(slot, only[0].value, as_json(only[0].value))
    return Wrong()


def find_numbers(slot: Slot, sentence: Sentence, taken: list[Found]) -> list[Found]:
    """Numbers of a longer message that are nothing else: no date, no phone, no amount of money."""
    own = [one for one in sentence.vocabularies() if sentence.is_own(one[0])]
    for language, vocabulary in own or sentence.vocabularies():  # "once" is eleven in Spanish only
        found = []
        for amount in amounts(sentence, vocabulary, language):
            here = sentence.found(as_json(amount.value), amount.start, amount.end)
            free = not _overlaps(here, taken)
            plain_ = not amount.unit and not amount.article and amount.currency is None
            sure = plain_ and not doubtful(sentence.words, vocabulary, amount.start, amount.end)
            if free and sure and isinstance(_bounded(slot, amount.value, here.value), Value):
                found.append(here)
            elif free and not amount.article:
                return []
        if found:
            return found
    return []


def _overlaps(one: Found, others: list[Found]) -> bool:
    return any(one.start < other.end and other.start < one.end for other in others)


def parse_money(slot: Slot, sentence: Sentence) -> Value | Wrong:
    """The amount that is the answer; without a currency, in the slot's."""
    wrong = Wrong()
    for language, vocabulary in sentence.vocabularies():
        found = amounts(sentence, vocabulary, language)
        priced = [amount for amount in found if amount.currency is not None] or [
            amount for amount in found if not amount.unit and not amount.article
        ]
        if len(priced) != 1 or any(doubtful(sentence.words, vocabulary, one.start, one.end) for one in found):
            continue
        read = _money(slot, priced[0])
        if isinstance(read, Value):
            return read
        wrong = read
    return wrong


def find_money(slot: Slot, sentence: Sentence) -> list[Found]:
    """Amounts of a longer message that name their currency."""
    for language, vocabulary in sentence.vocabularies():
        found = []
        there = amounts(sentence, vocabulary, language)
        if any(doubtful(sentence.words, vocabulary, one.start, one.end) for one in there):
            continue
        for amount in there:
            read = _money(slot, amount) if amount.currency is not None else Wrong()
            if isinstance(read, Value):
                found.append(sentence.found(read.value, amount.start, amount.end))
        if found:
            return found
    return []


def _money(slot: Slot, amount: Amount) -> Value | Wrong:
    currency = amount.currency or slot.currency
    if currency is None or (slot.currency is not None and currency != slot.currency):
        return Wrong("currency")
    exponent = amount.value.as_tuple().exponent
    if amount.value < 0 or not isinstance(exponent, int) or exponent < -2:
        return Wrong()
    written = f"{amount.value:.2f}"
    return _bounded(slot, amount.value, {"amount": written, "currency": currency})


def _bounded(slot: Slot, number: Decimal, value: object) -> Value | Wrong:
    if isinstance(slot.min, int | float) and number < Decimal(str(slot.min)):
        return Wrong("min")
    if isinstance(slot.max, int | float) and number > Decimal(str(slot.max)):
        return Wrong("max")
    return Value(value) if abs(number) < 10**15 else Wrong()
