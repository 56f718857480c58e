"""What :mod:`wabox.services.accounts` asks of a store: accounts, what opens them, and the log of what was done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from wabox.core.agent import Act, Agent, AgentLine
from wabox.services.secondfactor import Codes


class Register(Protocol):
    """A change and its line in the log are one transaction. Every method may raise Unavailable, but for :meth:`find`."""

    @property
    def second(self) -> Codes:
        """What they prove beside their password."""

    async def add(self, agent: Agent, password: str | None, act: Act) -> bool:
        """False: the id is taken."""

    async def disable(self, id_: str, disabled: bool, act: Act, *, unless_last: bool = False) -> bool:
        """Whoever is disabled is signed out at once. False: there is no such agent, or, where that is asked for, nobody else
        would be left who may do everything: also of two owners who close each other at once one stays."""

    async def speak(self, id_: str, language: str | None, act: Act) -> bool:
        """False: there is no such agent."""

    async def set_password(self, id_: str, password: str, act: Act, name: bytes) -> bool:
        """It signs them out everywhere, and what was refused under ``name`` is forgiven. False: no such agent."""

    async def add_token(self, id_: str, label: str, hash_: bytes, act: Act) -> bool:
        """In place of the one of the same label. False: there is no such agent."""

    async def revoke_token(self, id_: str, label: str, act: Act) -> bool:
        """False: there is no such token."""

    async def begin(self, agent: Agent, hash_: bytes, name: bytes, act: Act) -> None:
        """A browser is signed in, and what was refused under ``name`` is forgiven."""

    async def refuse(self, name: bytes, now: int, act: Act | None) -> None:
        """``act`` is for the log, where the name is an agent's."""

    async def end(self, hash_: bytes, act: Act) -> None: ...

    async def end_all(self, id_: str, act: Act) -> int:
        """How many browsers."""

    async def see(self, hash_: bytes, now: int, *, token: bool) -> None:
        """It was used now."""

    async def record(self, act: Act) -> None: ...

    def find(self, id_: str) -> Agent | None:
        """At once, and perhaps a moment behind; also one whose account is closed."""

    async def load(self, id_: str) -> tuple[Agent, str | None] | None:
        """The agent and their password, encoded."""

    async def lines(self, since: int, created: int) -> Sequence[AgentLine]:
        """Everybody, by id. Sessions count when they were seen ``since`` then and were ``created`` after then, ms."""

    async def by_token(self, hash_: bytes) -> tuple[Agent, int | None] | None:
        """Whose it is, and when it was last seen."""

    async def by_session(self, hash_: bytes) -> tuple[Agent, int, int] | None:
        """Whose it is, when it began and when it was last seen; None when it has ended."""

    async def at_home(self, id_: str, address: str) -> bool:
        """Whether this agent has signed in from there in the last months."""

    async def hashed(self, name: str) -> bytes:
        """How refusals remember a name that was typed."""

    async def refusals(self, name: bytes) -> tuple[int, int]:
        """How often in a row, and when last."""

    async def turn(self, address: str, now: int, burst: int, every: int) -> float:
        """An attempt from an address, counted over all processes: 0, or ms to wait. Every process counts by itself before."""

    async def acts(self, limit: int, who: str | None = None) -> Sequence[Act]:
        """The newest first."""

    async def conversation_key(self, id_: str) -> int | None:
        """What the log calls a conversation: a number that says nothing once the customer is forgotten."""
