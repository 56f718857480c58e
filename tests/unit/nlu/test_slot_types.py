"""What customers write, type by type and language by language, and what is stored. It is Sunday 22 November 2026, 10:00."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wabox.core.intent import Choice
from wabox.core.slot import Slot, SlotType, Value, Wrong
from wabox.nlu.slots import Reader, Setting
from wabox.nlu.slots.contacts import country_of
from wabox.nlu.slots.things import of_message
from wabox.nlu.slots.wording import worded

NOW = datetime.fromisoformat("2026-11-22T10:00")
YES = {("yes",): "affirm", ("si",): "affirm", ("نعم",): "affirm", ("no",): "deny", ("لا",): "deny"}
SIZES = (Choice(event="s", title="Small"), Choice(event="m", title="Medium"), Choice(event="xl", title="Extra large"))


def reader(text: str, language: str = "en", region: str | None = None) -> Reader:
    setting = Setting(language=language, now=NOW, region=region)
    return Reader.of(text, setting, lambda found: YES.get(found), {"size": SIZES})


def read(kind: SlotType, text: str, language: str = "en", region: str | None = None, **more: Any) -> Any:
    """The value; ``?`` and the reason when it is none."""
    found = reader(text, language, region).parse(Slot(name="size", type=kind, **more))
    return found.value if isinstance(found, Value) else f"?{found.reason}"


def table(text: str) -> list[tuple[str, ...]]:
    return [tuple(part.strip() for part in line.split("|")) for line in text.strip().splitlines()]


DATES = """
en | tomorrow | 2026-11-23
en | Tomorrow, please! | 2026-11-23
en | the day after tomorrow | 2026-11-24
en | today | 2026-11-22
en | yesterday | 2026-11-21
en | tuesday | 2026-11-24
en | next Tuesday | 2026-11-24
en | this friday | 2026-11-27
en | sunday | 2026-11-29
en | this sunday | 2026-11-22
en | on monday morning | 2026-11-23
en | in two days | 2026-11-24
en | in 2 days | 2026-11-24
en | in a week | 2026-11-29
en | two weeks from now | 2026-12-06
en | in a month | 2026-12-22
en | december 5 | 2026-12-05
en | Dec 5th, 2027 | 2027-12-05
en | 5 december | 2026-12-05
en | the 5th of december | 2026-12-05
en | the 5th | 2026-12-05
en | 27 | 2026-11-27
en | friday the 27th | 2026-11-27
en | 3/4 | 2027-03-04
en | 13/4 | 2027-04-13
en | 3/4/2027 | 2027-03-04
en | 12/24/26 | 2026-12-24
en | 2026-12-24 | 2026-12-24
en | 29 february | 2028-02-29
en | I'd like to come tomorrow if that is possible | 2026-11-23
en | next week | ?
en | december | ?
en | may | ?
en | a week from monday | ?
en | not tomorrow | ?
en | monday or tuesday | ?
en | 31/11 | ?
en | friday the 26th of november 2026 | ?
en | my name is Ana | ?
en | ١٢ | 2026-12-12
es | mañana | 2026-11-23
es | pasado mañana | 2026-11-24
es | el martes | 2026-11-24
es | el próximo martes | 2026-11-24
es | martes que viene | 2026-11-24
es | este viernes | 2026-11-27
es | en dos días | 2026-11-24
es | dentro de tres semanas | 2026-12-13
es | 3/4 | 2027-04-03
es | 3/4/27 | 2027-04-03
es | 24.12.2026 | 2026-12-24
es | el 5 de diciembre | 2026-12-05
es | 1 de mayo de 2027 | 2027-05-01
es | el día 5 | 2026-12-05
es | viernes 27 | 2026-11-27
es | hoy | 2026-11-22
es | mañana por la mañana | 2026-11-23
es | la semana que viene | ?
es | no el lunes | ?
ar | غدا | 2026-11-23
ar | غدًا | 2026-11-23
ar | بكرة | 2026-11-23
ar | بعد غد | 2026-11-24
ar | الثلاثاء القادم | 2026-11-24
ar | يوم الجمعة | 2026-11-27
ar | بعد يومين | 2026-11-24
ar | بعد أسبوع | 2026-11-29
ar | بعد ثلاثة أيام | 2026-11-25
ar | ٣/٤ | 2027-04-03
ar | ٥ ديسمبر | 2026-12-05
ar | 5 كانون الأول | 2026-12-05
ar | اليوم | 2026-11-22
fr | demain | 2026-11-23
fr | après-demain | 2026-11-24
fr | mardi prochain | 2026-11-24
fr | le 5 décembre | 2026-12-05
fr | dans deux jours | 2026-11-24
pt | amanhã | 2026-11-23
pt | depois de amanhã | 2026-11-24
pt | próxima terça | 2026-11-24
pt | na sexta-feira | 2026-11-27
pt | 5 de dezembro | 2026-12-05
de | morgen | 2026-11-23
de | übermorgen | 2026-11-24
de | nächsten Dienstag | 2026-11-24
de | am 5. Dezember | 2026-12-05
de | 5.12.2026 | 2026-12-05
de | in zwei Tagen | 2026-11-24
it | domani | 2026-11-23
it | dopodomani | 2026-11-24
it | martedì prossimo | 2026-11-24
it | il 5 dicembre | 2026-12-05
"""
TIMES = """
en | 5pm | 17:00
en | 5 p.m. | 17:00
en | at 5 | 17:00
en | 8 | 08:00
en | 17:30 | 17:30
en | 08:30 | 08:30
en | 5.30pm | 17:30
en | half past five | 17:30
en | quarter to six | 17:45
en | ten past nine | 09:10
en | five thirty | 17:30
en | 9 in the morning | 09:00
en | 8 in the evening | 20:00
en | 11 at night | 23:00
en | noon | 12:00
en | midnight | 00:00
en | 12 am | 00:00
en | 12:30 pm | 12:30
en | in half an hour | 10:30
en | 25:00 | ?
en | soon | ?
en | at 5 or 6 | ?
es | a las 5 | 17:00
es | a las cinco y media | 17:30
es | a las 6 menos cuarto | 17:45
es | a las 9 de la mañana | 09:00
es | a las 8 de la tarde | 20:00
es | a las diez de la noche | 22:00
es | a la una | 13:00
es | 20:15h | 20:15
es | 21h | 21:00
es | a mediodía | 12:00
ar | الساعة ٥ مساء | 17:00
ar | الساعة الخامسة والنصف مساءً | 17:30
ar | ٨ صباحا | 08:00
ar | الساعة التاسعة إلا ربع صباحا | 08:45
fr | à 17h30 | 17:30
fr | 8 heures du soir | 20:00
de | um halb sechs | 17:30
de | 18 Uhr | 18:00
pt | às 9 da noite | 21:00
it | alle 8 di sera | 20:00
"""
MOMENTS = """
en | tomorrow at 5pm | 2026-11-23T17:00
en | 5pm tomorrow | 2026-11-23T17:00
en | tonight at 8 | 2026-11-22T20:00
en | today at 8 | 2026-11-22T20:00
en | tomorrow at 8 | 2026-11-23T08:00
en | at 8 tomorrow evening | 2026-11-23T20:00
en | monday 10am | 2026-11-23T10:00
en | next Tuesday, half past five | 2026-11-24T17:30
en | December 5th at noon | 2026-12-05T12:00
en | in two hours | 2026-11-22T12:00
en | tomorrow for four people at 7 pm | 2026-11-23T19:00
en | tomorrow | ?no_time
en | at 5 pm | ?no_day
en | tomorrow 4 people | ?no_time
es | mañana a las 5 | 2026-11-23T17:00
es | pasado mañana a las nueve de la noche | 2026-11-24T21:00
es | mañana por la mañana a las 9 | 2026-11-23T09:00
es | el viernes a las 20:30 | 2026-11-27T20:30
es | esta noche a las 9 | 2026-11-22T21:00
es | el 5 de diciembre de 2026 a las 20:30 | 2026-12-05T20:30
ar | غدا الساعة 5 مساء | 2026-11-23T17:00
ar | يوم الثلاثاء القادم الساعة ٨ مساءً | 2026-11-24T20:00
fr | demain à 17h30 | 2026-11-23T17:30
pt | depois de amanhã às 9 da noite | 2026-11-24T21:00
de | morgen um 18 Uhr | 2026-11-23T18:00
it | domani alle 20:30 | 2026-11-23T20:30
"""
NUMBERS = """
en | 2 | 2
en | two | 2
en | twenty-five | 25
en | a hundred and five | 105
en | we are 4 | 4
en | about 3 people | 3
en | one | 1
en | 1,200 | 1200
en | 1,200.5 | 1200.5
en | -3 | -3
en | ٣ | 3
en | 2 or 3 | ?
en | 5kg | ?
en | a table tomorrow at 8 | ?
en | lots | ?
es | 1.200 | 1200
es | 1.200,50 | 1200.5
es | 12,5 | 12.5
es | treinta y dos | 32
es | doscientos tres | 203
es | somos cuatro | 4
ar | ثلاثة | 3
ar | خمسة وعشرون | 25
ar | لشخصين | 2
ar | ١٢ | 12
fr | quatre-vingt-dix | 90
de | zwölf | 12
"""
MONEY = """
en | US | $1,200.00 | 1200.00 USD
en | US | 12.50 dollars | 12.50 USD
en | ES | 12,50 € | 12.50 EUR
es | ES | 12,50 € | 12.50 EUR
es | ES | 1.200 euros | 1200.00 EUR
es | MX | $500 | 500.00 MXN
es | MX | 20 pesos | 20.00 MXN
es | ES | doce euros con cincuenta céntimos | 12.50 EUR
en | US | twelve euros | 12.00 EUR
en | GB | £20 | 20.00 GBP
en | GB | 20 quid | 20.00 GBP
ar | SA | ٣٠ ريال | 30.00 SAR
en | US | EUR 5 | 5.00 EUR
en | US | I pay 12.5 dollars | 12.50 USD
en | US | 12 | ?currency
en | US | between 5 and 10 dollars | ?
en | US | -5 $ | ?
en | US | mad | ?
en | US | 0.001 € | ?
"""
PHONES = """
ES | 612 34 56 78 | +34612345678
ES | my number is 612345678, thanks | +34612345678
ES | +44 20 7946 0958 | +442079460958
US | (415) 555-2671 | +14155552671
SA | ٠٥٥١٢٣٤٥٦٧ | +966551234567
MX | 55 1234 5678 | +525512345678
ES | 0034612345678 | +34612345678
ES | 123 | ?
ES | 612 34 56 | ?
ES | call me tomorrow at 8 | ?
"""
NAMES = """
en | Ana | Ana
en | ana garcía | Ana García
en | My name is Ana. | Ana
en | it's Bob | Bob
en | Juan de la Cruz | Juan de la Cruz
en | O'Neill | O'Neill
en | Anne-Marie | Anne-Marie
es | me llamo Ana | Ana
es | soy Pedro | Pedro
ar | اسمي سارة | سارة
ar | محمد | محمد
en | 李小龍 | 李小龍
en | hello | ?
en | I want a table | ?
en | ana@example.com | ?
en | 42 | ?
en | 👍 | ?
en | no | ?
en | her name is Sara | Sara
en | the patient is Adam Khalil | Adam Khalil
en | for Adam Khalil | Adam Khalil
en | it's for Adam | Adam
en | my son's name is Adam | Adam
en | hi, I'm Ana | Ana
en | something else | ?
ar | اسمه آدم خليل | آدم خليل
ar | اسمها سارة | سارة
fr | elle s'appelle Sara | Sara
es | se llama Sara | Sara
"""
EMAILS = """
ana@example.com | ana@example.com
Ana.B+x@Example.COM | Ana.B+x@example.com
it is ana@example.co.uk. | ana@example.co.uk
ana@example | ?
ana at example.com | ?
a@b.co and c@d.co | ?
@ana | ?
"""
ADDRESSES = """
12 High Street, Bath | 12 High Street, Bath
Calle Luna 12, 28004 Madrid | Calle Luna 12, 28004 Madrid
شارع الملك فهد 12، الرياض | شارع الملك فهد 12، الرياض
here | ?
where? | ?
at home | ?
"""


@pytest.mark.parametrize(("language", "text", "value"), table(DATES))
def test_dates(language: str, text: str, value: str) -> None:
    """A day however it is put; what is no day, or more than one, is none."""
    assert read("date", text, language, "US" if language == "en" else None) == value


@pytest.mark.parametrize(("language", "text", "value"), table(TIMES))
def test_times(language: str, text: str, value: str) -> None:
    """A time of day; an hour below seven that nobody called morning is in the afternoon."""
    assert read("time", text, language) == value


@pytest.mark.parametrize(("language", "text", "value"), table(MOMENTS))
def test_moments(language: str, text: str, value: str) -> None:
    """A day and a time, and what is missing when one is."""
    assert read("datetime", text, language) == value


@pytest.mark.parametrize(("language", "text", "value"), table(NUMBERS))
def test_numbers(language: str, text: str, value: str) -> None:
    """Digits of every script and words; point and comma by the language."""
    assert str(read("number", text, language)) == value


@pytest.mark.parametrize(("language", "region", "text", "value"), table(MONEY))
def test_money(language: str, region: str, text: str, value: str) -> None:
    """An amount with its currency; the sign that many countries share is that of the customer's."""
    found = read("money", text, language, region)
    assert (found if isinstance(found, str) else f"{found['amount']} {found['currency']}") == value


