"""How people are told: by a call to the web, by mail, on their own WhatsApp, on the console that they have open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from wabox.core.agent import Agent
from wabox.core.alert import Alert, Told, agent, phone
from wabox.core.delivery import EVIDENCE, Delivery, DeliveryStatus
from wabox.core.invocation import Invocation
from wabox.core.ports import Caller, Clock
from wabox.engine.text import doubled
from wabox.errors import Unavailable
from wabox.flowfile.bot import Bot
from wabox.services.cards import Say, cases, quoted, say_in, text, title
from wabox.services.sends import CannotSend, SendRequest, Sends

TIMEOUT: Final = 10_000
"""ms, of each try."""
URGENT: Final = 4
"""ntfy's "high": of an alert of more than one kind of case, or a case that waited for too long."""
PATIENCE: Final = 60_000
"""ms after which a WhatsApp message that Meta took, and of which nothing bad was heard, counts as accepted."""
LOST: Final = 300_000
"""ms after which one that did not leave is given up."""


class Mailer(Protocol):
    """See :class:`wabox.calls.mail.MailCalls`."""

    async def send(self, to: str, subject: str, words: str, id_: str) -> Told: ...


async def console(alerts: Sequence[Alert]) -> Told:
    """Somebody has one open: it shows the case by itself."""
    return Told(status="accepted")


class WebWay:
    """A webhook, or ntfy: one POST."""

    def __init__(self, caller: Caller, bot: Callable[[], Bot], clock: Clock, token: str | None) -> None:
        """``token``: ntfy's, if the topic needs one."""
        self._caller = caller
        self._bot = bot
        self._clock = clock
        self._token = token

    async def webhook(self, alerts: Sequence[Alert]) -> Told:
        found = cases(alerts)
        one, say = found[0], say_in(self._bot(), None)
        body: dict[str, Any] = {**one.body, "what": one.what, "text": title(found, say)}
        if len(found) > 1:
            words = text(found, self._clock(), say)
            body = {"what": "digest", "text": words, "cases": [dict(each.body) for each in found]}
        return await self._post(one, one.to, {}, body)

    async def ntfy(self, alerts: Sequence[Alert]) -> Told:
        """JSON to the server's root, which takes any script. Source: ntfy, "Publish as JSON" (2026)."""
        found, say = cases(alerts), say_in(self._bot(), None)
        url = urlsplit(found[0].to.partition(":")[2])
        pressing = len(found) > 1 or found[0].what in ("waited too long", "unheard")
        body = {
            "topic": url.path.strip("/"),
            "title": title(found, say),
            "message": text(found, self._clock(), say),
            "priority": URGENT if pressing else 3,
        }
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        return await self._post(found[0], f"{url.scheme}://{url.netloc}/", headers, body)

    async def _post(self, alert: Alert, url: str, headers: dict[str, str], body: Any) -> Told:
        request = {"method": "POST", "url": url, "empty": [], "headers": headers, "json": _plain(body)}
        outcome = await self._caller.call(
            Invocation(
                id=alert.id,
                conversation_id=alert.conversation_id,
                chart="",
                name="alert",
                armed=0,
                request={"http": {**request, "idempotency": True}},
                timeout=TIMEOUT,
                retries=0,
                created_at=alert.created_at,
            )
        )
        if outcome.error is None:
            return Told(status="accepted")
        return Told(status="refused", reason=outcome.error, again=outcome.again, wait=outcome.wait)


class MailWay:
    def __init__(self, mailer: Mailer, bot: Callable[[], Bot], clock: Clock) -> None:
        self._mailer = mailer
        self._bot = bot
        self._clock = clock

    async def __call__(self, alerts: Sequence[Alert]) -> Told:
        found, say = cases(alerts), say_in(self._bot(), None)
        words = text(found, self._clock(), say)
        if len(found) == 1:
            command = f'wabox handoff reply {found[0].case[:10]} "…" --claim'
            words = f"{words}\n\n{say('mail', command=command)}"
        to = found[0].to.partition(":")[2]
        return await self._mailer.send(to, title(found, say), words, found[0].id)


class WhatsAppWay:
    """A message to the agent's own WhatsApp: free words inside their 24 hours, a template outside."""

    def __init__(
        self,
        sends: Sends,
        delivery: Callable[[str], Awaitable[Delivery | None]],
        bot: Callable[[], Bot],
        clock: Clock,
        account: Callable[[str], Agent | None],
    ) -> None:
        self._account = account
        self._sends = sends
        self._delivery = delivery
        self._bot = bot
        self._clock = clock

    async def __call__(self, alerts: Sequence[Alert]) -> Told:
        first = alerts[0]
        if first.status == "sent" and first.ref is not None:
            return await self._became(first, first.ref)
        whose = self._account(agent(first.to))
        if whose is not None and whose.disabled:
            return Told(
                status="refused", reason=f"the account of {whose.name} is closed: customers' words are not sent there"
            )
        say = say_in(self._bot(), whose.language if whose is not None else None)
        words = quoted(alerts, self._clock(), say)
        request = SendRequest(to=phone(first.to), text=words, number_id=str(first.body["number_id"]))
        try:
            if (await self._sends.plan(request)).refusal is not None:
                request = await self._template(request, alerts, say)
            plan = await self._sends.send(request, f"alert:{first.id}:{first.attempts}")
        except CannotSend as error:
            return Told(status="refused", reason=str(error))
        except Unavailable as error:
            return Told(status="refused", reason=str(error), again=True)
        return Told(status="sent", ref=plan.outbound_id)

    async def _template(self, request: SendRequest, alerts: Sequence[Alert], say: Say) -> SendRequest:
        name = self._bot().manners.alerts.template
        if name is None:
            raise CannotSend("the agent last wrote more than 24 hours ago, and [alerts] template names no template")
        found = cases(alerts)
        body = found[0].body
        words = (title(found, say), str(body["reason"]), str(body["queue"]))
        if len(found) == 1:
            words = (str(body["customer"]), *words[1:])
        known = dict(zip(("customer", "reason", "queue"), words, strict=True))
        template = (await self._sends.choose(name)).template
        wanted = template.text(self._bot().default_language).variables
        values = {name: known.get(name) or words[min(place, 2)] or "-" for place, name in enumerate(wanted)}
        return replace(request, text=None, template=name, values=values)

    async def _became(self, alert: Alert, ref: str) -> Told:
        found, now = await self._delivery(ref), self._clock()
        if found is not None and found.status is DeliveryStatus.FAILED:
            return Told(status="refused", reason=found.reason or "WhatsApp did not deliver it")
        if found is not None and (
            found.status in EVIDENCE
            or (found.status is DeliveryStatus.SENT and now - (found.attempted_at or 0) > PATIENCE)
        ):
            return Told(status="accepted")
        if (found is None or found.status is not DeliveryStatus.SENT) and now - alert.created_at > LOST:
            return Told(status="refused", reason="it did not leave")
        return Told(status="sent")


def _plain(value: Any) -> Any:
    """What a customer wrote is no placeholder for a secret."""
    if isinstance(value, str):
        return doubled(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
