"""What WhatsApp refuses to carry."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wabox.core.bubbles import bubbles
from wabox.core.content import Content, Option, OptionList, Section
from wabox.core.fit import fit
from wabox.core.kind import Media
from wabox.core.limits import breaches


def buttons(*titles: str) -> tuple[Option, ...]:
    return tuple(Option(event=f"e{number}", title=title) for number, title in enumerate(titles))


def listed(*sections: Section, button: str = "Open") -> Content:
    return Content(text="Choose", list=OptionList(button=button, sections=sections))


ONE_ROW = OptionList(button="b", sections=(Section(title=None, rows=(Option(event="r", title="Row"),)),))


def row(**more: Any) -> Content:
    return listed(Section(title=None, rows=(Option(**{"event": "e", "title": "t", **more}),)))


def rows(count: int, first: int = 0, **more: Any) -> tuple[Option, ...]:
    return tuple(Option(event=f"r{number}", title=f"Row {number}", **more) for number in range(first, first + count))


def paths(content: Content) -> list[tuple[str | int, ...]]:
    return [breach.path for breach in breaches(content)]


GOOD = [
    Content(text="x" * 4096),
    Content(text="x" * 1024, media=Media(type="image", link="https://example.com/a.png")),
    Content(media=Media(type="image", link="https://example.com/a.png")),
    Content(text="x" * 1024, header="h" * 60, footer="f" * 60, buttons=buttons("t" * 20, "b", "c")),
    Content(text="x", media=Media(type="image", link="http://example.com/a.png"), buttons=buttons("a")),
    listed(Section(title=None, rows=rows(10, description="d" * 72))),
    listed(Section(title="s" * 24, rows=rows(5)), Section(title="b", rows=rows(5, 5)), button="o" * 20),
    Content(
        text="x" * 4096,
        header="h",
        footer="f",
        list=OptionList(button="o", sections=(Section(title=None, rows=rows(1)),)),
    ),
    Content(text="👍" * 4096),
]


@pytest.mark.parametrize("content", GOOD)
def test_at_the_limit(content: Content) -> None:
    """What is exactly at every limit is carried."""
    assert breaches(content) == ()
    assert fit(content) == content


@pytest.mark.parametrize(
    ("content", "path", "limit", "actual"),
    [
        (Content(text="x" * 4097), ("text",), 4096, 4097),
        (Content(text="x" * 1025, media=Media(type="image", link="https://e.com")), ("text",), 1024, 1025),
        (Content(text="x" * 1025, buttons=buttons("a")), ("text",), 1024, 1025),
        (Content(text="x", header="h" * 61, buttons=buttons("a")), ("header",), 60, 61),
        (Content(text="x", footer="f" * 61, buttons=buttons("a")), ("footer",), 60, 61),
        (Content(text="x", buttons=buttons("a", "b", "c", "d")), ("buttons",), 3, 4),
        (Content(text="x", buttons=buttons("a", "t" * 21)), ("buttons", 1, "title"), 20, 21),
        (Content(text="x", buttons=(Option(event="e" * 257, title="a"),)), ("buttons", 0, "event"), 256, 257),
        (listed(Section(title=None, rows=rows(1)), button="o" * 21), ("list", "button"), 20, 21),
        (listed(Section(title=None, rows=rows(11))), ("list", "sections"), 10, 11),
        (listed(Section(title="s" * 25, rows=rows(1))), ("list", "sections", 0, "title"), 24, 25),
        (row(title="t" * 25), ("list", "sections", 0, "rows", 0, "title"), 24, 25),
        (row(description="d" * 73), ("list", "sections", 0, "rows", 0, "description"), 72, 73),
        (row(event="e" * 201), ("list", "sections", 0, "rows", 0, "event"), 200, 201),
    ],
)  # fmt: skip
def test_too_long(content: Content, path: tuple[str | int, ...], limit: int, actual: int) -> None:
    """One more than a limit is refused at that place, with both numbers in the sentence."""
    [breach] = breaches(content)
    assert (breach.path, breach.limit, breach.actual) == (path, limit, actual)
    assert str(limit) in breach.sentence
    assert str(actual) in breach.sentence
    assert breach.fix


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (Content(), ("text",)),
        (Content(text=" \n"), ("text",)),
        (Content(buttons=buttons("a")), ("text",)),
        (Content(text="x", header="h"), ("header",)),
        (Content(text="x", footer="f"), ("footer",)),
        (Content(text="x", header="h", media=Media(type="image", link="https://e.com"), buttons=buttons("a")), ("header",)),
        (Content(text="x", buttons=buttons(" ")), ("buttons", 0, "title")),
        (Content(text="x", buttons=buttons("a", "a")), ("buttons", 1, "title")),
        (Content(text="x", buttons=(Option(event="e", title="a"), Option(event="e", title="b"))), ("buttons", 1, "event")),
        (Content(text="x", buttons=(Option(event=" e", title="a"),)), ("buttons", 0, "event")),
        (listed(), ("list", "sections")),
        (listed(Section(title="a", rows=rows(1)), Section(title=None, rows=rows(1, 1))), ("list", "sections", 1, "title")),
        (listed(Section(title=None, rows=rows(1) + rows(1))), ("list", "sections", 0, "rows", 1, "event")),
        (Content(text="x", media=Media(type="image", link="https://e.com"), list=ONE_ROW), ("image",)),
        (Content(text="x", media=Media(type="image", link="kitten.png")), ("image",)),
        (Content(text="x", buttons=buttons("a"), list=ONE_ROW), ("list",)),
    ],
)  # fmt: skip
def test_refused(content: Content, path: tuple[str | int, ...]) -> None:
    """What is missing, doubled or does not go together is refused too."""
    assert paths(content) == [path]


def test_everything_at_once() -> None:
    """Every reason is told, in reading order, not only the first."""
    content = Content(text="x" * 5000, header="h" * 61, buttons=buttons("t" * 21, "t" * 21))
    assert paths(content) == [
        ("header",),
        ("text",),
        ("buttons", 0, "title"),
        ("buttons", 1, "title"),
        ("buttons", 1, "title"),
    ]


def test_fit_cuts() -> None:
    """A text that a placeholder made too long is cut to the limit, with a sign that it was."""
    content = fit(Content(text="Which one?", header="h" * 100, buttons=buttons("A very long title indeed")))
    assert content.header == "h" * 59 + "…"
    assert content.buttons[0] == Option(event="e0", title="A very long title i…")
    assert breaches(content) == ()


def test_fit_fills() -> None:
    """What a placeholder left empty is left out, or is "…" where something must stand."""
    content = fit(Content(text=" ", header="", footer=" ", buttons=buttons("")))
    assert content == Content(text="…", buttons=buttons("…"))
    assert fit(Content(text="", media=Media(type="image", link="https://e.com"))).text is None


texts = st.text(max_size=6) | st.sampled_from(["", " ", "x" * 21, "x" * 61, "x" * 1025, "x" * 5000])
options = st.builds(Option, event=st.just("e"), title=texts, description=st.none() | texts)


sections = st.builds(Section, title=st.none() | texts, rows=st.lists(options, max_size=3).map(tuple))


@settings(deadline=None)
@given(
    st.builds(
        Content,
        text=st.none() | texts,
        header=st.none() | texts,
        footer=st.none() | texts,
        buttons=st.lists(options, max_size=4).map(tuple),
        list=st.none() | st.builds(
            OptionList,
            button=texts,
            sections=st.lists(sections, max_size=3).map(tuple),
        ),
        media=st.none() | st.just(Media(type="image", link="https://e.com")),
    )
)  # fmt: skip
def test_fit_mends_every_length(content: Content) -> None:
    """After fit and split nothing is too long, and nothing that can be tapped is gone."""
    fitted = fit(content)
    assert fitted.options == tuple(
        Option(event=old.event, title=new.title, description=new.description)
        for old, new in zip(content.options, fitted.options, strict=True)
    )
    leaving = bubbles([fitted], merge=False)
    assert [breach for one in leaving for breach in breaches(one) if "characters" in breach.sentence] == []
    assert leaving[-1].options == fitted.options
