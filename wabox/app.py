"""The composition root: the only place that constructs things and chooses adapters.

``wabox serve``, the demo and the tests build the same :class:`App`; a test passes another clock or messenger, never another
store.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from wabox.adapters import (
    accounts_of,
    advisor_of,
    briefs_of,
    caller_of,
    cases_of,
    graph_of,
    hearing_of,
    kept_of,
    media_of,
    messenger_of,
    steady_clock,
    traces_of,
    ways_of,
)
from wabox.bots import learning_of, models_of, publishing_of
from wabox.core.conversation import Session
from wabox.core.delivery import Delivery
from wabox.core.keep import DAY, Keep, keep_of
from wabox.core.measures import Measures
from wabox.core.message import Arrival
from wabox.core.ports import Caller, Clock, Messenger
from wabox.core.slot import MEDIA
from wabox.errors import StorageError
from wabox.flowfile.bot import Bot
from wabox.services.accounts import Accounts
from wabox.services.alarms import Alarms
from wabox.services.attachments import Attachments
from wabox.services.certificate import Certificate
from wabox.services.changes import Changes
from wabox.services.colleagues import Colleagues
from wabox.services.dossiers import Dossiers, dossiers_of
from wabox.services.downloads import Downloads
from wabox.services.entry import Entry
from wabox.services.figures import Figures
from wabox.services.hand import check, wish
from wabox.services.handoffs import Handoffs, Rows
from wabox.services.invocations import Invocations
from wabox.services.learning import Learning
from wabox.services.messages import Messages
from wabox.services.offering import Offering
from wabox.services.outbox import Outbox
from wabox.services.outward import Outward, outward_of
from wabox.services.pace import RATE
from wabox.services.pictures import Pictures
from wabox.services.presence import Presence
from wabox.services.publishing import Publishing
from wabox.services.rates import Rates
from wabox.services.slots import prepare
from wabox.services.timers import fire
from wabox.services.uploads import Uploads
from wabox.services.versions import Versions, served
from wabox.services.waiting import Waiting
from wabox.settings import Settings
from wabox.sqlite.store import SqliteStore, open_store
from wabox.whatsapp.graph import GraphClient
from wabox.whatsapp.number import rate as number_rate

log = structlog.get_logger(__name__)

GRACE = 1.5
"""s for what is being handled, and then for what is being sent, to end with the process: all in all less than five."""
FLUSH = 0.5
"""s for the last traces to be told; what is not by then is dropped."""


def wall_clock() -> int:
    """Now, ms since the epoch."""
    return time.time_ns() // 1_000_000


class App:
    """Everything that runs, wired. Use :func:`build`."""

    def __init__(
        self,
        *,
        versions: Versions,
        publishing: Publishing | None,
        store: SqliteStore,
        messages: Messages,
        outbox: Outbox,
        invocations: Invocations,
        downloads: Downloads,
        messenger: Messenger,
        clock: Clock,
        outward: Outward,
        presence: Presence,
        rates: Rates,
        graph: GraphClient | None,
        keep: Keep,
        figures: Figures,
        learning: Learning,
        handoffs: Handoffs,
        accounts: Accounts,
        waiting: Waiting,
        alarms: Alarms,
        entry: Entry,
        dossiers: Dossiers,
    ) -> None:
        self.entry = entry
        self.alarms = alarms
        """Who is told that somebody waits."""
        self.dossiers = dossiers
        self.pictures = Pictures(lambda: [one.bot.charts for one in (versions.live, *versions.older)])
        self.waiting, self.handoffs = waiting, handoffs
        """Queues, and what those who wait are told; cases, and what people do about them."""
        self.offering = Offering(store.desk, store.put, lambda: self.bot, messages.changes, accounts.find, clock)
        self.changes = messages.changes
        """What consoles and shells are told of."""
        self.versions = versions
        self.figures = figures
        self.measures, self.tallies = figures.measures, figures.tallies
        self.outward, self._presence = outward, presence
        self._rates, self._graph = rates, graph
        self.publishing = publishing
        """None: the bot is served from its folder, as in the demo."""
        self.store = store
        self.clock = clock
        self._messages = messages
        self._outbox = outbox
        self._invocations = invocations
        self._downloads = downloads
        self._messenger = messenger
        self._keep = keep
        self.learning = learning
        self.accounts = accounts
        self.certificate: Certificate | None = None
        """Of the public address, if that is ours and not a proxy's."""
        self._looked_for_idle = 0
        """The day, counted from the epoch."""

    @property
    def bot(self) -> Bot:
        """The live one."""
        return self.versions.live.bot

    async def start(self) -> None:
        """Take up what was in flight; call before the port opens."""
        prepare(self.bot, self.clock())
        unsent = await self._outbox.recover()
        self.store.lanes.run(self._messages.handle)
        calls = await self._invocations.recover()
        await self._downloads.recover()
        log.info("started", bot=self.bot.name, waiting=self.store.unhandled, unsent=unsent, calls=calls)

    async def stop(self) -> None:
        """Finish what is being handled, then close; what was not finished goes on at the next start."""
        self.changes.close()
        await self.store.lanes.drain(GRACE)
        await self._messages.aclose()
        await self.alarms.stop()
        await self._invocations.stop()
        await self._presence.stop()
        await self._outbox.stop(GRACE)
        await self._downloads.stop()
        await self._messenger.aclose()
        if self._graph is not None:
            await self._graph.aclose()
        with contextlib.suppress(StorageError):
            await self.tallies.fold()
        self.accounts.close()
        await self.store.close()
        if self.measures.traces is not None:
            await asyncio.to_thread(self.measures.traces.close, FLUSH)
        log.info("stopped")

    def take(self, settings: Settings) -> None:
        """Go on with what of these can change while it runs. Raises SettingsError, and then nothing has changed."""
        self.outward.take(settings)
        self.versions.behave(settings.manners)
        self._outbox.take(rate=RATE if settings.rate is None else settings.rate, hold=settings.hold)
        self._rates.asks = settings.rate is None
        self._rates.again()
        self._presence.after, self._presence.reads = settings.typing, settings.read
        self._keep = keep_of(settings.keep)

    async def accept(self, arrival: Arrival) -> None:
        """Store what a webhook brought; durable when this returns."""
        await self._messages.accept(arrival)
        if arrival.others:
            with contextlib.suppress(StorageError):  # the change is stored; the next look at the account says the same
                await self.outward.hear(arrival.others)
            self._rates.hear(arrival.others)
        if any(message.type in MEDIA for message in arrival.messages):
            self._downloads.wake()

    @property
    def crowded(self) -> bool:
        """New webhooks are best turned away at the door."""
        return self._messages.crowded

    async def fire(self) -> None:
        """Put due timers into their conversations' queues, and send what is due."""
        await fire(self.store, self.clock)
        await self._outbox.look()
        await self._downloads.look()

    async def send_again(self, outbound_id: str) -> Delivery | None:
        """Make a message that waits or failed due now; it as it is then. What may have left stays as it is."""
        found = await self.store.send_again(outbound_id)
        await self._outbox.look()
        return found

    async def act(self, session: Session, act: str, payload: Mapping[str, Any], id_: str) -> None:
        """Put what the owner does by hand into the conversation's queue. Raises FlowError when it cannot be done."""
        if act == "move":
            check(self.bot, payload.get("chart"), str(payload["state"]))
        await self.accept(Arrival(messages=(wish(session, act, payload, id_, self.clock()),)))

    @property
    def stopped(self) -> Mapping[str, str]:
        """Numbers from which nothing leaves at present, and why."""
        return self._outbox.stopped

    async def look_at_rates(self) -> None:
        """Ask Meta how fast each number may send that it was not asked about."""
        await self._rates.look()

    async def prune(self) -> None:
        """Forget what is past its keep; idle customers, which is more work, once a day."""
        day = self.clock() // DAY
        keep = self._keep if day != self._looked_for_idle else replace(self._keep, contacts=0)
        await self.store.prune(self.clock(), keep)
        self._looked_for_idle = day
        if self.publishing is not None:
            await self.publishing.prune()

    async def release(self) -> None:
        """Let go of some of the conversations that have been on an older version for too long, if there is time for it."""
        if self.publishing is not None and not self.crowded:
            await self.publishing.release()

    async def probe(self) -> dict[str, Any]:
        """For ``/readyz``."""
        stats = await self.store.stats()
        trouble = self.store.writer.trouble
        found = {"database": trouble or True, "flow": True, "waiting": stats.inbox, "unsent": stats.outbox}
        # Customers' messages are taken and kept all the same, so this is no reason to send them elsewhere.
        ours = {} if self.certificate is None else {"certificate": self.certificate.state()}
        return {**found, "stopped": dict(self.stopped), **ours}


