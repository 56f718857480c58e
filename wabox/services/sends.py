"""``wabox send``: one message that we begin, from what was asked for to the conversation's queue.

What cannot be right is refused here, in a sentence, before anything is stored: a template that nobody knows or that WhatsApp
has paused, a variable without a value, a number that is none. Whether the customer may be written to *now* is decided in their
own lane (:mod:`wabox.services.dispatching`); a dry run asks the same question of the conversation as it is.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from wabox.core import limits
from wabox.core.changed import changed
from wabox.core.consent import Consent
from wabox.core.contact import Contact, conversation_id
from wabox.core.content import Content
from wabox.core.conversation import Session
from wabox.core.delivery import Purpose, outbound_id
from wabox.core.dispatch import Dispatch, is_template, message_id
from wabox.core.kind import TemplateUse, variables
from wabox.core.message import Arrival
from wabox.core.phone import spellings
from wabox.core.ports import Clock
from wabox.core.template import StoredTemplate
from wabox.errors import WaboxError
from wabox.flowfile.bot import Bot
from wabox.flowfile.templates import Template, message_of
from wabox.services.dispatching import refused, with_a_person
from wabox.services.templates import of_whatsapp
from wabox.whatsapp.payload import address, request_body

USER_ID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[0-9A-Za-z]{1,128}\Z")
"""How business-scoped user ids look. Source: Meta, "Business-scoped user IDs" (May 2026)."""


class CannotSend(WaboxError):
    """What was asked for cannot be sent; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRequest:
    """One message to one customer."""

    to: str
    """A phone number, or a user id."""
    template: str | None = None
    language: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    """By variable."""
    header: str | None = None
    """What goes into the template's header."""
    buttons: Mapping[str, str] = field(default_factory=dict)
    """What goes into its buttons, by their key."""
    text: str | None = None
    """Instead of a template."""
    number_id: str | None = None
    """The business number that it leaves from; None: the only one, or the one of the settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would be sent."""

    to: str
    conversation_id: str
    number_id: str
    body: Mapping[str, Any]
    """The whole Cloud API request."""
    text: str
    """As the customer will read it."""
    purpose: Purpose
    category: str
    """The template's; of free words ``service``."""
    refusal: str | None = None
    """Why it would not leave now."""
    warnings: tuple[str, ...] = ()
    outbound_id: str | None = None
    """Of what was really put into the queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """What is asked of storage; see :mod:`wabox.sqlite.outgoing`."""

    open: Callable[[str], Awaitable[Session]]
    put: Callable[[Arrival], Awaitable[None]]
    templates: Callable[[str | None], Awaitable[Sequence[StoredTemplate]]]
    recognise: Callable[[Sequence[tuple[str, str]]], Awaitable[Mapping[str, str]]]
    consents: Callable[[Sequence[str]], Awaitable[Sequence[Consent]]]
    numbers: Callable[[], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A template that can be sent."""

    template: Template
    stored: Mapping[str, StoredTemplate]
    """By language; empty when WhatsApp was never asked."""

    def category(self, language: str) -> str:
        """WhatsApp's word counts."""
        found = self.stored.get(language)
        return found.category if found is not None and found.category else self.template.category


