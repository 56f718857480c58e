"""Every kind of message as Meta sends it, and as wabox sees it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.unit.whatsapp.payloads import NOW, NUMBER, SENT_AT, body, envelope, message, text
from wabox.core.contact import Contact
from wabox.core.message import MessageContext
from wabox.whatsapp.inbound import Cards, moment
from wabox.whatsapp.webhook import parse

QUESTION = "¿Dónde está mi pedido? 👍"
BSUID, PHONE = "MX.40000000000000000001", "5215550002222"
UNSUPPORTED = {
    "code": 131051,
    "title": "Message type unknown",
    "message": "Message type unknown",
    "error_data": {"details": "Message type is currently not supported."},
}

NORMALISED: dict[str, tuple[str, str | None, dict[str, Any]]] = {
    "text": ("text", QUESTION, {}),
    "text_empty": ("text", "", {}),
    "image": (
        "image",
        "foto",
        {
            "id": "300001",
            "mime_type": "image/jpeg",
            "sha256": "uV0=",
            "url": "https://lookaside.fbsbx.com/x",
            "caption": "foto",
        },
    ),
    "video": ("video", "clip", {"id": "300002", "mime_type": "video/mp4", "sha256": "uV1=", "caption": "clip"}),
    "audio_file": ("audio", None, {"id": "300003", "mime_type": "audio/mpeg", "sha256": "uV2=", "voice": False}),
    "voice_note": (
        "voice",
        None,
        {"id": "300004", "mime_type": "audio/ogg; codecs=opus", "sha256": "uV3=", "voice": True},
    ),
    "document": (
        "document",
        "mi factura",
        {
            "id": "300005",
            "mime_type": "application/pdf",
            "sha256": "uV4=",
            "filename": "../../factura.pdf",
            "caption": "mi factura",
        },
    ),
    "sticker": ("sticker", None, {"id": "300006", "mime_type": "image/webp", "sha256": "uV5=", "animated": False}),
    "location": (
        "location",
        None,
        {
            "latitude": 19.43,
            "longitude": -99.13,
            "name": "Tienda",
            "address": "Av. Ficticia 1",
            "url": "https://example.org",
        },
    ),
    "location_bare": ("location", None, {"latitude": 19, "longitude": -99.13}),
    "quick_reply": ("button", "Confirmar", {"id": "CONFIRM_42", "title": "Confirmar"}),
    "quick_reply_without_payload": ("button", "Confirmar", {"id": "Confirmar", "title": "Confirmar"}),
    "button_reply": ("button_reply", "Sí", {"id": "n7:yes", "title": "Sí"}),
    "list_reply": ("list_reply", "Talla M", {"id": "n8:row3", "title": "Talla M", "description": "Azul"}),
    "form_reply": ("form", "Sent", {"name": "flow", "response": {"flow_token": "t-1", "size": "M"}}),
    "form_reply_not_an_object": ("form", "Sent", {"name": "flow", "response": ["M", "L"]}),
    "form_reply_not_json": ("form", "Sent", {"name": "flow", "response": "size=M"}),
    "form_reply_without_answers": ("form", "Sent", {"name": "flow", "response": None}),
    "form_reply_with_nul_and_half_an_emoji": ("form", "Sent", {"name": "flow", "response": {"name": "Ana \ufffd"}}),
    "address_reply": ("form", "Calle 1", {"name": "address_message", "response": {"values": {"city": "Pune"}}}),
    "call_permission_reply": (
        "call_permission_reply",
        None,
        {
            "response": "accept",
            "expiration_timestamp": 1795900000,
            "is_permanent": False,
            "response_source": "user_action",
        },
    ),
    "order": (
        "order",
        "sin cebolla",
        {
            "catalog_id": "900",
            "text": "sin cebolla",
            "product_items": [{"product_retailer_id": "SKU-1", "quantity": 2, "item_price": 30.5, "currency": "MXN"}],
        },
    ),
    "reaction": ("reaction", None, {"message_id": "wamid.OUT1", "emoji": "👍", "removed": False}),
    "reaction_removed": ("reaction", None, {"message_id": "wamid.OUT1", "emoji": None, "removed": True}),
    "reaction_emptied": ("reaction", None, {"message_id": "wamid.OUT1", "emoji": None, "removed": True}),
    "number_changed": (
        "system",
        None,
        {
            "type": "user_changed_number",
            "body": "User Ana changed from 5215550002222 to 5215550009999",
            "wa_id": "5215550009999",
            "user_id": "MX.40000000000000000077",
            "previous_user_id": BSUID,
        },
    ),
    "identity_changed": (
        "system",
        None,
        {
            "type": "customer_identity_changed",
            "body": "User identity changed",
            "identity": {"acknowledged": False, "created_timestamp": "1795300000", "hash": "DF2lS5v2W6x="},
        },
    ),
    "unsupported_poll": ("unsupported", None, {"type": "poll_creation", "errors": [UNSUPPORTED]}),
    "unsupported_bare": ("unsupported", None, {"errors": [UNSUPPORTED]}),
    "unknown_type": ("unknown", None, {"errors": [{"code": 131051}]}),
    "type_invented_tomorrow": ("hologram", None, {"id": "7", "depth": 3}),
    "type_missing": ("unknown", None, {}),
    "text_without_type": ("text", "hola", {}),
    "location_without_type": ("location", None, {"latitude": 19.43, "longitude": -99.13, "name": "Tienda"}),
    "request_welcome": ("request_welcome", None, {}),
    "edited": ("edited", "corregido", {"original_message_id": "wamid.IN1", "message": {"type": "text"}}),
    "edited_caption": (
        "edited",
        "otra foto",
        {
            "original_message_id": "wamid.IN2",
            "message": {"type": "image", "id": "300001", "mime_type": "image/jpeg", "caption": "otra foto"},
        },
    ),
    "deleted": ("deleted", None, {"original_message_id": "wamid.IN1"}),
}


@pytest.mark.parametrize("name", NORMALISED)
def test_each_type_is_normalised(name: str) -> None:
    """Type, text and payload are what a chart can work with."""
    found = message(name)
    assert (found.type, found.text, found.payload) == NORMALISED[name]


@pytest.mark.parametrize("name", NORMALISED)
def test_what_every_message_has(name: str) -> None:
    """The number, the conversation, the time in ms and the message as it came, whatever its type; JSON throughout."""
    found = message(name)
    raw = json.loads(body(name))["entry"][0]["changes"][0]["value"]["messages"][0]
    assert found.message_id == raw["id"] == f"wamid.{name.upper()}"
    assert found.raw == raw
    assert (found.number_id, found.channel, found.timestamp) == (NUMBER, "whatsapp", SENT_AT)
    assert found.conversation_id == f"{NUMBER}:{found.contact.key}"
    assert msgspec.json.decode(msgspec.json.encode(found))["message_id"] == found.message_id


def test_what_others_leave_out_or_open() -> None:
    """A tap without its inner type, a form whose answers are JSON already, a number written as one, a call's voicemail: seen in
    the tests of other projects, and no customer's fault."""
    assert message("button_reply_without_inner_type").payload == {"id": "n7:yes", "title": "Sí"}
    assert message("button_reply_without_inner_type").type == "button_reply"
    assert message("form_reply_already_opened").payload == {"name": "flow", "response": {"size": "M"}}
    assert message("number_changed_to_a_number").payload["new_wa_id"] == "5215550009999"
    assert (message("voicemail").type, message("voicemail").message_id) == ("audio", "wacid.VOICEMAIL")


