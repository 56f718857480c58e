"""Customers for those who look after them, on a cluster: who they are, what they agreed to, and how they are forgotten (P11).

What is looked up is PostgreSQL's. What holds is the conversation's, in Redis: a consent is written there like what the customer
says, as a unit of work, so that whoever handles the conversation just then computes it anew.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import structlog

from wabox.cluster.agreement import noted
from wabox.cluster.partition import partition_of
from wabox.cluster.records import erasure, heard, retention, stones
from wabox.cluster.records.database import Database
from wabox.cluster.records.outgoing import PostgresOutgoing
from wabox.cluster.records.people import PostgresPeople
from wabox.cluster.sessions import RedisSessions
from wabox.cluster.whose import Whose
from wabox.core.changed import changed
from wabox.core.consent import Consent, ConsentEntry, after
from wabox.core.contact import Contact, conversation_id
from wabox.core.forgotten import forgotten_at, hashes
from wabox.core.learning import Heard
from wabox.core.person import Certificate, Person
from wabox.core.phone import spellings
from wabox.core.ports import Clock
from wabox.errors import WaboxError

log = structlog.get_logger(__name__)

AT_ONCE: Final = 50
"""Lines of an import that are under way together."""


class ClusterRegister:
    def __init__(
        self,
        database: Database,
        people: PostgresPeople,
        sessions: RedisSessions,
        whose: Whose,
        outgoing: PostgresOutgoing,
        settled: Callable[[int], Awaitable[None]],
        partitions: int,
        clock: Clock,
    ) -> None:
        """``settled`` brings over what is recorded in a partition."""
        self._database = database
        self._people = people
        self._sessions = sessions
        self._whose = whose
        self._outgoing = outgoing
        self._settled = settled
        self._partitions = partitions
        self._clock = clock
        self.number_id: str | None = None
        """From which customers are written to who have not written; None: the only one that is known."""

    async def find(self, words: str) -> Sequence[Person]:
        return await self._people.find(words)

    async def people(self, limit: int = 100, *, stopped: bool = False) -> Sequence[Person]:
        return await self._people.people(limit, stopped=stopped)

    async def export(self, key: int) -> Mapping[str, Any]:
        return await self._people.export(await self._people.load(key))

    async def heard(self, since: int, limit: int) -> Sequence[Heard]:
        async with self._database.transaction() as connection:
            return await heard.newest(connection, since, limit)

    # ---- consent -------------------------------------------------------------------------------------------------------

    async def enter(self, key: int, entry: ConsentEntry) -> Consent:
        """Add to the ledger of a person, in each of their conversations; what holds then. Raises Unavailable."""
        person = await self._people.load(key)
        ids = await erasure.conversations(self._database, person)
        holds = [await self._enter(id_, entry) for id_ in ids]
        await self._recorded(ids)
        return holds[-1]

    async def bring(self, given: Sequence[tuple[Contact, ConsentEntry]]) -> list[str]:
        """Import opt-ins: one word each, ``added``, ``known`` or why not. Nobody's own word is overruled, and nobody who was
        forgotten is brought back. Raises Unavailable, WaboxError."""
        known = await stones.lists(self._database)
        numbers = [self.number_id] if self.number_id else await self._outgoing.numbers()
        if not numbers:
            raise WaboxError(
                "no number of yours is known yet: set WABOX_NUMBER_ID, or [whatsapp] number_id in wabox.toml"
            )
        theirs = await self._people.whose([id_ for contact, _ in given for id_ in _ids(contact)])
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(contact: Contact, entry: ConsentEntry) -> str:
            async with turns:
                if any(forgotten_at(known, id_) is not None for id_ in _ids(contact)):
                    return "they asked to be forgotten"
                person = next((theirs[id_] for id_ in _ids(contact) if id_ in theirs), None)
                return await self._bring(contact, person, entry, numbers)

        told = await asyncio.gather(*(one(contact, entry) for contact, entry in given))
        await self._recorded(None)
        return told

    async def _bring(self, contact: Contact, person: Person | None, entry: ConsentEntry, numbers: Sequence[str]) -> str:
        ids = [f"{number}:{person.handle}" if person else conversation_id(number, contact) for number in numbers]
        holds = [(await self._sessions.open(id_)).consent for id_ in ids]
        holds += [person.consent] if person else []
        if any(one.stopped for one in holds):
            return "they asked us to stop"
        if any(one.marketing is False for one in holds):
            return "they said no to marketing"
        if any(one.marketing is True for one in holds):
            return "known"
        for id_ in ids:
            await self._enter(id_, entry, contact)
        return "added"

    async def _enter(self, id_: str, entry: ConsentEntry, contact: Contact | None = None) -> Consent:
        while True:
            session = await self._sessions.open(id_)
            contact = session.contact or contact
            if contact is None:
                return session.consent  # it was forgotten meanwhile
            holds = after(session.consent, entry)
            unit = changed(noted(session, contact, holds, self._clock()), consents=(entry,))
            if await self._sessions.commit(unit) == "committed":
                return unit.consent

    # ---- forgetting ----------------------------------------------------------------------------------------------------

    async def forget(self, person: Person) -> Certificate:
        """Erase a person from Redis, PostgreSQL and every backup that is restored later. May be repeated, and goes on where it
        was interrupted. Raises Unavailable."""
        now = self._clock()
        ids = hashes(await stones.key(self._database), person)
        await stones.learn(self._database, {await stones.key(self._database): dict.fromkeys(ids, now)})
        rows = await self._erase(person)
        left = await erasure.left(self._database, person)
        files = rows.get("media", 0)
        body = {"at": now, "ids": ids, "rows": rows, "files": files, "left": left}
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        log.info("contact.forgotten", rows=sum(rows.values()), files=files, left=left)
        return Certificate(at=now, ids=ids, rows=rows, files=files, left=left, digest=digest)

    async def expire(self, before: int) -> int:
        """Erase customers of whom nothing was heard since then, ms, and who left no wish that we must remember; how many.
        Raises Unavailable."""
        erased = 0
        async for person in retention.idle(self._database, before):
            ids = await erasure.conversations(self._database, person)
            # What PostgreSQL has may be old.
            if all([(await self._sessions.open(id_)).updated_at < before for id_ in ids]):
                await self._erase(person)
                erased += 1
        if erased:
            log.info("contacts.expired", people=erased)
        return erased

    async def _erase(self, person: Person) -> dict[str, int]:
        conversations = await erasure.conversations(self._database, person)
        live = [await self._sessions.erase(id_) for id_ in conversations]
        await self._whose.forget(_named(person, conversations))
        # What they wrote into the records before that must be there to be deleted; nothing comes after it.
        await self._recorded(conversations)
        return {"redis": sum(live), **await erasure.erase(self._database, person, conversations)}

    async def _recorded(self, ids: Sequence[str] | None) -> None:
        """Bring over what is recorded of these conversations; None: of all."""
        every = range(self._partitions)
        for partition in every if ids is None else sorted({partition_of(id_, self._partitions) for id_ in ids}):
            await self._settled(partition)


def _named(person: Person, conversations: Sequence[str]) -> list[str]:
    """What a message of theirs may name instead of one of these conversations."""
    numbers = {id_.partition(":")[0] for id_ in conversations}
    values = {other for one in person.identities if one.replaced_at is None for other in spellings(one.value)}
    return sorted({f"{number}:{value}" for number in numbers for value in values} - set(conversations))


def _ids(contact: Contact) -> list[str]:
    """In any spelling."""
    return [id_ for id_ in (contact.user_id, *spellings(contact.wa_id or "")) if id_]
