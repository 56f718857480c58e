"""What the store tells the people who work on cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from wabox.core.contact import Contact
from wabox.core.conversation import Record, Timer
from wabox.core.handoff import Handoff
from wabox.core.wait import Past
from wabox.sqlite import caseclocks, following, handoffs
from wabox.sqlite.reader import PeoplesReader
from wabox.sqlite.writer import Writer


class SqliteDesk:
    """Part of the store; use it through :attr:`SqliteStore.desk`."""

    def __init__(self, people: PeoplesReader, writer: Writer) -> None:
        self._people = people
        self._writer = writer

    async def find(self, id_: str) -> tuple[Handoff, str, Contact] | None:
        """A case, its business number and its customer."""
        return await self._people.read(handoffs.find, id_)

    async def named(self, beginning: str) -> Sequence[str]:
        """Ids of cases that begin so."""
        return await self._people.read(handoffs.named, beginning)

    async def open_cases(self, limit: int) -> Sequence[Handoff]:
        """Longest waiting first."""
        return await self._people.read(handoffs.list_open, limit)

    async def closed_cases(self, limit: int) -> Sequence[Handoff]:
        """The newest first."""
        return await self._people.read(handoffs.list_closed, limit)

    async def of_conversation(self, conversation_id: str, limit: int) -> Sequence[Handoff]:
        """The newest first."""
        return await self._people.read(handoffs.of_conversation, conversation_id, limit)

    async def contacts(self, conversation_ids: Sequence[str]) -> Mapping[str, Contact]:
        return await self._people.read(handoffs.contacts, list(conversation_ids))

    async def history(self, queue: str, since: int, limit: int) -> Sequence[Past]:
        """The newest cases of a queue that were claimed after ``since``."""
        return await self._people.read(handoffs.history, queue, since, limit)

    async def page(self, conversation_id: str, limit: int, before: int | None) -> Sequence[tuple[int, Record]]:
        """The newest lines of a transcript (before a key), oldest first, each with its key."""
        return await self._people.read(following.page, conversation_id, limit, before)

    async def deliveries(self, ids: Sequence[str]) -> Mapping[str, tuple[str, str | None]]:
        """Status and reason of outbound messages, by id."""
        return await self._people.read(following.deliveries, ids)

    async def unclocked(self, waiting: str, claimed: str) -> Sequence[Handoff]:
        """Open cases without the timer of that name that their status asks for, if its time is not over."""
        return await self._people.read(caseclocks.unclocked, waiting, claimed)

    async def set_clocks(self, clocks: Sequence[tuple[Handoff, Timer]]) -> int:
        """Set the timers of those cases that are as they were; how many."""
        return await self._writer.submit(partial(caseclocks.set_clocks, clocks=clocks))