class Sends:
    def __init__(self, store: Store, bot: Callable[[], Bot], clock: Clock, *, number_id: str | None) -> None:
        self._store = store
        self._bot = bot
        self._clock = clock
        self._number_id = number_id

    async def plan(self, request: SendRequest) -> Plan:
        """What would be sent. Raises CannotSend."""
        return (await self._planned(request))[0]

    async def send(self, request: SendRequest, id_: str) -> Plan:
        """Put it into the conversation's queue; durable when this returns. The same ``id_`` again does nothing.

        Raises CannotSend, Unavailable.
        """
        plan, contact, body = await self._planned(request)
        if plan.refusal is not None:
            raise CannotSend(f"{plan.to}: {plan.refusal}")
        dispatch = Dispatch(
            id=id_,
            number_id=plan.number_id,
            contact=contact,
            body=body,
            purpose=plan.purpose,
            by="send",
            conversation_id=plan.conversation_id,
        )
        await self._store.put(Arrival(messages=(dispatch.message(self._clock()),)))
        return replace(plan, outbound_id=outbound_id(message_id(id_), 0))

    async def _planned(self, request: SendRequest) -> tuple[Plan, Contact, Mapping[str, Any]]:
        bot, now = self._bot(), self._clock()
        if (request.template is None) == (request.text is None):
            raise CannotSend("name a template, or give a text")
        number_id = await self.number(request.number_id)
        contact = read_contact(request.to, bot.manners.region)
        contact, talk = await self._known(number_id, contact)
        session = await self._store.open(talk)
        # What was entered elsewhere a moment ago is not in the conversation's own view of it yet.
        (consent,) = await self._store.consents([talk])
        session = changed(session, consent=consent)
        warnings: list[str] = []
        if request.template is not None:
            chosen = await self.choose(request.template)
            content, language, said = filled(chosen, request, bot, warnings)
            category = chosen.category(language)
        else:
            text = (request.text or "").strip()
            if not 0 < len(text) <= limits.TEXT:
                raise CannotSend(f"a text has 1 to {limits.TEXT} characters, this one has {len(text)}")
            content, category = Content(text=text), "service"
        whole = request_body(content, contact)
        body = {key: part for key, part in whole.items() if key in ("type", str(whole["type"]))}
        purpose: Purpose = "marketing" if category == "marketing" else "service"
        if purpose == "marketing" and (contact.wa_id or "").startswith("1") and region_of(contact) == "US":
            warnings.append("WhatsApp delivers no marketing to numbers of the United States")
        refusal = refused(
            session, now, template=is_template(body), purpose=purpose, busy=with_a_person(bot, session, now)
        )
        plan = Plan(
            to=contact.wa_id or contact.key,
            conversation_id=talk,
            number_id=number_id,
            body={**whole, **address(contact)},
            text=said if request.template is not None else str(content.text),
            purpose=purpose,
            category=category,
            refusal=None if refusal is None else refusal.reason,
            warnings=tuple(warnings),
        )
        return plan, contact, body

    async def number(self, given: str | None) -> str:
        """The business number to send from. Raises CannotSend."""
        number_id = given or self._number_id
        if number_id is not None:
            return number_id
        known = await self._store.numbers()
        if len(known) == 1:
            return known[0]
        if not known:
            raise CannotSend(
                "wabox does not know your number's id yet: set WABOX_NUMBER_ID, or [whatsapp] number_id in wabox.toml; "
                "Meta's dashboard shows it under API Setup as phone number ID"
            )
        raise CannotSend(
            f"there are several numbers, {', '.join(known)}: choose one with --from, or set WABOX_NUMBER_ID"
        )

    async def choose(self, name: str) -> Chosen:
        """A template by name: with the words of ``templates.yaml``, else with WhatsApp's. Raises CannotSend."""
        stored = await self._store.templates(name)
        template = self._bot().templates.get(name)
        if template is None and not stored:
            known = ", ".join(sorted(self._bot().templates)) or "none"
            raise CannotSend(
                f"there is no template {name!r}: templates.yaml of the published version has {known}. One that you have just "
                "written counts after wabox publish, one that is only at WhatsApp after wabox templates sync"
            )
        return Chosen(template=template or of_whatsapp(name, stored), stored={one.language: one for one in stored})

    async def _known(self, number_id: str, contact: Contact) -> tuple[Contact, str]:
        """The contact under the id that it is known by, and its conversation."""
        ids = [("user_id", contact.user_id)] if contact.user_id else []
        ids += [("wa_id", spelling) for spelling in spellings(contact.wa_id or "") if spelling]
        handles = await self._store.recognise([(kind, value) for kind, value in ids if value])
        for kind, value in ids:
            if value in handles:
                known = contact if kind == "user_id" else replace(contact, wa_id=value)
                return known, f"{number_id}:{handles[value]}"
        return contact, conversation_id(number_id, contact)


