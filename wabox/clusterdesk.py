"""What people do and see in a process of a cluster: part of the composition of :mod:`wabox.clusterapp`.

Cases are read from PostgreSQL and acted on through the lanes, in every process alike. What one alone must do, the leader among
the workers does: offer cases, tell who waits, tell people of it.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from wabox.adapters import accounts_of, steady_clock, ways_of
from wabox.cluster.leader import Leader
from wabox.cluster.store import ClusterStore
from wabox.core.measures import Measures
from wabox.core.ports import Caller, Clock, MediaLibrary
from wabox.flowfile.bot import Bot
from wabox.services.alarms import Alarms
from wabox.services.attachments import Attachments
from wabox.services.colleagues import Colleagues
from wabox.services.dossiers import Dossiers, Stored
from wabox.services.entry import Entry
from wabox.services.handoffs import Handoffs, Rows
from wabox.services.offering import Offering
from wabox.services.sends import Sends
from wabox.services.shared import SharedAnswers, SharedChanges
from wabox.services.waiting import Waiting
from wabox.settings import Settings


class Deskwork:
    """Of one process."""

    def __init__(
        self,
        settings: Settings,
        store: ClusterStore,
        name: str,
        bot: Callable[[], Bot],
        clock: Clock,
        caller: Caller,
        measures: Measures,
        leader: Leader,
        library: MediaLibrary,
        sends: Sends,
    ) -> None:
        """``name``: of the process; no other has it. ``leader``: says whether it leads; who wires it makes it run."""
        self._store = store
        self.accounts = accounts_of(store.accounts, clock)
        self.changes = SharedChanges(store.bus, name, clock, steady_clock)
        self.answers = SharedAnswers(store.bus, store.brought)
        self.leader = leader
        self.sends = sends
        self.entry = Entry(self.accounts.find, bot, lambda agent: store.database.alone(f"agent {agent}"))
        rows = Rows(
            cases=store.desk,
            put=store.put,
            session=store.desk.session,
            alerts=store.alerts,
            attachments=Attachments(library, clock),
            bot=bot,
        )
        self.handoffs = Handoffs(rows, self.answers, self.sends, self.entry, clock)
        self.colleagues = Colleagues(self.handoffs, store.alerts.by_card, self.accounts.find, bot)
        self.waiting = Waiting(store.desk, store.put, bot, clock)
        self.offering = Offering(store.desk, store.put, bot, self.changes, self.accounts.find, clock)
        stored = Stored(
            desk=store.desk,
            session=store.desk.session,
            media=library.of_conversation,
            conversations=store.conversations,
        )
        self.dossiers = Dossiers(stored, clock)
        self.alarms = Alarms(
            store.alerts,
            ways_of(settings, store.delivery, self.sends, caller, bot, clock, self.accounts.find),
            store.desk.find,
            store.put,
            clock,
            there=lambda: self.changes.there,
            jitter=random.random,
            measures=measures,
        )

    def begin(self) -> None:
        """Hear what the others say. PostgreSQL need not be there."""
        self._store.accounts.run(self._store.bus)
        self._store.hear()

    async def look_at_waiting(self) -> None:
        """Tell those who wait; only the leader does."""
        if self.leader.leads.is_set():
            await self.waiting.look()

    async def look_at_offers(self) -> None:
        if self.leader.leads.is_set():
            await self.offering.look()

    async def look_at_alarms(self) -> None:
        if self.leader.leads.is_set():
            await self.alarms.look()

    async def stop(self, grace: float) -> None:
        """After the lanes are drained. ``grace``: s for what became of acts to be told."""
        await self.alarms.stop()
        await self.answers.stop(grace)
        await self.changes.stop()
