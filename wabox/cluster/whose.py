"""Whose a message is: a customer may be known under another id than WhatsApp names, and then has a conversation already.

WhatsApp names a customer by a user id; a list, an older version or a broadcast may have known the phone number alone. The lane
of a message follows from the id that it names, so the worker which meets an id without a conversation looks whether there is
one under another, and hands the message on into that one's lane, in order. It is known there by its id, should it come twice.
PostgreSQL is asked once for each new customer; what it said stays in Redis as long as a conversation does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from wabox.cluster.changing import REMEMBERED
from wabox.cluster.records.database import Database
from wabox.cluster.sessions import RedisSessions
from wabox.cluster.shards import Shards
from wabox.core.changed import changed
from wabox.core.contact import Contact, handle_of
from wabox.core.identity import moved, previous
from wabox.core.message import InboundMessage
from wabox.core.phone import spellings
from wabox.core.ports import Clock, Handle
from wabox.errors import Unavailable

log = structlog.get_logger(__name__)

PATIENCE: Final = 0.5
"""s that a new customer waits for PostgreSQL; then they begin anew."""
REST: Final = 5_000
"""ms in which it is not asked again after that."""

Publish = Callable[[Sequence[InboundMessage]], Awaitable[None]]


class Whose:
    def __init__(
        self, shards: Shards, database: Database, sessions: RedisSessions, publish: Publish, clock: Clock
    ) -> None:
        self._shards = shards
        self._database = database
        self._sessions = sessions
        self._publish = publish
        self._clock = clock
        self._rests_until = 0

    def handling(self, handle: Handle) -> Handle:
        """``handle`` for what belongs here, and not to customers who were forgotten since they wrote it."""

        async def rightful(message: InboundMessage) -> None:
            other = await self._other(message)
            if other is not None:
                await self._publish([changed(message, conversation_id=other)])
            elif await self._sessions.buried(message):
                log.info("inbox.forgotten", message=message.message_id)
            else:
                await handle(message)

        return rightful

    async def _other(self, message: InboundMessage) -> str | None:
        """The conversation that it belongs to, if that is not the one it names. Raises Unavailable."""
        named = message.conversation_id
        if (await self._sessions.open(named)).sequence > 0:
            return None
        who = message.contact if moved(message) is None else previous(message)
        ids = {message.contact.user_id, message.contact.wa_id, who.user_id, who.wa_id}
        if handle_of(named) not in ids:
            return None  # it was addressed to a conversation, not to an id
        partition, key = self._key(named)
        (noted,) = await self._shards.run(partition, ("GETEX", key, "PX", REMEMBERED))
        if noted is not None:
            return str(noted.decode())
        found = await self._found(named, message.number_id, who)
        if found is not None:
            await self._shards.run(partition, ("SET", key, found, "PX", REMEMBERED))
            log.info("conversation.known", conversation=found, named=named)
        return found

    async def _found(self, named: str, number_id: str, who: Contact) -> str | None:
        """What PostgreSQL says; nothing while it is away."""
        if self._clock() < self._rests_until:
            return None
        try:
            async with asyncio.timeout(PATIENCE), self._database.transaction() as connection:
                rows = await connection.fetch(
                    "SELECT id, user_id FROM conversations"
                    " WHERE id = $1 OR (number_id = $2 AND (user_id = $3 OR wa_id = ANY($4)))"
                    " ORDER BY user_id = $3 DESC NULLS LAST, updated_at DESC",
                    *(named, number_id, who.user_id, spellings(who.wa_id or "")),
                )
        except (Unavailable, TimeoutError):
            self._rests_until = self._clock() + REST
            return None
        if any(row["id"] == named for row in rows):
            return None
        # A phone number may have changed hands, and then its conversation names another user.
        theirs = (row["id"] for row in rows if who.user_id is None or row["user_id"] in (None, who.user_id))
        return next(theirs, None)

    async def forget(self, names: Sequence[str]) -> None:
        """Customers are forgotten whom messages may name so. What they wrote before and comes later is dropped; where there is
        a conversation of that name, it is somebody else's. Raises Unavailable."""
        for named in names:
            if (await self._sessions.open(named)).sequence == 0:
                await self._sessions.erase(named)
            partition, key = self._key(named)
            await self._shards.run(partition, ("DEL", key))

    def _key(self, named: str) -> tuple[int, str]:
        partition = self._shards.partition(named)
        return partition, self._shards.key(partition, f"w:{named}")