def test_a_message_with_the_contents_of_two_types_is_neither() -> None:
    """Without a type nobody can say which of the two was meant."""
    both = {**text(), "location": {"latitude": 1, "longitude": 2}}
    del both["type"]
    (found,) = parse(envelope(both), NOW).messages
    assert found.type == "unknown"


def test_a_shared_contact_keeps_where_it_came_from() -> None:
    """Only a card that answers our request proves that the number is the sender's, so its origin is kept."""
    found = message("contacts_shared")
    assert found.type == "contacts"
    assert [card["origin"] for card in found.payload["contacts"]] == ["contact_request", "other"]


def test_media_that_meta_could_not_fetch_is_still_a_message() -> None:
    """Without an id there is nothing to download, but the customer did write."""
    found = message("video_that_meta_could_not_fetch")
    assert found.type == "video"
    assert "id" not in found.payload
    assert found.payload["errors"][0]["code"] == 131052


@pytest.mark.parametrize(
    ("name", "contact"),
    [
        ("text", Contact(user_id=BSUID, wa_id=PHONE, username="ana.prueba", name="Ana Prueba")),
        ("text_user_id_only", Contact(user_id=BSUID, username="ana.prueba", name="Ana Prueba")),
        ("text_phone_only", Contact(wa_id=PHONE, name="Ana Prueba")),
        (
            "text_phone_in_from_user_id_in_contact",
            Contact(user_id=BSUID, wa_id=PHONE, username="ana.prueba", name="Ana Prueba"),
        ),
        ("text_without_contacts", Contact(user_id=BSUID, wa_id=PHONE)),
        (
            "text_without_sender_but_one_contact",
            Contact(user_id=BSUID, wa_id=PHONE, username="ana.prueba", name="Ana Prueba"),
        ),
        (
            "text_contacts_in_other_order",
            Contact(user_id=BSUID, wa_id=PHONE, username="ana.prueba", name="Ana Prueba"),
        ),
        ("number_changed", Contact(user_id=BSUID, wa_id=PHONE)),
        ("user_id_changed", Contact(user_id="MX.40000000000000000077")),
        ("identity_changed", Contact(wa_id=PHONE)),
    ],
)
def test_who_wrote(name: str, contact: Contact) -> None:
    """The customer has a user id, a phone number or both; what the message lacks comes from the card with the same id."""
    assert message(name).contact == contact


