"""A cluster is made once; after that every process must agree with it."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Awaitable, Callable

import structlog
from aiormq.exceptions import AMQPError
from redis.crc import key_slot

from wabox.cluster.broker import Broker, close
from wabox.cluster.records.database import Database
from wabox.cluster.router import Router
from wabox.cluster.topology import DELIVERIES, PREFETCH, Topology
from wabox.errors import SettingsError, Unavailable

log = structlog.get_logger(__name__)

AGREED = {"prefetch": str(PREFETCH), "deliveries": str(DELIVERIES), "schema": "1"}
"""Constants of this wabox that others must share."""
TOKEN = "token"  # noqa: S105 - the name of its row
NOT_MADE = "this cluster is not made yet: run wabox cluster init, once"


async def make(database: Database, broker: Broker, name: str, partitions: int) -> int:
    """Tables, queues, and what all must agree on; the number of partitions. May be repeated.

    Raises Unavailable, SettingsError.
    """
    await database.prepare()
    await database.agree({"partitions": str(partitions), **AGREED})
    await token(database)
    found = await agreed(database)
    if found != partitions:
        raise SettingsError(
            f"this cluster was made with {found} partitions, which is for good; another number needs another [cluster] name"
        )
    channel = await broker.channel()
    try:
        await Topology(partitions, name).declare(channel)
    except AMQPError as error:
        raise SettingsError(f"a queue is there and made otherwise: {error}. Choose another [cluster] name") from error
    finally:
        await close(channel)
    return found


async def agreed(database: Database) -> int:
    """The number of partitions. Raises SettingsError when the cluster was not made, or by a wabox that works otherwise."""
    found = await database.agreed()
    if "partitions" not in found:
        raise SettingsError(NOT_MADE)
    other = [f"{name} {found.get(name)}, here {value}" for name, value in AGREED.items() if found.get(name) != value]
    if other:
        raise SettingsError(
            f"this cluster was made by a wabox that works otherwise ({'; '.join(other)}): upgrade all of them"
        )
    return int(found["partitions"])


async def one_bot(database: Database, bot: str) -> None:
    """Two bots in one cluster would answer each other's customers, each in half of the lanes. Raises SettingsError."""
    try:
        async with database.transaction() as connection:
            rows = await connection.fetch("SELECT bot, live_until FROM versions ORDER BY bot")
    except Unavailable:
        return  # this machine serves what it saw before, or nothing
    live = [row["bot"] for row in rows if row["live_until"] is None]
    if live and bot not in {row["bot"] for row in rows}:
        raise SettingsError(
            f"this cluster serves the bot {live[0]!r}, and {bot!r} was never published in it: another bot needs another"
            " [cluster] name. If it is the same one under a new name, wabox publish first"
        )


async def token(database: Database) -> str:
    """What opens the API of every process, to every shell whose settings name the cluster: who reads this database reads all
    conversations anyway. Drawn where there is none. Raises Unavailable, SettingsError before ``wabox cluster init``."""
    found = await database.agreed()
    if not found:
        raise SettingsError(NOT_MADE)
    if TOKEN not in found:
        await database.agree({TOKEN: secrets.token_urlsafe(32)})
        found = await database.agreed()
    return found[TOKEN]


async def renew_token(database: Database) -> None:
    """Draw another. A process takes it with its next start. Raises Unavailable, SettingsError before ``wabox cluster init``."""
    await token(database)
    await database.agree_anew(TOKEN, secrets.token_urlsafe(32))


async def known_token(database: Database, router: Router, name: str) -> str:
    """The same for a process that begins, which keeps a copy in Redis as of the partitions. Raises Unavailable."""
    return await _copied(router, f"{name}:token", lambda: token(database))


async def known(database: Database, router: Router, name: str) -> int:
    """The number of partitions, for a process that begins: PostgreSQL is not needed for replies, so its word is copied to
    Redis, and the copy counts while PostgreSQL is away. Raises Unavailable when neither answers, SettingsError."""
    return int(await _copied(router, f"{name}:partitions", lambda: _partitions(database)))


async def _partitions(database: Database) -> str:
    return str(await agreed(database))


async def _copied(router: Router, key: str, ask: Callable[[], Awaitable[str]]) -> str:
    """What PostgreSQL says, and a copy of it for Redis; the copy while PostgreSQL is away. Raises Unavailable."""
    slot = key_slot(key.encode())
    try:
        found = await ask()
    except Unavailable as error:
        (copy,) = await router.run(slot, ("GET", key))
        if copy is None:
            raise error
        log.warning("cluster.records_away", reason=str(error))
        return str(copy.decode())
    with contextlib.suppress(Unavailable):
        await router.run(slot, ("SET", key, found))
    return found
