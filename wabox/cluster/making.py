"""A cluster is made once; after that every process must agree with it."""

from __future__ import annotations

from aiormq.exceptions import AMQPError

from wabox.cluster.broker import Broker, close
from wabox.cluster.records.database import Database
from wabox.cluster.topology import DELIVERIES, PREFETCH, Topology
from wabox.errors import SettingsError

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