@pytest.mark.parametrize(
    "card",
    [
        None,
        7,
        [],
        {},
        {"wa_id": 5215550002222},
        {"wa_id": PHONE, "profile": None},
        {"wa_id": PHONE, "profile": {"name": 7, "username": ""}},
    ],
)
def test_a_senseless_contact_card_costs_nothing(card: Any) -> None:
    """The message says who wrote it; the card only adds a name."""
    arrived = parse(envelope(text(), contacts=[card]), NOW)
    assert [found.contact for found in arrived.messages] == [Contact(wa_id=PHONE)]


def test_a_bad_card_costs_the_good_one_nothing() -> None:
    """Cards are read one by one, and part by part, where the list has something wrong in it."""
    good = {"wa_id": "5215550002222", "user_id": "MX.1", "profile": {"name": "Ana", "username": 7}}
    arrived = parse(envelope(text(), contacts=[7, {"wa_id": 7}, good, None]), NOW)
    assert [found.contact for found in arrived.messages] == [Contact(user_id="MX.1", wa_id=PHONE, name="Ana")]


@pytest.mark.parametrize("contacts", [None, {}, "Ana", 7])
def test_contacts_may_be_anything(contacts: Any) -> None:
    """A list of contacts that is none is as good as none at all."""
    assert len(parse(envelope(text(), contacts=contacts), NOW).messages) == 1


def test_nobody_is_guessed_among_several() -> None:
    """A message without sender is one of several people's: it belongs to none of them."""
    cards = Cards(b'[{"wa_id": "1"}, {"wa_id": "2"}]')
    assert cards.contact(None, None) is None


def test_an_empty_sender_is_none() -> None:
    """Empty strings are not ids."""
    arrived = parse(envelope(text(**{"from": "", "from_user_id": ""})), NOW)
    assert not arrived.messages
    assert "nobody to answer" in arrived.dead[0].reason


@pytest.mark.parametrize(
    ("name", "context"),
    [
        ("text", None),
        ("text_reply", MessageContext(reply_to="wamid.OUT1")),
        ("text_about_product", MessageContext(reply_to="wamid.OUT5")),
        ("text_forwarded", MessageContext(forwarded=True)),
        ("text_frequently_forwarded", MessageContext(forwarded=True)),
        ("button_reply", MessageContext(reply_to="wamid.OUT1")),
    ],
)
def test_what_it_refers_to(name: str, context: MessageContext | None) -> None:
    """A quoted message, and whether it was forwarded."""
    assert message(name).context == context


def test_the_ad_that_a_customer_came_from_is_kept() -> None:
    """The referral is Meta's own description of the advertisement."""
    context = message("text_from_ad").context
    assert context is not None
    assert context.referral is not None
    assert (context.reply_to, context.referral["ctwa_clid"]) == (None, "AbCd")


