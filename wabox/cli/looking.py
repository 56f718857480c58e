"""Where the command line looks and acts: the data folder, or the cluster that ``wabox.toml`` names."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from wabox.errors import SettingsError

if TYPE_CHECKING:
    from wabox.cli.running import Line
    from wabox.cluster.records.broadcasts import Row
    from wabox.cluster.records.database import Database
    from wabox.cluster.records.outgoing import PostgresOutgoing
    from wabox.cluster.records.people import PostgresPeople
    from wabox.cluster.records.queries import PostgresRecords
    from wabox.cluster.store import ClusterStore
    from wabox.core.broadcast import Outcome, Progress
    from wabox.core.consent import ConsentEntry
    from wabox.core.conversation import ConversationSummary, Record
    from wabox.core.delivery import Delivery
    from wabox.core.learning import Heard
    from wabox.core.meter import Metered
    from wabox.core.person import Person
    from wabox.core.tally import Counts
    from wabox.core.template import StoredTemplate
    from wabox.settings import ClusterSettings, Settings
    from wabox.sqlite.glance import Glance
    from wabox.sqlite.store import SqliteStore

T = TypeVar("T")
NEWEST, LINES = 10_000, 5_000


def settings_for(data: Path | None) -> Settings:
    """Those of this folder. Whoever names a data folder means that one, and no cluster."""
    from wabox.settings import load

    settings = load(Path.cwd())
    return settings if data is None else replace(settings, data=data.absolute(), cluster=None)


def settings_here(data: Path | None) -> Settings:
    """Those of this folder without the environment, which a server beside us has and we may not; but a cluster may be named
    nowhere else."""
    from wabox.settings import load

    with contextlib.suppress(SettingsError):  # what is wrong with the environment is not asked for here
        settings = settings_for(data)
        if settings.cluster is not None:
            return settings
    here = load(Path.cwd(), {})
    return here if data is None else replace(here, data=data.absolute(), cluster=None)


def looking(settings: Settings) -> Glance | ClusterGlance:
    """Use it in a ``with`` block. Raises StorageError, Unavailable."""
    from wabox.sqlite.glance import Glance

    return Glance(settings.data) if settings.cluster is None else ClusterGlance(settings)


class ClusterGlance:
    """What the command line asks a :class:`~wabox.sqlite.glance.Glance`, of PostgreSQL: records are there a moment later."""

    def __init__(self, settings: Settings) -> None:
        from wabox.cli.cluster import cluster_of

        self._cluster: ClusterSettings = cluster_of(settings)

    def __enter__(self) -> ClusterGlance:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def conversations(self, limit: int = NEWEST) -> list[ConversationSummary]:
        return list(self._asked(lambda records: records.conversations(limit)))

    def transcript(self, conversation_id: str, limit: int = LINES) -> list[Record]:
        return list(self._asked(lambda records: records.transcript(conversation_id, limit)))

    def deliveries(self, limit: int, *, failed: bool = False) -> list[Delivery]:
        return list(self._asked(lambda records: records.deliveries(limit, failed=failed)))

    def delivery(self, outbound_id: str) -> Delivery | None:
        found = self._asked(lambda records: records.delivery(outbound_id))
        return None if found is None else found[0]

    def find(self, words: str) -> list[Person]:
        return list(self._people(lambda people: people.find(words)))

    def people(self, limit: int, *, stopped: bool = False) -> list[Person]:
        return list(self._people(lambda people: people.people(limit, stopped=stopped)))

    def ledger(self, person: Person) -> list[ConsentEntry]:
        return self._people(lambda people: people.ledger(person))

    def export(self, person: Person) -> dict[str, Any]:
        return self._people(lambda people: people.export(person))

    def heard(self, since: int, limit: int) -> list[Heard]:
        from wabox.cluster.records import heard

        async def newest(database: Database) -> list[Heard]:
            async with database.transaction() as connection:
                return await heard.newest(connection, since, limit)

        return self._of(newest)

    def tallied(self, begin: int, end: int) -> Counts:
        from wabox.cluster.records.tallies import PostgresTallies

        return self._of(lambda database: PostgresTallies(database).sum(begin, end))

    def metered(self, begin: int, end: int) -> list[Metered]:
        return list(self._outgoing(lambda outgoing: outgoing.metered(begin, end)))

    def templates(self) -> list[StoredTemplate]:
        return list(self._outgoing(lambda outgoing: outgoing.templates()))

    def broadcasts(self) -> list[Row]:
        return list(self._outgoing(lambda outgoing: outgoing.broadcasts()))

    def progress(self, broadcast: int) -> Progress:
        return self._outgoing(lambda outgoing: outgoing.progress(broadcast))

    def recipients(self, broadcast: int, limit: int, status: str | None = None) -> list[Outcome]:
        return list(self._outgoing(lambda outgoing: outgoing.recipients(broadcast, limit, status)))

    def _outgoing(self, question: Callable[[PostgresOutgoing], Awaitable[T]]) -> T:
        from wabox.cluster.records.outgoing import PostgresOutgoing

        return self._of(lambda database: question(PostgresOutgoing(database)))

    def _asked(self, question: Callable[[PostgresRecords], Awaitable[T]]) -> T:
        from wabox.cluster.records.queries import PostgresRecords

        return self._of(lambda database: question(PostgresRecords(database)))

    def _people(self, question: Callable[[PostgresPeople], Awaitable[T]]) -> T:
        from wabox.cluster.records.people import PostgresPeople

        return self._of(lambda database: question(PostgresPeople(database)))

    def _of(self, question: Callable[[Database], Awaitable[T]]) -> T:
        import asyncio

        from wabox.cluster.records.database import Database

        async def ask() -> T:
            database = Database(self._cluster.postgres.reveal(), self._cluster.name)
            try:
                return await question(database)
            finally:
                await database.aclose()

        return asyncio.run(ask())


async def shared_token(settings: Settings) -> str:
    """What opens the API of the cluster's processes. Raises Unavailable, SettingsError."""
    from wabox.cli.cluster import cluster_of
    from wabox.cluster.making import token
    from wabox.cluster.records.database import Database

    cluster = cluster_of(settings)
    database = Database(cluster.postgres.reveal(), cluster.name)
    try:
        return await token(database)
    finally:
        await database.aclose()


