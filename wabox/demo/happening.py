"""What a customer's phone, and Meta, do besides a text, a tap and a picture: each as one webhook.

Everything here is a function of who writes and what was said before; the cloud gives it an id, signs it and posts it. Shapes
come from Meta's pages, not from our parser. Sources: Meta, "Messages webhook reference" and its pages, "Business-scoped user
IDs", "Standby", "Calling" (2026).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from wabox.demo.customer import Business, Customer
from wabox.demo.notification import JSON, contact

if TYPE_CHECKING:
    from wabox.demo.cloud import FakeCloud


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where it happens."""

    business: Business
    customer: Customer
    """As webhooks tell of them."""
    wamid: str
    """An id that nothing has yet."""
    seconds: int
    mine: str | None
    """The id of the last message that the customer wrote."""
    theirs: str | None
    """The id of the last message that the business wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """A message of the customer's (``said``) or a webhook of another field (``field``, ``value``)."""

    title: str
    said: JSON | None = None
    """Less who, when and its id."""
    field: str = ""
    value: JSON | None = None
    customer: Customer | None = None
    """Who they are from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A file that customers send."""

    kind: str
    mime_type: str
    data: bytes
    about: JSON


SAMPLES: Final[Mapping[str, Sample]] = {
    "voice": Sample(kind="audio", mime_type="audio/ogg; codecs=opus", data=b"OggS" + bytes(64), about={"voice": True}),
    "document": Sample(
        kind="document", mime_type="application/pdf", data=b"%PDF-1.4\n%%EOF\n", about={"filename": "receipt.pdf"}
    ),
    "sticker": Sample(
        kind="sticker",
        mime_type="image/webp",
        data=base64.b64decode("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="),
        about={"animated": False},
    ),
    "video": Sample(kind="video", mime_type="video/mp4", data=bytes(4) + b"ftypmp42", about={"caption": "Look"}),
}

GROUPS: Final[Mapping[str, Mapping[str, str]]] = {
    "Sends": {
        "voice": "a voice message",
        "document": "a PDF",
        "sticker": "a sticker",
        "video": "a video",
        "card": "somebody's contact card",
        "order": "an order from the catalogue",
        "poll": "a poll, which the API cannot carry",
        "forwarded": "a message that was forwarded often",
        "ad": "a first message from an advertisement",
    },
    "Does": {
        "reaction": "puts 👍 on the last answer",
        "edit": "rewrites the last message",
        "delete": "deletes the last message",
        "call": "calls the business",
        "stop": "stops marketing messages in WhatsApp's own menu",
        "resume": "wants marketing messages again",
        "number": "gets another phone number, as somebody else may have the old one",
    },
    "Somebody else": {
        "echo": "a person of the business answers on the phone",
        "standby": "the customer writes while another partner has the conversation",
    },
}
NAMES: Final[Mapping[str, str]] = {name: words for group in GROUPS.values() for name, words in group.items()}


async def happen(cloud: FakeCloud, customer: str, name: str) -> None:
    """One of :data:`NAMES`. Raises UnknownHappening for another, LookupError when it cannot be yet."""
    if name not in NAMES:
        raise UnknownHappening(f"there is no {name!r}; there are {', '.join(NAMES)}")
    if (sample := SAMPLES.get(name)) is not None:
        await cloud.send_file(customer, sample.kind, sample.data, sample.mime_type, **sample.about)
        return
    found = _MADE[name](cloud.scene(customer))
    if found.said is not None:
        await cloud.write(customer, found.said, found.title)
        return
    await cloud.change(found.field, found.value or {}, found.title, customer)
    if found.customer is not None:
        cloud.threads[customer].customer = found.customer


class UnknownHappening(ValueError):
    """Nothing of that name happens."""


def _card(_: Scene) -> Happening:
    card = {
        "name": {"formatted_name": "Alex Lane", "first_name": "Alex"},
        "phones": [{"phone": "+1 555 000 4444", "wa_id": "15550004444", "type": "CELL"}],
        "origin": "other",
    }
    return Happening(title="sent a contact card", said={"type": "contacts", "contacts": [card]})


def _order(_: Scene) -> Happening:
    item = {"product_retailer_id": "SKU-1", "quantity": 2, "item_price": 12.5, "currency": "USD"}
    order = {"catalog_id": "900000000000001", "text": "Please gift wrap it", "product_items": [item]}
    return Happening(title="ordered something", said={"type": "order", "order": order})


def _poll(_: Scene) -> Happening:
    words = "Message type unknown"
    details = {"details": "Message type is currently not supported."}
    error = {"code": 131051, "title": words, "message": words, "error_data": details}
    return Happening(
        title="made a poll",
        said={"type": "unsupported", "errors": [error], "unsupported": {"type": "poll_creation"}},
    )


def _forwarded(_: Scene) -> Happening:
    said = {"type": "text", "context": {"frequently_forwarded": True}, "text": {"body": "Have you seen this?"}}
    return Happening(title="forwarded something", said=said)