def test_money_of_a_slot_with_a_currency() -> None:
    """A bare amount is in the slot's currency; another currency is refused."""
    assert read("money", "12", currency="EUR") == {"amount": "12.00", "currency": "EUR"}
    assert read("money", "$12", region="US", currency="EUR") == "?currency"


@pytest.mark.parametrize(("region", "text", "value"), table(PHONES))
def test_phones(region: str, text: str, value: str) -> None:
    """A number of the customer's country without a prefix, or of any with one; only valid ones."""
    assert read("phone", text, "en", region) == value


@pytest.mark.parametrize(("language", "text", "value"), table(NAMES))
def test_names(language: str, text: str, value: str) -> None:
    """A name in any script, without what stands around it."""
    assert read("name", text, language) == value


@pytest.mark.parametrize(("text", "value"), table(EMAILS))
def test_emails(text: str, value: str) -> None:
    """One address."""
    assert read("email", text) == value


@pytest.mark.parametrize(("text", "value"), table(ADDRESSES))
def test_addresses(text: str, value: str) -> None:
    """Words that could be a street, or nothing."""
    found = read("address", text)
    assert (found if isinstance(found, str) else found["text"]) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("small", "s"),
        ("the medium one please", "m"),
        ("3", "xl"),
        ("the second", "m"),
        ("I think Extra Large fits", "xl"),
        ("small or medium", "?"),
        ("4", "?"),
    ],
)
def test_choices(text: str, value: str) -> None:
    """By words, by number, or by a title inside a sentence; two of them are none."""
    assert read("choice", text) == value


