"""Values in the customer's language."""

from __future__ import annotations

from typing import Any

import pytest

from wabox.engine.text import around, fill, fill_first, formats, placeholders
from wabox.flowfile.formats import in_language

DAY, MOMENT, SUM = "2026-11-24", "2026-11-24T17:30", {"amount": "1250.5", "currency": "EUR"}


@pytest.mark.parametrize(
    ("language", "form", "value", "expected"),
    [
        ("en", "date", DAY, "Tuesday, November 24"),
        ("en", "date", MOMENT, "Tuesday, November 24"),
        ("es", "date", DAY, "martes, 24 de noviembre"),
        ("ar", "date", DAY, "الثلاثاء، 24 نوفمبر"),
        ("fr", "date", DAY, "mardi 24 novembre"),
        ("de", "date", DAY, "Dienstag, 24. November"),
        ("tr", "date", DAY, "24 Kasım Salı"),
        ("pt_BR", "date", DAY, "terça-feira, 24 de novembro"),
        ("xx", "date", DAY, "Tuesday, November 24"),
        ("en", "time", "17:30", "5:30 PM"),
        ("es", "time", MOMENT, "17:30"),
        ("en", "datetime", MOMENT, "Tuesday, November 24, 5:30 PM"),
        ("es", "money", SUM, "1.250,50 €"),
        ("en", "money", SUM, "€1,250.50"),
        ("de", "number", 1234567.5, "1.234.567,5"),
        ("en", "number", "1234", "1,234"),
    ],
)
def test_formats(language: str, form: str, value: Any, expected: str) -> None:
    assert fill(f"<{{v:{form}}}>", {"v": value}, in_language(language)) == f"<{expected}>"


@pytest.mark.parametrize(
    "value", ["soon", 7, None, True, [], {"amount": "x", "currency": "EUR"}, {"amount": 1}, "9" * 99, ""]
)
@pytest.mark.parametrize("form", ["date", "time", "datetime", "money", "number", "colour"])
def test_what_is_no_such_value_is_written_as_it_is(form: str, value: Any) -> None:
    """Never an error: a customer waits for the message."""
    shown = fill(f"{{v:{form}}}", {"v": value}, in_language("en"))
    assert shown == fill("{v}", {"v": value}) or form == "number"


def test_the_path_is_what_a_placeholder_is_about() -> None:
    text = "Dear {name}, {{on}} {visit.day:date} at {visit.time:time}"
    assert placeholders(text) == ("name", "visit.day", "visit.time")
    assert formats(text) == ("date", "time")
    assert around(text) == "Dear  , {on}   at  "
    assert fill(text, {"name": "Ana", "visit": {"day": DAY}}) == f"Dear Ana, {{on}} {DAY} at "
    assert fill(fill_first("{a:date} {secret.x}", {"a": "{b}"}, "secret"), {"secret": {"x": 1}}) == "{b} 1"
