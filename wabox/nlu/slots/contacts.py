"""Slots of the types phone, email and name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING

from wabox.core.slot import Slot, Value, Wrong
from wabox.nlu.slots.sentence import Found, Sentence
from wabox.nlu.slots.words import digits

if TYPE_CHECKING:
    import phonenumbers

_EMAIL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}\.[^\W\d_]{2,63}")
_AROUND = "<>()[]{}\"'“”«»,;:!?."
"""Signs that stand around an address and are no part of it."""


def parse_phone(slot: Slot, sentence: Sentence) -> Value | Wrong:
    """The number that is the answer, in E.164; without a country code, one of the customer's own country."""
    numbers = find_phones(slot, sentence)
    if len(numbers) == 1:
        return Value(numbers[0].value)
    if numbers or not 5 <= sum(sign.isdigit() for sign in sentence.text) <= 18:
        return Wrong()
    import phonenumbers

    text = digits(sentence.text).strip(" .!")
    if re.search(r"[^\W\d_]{3,}", text):
        return Wrong()
    for region in _regions(slot, sentence):
        try:
            number = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return Value(_written(number))
    return Wrong()


def find_phones(slot: Slot, sentence: Sentence) -> list[Found]:
    """Valid numbers in a longer message."""
    if sum(sign.isdigit() for sign in sentence.text) < 7:
        return []
    import phonenumbers

    text = digits(sentence.text)
    found: list[Found] = []
    for region in _regions(slot, sentence):
        matches = phonenumbers.PhoneNumberMatcher(text, region, max_tries=20)
        found = [Found(_written(match.number), match.start, match.end) for match in matches]
        if found:
            break
    return found


def _regions(slot: Slot, sentence: Sentence) -> Iterator[str | None]:
    yield from dict.fromkeys(
        (slot.region, sentence.setting.region, None) if slot.region is None else (slot.region, None)
    )


def _written(number: phonenumbers.PhoneNumber) -> str:
    import phonenumbers

    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def country_of(wa_id: str | None) -> str | None:
    """The country of a WhatsApp number, ISO 3166; None when there is none or nobody knows."""
    if not wa_id or not wa_id.isdigit():
        return None
    import phonenumbers

    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse("+" + wa_id))
    except phonenumbers.NumberParseException:
        return None


def parse_email(slot: Slot, sentence: Sentence) -> Value | Wrong:
    """The one address in the answer."""
    found = find_emails(slot, sentence)
    return Value(found[0].value) if len({one.value for one in found}) == 1 else Wrong()


def find_emails(slot: Slot, sentence: Sentence) -> list[Found]:
    """Addresses in a message, their domains in lower case. That they have the shape of one is all that can be known here."""
    found = []
    for match in re.finditer(r"\S{3,320}", sentence.text[:1_000]):
        written = match[0].strip(_AROUND)
        # Word by word, and each matched as a whole: the time this takes grows with the message and no faster.
        if written.count("@") == 1 and ".." not in written and _EMAIL.fullmatch(written):
            name, _, domain = written.partition("@")
            start = match.start() + match[0].index(written)
            if not name.endswith("."):
                found.append(Found(f"{name}@{domain.lower()}", start, start + len(written)))
    return found


