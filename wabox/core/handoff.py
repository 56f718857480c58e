"""The bot gives a conversation to people: waiting → claimed → closed.

One holder per conversation (promise P7). It is the *agent* while a case is claimed; the *queue* while one waits in a state
that gives the conversation to people; otherwise the *bot*, also beside a case that waits because something failed: until a
person is there, a bot that goes on is better than silence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Literal

HandoffStatus = Literal["waiting", "claimed", "closed"]
HandoffAct = Literal["claim", "decline", "reply", "note", "transfer", "close"]
"""What people do about a case."""


ALL: Final = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """A case, as it is from ``at`` on. All times are ms since the epoch."""

    id: str
    """Derived from the inbound message that caused it, so that a repeat opens no second case."""
    conversation_id: str
    status: HandoffStatus
    at: int
    """When it last changed."""
    opened_at: int
    queue: str = "default"
    priority: int = 0
    """More is sooner."""
    reason: str = ""
    """For the agent: why the customer is here."""
    agent: str | None = None
    """Who has it, or had it last: an id."""
    agent_name: str | None = None
    claimed_at: int | None = None
    """When the first person took it."""
    last_agent_at: int | None = None
    """When whoever has it last did something about it."""
    waiting_since: int | None = None
    """Since when the customer waits for an answer; None: the last word is the agent's."""
    closed_at: int | None = None
    outcome: str | None = None
    """How it ended, in a few words."""
    rating: int | None = None
    """The customer's, from 1 to 5."""
    told: str | None = None
    """What the customer was last told about the wait: ``place:least:most``, minutes."""
    offered: str | None = None
    """Whose it is to take until :attr:`offered_until`, an id; None: anybody's."""
    offered_name: str | None = None
    offered_until: int | None = None
    passed: str = ""
    """Who had it offered and did not take it since it came into its queue, ids with a space between; :data:`ALL` when
    nobody is asked any more."""
    brief: str | None = None
    """What a language model made of the conversation when the case was opened."""

    @property
    def open(self) -> bool:
        return self.status != "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a person's act."""

    refusal: str | None = None
    """Why nothing was done, for whoever wanted it; None: it is done."""

    @property
    def done(self) -> bool:
        return self.refusal is None


DONE = Outcome()


def claimed(case: Handoff, agent: str, name: str, now: int) -> Handoff:
    """The case once this agent has it."""
    return replace(
        case,
        status="claimed",
        at=now,
        agent=agent,
        agent_name=name,
        claimed_at=now if case.claimed_at is None else case.claimed_at,
        last_agent_at=now,
        **_UNOFFERED,
        passed="",
    )


_UNOFFERED: Final[dict[str, Any]] = {"offered": None, "offered_name": None, "offered_until": None}


def offered(case: Handoff, agent: str, name: str, until: int, now: int) -> Handoff:
    """The case while it is this agent's to take."""
    return replace(case, at=now, offered=agent, offered_name=name, offered_until=until)


def passed(case: Handoff, now: int) -> Handoff:
    """The case after the agent who had it offered did not take it; nobody had: it is everybody's from now on."""
    return replace(case, at=now, passed=f"{case.passed} {case.offered or ALL}".strip(), **_UNOFFERED)


def returned(case: Handoff, now: int, queue: str | None = None) -> Handoff:
    """The case back in its queue, or in another one."""
    since = now if case.waiting_since is None else case.waiting_since
    return replace(
        case,
        status="waiting",
        at=now,
        queue=queue or case.queue,
        agent=None,
        agent_name=None,
        waiting_since=since,
        **_UNOFFERED,
        passed="",
    )


def closed(case: Handoff, now: int, outcome: str) -> Handoff:
    return replace(case, status="closed", at=now, closed_at=now, outcome=outcome, waiting_since=None, **_UNOFFERED)
