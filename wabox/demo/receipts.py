"""Delivery statuses: what Meta tells the bot about the messages it took.

``sent`` at once, ``delivered`` a moment later, ``read`` when the customer has looked; or ``failed``, long after the answer
was 200.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

from wabox.core.ports import Clock
from wabox.demo.courier import Courier, Sleep
from wabox.demo.customer import Business, Customer
from wabox.demo.fault import Faults
from wabox.demo.feed import Feed
from wabox.demo.notification import JSON, contact, digits, envelope, pricing, status
from wabox.demo.thread import Bubble, Tick

TRANSIT = (0.05, 0.2)
"""Seconds from sent to delivered, drawn evenly."""

FAILURES = {
    131026: ("Message undeliverable", "Message Undeliverable."),
    131047: (
        "Re-engagement message",
        "More than 24 hours have passed since the recipient last replied to this message.",
    ),
}


class Receipts:
    """Posts the statuses of one business number."""

    def __init__(
        self,
        business: Business,
        courier: Courier,
        feed: Feed,
        faults: Faults,
        *,
        clock: Clock,
        random: Random,
        sleep: Sleep,
    ) -> None:
        self._business = business
        self._courier = courier
        self._feed = feed
        self._faults = faults
        self._clock = clock
        self._random = random
        self._sleep = sleep
        self._delivered = 0

    async def follow(self, customer: Customer, bubble: Bubble) -> None:
        """Tell the life of a message that arrived on the customer's phone; returns at once, as a rule."""
        if self._faults.strikes("early", customer.key):
            # What waits for this to return is the answer to the send.
            await self._tell(customer, bubble, "sent", price=True)
        self._courier.spawn(self._follow(customer, bubble))

    def looked(self, customer: Customer, bubble: Bubble) -> None:
        """The customer has seen it: ``read``, but never before ``delivered``."""
        if not bubble.wanted_read:
            bubble.wanted_read = True
            if bubble.tick == "delivered":
                self._courier.spawn(self._tell(customer, bubble, "read"))

    def failed(self, wamid: str, body: Mapping[str, Any], customer: Customer | None, code: int) -> None:
        """Tell that a message that was accepted did not arrive."""
        title, details = FAILURES.get(code, ("Message failed to send", "A fault of the demo."))
        to = digits(str(body["to"])) if "to" in body else None
        error = {"code": code, "title": title, "message": title, "error_data": {"details": details}}
        known = self.known(customer) if customer else None
        told = self._status(wamid, "failed", body, known, to=to, error=error)
        key = customer.key if customer else None
        payload = envelope(self._business, statuses=[told])
        self._courier.send(payload, "status", f"failed: {title.lower()} ({code})", key, about=wamid)

    def known(self, customer: Customer) -> Customer:
        """What webhooks tell of a customer."""
        return replace(customer, wa_id=None) if self._faults.strikes("private", customer.key) else customer

    async def _follow(self, customer: Customer, bubble: Bubble) -> None:
        if bubble.tick == "waiting":
            await self._tell(customer, bubble, "sent", price=True)
        await self._sleep(self._random.uniform(*TRANSIT))
        self._delivered += 1
        await self._tell(customer, bubble, "delivered", price=True)
        # Nothing is awaited between "delivered" and here: either looked() saw it delivered, or it is seen here.
        if bubble.wanted_read:
            await self._tell(customer, bubble, "read")

    async def _tell(self, customer: Customer, bubble: Bubble, name: Tick, *, price: bool = False) -> None:
        if not self._faults.strikes("missing", customer.key):
            body, known = bubble.message, self.known(customer)
            category = "utility" if body.get("type") == "template" else "service"
            told = self._status(
                bubble.id,
                name,
                body,
                known,
                to=None if known.wa_id is None else body.get("to"),
                price=pricing(self._delivered, category) if price else None,
            )
            payload = envelope(self._business, contacts=[contact(known)], statuses=[told])
            letter = self._courier.send(payload, "status", name, customer.key, about=bubble.id)
            await letter.tried.wait()
        bubble.reach(name)
        self._feed.publish("bubble", bubble.shown(customer.key))

    def _status(
        self, wamid: str, name: str, body: Mapping[str, Any], customer: Customer | None, **details: Any
    ) -> JSON:
        callback_data = body.get("biz_opaque_callback_data")
        return status(wamid, name, self._clock(), customer=customer, callback_data=callback_data, **details)