@pytest.mark.parametrize(
    ("text", "value"), [("yes", True), ("no", False), ("نعم", True), ("No, thanks", False), ("perhaps", "?")]
)
def test_yes_no(text: str, value: Any) -> None:
    """Yes and no as truth values."""
    assert read("yes_no", text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("AB1234", "AB1234"),
        ("ab1234.", "ab1234"),
        ("ab 1234", "ab1234"),
        ("AB١٢٣٤", "AB1234"),
        ("AB12345", "?"),
        ("x" * 300, "?"),
    ],
)
def test_patterns(text: str, value: str) -> None:
    """The whole answer, without regard to case, blanks and the script of its digits."""
    assert read("pattern", text, pattern="[A-Z]{2}[0-9]{4}") == value


def test_texts() -> None:
    """As they are, within the slot's lengths."""
    assert read("text", "  two\nlines ") == "two\nlines"
    assert read("text", "x", min=2) == "?min"
    assert read("text", "xxx", max=2) == "?max"
    assert read("text", "x" * 1001) == "?max"


@pytest.mark.parametrize(
    ("kind", "text", "more", "value"),
    [
        ("date", "yesterday", {"when": "future"}, "?past"),
        ("date", "tomorrow", {"when": "past"}, "?future"),
        ("date", "5 may", {"when": "past"}, "2026-05-05"),
        ("date", "monday", {"when": "past"}, "2026-11-16"),
        ("date", "tomorrow", {"min": "2026-12-01"}, "?min"),
        ("date", "24 december", {"max": "2026-12-01"}, "?max"),
        ("time", "at 8", {"min": "12:00"}, "20:00"),
        ("time", "at 5", {"max": "12:00"}, "05:00"),
        ("datetime", "tomorrow at 8", {"min": "12:00", "max": "23:00"}, "2026-11-23T20:00"),
        ("datetime", "today at 9", {"when": "future"}, "2026-11-22T21:00"),
        ("datetime", "tomorrow at 3 am", {"min": "12:00"}, "?min"),
        ("datetime", "today at 9:00 am", {"when": "future"}, "?past"),
        ("number", "0", {"min": 1}, "?min"),
        ("number", "13", {"max": 12}, "?max"),
        ("money", "5 €", {"min": 10}, "?min"),
    ],
)
def test_bounds(kind: Any, text: str, more: dict[str, Any], value: str) -> None:
    """What is out of bounds is said so; bounds and the side of now also choose between two readings."""
    assert read(kind, text, **more) == value


