"""What the store keeps for messages that our own side begins."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import partial

from wabox.core.meter import Metered
from wabox.core.template import StoredTemplate
from wabox.sqlite import contacts, meter, templates
from wabox.sqlite.reader import PeoplesReader
from wabox.sqlite.writer import Writer


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


def _numbers(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("SELECT DISTINCT number_id FROM conversations WHERE number_id IS NOT NULL ORDER BY 1")
    return [number_id for (number_id,) in rows]
