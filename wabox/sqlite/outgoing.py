"""What the store keeps for messages that our own side begins."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import partial

from wabox.core.broadcast import Broadcast, BroadcastStatus, Outcome, Progress, Recipient
from wabox.core.consent import Consent
from wabox.core.meter import Metered
from wabox.core.template import StoredTemplate
from wabox.sqlite import broadcasts, consents, contacts, meter, recipients, templates
from wabox.sqlite.broadcasts import Row
from wabox.sqlite.reader import PeoplesReader
from wabox.sqlite.writer import Writer

STEP = 500
"""Recipients written per transaction: 2 ms."""


class Outgoing:
    """Part of the store; use it through :attr:`SqliteStore.outgoing`."""

    def __init__(self, writer: Writer, people: PeoplesReader) -> None:
        self._writer = writer
        self._people = people

    async def templates(self, name: str | None = None) -> Sequence[StoredTemplate]:
        """As WhatsApp has them, by name and language; all, or every language of one."""
        return await self._people.read(templates.list_, name)

    async def save_templates(self, changed: Sequence[StoredTemplate]) -> None:
        await self._writer.submit(partial(templates.save, templates=changed))

    async def replace_templates(self, every: Sequence[StoredTemplate]) -> None:
        await self._writer.submit(partial(templates.replace, templates=every))

    async def metered(self, begin: int, end: int) -> Sequence[Metered]:
        """What was delivered from ``begin`` to before ``end``, ms."""
        return await self._people.read(meter.sum_, begin, end)

    async def recognise(self, ids: Sequence[tuple[str, str]]) -> dict[str, str]:
        """Which of these ids (``user_id`` or ``wa_id``, and the value) somebody has now, and the handle of who has it."""
        return await self._people.read(contacts.recognise, ids)

    async def numbers(self) -> Sequence[str]:
        """Ids of the business numbers that there are conversations with."""
        return await self._people.read(_numbers)

    async def consents(self, conversation_ids: Sequence[str]) -> Sequence[Consent]:
        """What holds for each of these."""
        return await self._people.read(_consents, conversation_ids)

    # -- broadcasts -----------------------------------------------------------------------------------------------------

    async def add_broadcast(self, broadcast: Broadcast, recipients_: Sequence[Recipient]) -> bool:
        """Keep it with its recipients, and let it run; False when there is one of this name.

        In steps, so that no webhook waits long: one that is interrupted never runs, and makes room for its repetition.
        """
        key = await self._writer.submit(partial(broadcasts.add, broadcast=broadcast))
        if key is None:
            return False
        for begin in range(0, len(recipients_), STEP):
            part = recipients_[begin : begin + STEP]
            await self._writer.submit(partial(recipients.add, broadcast=key, recipients=part))
        await self.change_broadcast(broadcast.name, "running", ("loading",), "")
        return True

    async def broadcasts(self, status: str | None = None) -> Sequence[Row]:
        """The newest first."""
        return await self._people.read(broadcasts.list_, status)

    async def broadcast(self, name: str) -> Row | None:
        return await self._people.read(broadcasts.find, name)

    async def change_broadcast(
        self, name: str, wanted: BroadcastStatus, before: Sequence[str], reason: str, daily: int | None = None
    ) -> Broadcast | None:
        """Make it ``wanted`` if it is one of ``before``; as it is then. ``daily``: a limit that is known by now."""
        row = await self._writer.submit(
            partial(broadcasts.change, name=name, wanted=wanted, before=before, reason=reason, daily=daily)
        )
        return None if row is None else row.broadcast

    async def recall_broadcast(self, key: int, now: int) -> None:
        """Take its messages out that wait to be sent."""
        await self._writer.submit(partial(broadcasts.recall, key=key, now=now))

    async def progress(self, key: int) -> Progress:
        return await self._people.read(recipients.progress, key)

    async def entered_since(self, since: int) -> int:
        """How many customers broadcasts wrote to since then."""
        return await self._people.read(recipients.entered_since, since)

    async def recipients(self, key: int, limit: int, status: str | None = None) -> Sequence[Outcome]:
        """In the order of the file."""
        return await self._people.read(recipients.list_, key, limit, status)


def _consents(connection: sqlite3.Connection, conversation_ids: Sequence[str]) -> list[Consent]:
    return [consents.current(connection, one) for one in conversation_ids]


def _numbers(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("SELECT DISTINCT number_id FROM conversations WHERE number_id IS NOT NULL ORDER BY 1")
    return [number_id for (number_id,) in rows]
