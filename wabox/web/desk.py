"""What stands behind ``/api/v1``: one machine, or a process of a cluster.

A cluster does not have everything that one machine has. What it lacks raises :class:`~wabox.errors.NotHere` when a call needs
it, which is answered 501 with its sentence, so every part is asked for when a call comes and never before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from wabox.core.conversation import Session
from wabox.core.delivery import Delivery
from wabox.core.figure import Sample
from wabox.core.learning import Heard
from wabox.core.ports import Clock, MediaLibrary, Register
from wabox.core.tally import Tally
from wabox.core.template import StoredTemplate
from wabox.flowfile.bot import Bot
from wabox.services.accounts import Accounts
from wabox.services.broadcasts import Broadcasts
from wabox.services.changes import Changes
from wabox.services.dossiers import Dossiers
from wabox.services.entry import Entry
from wabox.services.handoffs import Handoffs
from wabox.services.learning import Learning
from wabox.services.meter import Meter
from wabox.services.pictures import Pictures
from wabox.services.publishing import Publishing
from wabox.services.sends import Sends
from wabox.services.templates import Templates
from wabox.services.waiting import Waiting


class Told(Protocol):
    """Whoever has figures."""

    async def samples(self) -> Sequence[Sample]: ...


class Counted(Protocol):
    async def fold(self) -> None:
        """Count what is new."""


class Tallied(Protocol):
    async def sum(self, begin: int, end: int) -> Mapping[int, Mapping[Tally, float]]:
        """By hour, from ``begin`` to ``end``, ms since the epoch."""


class People(Register, Protocol):
    async def heard(self, since: int, limit: int) -> Sequence[Heard]:
        """What was not understood since then, ms since the epoch."""


class Shelf(Protocol):
    async def templates(self, name: str | None = None) -> Sequence[StoredTemplate]:
        """As WhatsApp has them, as far as we know."""


class Outgoing(Protocol):
    """What our own side begins: see :class:`wabox.services.outward.Outward`."""

    @property
    def sends(self) -> Sends: ...

    @property
    def templates(self) -> Templates: ...

    @property
    def broadcasts(self) -> Broadcasts: ...

    @property
    def meter(self) -> Meter: ...


class Store(Protocol):
    """Where it is kept."""

    @property
    def register(self) -> People: ...

    @property
    def media(self) -> MediaLibrary: ...

    @property
    def outgoing(self) -> Shelf: ...

    @property
    def tallies(self) -> Tallied: ...

    async def open(self, conversation_id: str) -> Session: ...

    async def deliveries(self, limit: int = 100, *, failed: bool = False) -> Sequence[Delivery]: ...

    async def delivery(self, outbound_id: str) -> Delivery | None: ...

    async def drop(self, outbound_id: str) -> Delivery | None: ...


class Desk(Protocol):
    @property
    def clock(self) -> Clock: ...

    @property
    def bot(self) -> Bot:
        """The live one."""

    @property
    def store(self) -> Store: ...

    @property
    def accounts(self) -> Accounts: ...

    @property
    def handoffs(self) -> Handoffs: ...

    @property
    def entry(self) -> Entry: ...

    @property
    def waiting(self) -> Waiting: ...

    @property
    def dossiers(self) -> Dossiers: ...

    @property
    def changes(self) -> Changes: ...

    @property
    def pictures(self) -> Pictures: ...

    @property
    def outward(self) -> Outgoing: ...

    @property
    def learning(self) -> Learning: ...

    @property
    def figures(self) -> Told: ...

    @property
    def tallies(self) -> Counted: ...

    @property
    def publishing(self) -> Publishing | None: ...

    @property
    def stopped(self) -> Mapping[str, str]:
        """Numbers from which nothing leaves at present, and why."""

    async def send_again(self, outbound_id: str) -> Delivery | None: ...

    async def act(self, session: Session, act: str, payload: Mapping[str, Any], id_: str) -> None: ...