_CALLED = (
    r"my name is|my name's|name is|i am called|call me|the name is|name:|mi nombre es|me llamo|a nombre de|nombre:"
    r"|اسمي|إسمي|الاسم|je m'appelle|mon nom est|au nom de|ich heiße|ich heisse|mein name ist|auf den namen|name ist"
    r"|meu nome é|me chamo|em nome de|mi chiamo|il mio nome è|a nome di|under the name(?: of)?|in the name of"
    r"|(?:her|his|their|our|your) name is|my (?:\w+'?s|\w+’s|\w+) name is|name's"
    r"|(?:the )?patient is|(?:the )?patient's name is|su nombre es|se llama|el paciente es|la paciente es"
    r"|اسمه|إسمه|اسمها|إسمها|اسم المريضة?|son nom est|il s'appelle|elle s'appelle"
)
_SELF = r"i am|i'm|im|this is|it's|it is|its|soy|yo soy|es|أنا|انا|je suis|c'est|ich bin|sou|eu sou|aqui é|sono|io sono"
_FOR = r"it's for|it is for|for|para|pour|für|per|لـ"
"""Before a name when one was asked for; a mass of other things otherwise."""
_FIND = re.compile(rf"(?:^|(?<=[\s,.;:!¡(]))(?:{_CALLED})\s*:?\s+", re.IGNORECASE)
_LEAD = re.compile(
    rf"^(?:(?:hi|hello|hola|hey|bonjour|hallo|ciao|oi|olá|مرحبا|yes|sí|si|نعم)[,!.\s]+)?(?:{_CALLED}|{_FOR}|{_SELF})\s*:?\s+",
    re.IGNORECASE,
)
_NO_NAMES = frozenset(
    [
        "a",
        "an",
        "the",
        "and",
        "or",
        "not",
        "no",
        "yes",
        "si",
        "sí",
        "ok",
        "okay",
        "hi",
        "hello",
        "hola",
        "hey",
        "please",
        "thanks",
        "thank",
        "you",
        "gracias",
        "porfavor",
        "favor",
        "por",
        "what",
        "who",
        "why",
        "how",
        "when",
        "where",
        "que",
        "qué",
        "quien",
        "cómo",
        "cuando",
        "donde",
        "i",
        "me",
        "my",
        "want",
        "need",
        "would",
        "like",
        "can",
        "could",
        "have",
        "has",
        "is",
        "are",
        "was",
        "y",
        "o",
        "el",
        "la",
        "un",
        "una",
        "para",
        "pero",
        "con",
        "quiero",
        "necesito",
        "tengo",
        "puedo",
        "puede",
        "hay",
        "table",
        "book",
        "booking",
        "order",
        "reserve",
        "reservation",
        "reserva",
        "mesa",
        "pedido",
        "tomorrow",
        "today",
        "tonight",
        "mañana",
        "hoy",
        "nada",
        "none",
        "nobody",
        "idk",
        "dunno",
        "sorry",
        "something",
        "somebody",
        "someone",
        "else",
        "other",
        "another",
        "different",
        "otro",
        "otra",
        "perdon",
        "cancel",
        "cancelar",
        "stop",
        "help",
        "ayuda",
        "nope",
        "nop",
        "sure",
        "نعم",
        "لا",
        "شكرا",
        "من",
        "فضلك",
        "أريد",
        "اريد",
        "for",
        "at",
        "on",
        "in",
        "to",
        "of",
        "and",
    ]
)
_PARTICLES = frozenset(
    [
        "de",
        "del",
        "la",
        "las",
        "los",
        "da",
        "das",
        "do",
        "dos",
        "di",
        "van",
        "von",
        "der",
        "den",
        "ten",
        "bin",
        "ibn",
        "al",
        "el",
        "e",
        "y",
        "o'",
        "st",
        "san",
        "le",
        "du",
    ]
)


def parse_name(slot: Slot, sentence: Sentence) -> Value | Wrong:
    """A person's name: one to six words of letters that are not the words of a sentence."""
    text = sentence.text.strip(" .,!;:\n\t\"'“”«»")
    text = _LEAD.sub("", text, count=1).strip(" .,!;:")
    return _sized(slot, _name(text))


def find_names(slot: Slot, sentence: Sentence) -> list[Found]:
    """The name behind "my name is", up to four words that look like one."""
    found = []
    for match in _FIND.finditer(sentence.text[:300]):
        rest = re.split(r"[,.;:!?()\n]|\s[-–]\s|\d", sentence.text[match.end() : match.end() + 60])[0]
        kept: list[str] = []
        for word in rest.split()[:5]:
            if word.lower() in _NO_NAMES and word.lower() not in _PARTICLES:
                break
            kept.append(word)
        while kept and kept[-1].lower() in _PARTICLES | {"and", "y", "e", "et", "und"}:
            kept.pop()
        name = _name(" ".join(kept))
        if name is not None and isinstance(_sized(slot, name), Value):
            start = sentence.text.index(kept[0], match.end())
            found.append(Found(name, start, start + len(" ".join(kept))))
    return found


def _name(text: str) -> str | None:
    words = text.split()
    if not 1 <= len(words) <= 6 or not 1 <= len(text) <= 80:
        return None
    for place, word in enumerate(words):
        letters = [sign for sign in word if unicodedata.category(sign)[0] in "LM"]
        if not letters or any(unicodedata.category(sign)[0] not in "LM" and sign not in "'’.-·ʼ" for sign in word):
            return None
        small = word.lower().strip(".'’")
        if small in _NO_NAMES and not (small in _PARTICLES and 0 < place < len(words)):
            return None
    if text == text.lower() and text.isascii() | (text != text.upper()):
        # Typed in haste, all small: names have capitals where the script has them.
        return " ".join(
            word if word in _PARTICLES and place else word[:1].upper() + word[1:] for place, word in enumerate(words)
        )
    return " ".join(words)


def _sized(slot: Slot, text: str | None) -> Value | Wrong:
    if text is None:
        return Wrong()
    if isinstance(slot.min, int | float) and len(text) < slot.min:
        return Wrong("min")
    if isinstance(slot.max, int | float) and len(text) > slot.max:
        return Wrong("max")
    return Value(text)
