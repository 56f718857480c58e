"""One customer message of a webhook, normalised. Shapes: Meta, "messages webhook reference" (Oct 2026).

Rules:

* Every object is open. An unknown type keeps Meta's name for it; a part that is missing stays missing, because Meta leaves
  parts out (`interactive` without a body, media that could not be fetched). A part of the **wrong JSON type** is
  :class:`Malformed`: nobody can say what else about that message would be wrong. A ``type`` that is missing is that of the
  only content that is there.
* The customer is ``from_user_id`` (BSUID) and ``from`` (phone number), either of which may be missing. What the message lacks
  is taken from the contact card with the same id, never from the card at the same place in the list.
* A tap is the *inner* type (``button_reply``, ``list_reply``), so that nobody downstream needs to know ``interactive``.
* ``timestamp`` is what the 24-hour window is computed from. One that is missing or absurd becomes ``now``.
* Some who pass webhooks on rewrite them a little: a ``+`` before numbers, coordinates as text, the user id under another name.
  What can only mean one thing is read.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from wabox.core.contact import Contact, conversation_id
from wabox.core.media import digest, reference
from wabox.core.message import InboundMessage, MessageContext
from wabox.whatsapp import wire
from wabox.whatsapp.wire import Malformed, flag, members, text

Json = dict[str, Any]
Reading = tuple[str, str | None, Mapping[str, Any]]
"""Type, text, payload."""


class _Profile(msgspec.Struct):
    name: str | None = None
    username: str | None = None


class _Card(msgspec.Struct):
    wa_id: str | None = None
    user_id: str | None = None
    profile: _Profile | None = None


_CARDS: Final = msgspec.json.Decoder(list[_Card])
_NO_PROFILE: Final = _Profile()


class Cards:
    """The ``contacts`` of one webhook value, found by either id. A card that makes no sense is as good as none."""

    __slots__ = ("_by_id", "_only")

    def __init__(self, contacts: bytes | msgspec.Raw = b"") -> None:
        self._by_id: dict[str, _Card] = {}
        self._only: _Card | None = None
        if not contacts:
            return
        try:
            cards = _CARDS.decode(contacts)
        except (ValueError, RecursionError):
            cards = _sensible(contacts)
        for card in cards:
            if card.wa_id:
                card.wa_id = card.wa_id.removeprefix("+")
                self._by_id[card.wa_id] = card
            if card.user_id:
                self._by_id[card.user_id] = card
        if len(cards) == 1:
            self._only = cards[0]

    def contact(self, user_id: str | None, wa_id: str | None) -> Contact | None:
        """The customer with these ids, completed by the card; ``None`` when there is nothing to tell customers apart by."""
        if wa_id:
            # One person, not two, whether the number comes with a "+" or not.
            wa_id = wa_id.removeprefix("+") or None
        if wa_id and wa_id[2:3] == ".":
            # No phone number: a BSUID, as some samples have it. As an address for replies it would lead nowhere.
            user_id, wa_id = user_id or wa_id, None
        if user_id or wa_id:
            card = self._by_id.get(user_id or "") or self._by_id.get(wa_id or "") or self._other_half(user_id, wa_id)
            if card is None:
                return Contact(user_id=user_id, wa_id=wa_id)
        else:
            # Without any id of its own a message can only be from the one person whom the webhook is about.
            card = self._only
            if card is None or not (card.user_id or card.wa_id):
                return None
        profile = card.profile or _NO_PROFILE
        known, phone = user_id or card.user_id, wa_id or card.wa_id
        if phone and phone[2:3] == ".":
            known, phone = known or phone, None
        return Contact(
            user_id=known or None,
            wa_id=phone or None,
            username=profile.username or None,
            name=profile.name or None,
        )

    def _other_half(self, user_id: str | None, wa_id: str | None) -> _Card | None:
        """The only card, when it has just the id that is missing: a call comes with the phone, its card with the BSUID."""
        card = self._only
        if card is None or (user_id and card.user_id) or (wa_id and card.wa_id):
            return None
        return card


def _sensible(contacts: bytes | msgspec.Raw) -> list[_Card]:
    """What can be used of a list with something wrong in it."""
    try:
        found = wire.value(contacts)
    except Malformed:
        return []
    return [_card(card) for card in found if type(card) is dict] if type(found) is list else []


def _card(card: Json) -> _Card:
    profile = card.get("profile")
    if type(profile) is not dict:
        profile = {}
    return _Card(
        _word(card, "wa_id"), _word(card, "user_id"), _Profile(_word(profile, "name"), _word(profile, "username"))
    )


def _word(parent: Json, key: str) -> str | None:
    found = parent.get(key)
    return found if type(found) is str else None


def normalise(message: Any, number_id: str, cards: Cards, now: int) -> InboundMessage:
    """``messages[]`` of a webhook as wabox sees it. Raises Malformed."""
    if type(message) is not dict:
        raise Malformed("a message is not an object")
    message_id = text(message, "id")
    if not message_id:
        raise Malformed("a message without id")
    contact = cards.contact(text(message, "from_user_id") or None, text(message, "from") or None) or _announced(message)
    if contact is None:
        raise Malformed("a message without from_user_id, from or contact: there is nobody to answer")
    kind, words, payload = _read(message)
    return InboundMessage(
        message_id=f"{message_id}:later" if kind == "unsupported" and _comes_later(payload) else message_id,
        number_id=number_id,
        conversation_id=conversation_id(number_id, contact),
        timestamp=now if (sent := moment(message.get("timestamp"), now)) is None else sent,
        dated=sent is not None,
        type=kind,
        text=words,
        payload=payload,
        contact=contact,
        context=_context(message),
        raw=message,
    )


def _announced(message: Json) -> Contact | None:
    """Whom a message without sender is from by another name, and whom a system message is about: who they were, or else who
    they are now."""
    system = members(message, "system")
    user_id = text(message, _LONG_NAME) or text(system, "previous_user_id") or text(system, "user_id")
    user_id = user_id or text(system, _LONG_NAME)
    wa_id = text(system, "customer") or (None if user_id else text(system, "wa_id"))
    return Contact(user_id=user_id or None, wa_id=wa_id or None) if user_id or wa_id else None


_LONG_NAME: Final = "business_scoped_user_id"
"""The user id as some who pass webhooks on call it."""
_OLDEST: Final = 1_230_768_000_000
"""2009: WhatsApp did not exist."""
_AHEAD: Final = 24 * 3600 * 1000
"""How far a sender's clock may be ahead of ours, ms."""


