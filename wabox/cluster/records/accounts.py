"""Accounts as the processes of a cluster use them: what changes, what is logged about it, and the note that tells all
processes are one transaction."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from wabox.cluster.bus import Bus, say
from wabox.cluster.ending import end
from wabox.cluster.records import agents
from wabox.cluster.records.database import Database
from wabox.cluster.records.mirror import Mirror
from wabox.cluster.records.secondfactors import PostgresSecondFactors
from wabox.core.agent import Act, Agent, AgentLine
from wabox.core.ports import Clock
from wabox.errors import Unavailable

T = TypeVar("T")
NOTE: Final = "accounts"
"""The kind of the note."""


class PostgresAccounts:
    """What every call asks is answered from memory (:class:`Mirror`); everything else is a question to PostgreSQL."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self.mirror = Mirror(database, clock, sleep=sleep, steady=steady)
        self.second = PostgresSecondFactors(database, self._write)
        self._key: bytes | None = None
        self._running: asyncio.Task[None] | None = None

    def run(self, bus: Bus) -> None:
        """Keep the memory of this process as it should be, until :meth:`aclose`."""
        bus.hear(NOTE, self.mirror.change)
        bus.missed(self.mirror.change)
        self._running = asyncio.get_running_loop().create_task(self.mirror.run())

    async def aclose(self) -> None:
        await end(self._running)

    async def _write(self, change: Callable[[Any], Awaitable[T]], act: Act) -> T:
        """A change that was made is logged and told; one that found nothing to change (False) is neither."""
        async with self._database.transaction() as connection:
            made = await change(connection)
            if made is not False:
                await agents.record(connection, act)
                await say(connection, self._database.channel, NOTE)
        try:
            await self.mirror.read()
        except Unavailable:
            self.mirror.change()  # it is done all the same
        return made

    async def _ask(self, question: Callable[..., Awaitable[T]], *arguments: object) -> T:
        async with self._database.transaction() as connection:
            return await question(connection, *arguments)

    async def add(self, agent: Agent, password: str | None, act: Act) -> bool:
        """False: the id is taken."""
        return await self._write(lambda connection: agents.add(connection, agent, password, act.at), act)

    async def disable(self, id_: str, disabled: bool, act: Act, *, unless_last: bool = False) -> bool:
        """Whoever is disabled is signed out at once. False: there is no such agent, or no other owner."""

        async def change(connection: Any) -> bool:
            if unless_last and not await agents.owners(connection, id_):
                return False
            if disabled:
                await agents.end_all(connection, id_, act.at)
            return await agents.change(connection, id_, "disabled", disabled)

        return await self._write(change, act)

    async def speak(self, id_: str, language: str | None, act: Act) -> bool:
        """False: there is no such agent."""
        return await self._write(lambda connection: agents.change(connection, id_, "language", language), act)

    async def set_password(self, id_: str, password: str, act: Act, name: bytes) -> bool:
        """It signs them out everywhere, and what was refused under ``name`` is forgiven. False: no such agent."""

        async def change(connection: Any) -> bool:
            await agents.end_all(connection, id_, act.at)
            await agents.pardon(connection, name)
            return await agents.change(connection, id_, "password", password)

        return await self._write(change, act)

    async def add_token(self, id_: str, label: str, hash_: bytes, act: Act) -> bool:
        return await self._write(lambda connection: agents.add_token(connection, id_, label, hash_, act.at), act)

    async def revoke_token(self, id_: str, label: str, act: Act) -> bool:
        return await self._write(lambda connection: agents.revoke_token(connection, id_, label), act)

    async def begin(self, agent: Agent, hash_: bytes, name: bytes, act: Act) -> None:
        async def change(connection: Any) -> None:
            await agents.pardon(connection, name)
            await agents.begin(connection, agent.id, hash_, act.address, act.at)

        await self._write(change, act)

    async def refuse(self, name: bytes, now: int, act: Act | None) -> None:
        """``act`` is for the log, where the name is an agent's."""
        async with self._database.transaction() as connection:
            await agents.refuse(connection, name, now)
            if act is not None:
                await agents.record(connection, act)

    async def end(self, hash_: bytes, act: Act) -> None:
        await self._write(lambda connection: agents.end(connection, hash_, act.at), act)

    async def end_all(self, id_: str, act: Act) -> int:
        return await self._write(lambda connection: agents.end_all(connection, id_, act.at), act)

    async def see(self, hash_: bytes, now: int, *, token: bool) -> None:
        """A sighting that nobody could write down is no reason to turn somebody away."""
        self.mirror.seen(hash_, now)
        try:
            async with self._database.transaction() as connection:
                await agents.see(connection, hash_, now, token=token)
        except Unavailable:
            return

    async def record(self, act: Act) -> None:
        await self._ask(agents.record, act)

    def find(self, id_: str) -> Agent | None:
        """Also one whose account is closed."""
        return self.mirror.agents.get(id_)

    async def load(self, id_: str) -> tuple[Agent, str | None] | None:
        return await self._ask(agents.load, id_)

    async def lines(self, since: int, created: int) -> Sequence[AgentLine]:
        return await self._ask(agents.lines, since, created)

    async def by_token(self, hash_: bytes) -> tuple[Agent, int | None] | None:
        return await self.mirror.token(hash_)

    async def by_session(self, hash_: bytes) -> tuple[Agent, int, int] | None:
        return await self.mirror.session(hash_)

    async def at_home(self, id_: str, address: str) -> bool:
        return await self._ask(agents.at_home, id_, address)

    async def hashed(self, name: str) -> bytes:
        """How refusals remember a name that was typed."""
        if self._key is None:
            self._key = await self._ask(agents.login_key)
        return agents.hashed(self._key, name)

    async def refusals(self, name: bytes) -> tuple[int, int]:
        return await self._ask(agents.refusals, name)

    async def turn(self, address: str, now: int, burst: int, every: int) -> float:
        hashed = await self.hashed(f"address {address}")
        return await self._ask(agents.turn, hashed, now, burst, every)

    async def acts(self, limit: int, who: str | None = None) -> Sequence[Act]:
        return await self._ask(agents.acts, limit, who)

    async def conversation_key(self, id_: str) -> int | None:
        return await self._ask(agents.conversation_key, id_)
