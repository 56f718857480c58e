"""Accounts as others use them: what changes and what is logged about it is one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import TypeVar

from wabox.core.agent import Act, Agent, AgentLine
from wabox.sqlite import agents
from wabox.sqlite.reader import Reader
from wabox.sqlite.secondfactors import SqliteSecondFactors
from wabox.sqlite.writer import Writer

T = TypeVar("T")


class SqliteAccounts:
    """Point reads are answered at once, on the event loop: every call to the server asks one."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader
        self.second = SqliteSecondFactors(writer, reader)

    async def _write(self, change: Callable[[sqlite3.Connection], T], act: Act) -> T:
        """A change that was made is logged; one that found nothing to change (False) is not."""

        def operation(connection: sqlite3.Connection) -> T:
            made = change(connection)
            if made is not False:
                agents.record(connection, act)
            return made

        return await self._writer.submit(operation)

    async def add(self, agent: Agent, password: str | None, act: Act) -> bool:
        """False: the id is taken."""
        return await self._write(lambda connection: agents.add(connection, agent, password, act.at), act)

    async def disable(self, id_: str, disabled: bool, act: Act, *, unless_last: bool = False) -> bool:
        """Whoever is disabled is signed out at once. False: there is no such agent, or no other owner."""

        def change(connection: sqlite3.Connection) -> bool:
            if unless_last and not agents.owners(connection, id_):
                return False
            if disabled:
                agents.end_all(connection, id_, act.at)
            return agents.disable(connection, id_, disabled)

        return await self._write(change, act)

    async def speak(self, id_: str, language: str | None, act: Act) -> bool:
        """False: there is no such agent."""
        return await self._write(lambda connection: agents.speak(connection, id_, language), act)

    async def set_password(self, id_: str, password: str, act: Act, name: bytes) -> bool:
        """It signs them out everywhere, and what was refused under ``name`` is forgiven. False: no such agent."""

        def change(connection: sqlite3.Connection) -> bool:
            agents.end_all(connection, id_, act.at)
            agents.pardon(connection, name)
            return agents.set_password(connection, id_, password)

        return await self._write(change, act)

    async def add_token(self, id_: str, label: str, hash_: bytes, act: Act) -> bool:
        return await self._write(lambda connection: agents.add_token(connection, id_, label, hash_, act.at), act)

    async def revoke_token(self, id_: str, label: str, act: Act) -> bool:
        return await self._write(lambda connection: agents.revoke_token(connection, id_, label), act)

    async def begin(self, agent: Agent, hash_: bytes, name: bytes, act: Act) -> None:
        def change(connection: sqlite3.Connection) -> None:
            agents.pardon(connection, name)
            agents.begin(connection, agent.id, hash_, act.address, act.at)

        await self._write(change, act)

    async def refuse(self, name: bytes, now: int, act: Act | None) -> None:
        """``act`` is for the log, where the name is an agent's."""

        def operation(connection: sqlite3.Connection) -> None:
            agents.refuse(connection, name, now)
            if act is not None:
                agents.record(connection, act)

        await self._writer.submit(operation)

    async def end(self, hash_: bytes, act: Act) -> None:
        await self._write(lambda connection: agents.end(connection, hash_, act.at), act)

    async def end_all(self, id_: str, act: Act) -> int:
        return await self._write(lambda connection: agents.end_all(connection, id_, act.at), act)

    async def see(self, hash_: bytes, now: int, *, token: bool) -> None:
        change = agents.see_token if token else agents.see
        await self._writer.submit(lambda connection: change(connection, hash_, now))

    async def record(self, act: Act) -> None:
        await self._writer.submit(lambda connection: agents.record(connection, act))

    def find(self, id_: str) -> Agent | None:
        """Also one whose account is closed."""
        found = self._reader.read(agents.load, id_)
        return None if found is None else found[0]

    async def load(self, id_: str) -> tuple[Agent, str | None] | None:
        return self._reader.read(agents.load, id_)

    async def lines(self, since: int, created: int) -> Sequence[AgentLine]:
        return self._reader.read(agents.lines, since, created)

    async def by_token(self, hash_: bytes) -> tuple[Agent, int | None] | None:
        return self._reader.read(agents.by_token, hash_)

    async def by_session(self, hash_: bytes) -> tuple[Agent, int, int] | None:
        return self._reader.read(agents.by_session, hash_)

    async def at_home(self, id_: str, address: str) -> bool:
        return self._reader.read(agents.at_home, id_, address)

    async def hashed(self, name: str) -> bytes:
        """How refusals remember a name that was typed."""
        return self._reader.read(agents.hashed, name)

    async def refusals(self, name: bytes) -> tuple[int, int]:
        return self._reader.read(agents.refusals, name)

    async def turn(self, address: str, now: int, burst: int, every: int) -> float:
        """There is one process, and it counts in memory."""
        return 0.0

    async def acts(self, limit: int, who: str | None = None) -> Sequence[Act]:
        return self._reader.read(agents.acts, limit, who)

    async def conversation_key(self, id_: str) -> int | None:
        return self._reader.read(agents.conversation_key, id_)
