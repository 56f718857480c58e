"""Brings webhooks to the bot, as stubbornly as Meta does.

Only an answer of exactly 200 counts. Anything else, a refused connection, or more than five seconds, and the same bytes
come again: first at once, then ever more slowly, until they are taken. Meta gives up after seven days; the demo does not
run that long. Webhooks do not wait for each other, so a late one is overtaken: nothing promises their order. With the faults of
:mod:`wabox.demo.fault` they also come late, again, thrice, or several as one.
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
from wabox.demo.batch import fits, together
from wabox.demo.fault import Faults
from wabox.demo.feed import Exchange, Feed, Kind
from wabox.demo.notification import JSON, signature, wire

Sleep = Callable[[float], Awaitable[None]]
News = Callable[["Letter"], None]

BACKOFF = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before the second, third … attempt; the last is repeated."""
DEADLINE = 5.0
"""Seconds. Meta publishes none for WhatsApp; partners enforce five."""
LATE, AGAIN, GATHER = 30.0, 60.0, 2.0
"""Seconds: at most late, at most until it comes again, and for which a batch is gathered."""
COPIES = 3
AGENT = "facebookexternalua"


class Letter:
    """One webhook on its way: the bytes, and what became of them."""

    __slots__ = ("attempts", "exchange", "raw", "taken", "tried", "wait")

    def __init__(self, raw: bytes, exchange: Exchange) -> None:
        self.raw = raw
        self.exchange = exchange
        self.attempts = 0
        self.tried = asyncio.Event()
        """Set after the first attempt, whatever came of it; or at once, when that is put off."""
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
        faults: Faults,
        clock: Clock,
        sleep: Sleep,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.url = url
        self._secret = app_secret
        self._feed = feed
        self._faults = faults
        self._clock = clock
        self._sleep = sleep
        self._transport = transport
        self._client: httpx.AsyncClient | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._gathered: list[tuple[JSON, Letter, News]] = []

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
        news: News = lambda letter: None,
    ) -> Letter:
        """Post ``payload`` until it is taken; ``news`` hears of every attempt."""
        who = customer or ""
        letter = self._letter(wire(payload), payload, kind, title, customer, about)
        batch = fits(payload) and self._faults.strikes("batch", who)
        late, copies, again = (self._faults.strikes(name, who) for name in ("late", "copies", "again"))
        if batch:
            self._gather(payload, letter, news)
        else:
            lot = self._faults.lot
            self.spawn(
                self._deliver(
                    letter,
                    COPIES if copies else 1,
                    news,
                    late=lot.between(0, LATE, "how late", who) if late else 0.0,
                    again=lot.between(0, AGAIN, "again when", who) if again else None,
                )
            )
        if batch or late or copies or again:
            self._feed.publish("faults", self._faults.shown())
        return letter

    def again(self, letter: Letter) -> Letter:
        """Post the very same bytes once more, as Meta does when it is not sure that they arrived."""
        old = letter.exchange
        copy = self._letter(letter.raw, old.body, old.kind, f"(again) {old.title}", old.customer, None)
        self.spawn(self._deliver(copy, 1, lambda letter: None))
        return copy

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

    def _letter(self, raw: bytes, body: Any, kind: Kind, title: str, customer: str | None, about: str | None) -> Letter:
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
        return Letter(raw, exchange)

    def _gather(self, payload: JSON, letter: Letter, news: News) -> None:
        self._gathered.append((payload, letter, news))
        self._put_off(letter, "waits for others, to come together")
        if len(self._gathered) == 1:
            self.spawn(self._bring())

    async def _bring(self) -> None:
        """What was gathered, as one webhook."""
        await self._sleep(GATHER)
        gathered, self._gathered = self._gathered, []
        body = together([payload for payload, _, _ in gathered], lambda: self._faults.lot.draw("order", ""))

        def told(all_of_them: Letter) -> None:
            for _, letter, news in gathered:
                letter.taken, letter.attempts = all_of_them.taken, all_of_them.attempts
                letter.exchange.ok, letter.exchange.retrying = all_of_them.taken, not all_of_them.taken
                letter.exchange.answer = f"{all_of_them.exchange.answer}, in a batch of {len(gathered)}"
                self._feed.show(letter.exchange)
                news(letter)

        whole = self._letter(wire(body), body, "message", f"a batch of {len(gathered)}", None, None)
        await self._deliver(whole, 1, told)

    def _put_off(self, letter: Letter, why: str) -> None:
        letter.exchange.answer = why
        self._feed.show(letter.exchange)
        letter.tried.set()

    async def _deliver(
        self, letter: Letter, copies: int, news: News, *, late: float = 0.0, again: float | None = None
    ) -> None:
        try:
            if late:
                self._put_off(letter, f"comes {late:.0f} s late")
                await self._sleep(late)
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
                    break
                await self._sleep(pause)
            if again is not None:
                await self._sleep(again)
                self.again(letter)
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
