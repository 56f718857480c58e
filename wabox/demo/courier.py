"""Brings webhooks to the bot, as stubbornly as Meta does.

Only an answer of exactly 200 counts. Anything else, a refused connection, or more than five seconds, and the same bytes
come again: first at once, then ever more slowly, until they are taken. Meta gives up after seven days; the demo does not
run that long. Webhooks do not wait for each other, so a late one is overtaken: nothing promises their order.
Source: Meta, "Webhooks: retries" (Sept 2026).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from itertools import chain, repeat
from typing import Any
from urllib.parse import urlsplit

import httpx

from wabox.core.ports import Clock
from wabox.demo.feed import Exchange, Feed, Kind
from wabox.demo.notification import JSON, signature, wire

Sleep = Callable[[float], Awaitable[None]]

BACKOFF = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before the second, third … attempt; the last is repeated."""
DEADLINE = 5.0
"""Seconds. Meta publishes none for WhatsApp; partners enforce five."""
AGENT = "facebookexternalua"


class Letter:
    """One webhook on its way: the bytes, and what became of them."""

    __slots__ = ("attempts", "exchange", "raw", "taken", "tried", "wait")

    def __init__(self, raw: bytes, exchange: Exchange) -> None:
        self.raw = raw
        self.exchange = exchange
        self.attempts = 0
        self.tried = asyncio.Event()
        """Set after the first attempt, whatever came of it."""
        self.taken = False
        """The bot answered 200."""
        self.wait = 0.0
        """Seconds until the next attempt."""


class Courier:
    """Posts to one webhook URL, which may be changed at any time."""

    def __init__(
        self,
        url: str,
        app_secret: str,
        feed: Feed,
        clock: Clock,
        sleep: Sleep,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.url = url
        self._secret = app_secret
        self._feed = feed
        self._clock = clock
        self._sleep = sleep
        self._transport = transport
        self._client: httpx.AsyncClient | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def client(self) -> httpx.AsyncClient:
        if self._client is None:
            # trust_env: a proxy of the machine has no business between the demo and itself.
            self._client = httpx.AsyncClient(
                timeout=DEADLINE, transport=self._transport, trust_env=False, headers={"user-agent": AGENT}
            )
        return self._client

    def send(
        self,
        payload: JSON,
        kind: Kind,
        title: str,
        customer: str | None,
        *,
        about: str | None = None,
        copies: int = 1,
        news: Callable[[Letter], None] = lambda letter: None,
    ) -> Letter:
        """Post ``payload`` until it is taken; ``news`` hears of every attempt."""
        return self._begin(wire(payload), payload, kind, title, customer, about, copies, news)

    def again(self, letter: Letter) -> Letter:
        """Post the very same bytes once more, as Meta does when it is not sure that they arrived."""
        old = letter.exchange
        title = f"(again) {old.title}"
        return self._begin(letter.raw, old.body, old.kind, title, old.customer, None, 1, lambda letter: None)

    def verify(self, token: str, challenge: str) -> None:
        """Meta's check, when the address of a webhook is entered, that it belongs to the one who entered it.

        Meta asks once; the demo asks until the server is up.
        """
        self.spawn(self._handshake(token, challenge))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` until it is done or the courier is closed."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def aclose(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _begin(
        self,
        raw: bytes,
        body: Any,
        kind: Kind,
        title: str,
        customer: str | None,
        about: str | None,
        copies: int,
        news: Callable[[Letter], None],
    ) -> Letter:
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature(raw, self._secret)}
        exchange = self._feed.open(
            at=self._clock(),
            kind=kind,
            toward="bot",
            title=title,
            request=f"POST {urlsplit(self.url).path}",
            customer=customer,
            about=about,
            headers=headers,
            body=body,
        )
        letter = Letter(raw, exchange)
        self.spawn(self._deliver(letter, copies, news))
        return letter

    async def _deliver(self, letter: Letter, copies: int, news: Callable[[Letter], None]) -> None:
        try:
            for pause in chain(BACKOFF, repeat(BACKOFF[-1])):
                began = self._clock()
                answers = await asyncio.gather(*(self._post(letter) for _ in range(copies)))
                letter.attempts += 1
                letter.taken = 200 in answers
                letter.wait = pause
                self._note(letter, answers, self._clock() - began)
                news(letter)
                letter.tried.set()
                if letter.taken:
                    return
                await self._sleep(pause)
        finally:
            letter.tried.set()

    async def _handshake(self, token: str, challenge: str) -> None:
        query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": token}
        exchange = self._feed.open(
            at=self._clock(),
            kind="handshake",
            toward="bot",
            title="is this webhook yours?",
            request=f"GET {urlsplit(self.url).path}?hub.mode=subscribe&…",
            body={**query, "hub.verify_token": "•••"},
        )
        for pause in chain((0.1, 0.1, 0.2, 0.5), repeat(1.0)):
            try:
                response = await self.client.get(self.url, params=query)
                exchange.ok = response.status_code == 200 and response.text == challenge
                exchange.answer = f"{response.status_code}" + (", the challenge came back" if exchange.ok else "")
            except httpx.HTTPError:
                exchange.ok, exchange.answer = False, "not reachable yet"
            exchange.retrying = not exchange.ok
            self._feed.show(exchange)
            if exchange.ok:
                return
            await self._sleep(pause)

    async def _post(self, letter: Letter) -> int | str:
        """The status, or why there is none."""
        try:
            response = await self.client.post(self.url, content=letter.raw, headers=letter.exchange.headers)
        except httpx.TimeoutException:
            return f"no answer in {DEADLINE:g} s"
        except httpx.HTTPError as error:
            return "not reachable" if isinstance(error, httpx.ConnectError) else type(error).__name__
        return response.status_code

    def _note(self, letter: Letter, answers: list[int | str], took: int) -> None:
        exchange = letter.exchange
        exchange.ok = letter.taken
        exchange.retrying = not letter.taken
        exchange.answer = " · ".join(map(str, answers))
        if letter.taken:
            exchange.answer += f" in {took} ms" if letter.attempts == 1 else f" at attempt {letter.attempts}"
        else:
            exchange.answer += f", again in {letter.wait:g} s" if letter.wait else ", again at once"
        self._feed.show(exchange)
