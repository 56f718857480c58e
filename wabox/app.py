"""The composition root: the only place that constructs things and chooses adapters.

``wabox serve``, the demo and the tests build the same :class:`App`; a test passes another clock or messenger, never another
store.
"""

from __future__ import annotations

import random
import time
from typing import Any

import structlog

from wabox import __version__
from wabox.calls.address import Allowed
from wabox.calls.caller import WorldCaller
from wabox.calls.http import HttpCalls
from wabox.calls.tasks import TaskCalls
from wabox.core.message import Arrival
from wabox.core.ports import Caller, Clock, Messenger
from wabox.flowfile.bot import Bot
from wabox.nlu.resolver import Resolver
from wabox.services.invocations import Invocations
from wabox.services.messages import Messages
from wabox.services.outbox import Outbox
from wabox.services.requests import reveal
from wabox.services.timers import fire
from wabox.settings import Settings
from wabox.sqlite.store import SqliteStore, open_store
from wabox.whatsapp.client import CloudMessenger

log = structlog.get_logger(__name__)


def wall_clock() -> int:
    """Now, ms since the epoch."""
    return time.time_ns() // 1_000_000


class App:
    """Everything that runs, wired. Use :func:`build`."""

    def __init__(
        self,
        *,
        bot: Bot,
        store: SqliteStore,
        messages: Messages,
        outbox: Outbox,
        invocations: Invocations,
        messenger: Messenger,
        clock: Clock,
    ) -> None:
        self.bot = bot
        self.store = store
        self.clock = clock
        self._messages = messages
        self._outbox = outbox
        self._invocations = invocations
        self._messenger = messenger

    async def start(self) -> None:
        """Take up what was in flight; call before the port opens."""
        unsent = await self._outbox.recover()
        self.store.lanes.run(self._messages.handle)
        calls = await self._invocations.recover()
        log.info("started", bot=self.bot.name, waiting=self.store.lanes.backlog, unsent=unsent, calls=calls)

    async def stop(self) -> None:
        """Finish what is being handled, then close; what was not finished goes on at the next start."""
        await self.store.lanes.drain(5.0)
        await self._invocations.stop()
        await self._outbox.stop()
        await self._messenger.aclose()
        await self.store.close()
        log.info("stopped")

    async def accept(self, arrival: Arrival) -> None:
        """Store what a webhook brought; durable when this returns."""
        await self._messages.accept(arrival)

    @property
    def crowded(self) -> bool:
        """New webhooks are best turned away at the door."""
        return self._messages.crowded

    async def fire(self) -> None:
        """Put due timers into their conversations' queues."""
        await fire(self.store, self.clock)

    async def prune(self) -> None:
        """Forget what is past its keep."""
        await self.store.prune(self.clock())

    async def probe(self) -> dict[str, Any]:
        """For ``/readyz``."""
        stats = await self.store.stats()
        trouble = self.store.writer.trouble
        return {"database": trouble or True, "flow": True, "waiting": stats.inbox, "unsent": stats.outbox}


async def build(
    settings: Settings,
    bot: Bot,
    *,
    clock: Clock = wall_clock,
    messenger: Messenger | None = None,
    caller: Caller | None = None,
) -> App:
    """Construct an :class:`App`. Raises DataFolderBusy, StorageError or SettingsError."""
    if messenger is None:
        whatsapp = settings.require_whatsapp()
        messenger = CloudMessenger(whatsapp.api_url, whatsapp.access_token.reveal())
    store = await open_store(settings.data, clock)
    resolver = Resolver(bot.intents, bot.languages)
    outbox = Outbox(store, messenger, clock, jitter=random.random)
    invocations = Invocations(store, caller or _caller(settings, bot), jitter=random.random)
    messages = Messages(
        bot=bot,
        resolver=resolver,
        ingress=store,
        sessions=store,
        outbox=outbox,
        invocations=invocations,
        clock=clock,
    )
    return App(
        bot=bot,
        store=store,
        messages=messages,
        outbox=outbox,
        invocations=invocations,
        messenger=messenger,
        clock=clock,
    )


def _caller(settings: Settings, bot: Bot) -> Caller:
    secrets = {name: secret.reveal() for name, secret in settings.secrets.items()}
    http = HttpCalls(Allowed(settings.allow), user_agent=f"wabox/{__version__}")
    return WorldCaller(http, TaskCalls(lambda: bot.tasks), lambda request: reveal(request, secrets))
