"""What we send is what the Cloud API takes."""

from __future__ import annotations

from typing import Any

import pytest

from wabox.core.contact import Contact
from wabox.core.content import Content, Option, OptionList, Section
from wabox.core.kind import Media
from wabox.core.limits import breaches
from wabox.whatsapp.payload import address, read, request_body

ANA = Contact(wa_id="5215550002222", user_id="MX.40000000000000000001", name="Ana")
YES_NO = (Option(event="yes", title="Sí"), Option(event="no", title="No"))
SIZES = OptionList(
    button="Ver tallas",
    sections=(
        Section(title="Tallas", rows=(Option(event="size.m", title="Talla M", description="Azul"),)),
        Section(title="Otras", rows=(Option(event="size.other", title="Otra"),)),
    ),
)
PICTURE = "https://example.org/a.jpg"


@pytest.mark.parametrize(
    ("contact", "fields"),
    [
        (ANA, {"to": "+5215550002222"}),
        (Contact(wa_id="5215550002222"), {"to": "+5215550002222"}),
        (Contact(wa_id="+5215550002222"), {"to": "+5215550002222"}),
        (Contact(user_id="MX.40000000000000000001"), {"recipient": "MX.40000000000000000001"}),
        (Contact(user_id="MX.1", wa_id=""), {"recipient": "MX.1"}),
    ],
)
def test_whom_it_goes_to(contact: Contact, fields: dict[str, str]) -> None:
    """The phone number as it was received, behind a plus; without one the user id, which must never stand in ``to``."""
    assert address(contact) == fields


def test_nobody_cannot_be_addressed() -> None:
    """A contact without ids is a mistake of ours."""
    with pytest.raises(ValueError, match="needs a user_id or a wa_id"):
        address(Contact(name="Ana"))


@pytest.mark.parametrize("contact", [ANA, Contact(user_id="MX.1")])
@pytest.mark.parametrize(
    "content",
    [
        Content(text="Hola"),
        Content(text="Hola", media=Media(type="image", link=PICTURE)),
        Content(text="¿Sí?", buttons=YES_NO),
        Content(text="Elige", list=SIZES),
    ],
)
def test_every_kind_is_addressed_alike(content: Content, contact: Contact) -> None:
    """There is one addressing function for all kinds of message."""
    sent = request_body(content, contact)
    assert {key: sent[key] for key in sent.keys() & {"to", "recipient"}} == address(contact)
    assert (sent["messaging_product"], sent["recipient_type"]) == ("whatsapp", "individual")
    assert sent["type"] in sent


BODIES: dict[str, tuple[Content, dict[str, Any]]] = {
    "text": (Content(text="Hola 👍"), {"type": "text", "text": {"body": "Hola 👍", "preview_url": False}}),
    "text_with_header_and_footer": (
        Content(header="Pedido 42", text="Sale hoy.", footer="Tienda"),
        {"type": "text", "text": {"body": "Pedido 42\n\nSale hoy.\n\nTienda", "preview_url": False}},
    ),
    "image": (Content(media=Media(type="image", link=PICTURE)), {"type": "image", "image": {"link": PICTURE}}),
    "image_with_caption": (
        Content(media=Media(type="image", link=PICTURE), text="Tu pedido", footer="Tienda"),
        {"type": "image", "image": {"link": PICTURE, "caption": "Tu pedido\n\nTienda"}},
    ),
    "buttons": (
        Content(header="Pedido 42", text="¿Confirmas?", footer="Tienda", buttons=YES_NO),
        {
            "type": "interactive",
            "interactive": {
                "type": "button",
                "header": {"type": "text", "text": "Pedido 42"},
                "body": {"text": "¿Confirmas?"},
                "footer": {"text": "Tienda"},
                "action": {
                    "buttons": [
                        {"type": "reply", "reply": {"id": "yes", "title": "Sí"}},
                        {"type": "reply", "reply": {"id": "no", "title": "No"}},
                    ]
                },
            },
        },
    ),
    "buttons_bare": (
        Content(text="¿Sí?", buttons=YES_NO[:1]),
        {
            "type": "interactive",
            "interactive": {
                "type": "button",
                "body": {"text": "¿Sí?"},
                "action": {"buttons": [{"type": "reply", "reply": {"id": "yes", "title": "Sí"}}]},
            },
        },
    ),
    "buttons_under_a_picture": (
        Content(media=Media(type="image", link=PICTURE), text="¿Esta?", buttons=YES_NO[:1]),
        {
            "type": "interactive",
            "interactive": {
                "type": "button",
                "header": {"type": "image", "image": {"link": PICTURE}},
                "body": {"text": "¿Esta?"},
                "action": {"buttons": [{"type": "reply", "reply": {"id": "yes", "title": "Sí"}}]},
            },
        },
    ),
    "list": (
        Content(header="Tallas", text="Elige talla", footer="Tienda", list=SIZES),
        {
            "type": "interactive",
            "interactive": {
                "type": "list",
                "header": {"type": "text", "text": "Tallas"},
                "body": {"text": "Elige talla"},
                "footer": {"text": "Tienda"},
                "action": {
                    "button": "Ver tallas",
                    "sections": [
                        {"title": "Tallas", "rows": [{"id": "size.m", "title": "Talla M", "description": "Azul"}]},
                        {"title": "Otras", "rows": [{"id": "size.other", "title": "Otra"}]},
                    ],
                },
            },
        },
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_each_kind_has_meta_s_shape(name: str) -> None:
    """Key by key what Meta's documentation shows, and nothing empty in it."""
    content, expected = BODIES[name]
    sent = request_body(content, ANA)
    assert {key: sent[key] for key in sent if key not in ("messaging_product", "recipient_type", "to")} == expected


def test_a_list_of_one_section_needs_no_title() -> None:
    """A title that is not there is left out, not sent empty."""
    listed = OptionList(button="Ver", sections=(Section(title=None, rows=YES_NO),))
    sections = request_body(Content(text="Elige", list=listed), ANA)["interactive"]["action"]["sections"]
    assert sections == [{"rows": [{"id": "yes", "title": "Sí"}, {"id": "no", "title": "No"}]}]


def test_nothing_is_cut() -> None:
    """What is too long is refused by the check before publishing; here it stays whole, so that Meta's answer tells."""
    long = Content(text="x" * 1025, buttons=(Option(event="yes", title="t" * 21),))
    assert [breach.what for breach in breaches(long)] == ["the text", "the title of button 1"]
    sent = request_body(long, ANA)["interactive"]
    assert len(sent["body"]["text"]) == 1025
    assert len(sent["action"]["buttons"][0]["reply"]["title"]) == 21


def test_what_the_check_lets_pass_is_taken() -> None:
    """Content without a breach has no header, body or title that Meta would call empty."""
    for content in (Content(text="Hola"), Content(text="¿Sí?", buttons=YES_NO), Content(text="Elige", list=SIZES)):
        assert not breaches(content)
        assert '""' not in str(request_body(content, ANA)).replace("''", '""')


def test_typing() -> None:
    """Read receipt and typing bubble are one request about an inbound message."""
    assert read("wamid.IN1", typing=True) == {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": "wamid.IN1",
        "typing_indicator": {"type": "text"},
    }
