"""The Cloud API request for one bubble. Shapes: Meta, "send messages" and its pages per type (Oct 2026).

Rules:

* One addressing function for every kind of message: libraries that had two lost the replies of one (:func:`address`).
* Nothing is cut or dropped to fit Meta's limits; ``wabox check`` refuses what does not fit, before it is published.
* Where Meta has no place for a part, it goes where the customer reads it: a plain text has neither header nor footer, so
  they become its first and last paragraph.
* An option's id is its event, verbatim: it comes back in the tap.
* A link that is only digits is the id of an upload (``POST /media``), anything else an address that Meta fetches. A file of
  the bot's folder has an id of ours (``file:<sha256>:<path>``) until it leaves: then it is uploaded, and the id is Meta's
  (:mod:`wabox.services.uploads`).
"""

from __future__ import annotations

from typing import Any

from wabox.core.contact import Contact
from wabox.core.content import Content, Option, OptionList
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
    Location,
    LocationRequest,
    Media,
    Product,
    Reaction,
    Slide,
    TemplateMessage,
    TemplateValue,
)

Json = dict[str, Any]


def request_body(content: Content, contact: Contact, about: str = "") -> Json:
    """The request that sends ``content`` to ``contact``, complete but for ``biz_opaque_callback_data``.

    ``about`` is the id of the customer's message that is being answered: what a reaction is put on, and what is quoted.
    """
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **address(contact),
        **_message(content, about),
        **({"context": {"message_id": about}} if content.quote and about else {}),
    }


def address(contact: Contact) -> Json:
    """Whom to send to.

    The phone number when it is known, exactly as it was received: it keeps the number in later webhooks, and only Meta may
    rewrite it. The ``+`` keeps Meta from prepending the business's own country code. A user id goes into ``recipient``: in
    ``to`` it would be taken for a number, accepted, and vanish.
    """
    if contact.wa_id:
        return {"to": f"+{contact.wa_id.removeprefix('+')}"}
    if contact.user_id:
        return {"recipient": contact.user_id}
    raise ValueError("a contact needs a user_id or a wa_id")


def read(message_id: str, *, typing: bool = False) -> Json:
    """Marks an inbound message and all before it as read; with ``typing`` it shows the bubble until we answer or 25 s have
    passed. There is no typing bubble without the mark."""
    shown: Json = {"typing_indicator": {"type": "text"}} if typing else {}
    return {"messaging_product": "whatsapp", "status": "read", "message_id": message_id, **shown}


def _message(content: Content, about: str) -> Json:
    kind = content.kind
    if content.interactive:
        return {"type": "interactive", "interactive": _interactive(content)}
    match kind:
        case Location():
            place: Json = {"latitude": float(kind.latitude), "longitude": float(kind.longitude)}
            named = {"name": kind.name, "address": kind.address}
            return {"type": "location", "location": place | {key: text for key, text in named.items() if text}}
        case Contacts():
            return {"type": "contacts", "contacts": [_card(card) for card in kind.cards]}
        case Reaction():
            return {"type": "reaction", "reaction": {"message_id": about, "emoji": kind.emoji}}
        case TemplateMessage():
            return {"type": "template", "template": _template(kind)}
    if content.media is not None:
        return _media(content.media, _paragraphs(content.header, content.text, content.footer))
    words = _paragraphs(content.header, content.text, content.footer)
    return {"type": "text", "text": {"body": words, "preview_url": content.preview}}


def _media(media: Media, caption: str) -> Json:
    file: Json = {"id": media.link} if media.link.isdecimal() else {"link": media.link}
    if media.file is not None:
        file = {"id": media.file.id}
    if media.type == "document" and (media.filename or media.file is not None):
        file["filename"] = media.filename or (media.file.path.rpartition("/")[2] if media.file is not None else "")
    if media.voice:
        file["voice"] = True
    if caption and media.type not in ("audio", "sticker"):
        file["caption"] = caption
    return {"type": media.type, media.type: file}


def _card(card: Card) -> Json:
    # Meta wants one part of the name beside the whole.
    found: Json = {"name": {"formatted_name": card.name, "first_name": card.name}}
    if card.phone:
        found["phones"] = [{"phone": card.phone, "type": "WORK"}]
    if card.email:
        found["emails"] = [{"email": card.email, "type": "WORK"}]
    if card.company:
        found["org"] = {"company": card.company}
    if card.url:
        found["urls"] = [{"url": card.url, "type": "WORK"}]
    return found