@pytest.mark.parametrize(
    ("seconds", "at"),
    [
        ("1795300000", 1_795_300_000_000),
        (1795300000, 1_795_300_000_000),
        ("1795386400", 1_795_386_400_000),
        (None, NOW),
        ("", NOW),
        ("soon", NOW),
        ("-5", NOW),
        (0, NOW),
        (True, NOW),
        (1795300000.5, NOW),
        ("1795300000000", NOW),
        (9_999_999_999, NOW),
        ("9" * 5000, NOW),
        ("١٧٩٥٣٠٠٠٠٠", NOW),
        ({}, NOW),
    ],
)
def test_seconds_become_milliseconds(seconds: Any, at: int) -> None:
    """Text or number, up to a day ahead of us; what cannot be true is now."""
    assert (moment(seconds, NOW) or NOW) == at


WRONG: dict[str, dict[str, Any]] = {
    "from": {"from": 5215550002222},
    "from_user_id": {"from_user_id": ["MX.1"]},
    "id": {"id": 7},
    "no id": {"id": None},
    "empty id": {"id": ""},
    "type": {"type": 3},
    "text": {"text": "hola"},
    "body": {"text": {"body": 5}},
    "context": {"context": []},
    "context id": {"context": {"id": 5}},
    "forwarded": {"context": {"forwarded": "yes"}},
    "referral": {"referral": "ad"},
    "errors": {"errors": {"code": 1}},
    "image": {"type": "image", "image": []},
    "image id": {"type": "image", "image": {"id": 300001}},
    "caption": {"type": "image", "image": {"id": "1", "caption": {}}},
    "voice": {"type": "audio", "audio": {"id": "1", "voice": "true"}},
    "latitude": {"type": "location", "location": {"latitude": "north", "longitude": 1}},
    "longitude": {"type": "location", "location": {"latitude": 1, "longitude": True}},
    "half a location": {"type": "location", "location": {"latitude": 1}},
    "contacts": {"type": "contacts", "contacts": {}},
    "a contact": {"type": "contacts", "contacts": ["Otro"]},
    "button": {"type": "button", "button": {}},
    "interactive": {"type": "interactive", "interactive": "yes"},
    "interactive type": {"type": "interactive", "interactive": {"type": 1}},
    "reply": {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": []}},
    "reply id": {"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": 1, "title": "x"}}},
    "empty reply id": {"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": ""}}},
    "form": {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {"response_json": 5}}},
    "order": {"type": "order", "order": {"product_items": {}}},
    "reaction": {"type": "reaction", "reaction": {"emoji": 1}},
    "edit": {"type": "edit", "edit": {"message": "x"}},
    "revoke": {"type": "revoke", "revoke": {"original_message_id": 1}},
    "system": {"type": "system", "system": {"wa_id": 1}},
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_type_is_put_aside_and_the_rest_goes_on(what: str) -> None:
    """The bad message is a dead letter with a reason and its own JSON; its neighbours are handled."""
    bad = text(message_id="wamid.bad") | WRONG[what]
    arrived = parse(envelope(text(message_id="wamid.1"), bad, text(message_id="wamid.3")), NOW)
    assert [found.message_id for found in arrived.messages] == ["wamid.1", "wamid.3"]
    assert len(arrived.dead) == 1
    assert json.loads(arrived.dead[0].raw) == bad
    assert arrived.dead[0].reason.startswith(f"message to number {NUMBER}: ")


@pytest.mark.parametrize("bad", [None, 7, "hola", [], [{}], True, {}])
def test_an_element_that_is_no_message_is_put_aside(bad: Any) -> None:
    """Whatever stands in the list is kept."""
    arrived = parse(envelope(bad, text()), NOW)
    assert len(arrived.messages) == 1
    assert [json.loads(letter.raw) for letter in arrived.dead] == [bad]


@pytest.mark.parametrize(
    ("system", "contact"),
    [
        ({"user_id": "MX.2", "previous_user_id": "CO.1"}, Contact(user_id="CO.1")),
        ({"wa_id": "522", "customer": "521"}, Contact(wa_id="521")),
        ({"wa_id": "522"}, Contact(wa_id="522")),
    ],
)
def test_a_system_message_without_sender(system: dict[str, str], contact: Contact) -> None:
    """A change may be announced by nobody: it is about who they were."""
    message = {"id": "wamid.1", "timestamp": "1753851315", "type": "system", "system": {"type": "changed", **system}}
    found = parse(envelope(message), NOW)
    assert [message.contact for message in found.messages] == [contact]
    assert not found.dead


