"""What the pages are told, live: bubbles, ticks, typing, and every exchange on the wire.

A page that connects (or comes back) first gets everything that is remembered, then each change. Every change carries the
whole object under its id, so a page that sees one twice, or misses one, is right again with the next.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

Change = tuple[str, Mapping[str, Any]]
"""The name of a server-sent event and its data."""

Kind = Literal["handshake", "message", "send", "read", "status"]


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One HTTP exchange between the fake Cloud API and the bot, for people to look at."""

    id: int
    at: int
    """ms since the epoch."""
    kind: Kind
    toward: Literal["bot", "cloud"]
    """Who was called: the bot's webhook, or the Cloud API."""
    title: str
    request: str
    """Method and path."""
    customer: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    answer: str = "…"
    reply: Any = None
    about: str | None = None
    """The id of the message that a send made, or that a status is about."""
    ok: bool | None = None
    """``None`` until it is over."""
    retrying: bool = False

    def shown(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


class Feed:
    """Keeps the newest ``keep`` exchanges and tells every connected page what changes."""

    def __init__(self, keep: int = 200) -> None:
        self._keep = keep
        self._exchanges: OrderedDict[int, Exchange] = OrderedDict()
        self._numbers = count(1)
        self._pages: set[asyncio.Queue[Change | None]] = set()
        self._closed = False

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Oldest first."""
        return tuple(self._exchanges.values())

    def open(self, **fields: Any) -> Exchange:
        """Remember an exchange that begins."""
        exchange = Exchange(id=next(self._numbers), **fields)
        self._exchanges[exchange.id] = exchange
        while len(self._exchanges) > self._keep:
            self._exchanges.popitem(last=False)
        self.show(exchange)
        return exchange

    def show(self, exchange: Exchange) -> None:
        """Tell the pages how an exchange stands now."""
        self.publish("exchange", exchange.shown())

    def publish(self, name: str, data: Mapping[str, Any]) -> None:
        for page in tuple(self._pages):
            try:
                page.put_nowait((name, data))
            except asyncio.QueueFull:
                # This page does not read. Hang up: it comes back by itself and gets everything.
                self._hang_up(page)

    @contextmanager
    def watch(self) -> Iterator[asyncio.Queue[Change | None]]:
        """A queue of changes for one page; ``None`` means that the line is closed."""
        page: asyncio.Queue[Change | None] = asyncio.Queue(2000)
        self._pages.add(page)
        if self._closed:
            self._hang_up(page)
        try:
            yield page
        finally:
            self._pages.discard(page)

    def close(self) -> None:
        """Hang up on every page, now and in future, so that a server that waits for its connections can stop."""
        self._closed = True
        for page in tuple(self._pages):
            self._hang_up(page)

    def _hang_up(self, page: asyncio.Queue[Change | None]) -> None:
        self._pages.discard(page)
        with suppress(asyncio.QueueEmpty):
            page.get_nowait()
        page.put_nowait(None)