@contextlib.asynccontextmanager
async def at_hand(settings: Settings, *, shards: bool = True) -> AsyncIterator[Line | SqliteStore | ClusterStore]:
    """The cluster's store; on one machine the server that has the data folder, or the store itself. ``shards``: as with
    :func:`clustered`. Raises StorageError."""
    if settings.cluster is None:
        from wabox.cli.running import reached

        async with reached(settings) as there:
            yield there
        return
    async with clustered(settings, shards=shards) as store:
        yield store


@contextlib.asynccontextmanager
async def clustered(settings: Settings, *, shards: bool = True) -> AsyncIterator[ClusterStore]:
    """The store of the cluster that the settings name. ``shards``: conversations are opened or changed, so Redis must be there.

    Raises SettingsError, Unavailable.
    """
    from wabox.app import wall_clock
    from wabox.cli.cluster import cluster_of
    from wabox.cluster.making import agreed
    from wabox.cluster.records.database import Database
    from wabox.cluster.store import open_cluster
    from wabox.clusterapp import place_of, worker_name

    cluster = cluster_of(settings)
    database = Database(cluster.postgres.reveal(), cluster.name)
    try:
        partitions = await agreed(database)
    finally:
        await database.aclose()
    store = await open_cluster(place_of(cluster, partitions), wall_clock, worker_name(), shards=shards)
    store.register.number_id = settings.number_id
    try:
        yield store
    finally:
        await store.close()
