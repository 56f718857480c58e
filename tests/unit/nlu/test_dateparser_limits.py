"""Why dates are read by a grammar of our own, and dateparser only where that has no words: what it does with common answers.

When one of these fails, dateparser has learnt something, and the choice can be looked at again.
"""

from __future__ import annotations

from datetime import datetime

import pytest

pytest.importorskip("dateparser")

from dateparser.date import DateDataParser

from wabox.core.slot import Slot, Value
from wabox.nlu.slots import Reader, Setting, foreign

NOW = datetime.fromisoformat("2026-11-22T10:00")


def by_dateparser(text: str, language: str) -> str | None:
    settings = {"RELATIVE_BASE": NOW, "PREFER_DATES_FROM": "future"}
    found = DateDataParser(languages=[language], settings=settings).get_date_data(text).date_obj
    return found.strftime("%Y-%m-%dT%H:%M") if found else None


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("es", "pasado mañana"),
        ("es", "el martes"),
        ("es", "en dos días"),
        ("es", "el 5 de diciembre"),
        ("es", "a las cinco y media"),
        ("ar", "الثلاثاء القادم"),
        ("ar", "بعد يومين"),
        ("en", "half past five"),
        ("de", "nächsten Dienstag"),
        ("pt", "próxima terça"),
    ],
)
def test_not_read(language: str, text: str) -> None:
    """Everyday answers that it does not understand."""
    assert by_dateparser(text, language) is None


@pytest.mark.parametrize(
    ("language", "text", "guess"),
    [
        ("en", "tomorrow at 8", "2026-11-23T10:00"),
        ("es", "mañana a las 5", "2026-11-23T10:00"),
        ("en", "the 5th", "2027-05-22T00:00"),
        ("en", "2", "2027-02-22T00:00"),
    ],
)
def test_read_wrong(language: str, text: str, guess: str) -> None:
    """Answers of which it drops a part, or adds one, without a word."""
    assert by_dateparser(text, language) == guess


@pytest.mark.parametrize(
    ("language", "text", "value"),
    [
        ("nl", "5 december 2026", "2026-12-05"),
        ("tr", "yarın", "2026-11-23"),
        ("ru", "5 декабря", "2026-12-05"),
        ("pl", "jutro", "2026-11-23"),
        ("tr", "12", None),
        ("nl", "morgen om 8 of 9", None),
        ("xx", "tomorrow", None),
    ],
)
def test_other_languages(language: str, text: str, value: str | None) -> None:
    """Where there is no vocabulary of ours it is asked, and believed when every number of the message is in its answer."""
    reader = Reader.of(text, Setting(language=language, now=NOW), lambda found: None)
    read = reader.parse(Slot(name="x", type="date"))
    assert (read.value if isinstance(read, Value) else None) == value


def test_not_loaded_for_our_languages() -> None:
    """A bot that speaks languages with a vocabulary never pays for it."""
    import subprocess
    import sys

    code = (
        "import sys; from datetime import datetime\n"
        "from wabox.core.slot import Slot; from wabox.nlu.slots import Reader, Setting, foreign\n"
        "now = datetime(2026, 11, 22)\n"
        "foreign.prepare('es', now)\n"
        "for text in ('mañana', 'no sé', '???'):\n"
        "    Reader.of(text, Setting(language='es', now=now), lambda found: None).parse(Slot(name='x', type='date'))\n"
        "print('dateparser' in sys.modules, 'phonenumbers' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        "False",
        "False",
    ]
    foreign.prepare("nl", NOW)
