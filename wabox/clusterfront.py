"""What stands behind the API and the console of a cluster's process: :class:`wabox.web.desk.Desk`, with what a cluster has.

Conversations are read from PostgreSQL, whatever Redis does meanwhile; what people do enters the lanes. What a cluster lacks
says so here, each with what to do instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

from wabox.cluster.medialibrary import ClusterMedia
from wabox.cluster.records.outgoing import PostgresOutgoing
from wabox.cluster.records.tallies import PostgresTallies
from wabox.cluster.register import ClusterRegister
from wabox.cluster.store import ClusterStore
from wabox.clusterapp import ClusterApp
from wabox.core.conversation import Session
from wabox.core.delivery import Delivery
from wabox.core.figure import Sample
from wabox.core.message import Arrival
from wabox.core.ports import Clock
from wabox.errors import NotHere
from wabox.flowfile.bot import Bot
from wabox.services.accounts import Accounts
from wabox.services.changes import Changes
from wabox.services.dossiers import Dossiers
from wabox.services.entry import Entry
from wabox.services.hand import check, wish
from wabox.services.handoffs import Handoffs
from wabox.services.pictures import Pictures
from wabox.services.publishing import Publishing
from wabox.services.tallies import Tallies
from wabox.services.waiting import Waiting

LACKS: Final = ("unmatched",)
"""What the console does not offer: a page."""


class ClusterFront:
    """Of one process; made when it is built."""

    def __init__(self, app: ClusterApp) -> None:
        self._app = app
        self.store = Kept(app.store, app.files.library)
        self.outward = app.outward
        self.figures = Figures(app)
        self.pictures = Pictures(lambda: [one.bot.charts for one in (app.versions.live, *app.versions.older)])

    @property
    def clock(self) -> Clock:
        return self._app.clock

    @property
    def bot(self) -> Bot:
        return self._app.bot

    @property
    def accounts(self) -> Accounts:
        return self._app.desk.accounts

    @property
    def changes(self) -> Changes:
        return self._app.desk.changes

    @property
    def handoffs(self) -> Handoffs:
        return self._app.desk.handoffs

    @property
    def entry(self) -> Entry:
        return self._app.desk.entry

    @property
    def waiting(self) -> Waiting:
        return self._app.desk.waiting

    @property
    def dossiers(self) -> Dossiers:
        return self._app.desk.dossiers

    @property
    def stopped(self) -> Mapping[str, str]:
        """As far as this process knows: workers send, each for its part."""
        return self._app.stopped

    async def send_again(self, outbound_id: str) -> Delivery | None:
        """Some worker looks at it within a second."""
        return await self._app.store.send_again(outbound_id)

    async def act(self, session: Session, act: str, payload: Mapping[str, Any], id_: str) -> None:
        """Put what the owner does by hand into the conversation's lane. Raises FlowError when it cannot be done."""
        if act == "move":
            check(self.bot, payload.get("chart"), str(payload["state"]))
        await self._app.accept(Arrival(messages=(wish(session, act, payload, id_, self.clock()),)))

    @property
    def learning(self) -> NoReturn:
        raise NotHere("say what was not understood with wabox learn, on the machine that has the bot's folder")

    @property
    def tallies(self) -> Tallies:
        return self._app.tallies

    @property
    def publishing(self) -> Publishing:
        return self._app.publishing


class Figures:
    """Of this process, and of what all share."""

    def __init__(self, app: ClusterApp) -> None:
        self._app = app

    async def samples(self) -> Sequence[Sample]:
        return await self._app.figures.all()


class Kept:
    """:class:`wabox.web.desk.Store` of a cluster."""

    def __init__(self, store: ClusterStore, media: ClusterMedia) -> None:
        self._store = store
        self.media = media

    async def open(self, conversation_id: str) -> Session:
        return await self._store.desk.session(conversation_id)

    async def deliveries(self, limit: int = 100, *, failed: bool = False) -> Sequence[Delivery]:
        return await self._store.deliveries(limit, failed=failed)

    async def delivery(self, outbound_id: str) -> Delivery | None:
        return await self._store.delivery(outbound_id)

    async def drop(self, outbound_id: str) -> Delivery | None:
        return await self._store.drop(outbound_id)

    @property
    def outgoing(self) -> PostgresOutgoing:
        return self._store.outgoing

    @property
    def register(self) -> ClusterRegister:
        """Redis must be in reach of this process for what changes anything."""
        return self._store.register

    @property
    def tallies(self) -> PostgresTallies:
        return self._store.tallies