@pytest.mark.parametrize("ids", [{"from": "US.1", "from_user_id": "US.1"}, {"from": "US.1"}, {}])
@pytest.mark.parametrize("card", [{"wa_id": "US.1", "user_id": "US.1"}, {"wa_id": "US.1"}])
def test_a_bsuid_where_the_phone_should_be(ids: dict[str, str], card: dict[str, str]) -> None:
    """A reply to such a "phone number" is accepted by Meta and vanishes: it is the other id."""
    message = {"id": "wamid.1", "timestamp": "1795300000", "type": "text", "text": {"body": "hi"}, **ids}
    (found,) = parse(envelope(message, contacts=[card]), NOW).messages
    assert found.contact == Contact(user_id="US.1")


def test_a_message_that_comes_later_whole_is_not_a_duplicate_of_itself() -> None:
    """Beside the owner's phone a message may come as "not available" first, and once more under the same id."""
    first = text(message_id="wamid.SAME", errors=[{"code": 131060, "title": "Unavailable"}]) | {"type": "unsupported"}
    del first["text"]
    whole = text("hello", message_id="wamid.SAME")
    found = [parse(envelope(one), NOW).messages[0] for one in (first, whole)]
    assert [one.type for one in found] == ["unsupported", "text"]
    assert found[1].message_id == "wamid.SAME"
    assert found[0].message_id != "wamid.SAME"


@pytest.mark.parametrize(
    ("part", "kind", "payload"),
    [
        (
            {"type": "location", "location": {"latitude": "9.005", "longitude": "-79.57"}},
            "location",
            {"latitude": 9.005},
        ),
        ({"type": "location", "location": None}, "unsupported", {"type": "location"}),
        ({"type": "order", "order": {"product_items": None, "text": None}}, "order", {"product_items": None}),
        ({"type": "contacts", "contacts": None}, "contacts", {"contacts": []}),
        (
            {
                "type": "system",
                "system": {"type": {"customer_changed_number": False, "customer_identity_changed": True}},
            },
            "system",
            {"type": "customer_identity_changed"},
        ),
    ],
)
def test_a_part_in_another_spelling_costs_no_message(part: dict[str, Any], kind: str, payload: dict[str, Any]) -> None:
    """Null is nothing, degrees may come as text, and an old sample has every kind of change with true or false."""
    (found,) = parse(envelope({**text(), **part}), NOW).messages
    assert found.type == kind
    assert payload.items() <= found.payload.items()


@pytest.mark.parametrize("bad", ["north", "nan", "inf", True, [1]])
def test_degrees_that_are_none(bad: Any) -> None:
    """A place that is nowhere is put aside."""
    place = {"type": "location", "location": {"latitude": bad, "longitude": 1}}
    assert [letter.reason for letter in parse(envelope({**text(), **place}), NOW).dead] == [
        f"message to number {NUMBER}: latitude is not a number"
    ]


def test_a_number_is_one_person_with_and_without_its_plus() -> None:
    """Some who pass webhooks on write it with a "+"; a second conversation would know nothing of the first."""
    card = {"wa_id": "+5215550002222", "profile": {"name": "Ana"}}
    plain, plus = parse(envelope(text(), text() | {"from": "+5215550002222"}, contacts=[card]), NOW).messages
    assert plain.contact == plus.contact == Contact(wa_id="5215550002222", name="Ana")
    assert plain.conversation_id == plus.conversation_id


def test_the_user_id_by_its_long_name() -> None:
    """As a provider passes it on, where neither ``from`` nor ``from_user_id`` is left."""
    nobody = {key: part for key, part in text().items() if key != "from"}
    change = {"id": "wamid.2", "type": "system", "system": {"type": "x", "business_scoped_user_id": "US.2"}}
    found = parse(envelope({**nobody, "business_scoped_user_id": "US.1"}, change), NOW).messages
    assert [one.contact for one in found] == [Contact(user_id="US.1"), Contact(user_id="US.2")]