def test_day_and_month_by_country() -> None:
    """English begins with the month only where its country does."""
    assert read("date", "3/4", "en", "GB") == "2027-04-03"
    assert read("date", "3/4", "en", "US") == "2027-03-04"
    assert read("date", "3/4", "es", "US") == "2027-04-03"


def test_country_of_a_number() -> None:
    """From the customer's own WhatsApp number; nobody knows that of none."""
    assert [country_of(number) for number in ("34612345678", "5215550002222", None, "x", "0")] == [
        "ES",
        "MX",
        None,
        None,
        None,
    ]


def test_several_slots_in_one_message() -> None:
    """Everything that is certain, each word for one slot only."""
    wanted = [
        Slot(name="people", type="number"),
        Slot(name="when", type="datetime", min="12:00"),
        Slot(name="name", type="name"),
        Slot(name="phone", type="phone"),
        Slot(name="mail", type="email"),
    ]
    text = "a table for two tomorrow at 8, my name is Ana, 612 34 56 78 or ana@example.com"
    assert reader(text, region="ES").find(wanted) == {
        "people": 2,
        "when": "2026-11-23T20:00",
        "name": "Ana",
        "phone": "+34612345678",
        "mail": "ana@example.com",
    }
    spanish = reader("una mesa para cuatro el viernes a las 9 de la noche a nombre de García", "es").find(wanted[:3])
    assert spanish == {"people": 4, "when": "2026-11-27T21:00", "name": "García"}
    arabic = reader("طاولة لشخصين غدا الساعة ٨ مساء، اسمي سارة", "ar").find(wanted[:3])
    assert arabic == {"people": 2, "when": "2026-11-23T20:00", "name": "سارة"}


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("between 2 and 4 people", ["number"]),
        ("monday or tuesday", ["date"]),
        ("2 adults and 3 children", ["number"]),
        ("I am hungry", ["name"]),
        ("may I ask something", ["date"]),
        ("the second one", ["date", "time", "number"]),
        ("12 High Street", ["date", "time"]),
        ("order 1234567", ["phone"]),
    ],
)
def test_what_is_not_certain_is_not_taken(text: str, kinds: list[SlotType]) -> None:
    """Two that could be meant, and words that only look like it."""
    assert reader(text, region="ES").find([Slot(name=kind, type=kind) for kind in kinds]) == {}


