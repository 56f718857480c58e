"""The limits of everything that is more than words, buttons and lists: carried at the limit, refused one above."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from wabox.core.bubbles import spread
from wabox.core.content import Content, Option, OptionList, Section
from wabox.core.fit import fit
from wabox.core.kind import (
    AddressRequest,
    CallButton,
    CallRequest,
    Card,
    Carousel,
    Catalog,
    ContactRequest,
    Contacts,
    Form,
    Link,
    LocationRequest,
    Media,
    MediaType,
    Product,
    ProductSection,
    Slide,
    TemplateMessage,
    TemplateValue,
)
from wabox.core.limits import breaches

PAGE = "https://example.com/a"
LINK, FORM = Link(title="Pay", url=PAGE), Form(id="7", button="Open")
ROWS = OptionList(button="Open", sections=(Section(title=None, rows=(Option(event="e", title="t"),)),))


def media(kind: MediaType, caption: int) -> Content:
    return Content(text="x" * caption, media=Media(type=kind, link=PAGE))


def slides(count: int = 2, text: str = "x", title: str = "t") -> Carousel:
    return Carousel(cards=tuple(Slide(type="image", link=PAGE, title=title, url=PAGE, text=text) for _ in range(count)))


def products(sections: int = 1, each: int = 1, title: str = "s") -> Product:
    made = tuple(
        ProductSection(title=title, ids=tuple(f"{section}-{one}" for one in range(each))) for section in range(sections)
    )
    return Product(catalog="9", sections=made)


LIMITS: dict[str, tuple[int, Callable[[int], Content]]] = {
    "caption of an image": (1024, lambda n: media("image", n)),
    "caption of a video": (1024, lambda n: media("video", n)),
    "caption of a document": (1024, lambda n: media("document", n)),
    "name of a document": (240, lambda n: Content(media=Media(type="document", link=PAGE, filename="f" * n))),
    "list: header": (60, lambda n: Content(text="x", header="h" * n, list=ROWS)),
    "list: footer": (60, lambda n: Content(text="x", footer="f" * n, list=ROWS)),
    "link: title": (20, lambda n: Content(text="x", kind=Link(title="t" * n, url=PAGE))),
    "link: text": (1024, lambda n: Content(text="x" * n, kind=LINK)),
    "link: header": (60, lambda n: Content(text="x", header="h" * n, kind=LINK)),
    "link: footer": (60, lambda n: Content(text="x", footer="f" * n, kind=LINK)),
    "place asked for: text": (1024, lambda n: Content(text="x" * n, kind=LocationRequest())),
    "number asked for: text": (1024, lambda n: Content(text="x" * n, kind=ContactRequest())),
    "address asked for: text": (1024, lambda n: Content(text="x" * n, kind=AddressRequest(country="IN"))),
    "form: button": (20, lambda n: Content(text="x", kind=Form(id="7", button="b" * n))),
    "form: text": (1024, lambda n: Content(text="x" * n, kind=FORM)),
    "form: header": (60, lambda n: Content(text="x", header="h" * n, kind=FORM)),
    "form: footer": (60, lambda n: Content(text="x", footer="f" * n, kind=FORM)),
    "product: text": (1024, lambda n: Content(text="x" * n, kind=Product(catalog="9", id="1"))),
    "product: footer": (60, lambda n: Content(text="x", footer="f" * n, kind=Product(catalog="9", id="1"))),
    "products in all": (30, lambda n: Content(text="x", header="h", kind=products(each=n))),
    "products: sections": (10, lambda n: Content(text="x", header="h", kind=products(sections=n))),
    "products: title of a section": (24, lambda n: Content(text="x", header="h", kind=products(title="s" * n))),
    "products: header": (60, lambda n: Content(text="x", header="h" * n, kind=products())),
    "products: text": (1024, lambda n: Content(text="x" * n, header="h", kind=products())),
    "catalogue: text": (1024, lambda n: Content(text="x" * n, kind=Catalog())),
    "catalogue: footer": (60, lambda n: Content(text="x", footer="f" * n, kind=Catalog())),
    "call button: title": (20, lambda n: Content(text="x", kind=CallButton(title="t" * n))),
    "call button: minutes": (43_200, lambda n: Content(text="x", kind=CallButton(title="t", minutes=n))),
    "call asked for: text": (1024, lambda n: Content(text="x" * n, kind=CallRequest())),
    "contacts": (257, lambda n: Content(kind=Contacts(cards=(Card(name="Ana"),) * n))),
    "carousel: cards": (10, lambda n: Content(text="x", kind=slides(n))),
    "carousel: text": (1024, lambda n: Content(text="x" * n, kind=slides())),
    "carousel: text of a card": (160, lambda n: Content(text="x", kind=slides(text="x" * n))),
    "carousel: button of a card": (20, lambda n: Content(text="x", kind=slides(title="t" * n))),
    "template: body with its values": (1024, lambda n: Content(kind=template(n - 4))),
    "template: value of the header": (
        60,
        lambda n: Content(kind=TemplateMessage(name="a", language="es", body="b", header=TemplateValue(text="h" * n))),
    ),
}  # fmt: skip


def template(value: int) -> TemplateMessage:
    return TemplateMessage(name="a", language="es", body="Hi, {{1}}", values=(TemplateValue(text="x" * value),))


@pytest.mark.parametrize("what", LIMITS)
def test_carried_at_the_limit_and_refused_above(what: str) -> None:
    """One below and at the limit nothing is said; one above there is a breach with both numbers and something to do."""
    limit, made = LIMITS[what]
    assert breaches(made(limit - 1)) == breaches(made(limit)) == ()
    assert fit(made(limit)) == made(limit)
    (breach, *_) = breaches(made(limit + 1))
    assert (breach.limit, breach.actual) == (limit, limit + 1)
    assert breach.fix


COUNTED = (
    "contacts",
    "carousel: cards",
    "call button: minutes",
    "products in all",
    "products: sections",
    "name of a document",
)
"""What `wabox check` sees in the folder: no placeholder changes it."""


@pytest.mark.parametrize("what", [what for what in LIMITS if what not in COUNTED])
def test_what_a_placeholder_makes_too_long_is_split_or_cut(what: str) -> None:
    """At the last moment a customer's own words must not cost the message."""
    limit, made = LIMITS[what]
    for part in spread(made(limit + 1)):
        assert breaches(fit(part)) == ()


def test_too_few() -> None:
    """A carousel of one card, a call button for no time, several products without a header."""
    for content in (
        Content(text="x", kind=slides(1)),
        Content(text="x", kind=CallButton(title="t", minutes=0)),
        Content(text="x", kind=products(sections=2)),
    ):
        assert breaches(content)
