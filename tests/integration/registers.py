"""Processes that share accounts: on one machine there is one; in a cluster each has its own connection and its own memory."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

from tests.fakes import VirtualClock
from tests.integration import clustered
from wabox.services.accounts import Accounts
from wabox.services.passwords import Passwords
from wabox.services.secondfactor import SecondFactor
from wabox.sqlite.store import open_store

NAMES = ("sqlite", *(("postgres",) if clustered.FOLDER is not None else ()))
_PREPARED: list[bool] = []


class Shared(Protocol):
    """A register, and processes that use it."""

    clock: VirtualClock

    def process(self) -> Accounts:
        """One more; of one machine, one that begins again."""

    async def sql(self, query: str) -> Any:
        """Behind everybody's back."""


def _accounts(store: Any, clock: VirtualClock, drawn: itertools.count[int]) -> Accounts:
    def draw(length: int) -> str:
        return f"drawn-{next(drawn):08}" + "x" * length

    return Accounts(store, clock, draw, SecondFactor(store.second, clock, draw), Passwords(cheap=True), "shell")


class OneMachine:
    def __init__(self, store: Any, clock: VirtualClock) -> None:
        self.clock = clock
        self._store = store
        self._drawn = itertools.count()

    def process(self) -> Accounts:
        return _accounts(self._store.accounts, self.clock, self._drawn)

    async def sql(self, query: str) -> Any:
        return await self._store.writer.submit(lambda connection: connection.execute(query).fetchall())


class Cluster:
    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.databases: list[Any] = []
        self._drawn = itertools.count()

    def database(self) -> Any:
        from wabox.cluster.records.database import Database

        self.databases.append(Database(clustered.place(clustered.NAME).postgres, clustered.NAME))
        return self.databases[-1]

    def process(self) -> Accounts:
        from wabox.cluster.records.accounts import PostgresAccounts

        steady = lambda: self.clock() / 1000  # noqa: E731
        store = PostgresAccounts(self.database(), self.clock, sleep=self.clock.sleep, steady=steady)
        return _accounts(store, self.clock, self._drawn)

    async def sql(self, query: str) -> Any:
        async with self.databases[0].transaction() as connection:
            return [tuple(row) for row in await connection.fetch(query)]


@contextlib.asynccontextmanager
async def shared(name: str, folder: Path) -> AsyncIterator[Shared]:
    clock = VirtualClock()
    if name == "sqlite":
        store = await open_store(folder, clock)
        try:
            yield OneMachine(store, clock)
        finally:
            await store.close()
        return
    cluster = Cluster(clock)
    database = cluster.database()
    if not _PREPARED:
        await database.prepare()
        _PREPARED.append(True)
    try:
        yield cluster
    finally:
        async with database.transaction() as connection:
            tables = ("agents", "agent_tokens", "sessions", "refused_logins", "login_turns", "login_key", "audit")
            await connection.execute(f"TRUNCATE {', '.join((*tables, 'agent_codes', 'agent_recovery_codes'))}")
        for one in cluster.databases:
            await one.aclose()
