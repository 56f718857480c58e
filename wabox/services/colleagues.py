"""Agents who answer from their own WhatsApp: they quote the card that told them, and the customer reads it.

The card is known by its WhatsApp id, the agent by the number (both: whoever else quotes it is a customer like any other). What
they say is an act of theirs like one from the console, under an id made of the message's, so a redelivery does nothing; what
became of it is told to them. ``done`` closes the case. A digest is about several: the number before the words says which.
Words that quote nothing go to the bot, as anybody's.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from wabox.core.act import Act
from wabox.core.agent import Agent
from wabox.core.alert import Alert, agent, kind, phone
from wabox.core.changed import changed
from wabox.core.contact import Contact
from wabox.core.message import InboundMessage
from wabox.core.phone import spellings
from wabox.flowfile.bot import Bot
from wabox.services.cards import cases, say_in
from wabox.services.handoffs import Handoffs, NoCase, NotDone

DONE: Final = frozenset(
    {"done", "/done", "hecho", "listo", "fatto", "feito", "pronto", "fait", "fini", "terminé", "fertig", "erledigt"}
    | {"готово", "gotowe", "tamam", "bitti", "selesai", "imekwisha", "تم", "ہو گیا", "हो गया", "শেষ", "完成"}
)
_NUMBERED: Final = re.compile(r"\s*(\d{1,3})\s*[.):,-]?\s+(.+)", re.DOTALL)


class Colleagues:
    def __init__(
        self,
        handoffs: Handoffs,
        by_card: Callable[[str], Awaitable[Sequence[Alert]]],
        account: Callable[[str], Agent | None],
        bot: Callable[[], Bot],
    ) -> None:
        """``by_card``: the alerts that a WhatsApp message told of; ``account``: an agent by id, if there is an account."""
        self._handoffs = handoffs
        self._by_card = by_card
        self._account = account
        self._bot = bot

    async def heard(self, message: InboundMessage) -> InboundMessage:
        """The message as it is; or, when an agent answers a card, with what became of that."""
        quoted = message.context.reply_to if message.context is not None else None
        if message.channel != "whatsapp" or not quoted:
            return message
        theirs = self._addresses(message.contact)
        if not theirs:
            return message
        alerts = [one for one in await self._by_card(quoted) if one.to in theirs]
        if not alerts or any(one.conversation_id == message.conversation_id for one in alerts):
            return message
        answer = await self._answer(message, cases(alerts))
        return changed(message, channel="colleague", payload={**message.payload, "answer": answer})

    async def _answer(self, message: InboundMessage, told: Sequence[Alert]) -> str:
        words = (message.text or "").strip()
        one = told[0]
        account = self._account(agent(one.to))
        say = say_in(self._bot(), account.language if account is not None else None)
        if message.type != "text" or not words:
            return say("only_words")
        if len(told) > 1:
            found = _NUMBERED.fullmatch(words)
            if found is None or not 1 <= int(found[1]) <= len(told):
                return say("which", n=len(told))
            one, words = told[int(found[1]) - 1], found[2].strip()
        who = account or Agent(id=agent(one.to), name=agent(one.to))
        if not who.may(("owner", "agent")):
            return say("rights")
        over = words.casefold().rstrip(".!") in DONE
        act = Act(
            id=f"whatsapp:{message.message_id}",
            kind="close" if over else "reply",
            case=one.case,
            agent=who.id,
            by=who.name,
            text=None if over else words,
            more={} if over else {"claim": True},
        )
        customer = one.body.get("customer")
        try:
            await self._handoffs.act(act, who)
        except (NotDone, NoCase) as error:
            return f"{customer}: {error}"
        return say("closed" if over else "sent", customer=customer)

    def _addresses(self, contact: Contact) -> frozenset[str]:
        """Those of the settings that are this person's."""
        manners = self._bot().manners
        known = {*manners.alerts.to, *manners.alerts.escalate}
        for queue in manners.queues.values():
            known.update(queue.alerts or (), queue.escalate or ())
        ids = {contact.user_id, *spellings(contact.wa_id or "")} - {None, ""}
        return frozenset(one for one in known if kind(one) == "whatsapp" and phone(one).lstrip("+") in ids)