def filled(chosen: Chosen, request: SendRequest, bot: Bot, warnings: list[str]) -> tuple[Content, str, str]:
    """The template with its values, its language, and what the customer will read. Raises CannotSend."""
    template, wanted = chosen.template, request.language
    if wanted and not template.speaks(wanted):
        has = ", ".join(template.languages)
        raise CannotSend(f"the template {template.name!r} is not in {wanted!r}; it is in {has}")
    text = template.text(*([wanted] if wanted else ()), bot.default_language)
    stored = chosen.stored.get(text.language)
    if stored is not None and not stored.sendable:
        why = f": {stored.reason}" if stored.reason else ""
        raise CannotSend(
            f"the template {template.name!r} ({text.language}) is {stored.status.lower() or 'not approved'} at WhatsApp{why}. "
            "See it in WhatsApp Manager; wabox templates sync asks again"
        )
    if chosen.stored and stored is None:
        has = ", ".join(chosen.stored)
        raise CannotSend(f"WhatsApp has the template {template.name!r} in {has}, not in {text.language}")
    if not chosen.stored:
        warnings.append(
            f"WhatsApp is not known to have {template.name!r}, and would refuse it: wabox templates sync asks"
        )
    lacking = [name for name in text.variables if not request.values.get(name, "").strip()]
    lacking += ["header"] if needs_header(text.header, text.header_type) and not (request.header or "").strip() else []
    lacking += [key for key in needed_buttons(template, text.language) if not request.buttons.get(key, "").strip()]
    if lacking:
        raise CannotSend(f"the template {template.name!r} needs a value for {', '.join(lacking)}")
    strange = [name for name in request.values if name not in text.variables]
    if strange:
        has = ", ".join(text.variables) or "no variables"
        raise CannotSend(f"the template {template.name!r} has no variable {', '.join(strange)}; it has {has}")
    use = TemplateUse(
        name=template.name,
        language=text.language,
        values={name: " ".join(value.split()) for name, value in request.values.items()},
        header=request.header,
        buttons=request.buttons,
    )
    message = message_of(use, template, text.language, text.language)
    if len(message.text) > limits.TEMPLATE_BODY:
        raise CannotSend(
            f"the template {template.name!r} has {len(message.text)} characters with these values, WhatsApp takes "
            f"{limits.TEMPLATE_BODY}"
        )
    return Content(kind=message), text.language, message.text


def needs_header(header: str | None, type_: str) -> bool:
    """Whether a value must be given for it: it has a variable, or a file of which no example is known."""
    if header is None:
        return False
    return bool(variables(header)) if type_ == "text" else not header


def needed_buttons(template: Template, language: str) -> list[str]:
    """Keys of the buttons that need a value."""
    return [
        one.key
        for one in template.text(language).buttons
        if one.type == "copy_code" or (one.type == "url" and variables(one.value))
    ]


def read_contact(written: str, region: str | None) -> Contact:
    """The customer behind a phone number or user id as people write it. Raises CannotSend.

    ``region``: the country of numbers that do not say theirs.
    """
    import phonenumbers

    written = written.strip()
    if USER_ID.match(written):
        return Contact(user_id=written)
    try:
        parsed = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        fix = "begin it with + and the country code" if region is None else "begin a foreign one with +"
        raise CannotSend(f"{written!r} is neither a phone number nor a user id; {fix}") from None
    wa_id = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")
    # WhatsApp's own spelling of some numbers is one that nobody can dial.
    if not phonenumbers.is_possible_number(parsed) and not any(
        phonenumbers.is_possible_number(phonenumbers.parse(f"+{one}")) for one in spellings(wa_id)[1:]
    ):
        raise CannotSend(f"{written!r} has too many or too few digits for a phone number")
    return Contact(wa_id=wa_id)


def region_of(contact: Contact) -> str | None:
    """The country that prices and rules go by: of the number, else of the user id."""
    import phonenumbers

    if contact.wa_id:
        try:
            return phonenumbers.region_code_for_number(phonenumbers.parse(f"+{contact.wa_id}"))
        except phonenumbers.NumberParseException:
            return None
    return contact.user_id[:2] if contact.user_id else None