def moment(seconds: Any, now: int) -> int | None:
    """Meta's timestamp (seconds, as text or number) in ms; None when it is missing or cannot be true."""
    if type(seconds) is str and seconds.isascii() and seconds.isdigit() and len(seconds) < 16:
        seconds = int(seconds)
    if type(seconds) is int and _OLDEST <= (at := seconds * 1000) <= now + _AHEAD:
        return at
    return None


_LATER: Final = 131060
"""With the owner's phone beside the API a message may come as "not available" first, and then whole, under the same id."""


def _comes_later(payload: Mapping[str, Any]) -> bool:
    errors = payload.get("errors")
    return isinstance(errors, list) and any(type(one) is dict and one.get("code") == _LATER for one in errors)


def _context(message: Json) -> MessageContext | None:
    context, referral = members(message, "context"), members(message, "referral")
    if not context and not referral:
        return None
    return MessageContext(
        reply_to=text(context, "id") or None,
        forwarded=flag(context, "forwarded") or flag(context, "frequently_forwarded"),
        referral=referral or None,
    )


def _read(message: Json) -> Reading:
    kind = text(message, "type") or _only_content(message) or "unknown"
    reading = _READERS.get(kind, _other)(kind, message)
    errors = message.get("errors")
    if errors is None:
        return reading
    if type(errors) is not list:
        raise Malformed("errors is not a list")
    kind, words, payload = reading
    return kind, words, {**payload, "errors": errors}


def _only_content(message: Json) -> str | None:
    """The type that was left out, where the message has the content of one type only."""
    found = [kind for kind in _READERS if kind in message]
    return found[0] if len(found) == 1 else None


def _other(kind: str, message: Json) -> Reading:
    part = message.get(kind)
    return kind, None, part if type(part) is dict else {}


def _text(kind: str, message: Json) -> Reading:
    return kind, text(members(message, "text"), "body"), {}


def _media(kind: str, message: Json) -> Reading:
    media = members(message, kind)
    for key in ("id", "mime_type", "sha256", "url", "filename"):
        text(media, key)
    if kind == "audio" and flag(media, "voice"):
        kind = "voice"
    sha256 = digest(media.get("sha256"))
    # Known before the file is here; a "file" of somebody else's making never passes.
    media = (
        {**media, "file": reference(sha256)} if sha256 else {key: part for key, part in media.items() if key != "file"}
    )
    return kind, text(media, "caption"), media


def _location(kind: str, message: Json) -> Reading:
    location = members(message, "location")
    if not location:
        return "unsupported", None, {"type": kind}
    location = {**location, **{key: _degrees(location, key) for key in ("latitude", "longitude")}}
    for key in ("name", "address", "url"):
        text(location, key)
    return kind, None, location