async def build(
    settings: Settings,
    bot: Bot,
    *,
    clock: Clock = wall_clock,
    messenger: Messenger | None = None,
    caller: Caller | None = None,
) -> App:
    """An :class:`App` that serves a folder as it is. Raises DataFolderBusy, StorageError or SettingsError."""
    messenger = messenger or messenger_of(settings)
    store = await open_store(settings.data, clock)
    versions = Versions(served(bot, models=models_of(settings, bot.name)))
    return _wired(settings, store, versions, None, bot.folder, messenger, caller, clock)


async def build_published(
    settings: Settings,
    folder: Path,
    *,
    clock: Clock = wall_clock,
    messenger: Messenger | None = None,
    caller: Caller | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> App:
    """An :class:`App` that serves the published version of the bot in ``folder`` (absolute); the first time it publishes it.

    ``say`` is told what the operator should know. Raises what :func:`build` raises; FlowError, SpoiltCopy.
    """
    messenger = messenger or messenger_of(settings)
    store = await open_store(settings.data, clock)
    try:
        publishing = publishing_of(settings, folder.name, store, clock, warm=prepare)
        await publishing.begin(folder, say)
        assert publishing.versions is not None  # noqa: S101 - it has begun
        return _wired(settings, store, publishing.versions, publishing, folder, messenger, caller, clock)
    except BaseException:
        await store.close()
        raise


def _wired(
    settings: Settings,
    store: SqliteStore,
    versions: Versions,
    publishing: Publishing | None,
    folder: Path,
    messenger: Messenger,
    caller: Caller | None,
    clock: Clock,
) -> App:
    media = media_of(settings)
    if media is not None:
        messenger = Uploads(messenger, media, store.media, versions.file)
    rate = RATE if settings.rate is None else settings.rate
    measures = Measures(traces_of(settings, folder.name))
    steady = steady_clock if clock is wall_clock else clock  # a test's clock is the only one that it has
    sending = functools.partial(Outbox, jitter=random.random, rate=rate, hold=settings.hold)
    changes = Changes(clock)
    outbox = sending(store, messenger, clock, measures=measures, steady=steady, came=changes.came)
    presence = Presence(messenger, clock, busy=outbox.busy, after=settings.typing, read=settings.read)
    graph = graph_of(settings)
    downloads = Downloads(store.media, media, clock, jitter=random.random)
    caller = caller or caller_of(settings, versions, str(settings.data.absolute() / "media"), downloads.settled)
    invocations = Invocations(store, caller, jitter=random.random)
    rates = Rates(None if graph is None else functools.partial(number_rate, graph), outbox)
    rates.asks = settings.rate is None
    messages = Messages(
        versions=versions,
        ingress=store,
        sessions=store,
        outbox=outbox,
        invocations=invocations,
        presence=presence,
        clock=clock,
        hearing=hearing_of(settings, store.media, downloads, clock),
        advisor=advisor_of(settings, store.purse, clock),
        measures=measures,
        slow=settings.slow,
        changes=changes,
    )
    outward = outward_of(
        settings,
        kept_of(store),
        graph,
        clock,
        lambda: versions.live.bot,
        stopped=lambda: outbox.stopped,
        crowded=lambda: messages.crowded,
    )
    accounts = accounts_of(store.accounts, clock)
    entry = Entry(accounts.find, lambda: versions.live.bot)
    rows = Rows(
        cases=store.desk,
        put=store.put,
        session=store.open,
        alerts=store.alerts,
        attachments=Attachments(store.media, clock),
        bot=lambda: versions.live.bot,
    )
    handoffs = Handoffs(rows, messages.answers, outward.sends, entry, clock)
    messages.colleagues = Colleagues(handoffs, store.alerts.by_card, accounts.find, lambda: versions.live.bot)
    messages.briefs = briefs_of(settings, cases_of(store), messages.advisor, lambda: versions.live.bot, clock)
    alarms = messages.alarms = Alarms(
        store.alerts,
        ways_of(settings, store.delivery, outward.sends, caller, lambda: versions.live.bot, clock, accounts.find),
        store.desk.find,
        store.put,
        clock,
        there=lambda: messages.changes.there,
        jitter=random.random,
        measures=measures,
    )
    return App(
        versions=versions,
        publishing=publishing,
        store=store,
        messages=messages,
        outbox=outbox,
        invocations=invocations,
        downloads=downloads,
        messenger=messenger,
        clock=clock,
        outward=outward,
        presence=presence,
        rates=rates,
        graph=graph,
        keep=keep_of(settings.keep),
        figures=Figures(settings, measures, store, outward.meter, versions, lambda: outbox.stopped, clock),
        learning=learning_of(settings, folder),
        waiting=Waiting(store.desk, store.put, lambda: versions.live.bot, clock),
        handoffs=handoffs,
        accounts=accounts,
        alarms=alarms,
        entry=entry,
        dossiers=dossiers_of(store, clock),
    )
