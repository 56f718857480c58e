"""A cluster is made once; after that every process must agree with it."""

from __future__ import annotations

import contextlib

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


async def make(database: Database, broker: Broker, name: str, partitions: int) -> int:
    """Tables, queues, and what all must agree on; the number of partitions. May be repeated.

    Raises Unavailable, SettingsError.
    """
    await database.prepare()
    await database.agree({"partitions": str(partitions), **AGREED})
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
        raise SettingsError("this cluster is not made yet: run wabox cluster init, once")
    other = [f"{name} {found.get(name)}, here {value}" for name, value in AGREED.items() if found.get(name) != value]
    if other:
        raise SettingsError(
            f"this cluster was made by a wabox that works otherwise ({'; '.join(other)}): upgrade all of them"
        )
    return int(found["partitions"])


async def known(database: Database, router: Router, name: str) -> int:
    """The number of partitions, for a process that begins: PostgreSQL is not needed for replies, so its word is copied to
    Redis, and the copy counts while PostgreSQL is away. Raises Unavailable when neither answers, SettingsError."""
    key = f"{name}:partitions"
    slot = key_slot(key.encode())
    try:
        partitions = await agreed(database)
    except Unavailable as error:
        (copy,) = await router.run(slot, ("GET", key))
        if copy is None:
            raise error
        log.warning("cluster.records_away", reason=str(error))
        return int(copy)
    with contextlib.suppress(Unavailable):
        await router.run(slot, ("SET", key, partitions))
    return partitions