def _degrees(location: Json, key: str) -> float:
    found: Any = location.get(key)
    if type(found) is str:
        with contextlib.suppress(ValueError):
            found = float(found)
    if type(found) is int or (type(found) is float and math.isfinite(found)):
        return found
    raise Malformed(f"{key} is not a number")


def _contacts(kind: str, message: Json) -> Reading:
    cards = message.get("contacts")
    cards = [] if cards is None else cards
    if type(cards) is not list or not all(type(card) is dict for card in cards):
        raise Malformed("contacts is not a list of objects")
    return kind, None, {"contacts": cards}


def _button(kind: str, message: Json) -> Reading:
    """A quick reply of a template. Its payload is the author's word for it, its title what the customer saw."""
    button = members(message, "button")
    title = text(button, "text")
    tapped = text(button, "payload") or title
    if not tapped:
        raise Malformed("a button without payload and text")
    return kind, title, {"id": tapped, "title": title}


def _interactive(kind: str, message: Json) -> Reading:
    interactive = members(message, "interactive")
    inner = text(interactive, "type") or next((one for one in _REPLIES if one in interactive), None)
    if not inner:
        # Meta sends this with an error 131000 beside it: the customer did something that the API cannot express.
        return "unsupported", None, {"type": kind}
    if inner in _TAPS:
        reply = members(interactive, inner)
        if not text(reply, "id"):
            raise Malformed(f"a {inner} without id")
        text(reply, "description")
        return inner, text(reply, "title"), reply
    if inner == "nfm_reply":
        return _form(members(interactive, inner))
    return _other(inner, interactive)


_TAPS: Final = ("button_reply", "list_reply")
_REPLIES: Final = (*_TAPS, "nfm_reply", "call_permission_reply")


def _form(reply: Json) -> Reading:
    """A completed WhatsApp form, or an address. The answers are JSON *inside a string*, and need not be an object; some who
    pass webhooks on have opened the string."""
    answers: Any = reply.get("response_json")
    if type(answers) is not dict and (answers := text(reply, "response_json")) is not None:
        with contextlib.suppress(Malformed):
            answers = wire.inner_value(answers)
    payload = {"name": text(reply, "name"), "response": answers}
    return "form", text(reply, "body"), payload


def _order(kind: str, message: Json) -> Reading:
    order = members(message, "order")
    if order.get("product_items") is not None and type(order["product_items"]) is not list:
        raise Malformed("product_items is not a list")
    return kind, text(order, "text") or None, order


def _reaction(kind: str, message: Json) -> Reading:
    """An emoji on a message, or its removal: then ``emoji`` is missing or empty, both occur."""
    reaction = members(message, "reaction")
    emoji = text(reaction, "emoji") or None
    return kind, None, {"message_id": text(reaction, "message_id"), "emoji": emoji, "removed": emoji is None}


def _edit(kind: str, message: Json) -> Reading:
    """The whole message as it reads now."""
    edit = members(message, "edit")
    kind_now, words, payload = _read(members(edit, "message"))
    target = text(edit, "original_message_id")
    return "edited", words, {"original_message_id": target, "message": {**payload, "type": kind_now}}


def _revoke(kind: str, message: Json) -> Reading:
    return "deleted", None, {"original_message_id": text(members(message, "revoke"), "original_message_id")}


def _system(kind: str, message: Json) -> Reading:
    """WhatsApp about the customer, such as a changed number. Not the customer's words: the text stays in the payload."""
    system = members(message, "system")
    if type(number := system.get("new_wa_id")) is int:  # the older name of wa_id; an old sample has it so
        system = {**system, "new_wa_id": str(number)}
    if type(found := system.get("type")) is dict:  # and another has every kind with true or false
        system = {**system, "type": next((word for word, said in found.items() if said is True), None)}
    for key in ("type", "body", "wa_id", "new_wa_id", "customer", "user_id", "previous_user_id"):
        text(system, key)
    identity = members(message, "identity")
    return kind, None, {**system, "identity": identity} if identity else system


_READERS: Final[Mapping[str, Callable[[str, Json], Reading]]] = {
    "text": _text,
    "image": _media,
    "video": _media,
    "audio": _media,
    "voice": _media,
    "document": _media,
    "sticker": _media,
    "location": _location,
    "contacts": _contacts,
    "button": _button,
    "interactive": _interactive,
    "order": _order,
    "reaction": _reaction,
    "edit": _edit,
    "revoke": _revoke,
    "system": _system,
}