def _ad(_: Scene) -> Happening:
    referral = {
        "source_url": "https://fb.me/example",
        "source_id": "120000000000001",
        "source_type": "ad",
        "headline": "Fresh every day",
        "body": "Write to us",
        "media_type": "image",
        "image_url": "https://example.com/ad.jpg",
        "ctwa_clid": "FICTIONAL",
    }
    said = {"type": "text", "referral": referral, "text": {"body": "Hi! Can I get more info on this?"}}
    return Happening(title="came from an ad", said=said)


def _reaction(scene: Scene) -> Happening:
    if scene.theirs is None:
        raise LookupError("there is nothing of the business to react to yet")
    said = {"type": "reaction", "reaction": {"message_id": scene.theirs, "emoji": "👍"}}
    return Happening(title="reacted with 👍", said=said)


def _edit(scene: Scene) -> Happening:
    original = _last(scene)
    now = {"context": {"id": "M0"}, "type": "text", "text": {"body": "Sorry, I meant something else"}}
    said = {"type": "edit", "edit": {"original_message_id": original, "message": now}}
    return Happening(title="rewrote a message", said=said)


def _delete(scene: Scene) -> Happening:
    said = {"type": "revoke", "revoke": {"original_message_id": _last(scene)}}
    return Happening(title="deleted a message", said=said)


def _last(scene: Scene) -> str:
    if scene.mine is None:
        raise LookupError("this customer has not written yet")
    return scene.mine


def _call(scene: Scene) -> Happening:
    who = {"from": scene.customer.wa_id} if scene.customer.wa_id else {}
    call = {
        "id": scene.wamid.replace("wamid.", "wacid."),
        **who,
        "from_user_id": scene.customer.user_id,
        "to": scene.business.display_phone_number,
        "event": "connect",
        "direction": "USER_INITIATED",
        "timestamp": str(scene.seconds),
    }
    value = {"contacts": [contact(scene.customer)], "calls": [call]}
    return Happening(title="called", field="calls", value=value)


def _preference(word: str, title: str) -> Callable[[Scene], Happening]:
    def made(scene: Scene) -> Happening:
        who = {"wa_id": scene.customer.wa_id} if scene.customer.wa_id else {}
        said = {
            **who,
            "user_id": scene.customer.user_id,
            "detail": f"User requested to {word} marketing messages",
            "category": "marketing_messages",
            "value": word,
            "timestamp": scene.seconds,
        }
        value = {"contacts": [contact(scene.customer)], "user_preferences": [said]}
        return Happening(title=title, field="user_preferences", value=value)

    return made


def _number(scene: Scene) -> Happening:
    old = scene.customer
    if old.wa_id is None:
        raise LookupError("this customer keeps the number private")
    # Both ids change with the number.
    new = replace(old, wa_id=old.wa_id[:-4] + f"{(int(old.wa_id[-4:]) + 1111) % 10_000:04}", user_id=f"{old.user_id}9")
    system = {
        "type": "user_changed_number",
        "body": f"User {old.name} changed from {old.wa_id} to {new.wa_id}",
        "wa_id": new.wa_id,
        "user_id": new.user_id,
        "previous_user_id": old.user_id,
    }
    said = {
        "from": old.wa_id,
        "from_user_id": old.user_id,
        "id": scene.wamid,
        "timestamp": str(scene.seconds),
        "type": "system",
        "system": system,
    }
    return Happening(title="has another number", field="messages", value={"messages": [said]}, customer=new)


def _echo(scene: Scene) -> Happening:
    who = {"to": scene.customer.wa_id} if scene.customer.wa_id else {}
    said = {
        "from": scene.business.display_phone_number,
        **who,
        "to_user_id": scene.customer.user_id,
        "id": scene.wamid,
        "timestamp": str(scene.seconds),
        "type": "text",
        "text": {"body": "This is a person: I will see to it myself."},
    }
    return Happening(title="was answered on the phone", field="smb_message_echoes", value={"message_echoes": [said]})


def _standby(scene: Scene) -> Happening:
    who = {"from": scene.customer.wa_id} if scene.customer.wa_id else {}
    said = {
        **who,
        "from_user_id": scene.customer.user_id,
        "id": scene.wamid,
        "timestamp": str(scene.seconds),
        "type": "text",
        "text": {"body": "Are you open today?"},
    }
    value = {"standby": {"contacts": [contact(scene.customer)], "messages": [said]}}
    return Happening(title="wrote to another partner", field="standby", value=value)


_MADE: Final[Mapping[str, Callable[[Scene], Happening]]] = {
    "card": _card,
    "order": _order,
    "poll": _poll,
    "forwarded": _forwarded,
    "ad": _ad,
    "reaction": _reaction,
    "edit": _edit,
    "delete": _delete,
    "call": _call,
    "stop": _preference("stop", "stopped marketing"),
    "resume": _preference("resume", "wants marketing again"),
    "number": _number,
    "echo": _echo,
    "standby": _standby,
}