@pytest.mark.parametrize(
    ("language", "text", "value"),
    [
        ("fr", "je veux réparer mon vélo", None),
        ("fr", "mon nom est Luc", None),
        ("en", "the sun is shining", None),
        ("en", "we sat down with sun on mon", None),
        ("es", "el mes pasado", None),
        ("en", "my bike, on friday", "2026-11-27"),
        ("fr", "réparer mon vélo lundi", "2026-11-23"),
        ("en", "my bike, el 5 de diciembre", "2026-12-05"),
    ],
)
def test_days_that_nobody_asked_for(language: str, text: str, value: str | None) -> None:
    """Only whole words of the message's own language, or a full date; "once" is no eleven in English."""
    setting = Setting(language=language, languages=("en", "es", "fr"), now=NOW)
    message = Reader.of(text, setting, lambda found: None)
    assert message.find([Slot(name="day", type="date")]).get("day") == value


def test_short_days_are_answers_in_their_language() -> None:
    """Asked for a day, "mon" is one in English and none in French."""
    assert read("date", "mon") == "2026-11-23"
    assert read("date", "see you on fri then") == "2026-11-27"
    setting = Setting(language="fr", languages=("en", "fr"), now=NOW)
    assert Reader.of("mon vélo", setting, lambda found: None).parse(Slot(name="day", type="date")) == Wrong()
    once = Reader.of("I asked once before", Setting(language="en", languages=("en", "es"), now=NOW), lambda found: None)
    assert once.find([Slot(name="people", type="number")]) == {}


