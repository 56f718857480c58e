"""Customers for those who look after them: who they are, what they agreed to, and how they are forgotten (promise P11)."""

from __future__ import annotations

import hashlib
import json
import mmap
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from wabox.core.consent import Consent, ConsentEntry
from wabox.core.contact import Contact
from wabox.core.forgotten import mentions
from wabox.core.learning import Heard
from wabox.core.person import Certificate, Person
from wabox.core.phone import spellings
from wabox.core.ports import Clock
from wabox.errors import Unavailable
from wabox.sqlite import consents, contacts, erasure, heard, people, retention, tombstones
from wabox.sqlite.connection import DATABASE
from wabox.sqlite.medialibrary import SqliteMedia
from wabox.sqlite.reader import PeoplesReader
from wabox.sqlite.writer import Writer

log = structlog.get_logger(__name__)

ENTERED_AT_ONCE = 50
"""Lines of an import per transaction: some 5 ms."""
SCRUBS = 20
"""Times that the log is tried to be cut, between what people read."""
AT_ONCE = 100
"""Idle customers looked at between two steps."""


class Register:
    def __init__(
        self,
        folder: Path,
        writer: Writer,
        reader: PeoplesReader,
        media: SqliteMedia,
        clock: Clock,
        forget: Callable[[Iterable[str] | None], None],
    ) -> None:
        """``forget`` drops what the process remembers of conversations (None: of all)."""
        self._folder = folder
        self._writer = writer
        self._reader = reader
        self._media = media
        self._clock = clock
        self._forget = forget

    async def find(self, words: str) -> Sequence[Person]:
        """Whoever has this id (a phone number in any spelling, a user id, a conversation), else whose name contains it."""
        return await self._reader.read(people.find, words)

    async def heard(self, since: int, limit: int) -> Sequence[Heard]:
        """What customers wrote after ``since`` (ms), in the order of time, the newest ``limit``."""
        return await self._reader.read(heard.list_, since, limit)

    async def people(self, limit: int = 100, *, stopped: bool = False) -> Sequence[Person]:
        """The newest; ``stopped``: those who asked us to stop, or want no marketing."""
        return await self._reader.read(people.list_, limit, stopped=stopped)

    async def export(self, key: int) -> Mapping[str, Any]:
        """Everything that is kept about a person, JSON-serialisable."""
        return await self._reader.read(erasure.export, key)

    async def enter(self, key: int, entry: ConsentEntry) -> Consent:
        """Add to the ledger of a person what the business was told; what holds then."""
        operation = partial(consents.write, contact=key, entries=[entry], now=self._clock())
        return await self._writer.submit(operation, lambda _: self._forget(None))

    async def bring(self, given: Sequence[tuple[Contact, ConsentEntry]]) -> list[str]:
        """Import opt-ins: one word each, ``added``, ``known`` or why not. Nobody's own word is overruled, and nobody who was
        forgotten is brought back."""
        forgotten = tombstones.read(self._folder)
        told: list[str] = []
        for start in range(0, len(given), ENTERED_AT_ONCE):
            operation = partial(
                _bring, given=given[start : start + ENTERED_AT_ONCE], forgotten=forgotten, now=self._clock()
            )
            told += await self._writer.submit(operation, lambda _: self._forget(None))
        return told

    async def forget(self, person: Person) -> Certificate:
        """Erase a person, from the database, the files and every backup that is restored later. Raises StorageError."""
        now = self._clock()
        stones = tombstones.read(self._folder)
        ids = stones.hashes(person)
        stones.add(ids, now)
        rows = await self._erase(person)
        files = await self._media.clear()
        await self._scrub()
        left = await self._reader.run(partial(_left, self._folder / DATABASE, {*person.ids, person.handle}))
        body = {"at": now, "ids": ids, "rows": rows, "files": files, "left": left}
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        log.info("contact.forgotten", rows=sum(rows.values()), files=files, left=left)
        return Certificate(at=now, ids=ids, rows=rows, files=files, left=left, digest=digest)

    async def bury(self) -> int:
        """Erase again whoever was forgotten after the backup was made that this folder was restored from; how many."""
        stones = tombstones.read(self._folder)
        found = await self._reader.read(_risen, stones)
        for person in found:
            await self._erase(person)
        if found:
            await self._media.clear()
            await self._scrub()
        return len(found)

    async def expire(self, before: int) -> int:
        """Erase customers of whom nothing was heard since then, ms, and who left no wish that we must remember; how many."""
        erased, after = 0, 0
        while True:
            idle, after = await self._reader.read(retention.idle, before, after, AT_ONCE)
            for person in idle:
                await self._erase(person)
            erased += len(idle)
            if after == 0:
                break
        if erased:
            await self._media.clear()
        return erased

    async def _scrub(self) -> None:
        """Let the file forget what the tables have forgotten. Raises Unavailable."""
        for last in [False] * SCRUBS + [True]:
            await self._reader.run(lambda: None)  # whatever is read by people now is over then
            try:
                await self._writer.alone(erasure.scrub)
            except Unavailable:
                if last:
                    raise
            else:
                return

    async def _erase(self, person: Person) -> dict[str, int]:
        rows: dict[str, int] = {}
        found = await self._reader.read(erasure.locate, person)
        for table, keys in found.items():
            for start in range(0, len(keys), erasure.STEP):
                operation = partial(erasure.delete, table=table, keys=keys[start : start + erasure.STEP])
                erasure.add_up(rows, {table: await self._writer.submit(operation)})
        last = await self._writer.submit(
            partial(erasure.finish, person=person), lambda _: self._forget(person.conversations)
        )
        erasure.add_up(rows, last)
        return {table: count for table, count in sorted(rows.items()) if count}


def _bring(
    connection: sqlite3.Connection,
    given: Sequence[tuple[Contact, ConsentEntry]],
    forgotten: tombstones.Tombstones,
    now: int,
) -> list[str]:
    told = []
    for contact, entry in given:
        if any(forgotten.at(one) is not None for one in (contact.user_id, *spellings(contact.wa_id or "")) if one):
            told.append("they asked to be forgotten")
            continue
        key = contacts.enter(connection, contact, now)
        holds = people.load(connection, key).consent
        if holds.stopped:
            told.append("they asked us to stop")
        elif holds.marketing is False:
            told.append("they said no to marketing")
        elif holds.marketing is True:
            told.append("known")
        else:
            consents.write(connection, key, [entry], now)
            told.append("added")
    return told


def _risen(connection: sqlite3.Connection, stones: tombstones.Tombstones) -> list[Person]:
    keys = set()
    for contact, value, first_seen in connection.execute(
        "SELECT contact, value, first_seen FROM identities WHERE replaced_at IS NULL"
        " UNION ALL SELECT key, handle, created_at FROM contacts"
    ):
        at = stones.at(value)
        if at is not None and first_seen <= at:
            keys.add(contact)
    return people.whole(connection, keys)


def _left(path: Path, ids: Iterable[str]) -> int:
    """How often these ids stand in the database file, as whole words."""
    pattern = mentions(ids)
    if pattern is None or path.stat().st_size == 0:
        return 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return sum(1 for _ in pattern.finditer(data))
