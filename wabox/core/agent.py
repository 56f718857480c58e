"""People who look after conversations: who they are, and what they may do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Role = Literal["owner", "agent", "viewer"]
"""``viewer`` looks, ``agent`` also answers customers, ``owner`` may do everything."""
ROLES: Final[tuple[Role, ...]] = ("owner", "agent", "viewer")

ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}\Z")
"""What an agent types to sign in; it stands in addresses and logs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    id: str
    """Never given to somebody else later: the log of who did what keeps it."""
    name: str
    """As colleagues and customers read it."""
    roles: tuple[Role, ...] = ("agent",)
    queues: tuple[str, ...] = ()
    """They see and answer cases of these only; empty: of all. An owner sees all."""
    skills: tuple[str, ...] = ()
    disabled: bool = False
    language: str | None = None
    """Of the cards that tell them of cases; None: the bot's first."""

    def may(self, roles: tuple[Role, ...]) -> bool:
        """Whether one of these roles is theirs."""
        return not self.disabled and any(role in roles for role in self.roles)

    @property
    def restricted(self) -> bool:
        """Whether there are customers who are none of theirs."""
        return bool(self.queues) and "owner" not in self.roles

    def sees(self, queue: str, holder: str | None = None) -> bool:
        """Whether a case is theirs to see and to work on: of their queues, or given to them."""
        return not self.restricted or queue in self.queues or holder == self.id


SHELL: Final = Agent(id="shell", name="shell", roles=("owner",))
"""Whoever can read the data folder, and so its token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLine:
    """An account, for those who look after accounts. It shows no secret."""

    agent: Agent
    created_at: int
    """ms since the epoch."""
    password: bool
    """They have one."""
    tokens: tuple[str, ...]
    """Names of those that are valid."""
    sessions: int
    """Browsers that are signed in."""
    code: bool = False
    """They are asked for a code too."""
    seen_at: int | None = None
    """When they last used one of these, to the minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A line of the audit log: who did what, on what, when, from where. It never carries a message's text, nor an id of a
    customer: who is forgotten must not be found here."""

    at: int
    """ms since the epoch."""
    who: str
    """An agent's id."""
    what: str
    """``sign in``, ``agent disable``, or a call: ``POST /api/v1/handoffs/{case}/claim``."""
    target: str = ""
    address: str = ""
    """The caller's, or ``data folder`` when no server was asked."""
    outcome: str = "done"
    """``done``, ``refused``, or the status of the HTTP answer."""