def test_two_slots_of_one_type_get_nothing() -> None:
    """Nobody can know which of them is meant."""
    both = [Slot(name="from", type="date"), Slot(name="to", type="date")]
    assert reader("tomorrow").find(both) == {}


def test_things() -> None:
    """A shared location, a picture; the wrong thing is a wrong answer."""
    place = {"latitude": 40.4, "longitude": -3.7, "name": "Bar", "address": "Calle 1"}
    assert of_message(Slot(name="x", type="location"), "location", place, None) == Value(place)
    assert of_message(Slot(name="x", type="address"), "location", place, None) == Value(
        {**place, "text": "Bar, Calle 1"}
    )
    picture = {"id": "1", "mime_type": "image/jpeg", "sha256": "x"}
    assert of_message(Slot(name="x", type="media"), "image", picture, "me") == Value(
        {"type": "image", **picture, "caption": "me"}
    )
    assert of_message(Slot(name="x", type="media", kinds=("image",)), "audio", picture, None) == Wrong()
    assert of_message(Slot(name="x", type="location"), "image", picture, None) == Wrong()
    assert of_message(Slot(name="x", type="location"), "location", {"latitude": 91, "longitude": 0}, None) == Wrong()
    assert of_message(Slot(name="x", type="text"), "image", picture, None) is None


@pytest.mark.parametrize(
    ("kind", "value", "language", "words"),
    [
        ("date", "2026-11-24", "en", "Tuesday 24 November"),
        ("date", "2028-02-29", "es", "martes 29 de febrero de 2028"),
        ("date", "2026-11-24", "ar", "الثلاثاء 24 نوفمبر"),
        ("time", "17:30", "en", "5:30 pm"),
        ("time", "00:00", "en", "12 am"),
        ("time", "17:30", "es", "17:30"),
        ("datetime", "2026-11-24T20:00", "de", "Dienstag, 24. November, 20:00"),
        ("datetime", "2026-11-24T20:00", "tr", "2026-11-24, 20:00"),
        ("money", {"amount": "12.50", "currency": "EUR"}, "en", "12.50 EUR"),
        ("yes_no", True, "es", "sí"),
        ("choice", "s", "en", "Small"),
        ("address", {"text": "Calle 1"}, "es", "Calle 1"),
        ("number", 3, "en", "3"),
    ],
)
def test_wording(kind: SlotType, value: Any, language: str, words: str) -> None:
    """A value as it is said back."""
    assert worded(Slot(name="x", type=kind), value, language, NOW.date(), {"s": "Small"}) == words


@settings(max_examples=300, deadline=None)
@given(text=st.text(max_size=400), language=st.sampled_from(["en", "es", "ar", "de"]))
def test_nothing_makes_it_fail(text: str, language: str) -> None:
    """Whatever a customer writes, each type reads it or does not."""
    for kind in (
        "date",
        "time",
        "datetime",
        "number",
        "money",
        "phone",
        "email",
        "name",
        "address",
        "text",
        "choice",
        "yes_no",
    ):
        read(kind, text, language, "ES")  # type: ignore[arg-type]
    kinds: list[SlotType] = ["date", "number", "money", "phone", "email", "name"]
    reader(text, language).find([Slot(name=kind, type=kind) for kind in kinds])


@settings(max_examples=200, deadline=None)
@given(
    day=st.dates(min_value=NOW.date(), max_value=date(2035, 12, 31)),
    language=st.sampled_from(["en", "es", "ar", "fr", "pt", "de", "it"]),
)
def test_what_is_said_is_understood(day: Any, language: str) -> None:
    """A day in wabox's own words, in any of its languages, is that day again."""
    words = worded(Slot(name="x", type="date"), day.isoformat(), language, NOW.date().replace(year=2000))
    assert read("date", words, language) == day.isoformat()
