"""The Cloud API request for one bubble. Shapes: Meta, "send messages" and its pages per type (Oct 2026).

Rules:

* One addressing function for every kind of message: libraries that had two lost the replies of one (:func:`address`).
* Nothing is cut or dropped to fit Meta's limits; ``wabox check`` refuses what does not fit, before it is published.
* Where Meta has no place for a part, it goes where the customer reads it: a plain text has neither header nor footer, so
  they become its first and last paragraph.
* An option's id is its event, verbatim: it comes back in the tap.
"""

from __future__ import annotations

from typing import Any

from wabox.core.contact import Contact
from wabox.core.content import Content, Option, OptionList

Json = dict[str, Any]


def request_body(content: Content, contact: Contact) -> Json:
    """The request that sends ``content`` to ``contact``, complete but for ``biz_opaque_callback_data``."""
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **address(contact),
        **_message(content),
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


def read_and_typing(message_id: str) -> Json:
    """Marks an inbound message and all before it as read, and shows the typing bubble until we answer or 25 s have passed."""
    return {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": message_id,
        "typing_indicator": {"type": "text"},
    }


def _message(content: Content) -> Json:
    if content.list is not None:
        # A list has a text header only; that a picture does not fit is reported by `wabox check`.
        return _interactive("list", content, _text_header(content.header), content.text, _list_action(content.list))
    if content.buttons:
        action = {"buttons": [_button(option) for option in content.buttons]}
        if content.image is None:
            return _interactive("button", content, _text_header(content.header), content.text, action)
        # The picture takes the header's place; what stood there is read first.
        picture = {"type": "image", "image": {"link": content.image}}
        return _interactive("button", content, picture, _paragraphs(content.header, content.text), action)
    words = _paragraphs(content.header, content.text, content.footer)
    if content.image is not None:
        return {"type": "image", "image": {"link": content.image, **({"caption": words} if words else {})}}
    return {"type": "text", "text": {"body": words, "preview_url": False}}


def _interactive(kind: str, content: Content, header: Json | None, text: str | None, action: Json) -> Json:
    interactive: Json = {"type": kind}
    if header is not None:
        interactive["header"] = header
    interactive["body"] = {"text": text or ""}
    if content.footer:
        interactive["footer"] = {"text": content.footer}
    interactive["action"] = action
    return {"type": "interactive", "interactive": interactive}


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
