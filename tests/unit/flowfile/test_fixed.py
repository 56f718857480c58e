"""What is the same for everybody is made once; what is not, is not."""

from __future__ import annotations

import pytest

from wabox.core.kind import Media
from wabox.engine.say import ButtonTemplate, ListTemplate, RowTemplate, SayTemplate, SectionTemplate
from wabox.flowfile import fixed
from wabox.flowfile.fixed import Fixed, is_fixed
from wabox.flowfile.texts import Texts

OWN = {"en": {"hello": "Hello!", "name": "Hello {name}"}, "es": {"hello": "Hola", "name": "Hola"}}
TEXTS = Texts.of(("en", "es"), "en", OWN, keyed=True)
ROWS = (RowTemplate("a", "hello"), RowTemplate("b", "hello", "name"))


class Making:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        return f"made {self.calls}"


def test_made_once_per_language() -> None:
    """The second customer gets the same object, and one who speaks another language another one."""
    made, make, template = Fixed[str](), Making(), SayTemplate(text="hello")
    assert [made.get(template, language, TEXTS, make) for language in ("en", "en", "es", "en")] == [
        *("made 1", "made 1", "made 2", "made 1"),
    ]
    assert made.get(SayTemplate(text="hello"), "en", TEXTS, make) == "made 3"


def test_made_for_each_where_something_is_filled_in() -> None:
    """Only in the language whose words have the placeholder."""
    made, make, template = Fixed[str](), Making(), SayTemplate(text="name")
    assert [made.get(template, language, TEXTS, make) for language in ("en", "en", "es", "es")] == [
        *("made 1", "made 2", "made 3", "made 3"),
    ]


@pytest.mark.parametrize(
    "template",
    [
        SayTemplate(header="name"),
        SayTemplate(footer="{a}"),
        SayTemplate(text="hello", buttons=(ButtonTemplate("a", "{a}"),)),
        SayTemplate(text="hello", list=ListTemplate("{a}", (SectionTemplate(None, ROWS[:1]),))),
        SayTemplate(text="hello", list=ListTemplate("hello", (SectionTemplate("{a}", ROWS[:1]),))),
        SayTemplate(text="hello", list=ListTemplate("hello", (SectionTemplate(None, ROWS),))),
        SayTemplate(text="hello", media=Media(type="image", link="https://a.example/b.png")),
    ],
)
def test_a_placeholder_anywhere_counts(template: SayTemplate) -> None:
    """In every place that has words, and a file may be another one each time."""
    assert not is_fixed(template, TEXTS, "en")


def test_it_does_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages that actions make up are new every time."""
    monkeypatch.setattr(fixed, "MOST", 2)
    made, make = Fixed[str](), Making()
    templates = [SayTemplate(text="hello") for _ in range(3)]
    assert [made.get(template, "en", TEXTS, make) for template in templates * 2] == [
        *("made 1", "made 2", "made 3", "made 1", "made 2", "made 4"),
    ]
