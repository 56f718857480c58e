"""Accounts and the log of what was done, as they come from one machine or leave for one: in the caller's transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from wabox.cluster.records import agents
from wabox.core.agent import Act
from wabox.core.portableaccount import Numbered, PortableAccount, PortableCode, PortableToken, merged

EVERY = 1000


async def leave(connection: Any) -> list[PortableAccount]:
    """By id."""
    rows = await connection.fetch('SELECT id FROM agents ORDER BY id COLLATE "C"')
    return [found for row in rows if (found := await _one(connection, row["id"])) is not None]


async def _one(connection: Any, id_: str) -> PortableAccount | None:
    query = (
        f"SELECT {agents.AGENT}, a.password, a.created_at,"  # noqa: S608 - ours
        " (SELECT max(at) FROM audit WHERE target = a.id AND what LIKE 'agent %') AS changed_at,"
        " c.secret, c.last_step, c.created_at AS enrolled_at"
        " FROM agents a LEFT JOIN agent_codes c ON c.agent = a.id WHERE a.id = $1 FOR UPDATE OF a"
    )
    row = await connection.fetchrow(query, id_)
    if row is None:
        return None
    tokens = await connection.fetch(
        "SELECT label, hash, created_at, seen_at FROM agent_tokens WHERE agent = $1"
        ' ORDER BY created_at, label COLLATE "C"',
        id_,
    )
    recovery = await connection.fetch("SELECT hash FROM agent_recovery_codes WHERE agent = $1 ORDER BY hash", id_)
    return PortableAccount(
        agent=agents.agent(row),
        password=row["password"],
        created_at=row["created_at"],
        changed_at=row["changed_at"] or row["created_at"],
        tokens=tuple(PortableToken(**dict(token)) for token in tokens),
        code=None
        if row["secret"] is None
        else PortableCode(
            secret=row["secret"],
            last_step=row["last_step"],
            created_at=row["enrolled_at"],
            recovery=tuple(one["hash"] for one in recovery),
        ),
    )


async def arrive(connection: Any, came: PortableAccount) -> bool:
    """False: what is here is as new, or newer."""
    there = await _one(connection, came.agent.id)
    new = merged(there, came)
    if new == there:
        return False
    agent = new.agent
    lists = (list(agent.roles), list(agent.queues), list(agent.skills))
    await connection.execute(
        "INSERT INTO agents (id, name, roles, queues, skills, disabled, password, language, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO UPDATE SET name = $2, roles = $3, queues = $4,"
        " skills = $5, disabled = $6, password = $7, language = $8, created_at = $9",
        *(agent.id, agent.name, *lists, agent.disabled, new.password, agent.language, new.created_at),
    )
    for table in ("agent_tokens", "agent_codes", "agent_recovery_codes"):
        await connection.execute(f"DELETE FROM {table} WHERE agent = $1", agent.id)  # noqa: S608 - ours
    await connection.executemany(
        "INSERT INTO agent_tokens (agent, label, hash, created_at, seen_at) VALUES ($1, $2, $3, $4, $5)",
        [(agent.id, one.label, one.hash, one.created_at, one.seen_at) for one in new.tokens],
    )
    if new.code is not None:
        await connection.execute(
            "INSERT INTO agent_codes (agent, secret, last_step, created_at) VALUES ($1, $2, $3, $4)",
            *(agent.id, new.code.secret, new.code.last_step, new.code.created_at),
        )
        await connection.executemany(
            "INSERT INTO agent_recovery_codes (agent, hash) VALUES ($1, $2)",
            [(agent.id, hash_) for hash_ in new.code.recovery],
        )
    await agents.end_all(connection, agent.id, new.changed_at)
    return True


async def acts(connection: Any) -> AsyncIterator[Act]:
    """All of the log, in the order of their times."""
    query = "SELECT at, who, what, target, address, outcome FROM audit ORDER BY at, key"
    async for row in connection.cursor(query, prefetch=EVERY):
        yield Act(**dict(row))


async def digests(connection: Any) -> set[str]:
    """Of every line of the log."""
    numbered = Numbered()
    return {numbered.digest(act) async for act in acts(connection)}


async def write(connection: Any, lines: Sequence[Act]) -> None:
    await connection.executemany(
        "INSERT INTO audit (at, who, what, target, address, outcome) VALUES ($1, $2, $3, $4, $5, $6)",
        [(act.at, act.who, act.what, act.target, act.address, act.outcome) for act in lines],
    )