def _interactive(content: Content) -> Json:
    type_, action = _action(content)
    interactive: Json = {"type": type_}
    header, text = _text_header(content.header), content.text
    if content.media is not None and content.list is None:
        # The picture takes the header's place; what stood there is read first. A list has a text header only, which
        # `wabox check` reports.
        header, text = _media(content.media, ""), _paragraphs(content.header, content.text)
    if header is not None:
        interactive["header"] = header
    if text or not isinstance(content.kind, Product):
        interactive["body"] = {"text": text or ""}
    if content.footer:
        interactive["footer"] = {"text": content.footer}
    return {**interactive, "action": action}


def _action(content: Content) -> tuple[str, Json]:
    """The type of the interactive message and what can be done with it."""
    kind = content.kind
    match kind:
        case Link():
            return "cta_url", {"name": "cta_url", "parameters": {"display_text": kind.title, "url": kind.url}}
        case ContactRequest():
            return "request_contact_info", {"name": "request_contact_info"}
        case AddressRequest():
            return "address_message", {"name": "address_message", "parameters": {"country": kind.country}}
        case CallButton():
            lasts: Json = {} if kind.minutes is None else {"ttl_minutes": kind.minutes}
            return "voice_call", {"name": "voice_call", "parameters": {"display_text": kind.title, **lasts}}
        case CallRequest():
            return "call_permission_request", {"name": "call_permission_request"}
        case Carousel():
            return "carousel", {"cards": [_slide(place, card) for place, card in enumerate(kind.cards)]}
        case LocationRequest():
            return "location_request_message", {"name": "send_location"}
        case Form():
            return "flow", {"name": "flow", "parameters": _form(kind)}
        case Product(id=str()):
            return "product", {"catalog_id": kind.catalog, "product_retailer_id": kind.id}
        case Product():
            sections = [
                {
                    **({"title": section.title} if section.title else {}),
                    "product_items": [{"product_retailer_id": one} for one in section.ids],
                }
                for section in kind.sections
            ]
            return "product_list", {"catalog_id": kind.catalog, "sections": sections}
        case Catalog():
            shown: Json = {"parameters": {"thumbnail_product_retailer_id": kind.thumbnail}} if kind.thumbnail else {}
            return "catalog_message", {"name": "catalog_message", **shown}
    if content.list is not None:
        return "list", _list_action(content.list)
    return "button", {"buttons": [_button(option) for option in content.buttons]}


def _slide(place: int, card: Slide) -> Json:
    return {
        "card_index": place,
        "type": "cta_url",
        "header": _media(card.media, ""),
        **({"body": {"text": card.text}} if card.text else {}),
        "action": {"name": "cta_url", "parameters": {"display_text": card.title, "url": card.url}},
    }


def _form(form: Form) -> Json:
    parameters: Json = {
        "flow_message_version": "3",
        "flow_id": form.id,
        "flow_cta": form.button,
        "flow_token": form.token,
        "mode": "draft" if form.draft else "published",
    }
    if form.screen:
        payload: Json = {"screen": form.screen}
        if form.data:
            payload["data"] = dict(form.data)
        parameters |= {"flow_action": "navigate", "flow_action_payload": payload}
    return parameters


def _template(template: TemplateMessage) -> Json:
    components: list[Json] = []
    if isinstance(template.header, Media):
        components.append({"type": "header", "parameters": [_media(template.header, "")]})
    elif template.header is not None:
        components.append({"type": "header", "parameters": [_parameter(template.header)]})
    if template.values:
        components.append({"type": "body", "parameters": [_parameter(value) for value in template.values]})
    for button in template.buttons:
        parameter: Json = {"type": "text", "text": button.value}
        if button.type == "quick_reply":
            parameter = {"type": "payload", "payload": button.value}
        elif button.type == "copy_code":
            parameter = {"type": "coupon_code", "coupon_code": button.value}
        where: Json = {"type": "button", "sub_type": button.type, "index": str(button.index)}
        components.append({**where, "parameters": [parameter]})
    found: Json = {"name": template.name, "language": {"code": template.language}}
    return {**found, "components": components} if components else found


def _parameter(value: TemplateValue) -> Json:
    named: Json = {"parameter_name": value.name} if value.name else {}
    return {"type": "text", **named, "text": value.text}


def _text_header(header: str | None) -> Json | None:
    return {"type": "text", "text": header} if header else None


def _button(option: Option) -> Json:
    return {"type": "reply", "reply": {"id": option.event, "title": option.title}}


def _list_action(options: OptionList) -> Json:
    sections: list[Json] = []
    for section in options.sections:
        titled: Json = {"title": section.title} if section.title else {}
        sections.append({**titled, "rows": [_row(option) for option in section.rows]})
    return {"button": options.button, "sections": sections}


def _row(option: Option) -> Json:
    row = {"id": option.event, "title": option.title}
    return {**row, "description": option.description} if option.description else row


def _paragraphs(*parts: str | None) -> str:
    return "\n\n".join(part for part in parts if part)
