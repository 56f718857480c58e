"""What our own side begins, put together: templates, single messages, broadcasts, the meter.

``wabox.app`` wires it for the server; a command that finds no server uses the parts that need none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from wabox.core import prices
from wabox.core.conversation import Session
from wabox.core.message import Arrival, OtherChange
from wabox.core.meter import Metered
from wabox.core.ports import Clock
from wabox.core.template import StoredTemplate
from wabox.errors import SettingsError
from wabox.flowfile.bot import Bot
from wabox.services import broadcasts
from wabox.services.broadcasts import Around, Broadcasts
from wabox.services.meter import Meter
from wabox.services.sends import Sends, Store
from wabox.services.templates import Shelf, Templates
from wabox.settings import Settings
from wabox.whatsapp.graph import GraphClient
from wabox.whatsapp.quality import NumberState, state
from wabox.whatsapp.templates import fetch as fetch_templates


class Records(broadcasts.Store, Shelf, Protocol):
    """What is kept of it."""

    async def templates(self, name: str | None = None) -> Sequence[StoredTemplate]: ...

    async def numbers(self) -> Sequence[str]: ...

    async def metered(self, begin: int, end: int) -> Sequence[Metered]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Where it is kept, and how it gets into conversations."""

    open: Callable[[str], Awaitable[Session]]
    put: Callable[[Arrival], Awaitable[None]]
    enter: Callable[[int, int], Awaitable[int]]
    """Of a broadcast (its key), so many at most, into their conversations' queues; how many."""
    outgoing: Records


@dataclass(frozen=True, slots=True, kw_only=True)
class Outward:
    templates: Templates
    sends: Sends
    broadcasts: Broadcasts
    meter: Meter

    def take(self, settings: Settings) -> None:
        """The owner has set prices and zone anew. Raises SettingsError."""
        self.broadcasts.price(*prices.read(settings.prices))
        self.meter.timezone = settings.timezone

    async def hear(self, others: Sequence[OtherChange]) -> None:
        """What webhooks say about templates, the number and the account."""
        await self.templates.hear(others)
        await self.broadcasts.hear(others)


def outward_of(
    settings: Settings,
    store: Kept,
    graph: GraphClient | None,
    clock: Clock,
    bot: Callable[[], Bot],
    *,
    stopped: Callable[[], Mapping[str, str]] = lambda: {},
    crowded: Callable[[], bool] = lambda: False,
) -> Outward:
    """``bot``: the live one; ``stopped``: numbers from which nothing leaves, and why."""
    outgoing = store.outgoing
    own, currency = prices.read(settings.prices)
    needed = Store(
        open=store.open,
        put=store.put,
        templates=outgoing.templates,
        recognise=outgoing.recognise,
        consents=outgoing.consents,
        numbers=outgoing.numbers,
    )
    sends = Sends(needed, bot, clock, number_id=settings.number_id)

    async def ask(number_id: str) -> NumberState:
        return await state(_asked(settings, graph), number_id)

    around = Around(
        bot=bot,
        sends=sends,
        enter=store.enter,
        stopped=stopped,
        crowded=crowded,
        ask=ask,
        prices=own,
        currency=currency,
    )
    return Outward(
        templates=templates_of(settings, outgoing, graph, clock),
        sends=sends,
        broadcasts=Broadcasts(outgoing, around, clock),
        meter=Meter(outgoing.metered, clock, settings.timezone),
    )


def templates_of(settings: Settings, shelf: Shelf, graph: GraphClient | None, clock: Clock) -> Templates:
    """What keeps the account's templates; asking for them raises SettingsError, GraphRefused."""

    async def fetch() -> Sequence[StoredTemplate]:
        account_id = settings.require_whatsapp().account_id
        if account_id is None:
            raise SettingsError(
                "wabox does not know your WhatsApp business account: set WABOX_ACCOUNT_ID, or [whatsapp] account_id in "
                "wabox.toml; Meta's dashboard shows it under API Setup as WhatsApp Business Account ID"
            )
        return await fetch_templates(_asked(settings, graph), account_id, clock())

    return Templates(shelf, clock, fetch)


def _asked(settings: Settings, graph: GraphClient | None) -> GraphClient:
    """Raises SettingsError without an account."""
    settings.require_whatsapp()
    assert graph is not None  # noqa: S101 - there is an account
    return graph
