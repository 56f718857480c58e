"""The fake Cloud API: what Meta keeps and does, between a bot and the phones of its customers.

It speaks the real protocol over real HTTP on both sides. What a customer does becomes a signed webhook, brought until the
bot answers 200. What the bot posts is checked as Meta checks it, answered as Meta answers, shown on the phone, and
followed by statuses: sent, delivered, and read once the customer has looked. Rules of Meta's that surprise people:

- A free-form message more than 24 hours after the customer last wrote is *accepted*, and fails later (131047).
- So does one to a number nobody has (131026); one with a user id in ``to`` instead of ``recipient`` just vanishes.
- Marking one message as read marks everything before it; the typing bubble ends with the reply or after 25 seconds.

Clock, randomness and sleeping come in as arguments. Used from a test::

    async with FakeCloud(number_id="1", app_secret="s", access_token="t", webhook_url=url,
                         clock=now, random=Random(7)) as cloud:
        await cloud.say("sam", "Hi")
        (welcome,) = await cloud.until("sam", 1)
        await cloud.tap("sam", "Browse")
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from random import Random
from types import TracebackType
from typing import Any, Self

import httpx

from wabox.core.ports import Clock
from wabox.demo.approved import Templates
from wabox.demo.courier import Courier, Letter, Sleep
from wabox.demo.customer import CUSTOMERS, Business, Customer
from wabox.demo.dashboard import Dashboard
from wabox.demo.fault import Faults, SendFault
from wabox.demo.feed import Exchange, Feed
from wabox.demo.happening import Scene
from wabox.demo.media import DAY, RECEIVED, UPLOADED, Media, keep
from wabox.demo.notification import JSON, contact, digits, envelope, message, of_account, tapped, wamid
from wabox.demo.quota import Quota
from wabox.demo.receipts import Receipts
from wabox.demo.refusal import Refused, http_status
from wabox.demo.thread import Bubble, Thread, short

WINDOW = 24 * 60 * 60 * 1000
"""ms: the customer service window."""
TYPING = 25_000
"""ms after which a typing bubble ends by itself."""


class FakeCloud:
    """One business number, its customers, and everything between them."""

    def __init__(
        self,
        *,
        number_id: str,
        app_secret: str,
        access_token: str,
        webhook_url: str,
        clock: Clock,
        random: Random,
        seed: int = 0,
        verify_token: str = "",
        business_name: str = "Wabox Shop",
        templates: Templates | None = None,
        customers: Sequence[Customer] = CUSTOMERS,
        sleep: Sleep = asyncio.sleep,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """``seed``: of the faults that come by lot. ``templates``: those that were approved; without them every name is.
        ``verify_token``: if given, the webhook is verified by a GET at the start. ``transport``: how to reach it."""
        self.business = Business(number_id=number_id, name=business_name)
        self.access_token = access_token
        self.app_secret = app_secret
        self.dashboard = Dashboard()
        self.verify_token = verify_token
        self.templates = templates
        self.clock = clock
        self.random = random
        self.quality = "GREEN"
        """Of the number; RED when customers report it."""
        self.tier = "TIER_2K"
        """How many people may be written to in 24 hours."""
        self.feed = Feed()
        self.faults = Faults(clock, seed)
        self._quota = Quota()
        self._hung_up = asyncio.Event()
        self.threads = {customer.key: Thread(customer) for customer in customers}
        self.media: dict[str, Media] = {}
        self._courier = Courier(webhook_url, app_secret, self.feed, self.faults, clock, sleep, transport)
        self._receipts = Receipts(
            self.business, self._courier, self.feed, self.faults, clock=clock, random=random, sleep=sleep
        )
        self._sleep = sleep
        self._arrived = asyncio.Condition()

    @property
    def webhook_url(self) -> str:
        return self._courier.url

    @webhook_url.setter
    def webhook_url(self, url: str) -> None:
        self._courier.url = url

    # -- life ---------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin; returns at once. The webhook need not answer yet."""
        if self.verify_token:
            self._courier.verify(self.verify_token, str(self.random.randrange(10**9, 10**10)))

    def hang_up(self) -> None:
        """On the pages, and on whoever waits for an answer that never comes: a server that stops must not wait for them."""
        self.feed.close()
        self._hung_up.set()

    async def aclose(self) -> None:
        """Hang up, and drop what is under way. May be called twice."""
        self.hang_up()
        await self._courier.aclose()

    def renew(self, access_token: str) -> None:
        """From now on this token is the right one, and it has not expired."""
        self.access_token = access_token
        self.faults.arm("token", "off")
        self.show_faults()

    async def settle(self) -> None:
        """Wait until every webhook was taken and every status told."""
        await self._courier.settle()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    # -- what customers do --------------------------------------------------------------------------------------------

    async def say(self, customer: str, text: str) -> str:
        """Send a text; returns its id once the webhook was tried (and goes on trying, if it must)."""
        return await self._write(customer, "text", {"body": text}, f"wrote {short(text)}")

    async def tap(self, customer: str, option: str, message_id: str | None = None) -> str:
        """Tap a button or list row by its id or title: the newest that has it, or the one in ``message_id``.

        Raises LookupError if no message offers it.
        """
        found = self.threads[customer].offered(option, message_id, self.templates)
        if found is None:
            raise LookupError(f"{customer} was offered no button or row {option!r}")
        bubble, kind, reply = found
        context = {"from": self.business.display_phone_number, "id": bubble.id}
        if kind == "button":
            # A quick reply of a template comes back with what the sender put behind it, or with its words.
            pressed = {"payload": reply["id"], "text": reply["title"]}
            return await self._write(customer, "button", pressed, f"tapped {short(reply['title'])}", context)
        return await self._write(
            customer, "interactive", tapped(kind, reply), f"tapped {short(reply['title'])}", context
        )

    async def place(self, customer: str, latitude: float, longitude: float) -> str:
        """Send where the customer is."""
        return await self._write(customer, "location", {"latitude": latitude, "longitude": longitude}, "sent a place")

    async def picture(self, customer: str, data: bytes, mime_type: str = "image/jpeg", caption: str = "") -> str:
        """Send a picture; the bot gets its media id, as from Meta, and may fetch it."""
        return await self.send_file(customer, "image", data, mime_type, **({"caption": caption} if caption else {}))

    async def send_file(self, customer: str, kind: str, data: bytes, mime_type: str, **about: Any) -> str:
        """Send a file as ``kind``: audio (``voice=True``), video, document, sticker, image."""
        media = self.media[self.keep(data, mime_type, RECEIVED)]
        part = {**about, "mime_type": mime_type, "sha256": media.sha256, "id": media.id}
        return await self._write(customer, kind, part, "sent a picture" if kind == "image" else f"sent a file ({kind})")

    def scene(self, customer: str) -> Scene:
        """What else may happen with this customer begins here."""
        thread = self.threads[customer]
        mine, theirs = thread.theirs(), thread.ours()
        return Scene(
            business=self.business,
            customer=self._receipts.known(thread.customer),
            wamid=self._wamid(thread.customer, inbound=True),
            seconds=self.clock() // 1000,
            mine=mine[-1].id if mine else None,
            theirs=theirs[-1].id if theirs else None,
        )

    async def change(self, field: str, value: Mapping[str, Any], title: str, customer: str | None = None) -> None:
        """Post a webhook of any field: about a customer, with what every such value has, or as it is, about the account."""
        told = envelope(self.business, field, **value) if customer else None
        payload = told or of_account(self.business, self.clock(), field, value)
        await self._courier.send(payload, "message", title, customer).tried.wait()

    def keep(self, data: bytes, mime_type: str, days: int = UPLOADED) -> str:
        """A file that a customer sent or the bot uploaded, for so long; its id."""
        media = Media(
            id=str(self.random.randrange(10**14, 10**15)),
            mime_type=mime_type,
            data=data,
            until=self.clock() + days * DAY,
        )
        keep(self.media, media)
        return media.id

    def file(self, media_id: str) -> Media | None:
        """Unless it has expired."""
        media = self.media.get(media_id)
        return media if media is not None and self.clock() < media.until else None

    async def read(self, customer: str) -> None:
        """Look at the conversation: everything in it becomes read."""
        thread = self.threads[customer]
        for bubble in thread.ours():
            self._receipts.looked(thread.customer, bubble)

    async def again(self, customer: str) -> bool:
        """Post the bytes of the customer's last webhook once more; False if there was none yet."""
        letter = self.threads[customer].last_letter
        if letter is None:
            return False
        await self._courier.again(letter).tried.wait()
        return True

    def sent(self, customer: str) -> list[Mapping[str, Any]]:
        """The bodies of everything that the bot sent to this customer, oldest first."""
        return [bubble.message for bubble in self.threads[customer].ours()]

    async def until(self, customer: str, count: int, timeout: float = 5.0) -> list[Mapping[str, Any]]:
        """Wait until the customer has ``count`` messages of the bot; they are returned as by ``sent``."""
        async with asyncio.timeout(timeout), self._arrived:
            await self._arrived.wait_for(lambda: len(self.sent(customer)) >= count)
        return self.sent(customer)

    # -- what the bot does (called by the Graph endpoints, with checked bodies) ----------------------------------------

    async def accept(self, body: Mapping[str, Any], exchange: Exchange) -> JSON:
        """Take a message for delivery; Meta's answer. Raises Refused. ``exchange`` learns what became of it."""
        customer = self.customer_of(body)
        about = customer.key if customer else ""
        fault = self.faults.send(about)
        if not fault and self.faults.strikes("limits", about) and (code := self._quota.refuses(about, self.clock())):
            fault = SendFault(status=http_status(code), code=code)
        if fault:
            self.show_faults()
        if fault and fault.status and not fault.taken:
            await self._pause(fault.delay)
            raise fault.error()
        reply = await self._take(body, customer)
        exchange.about = reply["messages"][0]["id"]
        if fault:
            await self._pause(fault.delay)
            if fault.status:
                raise fault.error()
        return reply

    def mark_read(self, message_id: str, *, typing: bool) -> str:
        """The bot has read a customer's message, and perhaps is writing; whose it was. Raises Refused."""
        for thread in self.threads.values():
            bubble = thread.find(message_id)
            if bubble is not None and bubble.by == "customer":
                self._read_by_bot(thread, bubble)
                if typing:
                    until = self.clock() + TYPING
                    self.feed.publish("typing", {"customer": thread.customer.key, "until": until})
                return thread.customer.key
        raise Refused(131009, "(#131009) Parameter value is not valid", "Message id is not one this number received")

    def customer_of(self, body: Mapping[str, Any]) -> Customer | None:
        """Whom a body is for; ``to`` wins over ``recipient``, as at Meta."""
        for thread in self.threads.values():
            customer = thread.customer
            if "to" in body:
                if customer.wa_id and digits(str(body["to"])) == customer.wa_id:
                    return customer
            elif body.get("recipient") == customer.user_id:
                return customer
        return None

    # -- for the pages ------------------------------------------------------------------------------------------------

    def everything(self, newest: int = 200) -> JSON:
        """What a page that connects has to know."""
        return {
            "now": self.clock(),
            "business": {"name": self.business.name, "number": self.business.display_phone_number},
            "customers": [
                {
                    "key": thread.customer.key,
                    "name": thread.customer.name,
                    "note": thread.customer.note,
                    "number": thread.customer.wa_id,
                    "user_id": thread.customer.user_id,
                    "suggestions": thread.customer.suggestions,
                }
                for thread in self.threads.values()
            ],
            "bubbles": [
                bubble.shown(key) for key, thread in self.threads.items() for bubble in thread.bubbles[-newest:]
            ],
            "exchanges": [exchange.shown() for exchange in self.feed.exchanges],
            "faults": self.faults.shown(),
            "templates": self.templates or {},
        }

    def show_faults(self) -> None:
        """Tell the pages which faults are armed."""
        self.feed.publish("faults", self.faults.shown())

    # -- inside -------------------------------------------------------------------------------------------------------

    async def _write(self, key: str, kind: str, content: JSON, title: str, context: JSON | None = None) -> str:
        return await self.write(key, {"type": kind, **({"context": context} if context else {}), kind: content}, title)

    async def write(self, key: str, said: Mapping[str, Any], title: str) -> str:
        """Send a message of any type: ``said`` is as in a webhook, less who, when and its id. Returns the id."""
        thread = self.threads[key]
        now = self.clock()
        wamid = self._wamid(thread.customer, inbound=True)
        known = self._receipts.known(thread.customer)
        written = message(known, wamid, now, said)
        bubble = thread.add(Bubble(id=wamid, by="customer", at=now, message=written))
        thread.heard_at = now
        self._show(key, bubble)
        payload = envelope(self.business, contacts=[contact(known)], messages=[written])

        def news(letter: Letter) -> None:
            bubble.note = None if letter.taken else letter.exchange.answer
            if letter.taken:
                bubble.reach("delivered")
            self._show(key, bubble)

        letter = self._courier.send(payload, "message", title, key, news=news)
        thread.last_letter = letter
        await letter.tried.wait()
        return wamid

    async def _pause(self, seconds: float) -> None:
        """Sleep, unless the cloud is closed meanwhile."""
        waits = [asyncio.ensure_future(wait) for wait in (self._sleep(seconds), self._hung_up.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _take(self, body: Mapping[str, Any], customer: Customer | None) -> JSON:
        wamid = self._wamid(customer, inbound=False)
        given = str(body.get("to", body.get("recipient")))
        known = {"input": given, "wa_id": digits(given)} if "to" in body else {"input": given, "user_id": given}
        receipt: JSON = {"id": wamid}
        if body.get("type") == "template":
            receipt["message_status"] = "accepted"
        if code := self._doom(customer, body):
            self._receipts.failed(wamid, body, customer, code)
        elif customer is not None:
            await self._arrive(customer, wamid, body)
        return {"messaging_product": "whatsapp", "contacts": [known], "messages": [receipt]}

    def _doom(self, customer: Customer | None, body: Mapping[str, Any]) -> int | None:
        """The error that an accepted message will fail with, if it will."""
        if customer is None:
            # A user id in ``to`` is taken for a phone number after its country prefix: accepted, never seen again.
            lost = "to" in body and not str(body["to"]).strip().lstrip("+").isdigit()
            return None if lost else 131026
        if code := self.faults.doom(customer.key):
            self.show_faults()
            return code
        heard = self.threads[customer.key].heard_at
        open_window = heard is not None and self.clock() - heard < WINDOW
        return None if open_window or body.get("type") == "template" else 131047

    async def _arrive(self, customer: Customer, wamid: str, body: Mapping[str, Any]) -> None:
        thread = self.threads[customer.key]
        if (theirs := thread.theirs()) and body.get("type") != "reaction":
            self._read_by_bot(thread, theirs[-1])
        bubble = thread.add(Bubble(id=wamid, by="business", at=self.clock(), message=body, tick="waiting"))
        self._show(customer.key, bubble)
        async with self._arrived:
            self._arrived.notify_all()
        await self._receipts.follow(customer, bubble)

    def _read_by_bot(self, thread: Thread, last: Bubble) -> None:
        for bubble in thread.theirs():
            # One that the bot has not even taken yet stays as it is: what it says of itself is true.
            if bubble.note is None and bubble.reach("read"):
                self._show(thread.customer.key, bubble)
            if bubble is last:
                return

    def _show(self, key: str, bubble: Bubble) -> None:
        self.feed.publish("bubble", bubble.shown(key))

    def _wamid(self, customer: Customer | None, *, inbound: bool) -> str:
        peer = (customer.wa_id if customer else None) or "0"
        return wamid(peer, self.clock(), self.random.getrandbits(32), inbound=inbound)
