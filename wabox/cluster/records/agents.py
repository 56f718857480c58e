"""Accounts, the tokens and the browsers that speak for them, and the log of what was done: the queries, each in the
caller's transaction."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from typing import Any, Final

from wabox.core.agent import Act, Agent, AgentLine

REMEMBERED: Final = 90 * 86_400_000
"""ms that an address where somebody signed in is known as theirs."""
NAMES: Final = 10_000
"""Names under which signing in failed that are remembered."""

AGENT: Final = "a.id, a.name, a.roles, a.queues, a.skills, a.disabled, a.language"


def agent(row: Any) -> Agent:
    return Agent(
        id=row["id"],
        name=row["name"],
        roles=tuple(row["roles"]),
        queues=tuple(row["queues"]),
        skills=tuple(row["skills"]),
        disabled=row["disabled"],
        language=row["language"],
    )


async def add(connection: Any, new: Agent, password: str | None, now: int) -> bool:
    """False: the id is taken."""
    query = (
        "INSERT INTO agents (id, name, roles, queues, skills, disabled, password, created_at, language)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING RETURNING id"
    )
    lists = (list(new.roles), list(new.queues), list(new.skills))
    values = (new.id, new.name, *lists, new.disabled, password, now, new.language)
    return await connection.fetchval(query, *values) is not None


async def load(connection: Any, id_: str) -> tuple[Agent, str | None] | None:
    """The agent and their password, encoded."""
    row = await connection.fetchrow(f"SELECT {AGENT}, a.password FROM agents a WHERE a.id = $1", id_)  # noqa: S608 - ours
    return None if row is None else (agent(row), row["password"])


async def change(connection: Any, id_: str, column: str, value: object) -> bool:
    """``column``: ours. False: there is no such agent."""
    query = f"UPDATE agents SET {column} = $2 WHERE id = $1 RETURNING id"  # noqa: S608
    return await connection.fetchval(query, id_, value) is not None


async def owners(connection: Any, without: str) -> int:
    """Others who may do everything. Whoever asks at the same time waits until this transaction is over."""
    query = "SELECT id FROM agents WHERE NOT disabled AND 'owner' = ANY (roles) ORDER BY id FOR UPDATE"
    return sum(row["id"] != without for row in await connection.fetch(query))


async def lines(connection: Any, since: int, created: int) -> list[AgentLine]:
    """Everybody, by id. Sessions count when they were seen ``since`` then and were ``created`` after then, ms."""
    rows = await connection.fetch(
        f"SELECT {AGENT}, a.created_at, a.password IS NOT NULL AS password,"  # noqa: S608 - ours
        " EXISTS (SELECT 1 FROM agent_codes c WHERE c.agent = a.id) AS code,"
        " (SELECT coalesce(array_agg(t.label ORDER BY t.key), '{}') FROM agent_tokens t WHERE t.agent = a.id) AS tokens,"
        " (SELECT count(*) FROM sessions s WHERE s.agent = a.id AND s.ended_at IS NULL AND s.seen_at > $1"
        "  AND s.created_at > $2) AS sessions,"
        " greatest((SELECT max(t.seen_at) FROM agent_tokens t WHERE t.agent = a.id),"
        "  (SELECT max(s.seen_at) FROM sessions s WHERE s.agent = a.id)) AS seen_at"
        ' FROM agents a ORDER BY a.id COLLATE "C"',
        since,
        created,
    )
    return [
        AgentLine(
            agent=agent(row),
            created_at=row["created_at"],
            password=row["password"],
            code=row["code"],
            tokens=tuple(row["tokens"]),
            sessions=row["sessions"],
            seen_at=row["seen_at"],
        )
        for row in rows
    ]


# ---- tokens ------------------------------------------------------------------------------------------------------------


async def add_token(connection: Any, id_: str, label: str, hash_: bytes, now: int) -> bool:
    """In place of the one of the same name. False: there is no such agent."""
    query = (
        "INSERT INTO agent_tokens (agent, label, hash, created_at) SELECT id, $2, $3, $4 FROM agents WHERE id = $1"
        " ON CONFLICT (agent, label) DO UPDATE SET hash = $3, created_at = $4, seen_at = NULL RETURNING agent"
    )
    return await connection.fetchval(query, id_, label, hash_, now) is not None


async def revoke_token(connection: Any, id_: str, label: str) -> bool:
    query = "DELETE FROM agent_tokens WHERE agent = $1 AND label = $2 RETURNING agent"
    return await connection.fetchval(query, id_, label) is not None


async def tokens(connection: Any, hashes: Iterable[bytes] | None = None) -> Sequence[Any]:
    """Rows of agents with ``hash`` and ``seen_at``: of these tokens, or of all."""
    query = f"SELECT {AGENT}, t.hash, t.seen_at FROM agent_tokens t JOIN agents a ON a.id = t.agent"  # noqa: S608 - ours
    if hashes is None:
        return list(await connection.fetch(query))
    return list(await connection.fetch(f"{query} WHERE t.hash = ANY ($1)", list(hashes)))


# ---- browsers ----------------------------------------------------------------------------------------------------------


async def begin(connection: Any, id_: str, hash_: bytes, address: str, now: int) -> None:
    await connection.execute("DELETE FROM sessions WHERE seen_at < $1", now - REMEMBERED)
    await connection.execute(
        "INSERT INTO sessions (agent, hash, address, created_at, seen_at) SELECT id, $2, $3, $4, $4 FROM agents WHERE id = $1",
        *(id_, hash_, address, now),
    )


async def sessions(connection: Any, since: int, hashes: Iterable[bytes] | None = None) -> Sequence[Any]:
    """Rows of agents with ``hash``, ``began`` and ``seen_at``: of these cookies, or of all that were seen since then and did
    not end."""
    query = (
        f"SELECT {AGENT}, s.hash, s.created_at AS began, s.seen_at FROM sessions s"  # noqa: S608 - ours
        " JOIN agents a ON a.id = s.agent WHERE s.ended_at IS NULL AND s.seen_at > $1"
    )
    if hashes is None:
        return list(await connection.fetch(query, since))
    return list(await connection.fetch(f"{query} AND s.hash = ANY ($2)", since, list(hashes)))


async def see(connection: Any, hash_: bytes, now: int, *, token: bool) -> None:
    table = "agent_tokens" if token else "sessions"
    await connection.execute(f"UPDATE {table} SET seen_at = $2 WHERE hash = $1", hash_, now)  # noqa: S608 - ours


async def end(connection: Any, hash_: bytes, now: int) -> None:
    await connection.execute("UPDATE sessions SET ended_at = $2 WHERE hash = $1 AND ended_at IS NULL", hash_, now)


async def end_all(connection: Any, id_: str, now: int) -> int:
    """Every browser of an agent; how many."""
    query = "UPDATE sessions SET ended_at = $2 WHERE agent = $1 AND ended_at IS NULL RETURNING hash"
    return len(await connection.fetch(query, id_, now))


async def at_home(connection: Any, id_: str, address: str) -> bool:
    """Whether this agent has signed in from there in the last months."""
    query = "SELECT 1 FROM sessions WHERE agent = $1 AND address = $2 LIMIT 1"
    return await connection.fetchval(query, id_, address) is not None


# ---- refused -----------------------------------------------------------------------------------------------------------


async def login_key(connection: Any) -> bytes:
    """Drawn by whoever asks first; the same for all."""
    await connection.execute(  # two random UUIDs: PostgreSQL draws them from the system, 244 bits in all
        "INSERT INTO login_key (value) SELECT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''),"
        " 'hex') ON CONFLICT DO NOTHING"
    )
    return bytes(await connection.fetchval("SELECT value FROM login_key"))


def hashed(key: bytes, name: str) -> bytes:
    return hmac.new(key, name.encode("utf-8", "replace"), "sha256").digest()


async def refusals(connection: Any, name: bytes) -> tuple[int, int]:
    """How often in a row, and when last."""
    row = await connection.fetchrow("SELECT times, at FROM refused_logins WHERE name = $1", name)
    return (0, 0) if row is None else (row["times"], row["at"])


async def refuse(connection: Any, name: bytes, now: int) -> None:
    await connection.execute(
        "INSERT INTO refused_logins AS r (name, times, at) VALUES ($1, 1, $2)"
        " ON CONFLICT (name) DO UPDATE SET times = r.times + 1, at = $2",
        *(name, now),
    )
    if await connection.fetchval("SELECT count(*) FROM refused_logins") > NAMES:
        await connection.execute(
            "DELETE FROM refused_logins WHERE name IN (SELECT name FROM refused_logins ORDER BY at LIMIT 1000)"
        )


async def pardon(connection: Any, name: bytes) -> None:
    await connection.execute("DELETE FROM refused_logins WHERE name = $1", name)


async def turn(connection: Any, address: bytes, now: int, burst: int, every: int) -> float:
    """One more attempt: 0, or ms to wait (as :class:`wabox.services.throttle.Throttle`, for all processes at once)."""
    room = (burst - 1) * every
    await connection.execute("DELETE FROM login_turns WHERE ready < $1", now)
    taken = await connection.fetchval(
        "INSERT INTO login_turns AS t (address, ready) VALUES ($1, $2::bigint + $3)"
        " ON CONFLICT (address) DO UPDATE SET ready = greatest(t.ready, $2) + $3"
        " WHERE t.ready - $2 <= $4 RETURNING ready",
        *(address, now, every, room),
    )
    if taken is not None:
        return 0.0
    # A clock that was set back locks nobody out.
    ready = await connection.fetchval(
        "UPDATE login_turns SET ready = least(ready, $2) WHERE address = $1 RETURNING ready",
        *(address, now + room + every),
    )
    return float(max(1, (ready or now) - now - room))


# ---- the log -----------------------------------------------------------------------------------------------------------


async def record(connection: Any, act: Act) -> None:
    await connection.execute(
        "INSERT INTO audit (at, who, what, target, address, outcome) VALUES ($1, $2, $3, $4, $5, $6)",
        *(act.at, act.who, act.what, act.target, act.address, act.outcome),
    )


async def acts(connection: Any, limit: int, who: str | None = None) -> list[Act]:
    """The newest first."""
    rows = await connection.fetch(
        "SELECT at, who, what, target, address, outcome FROM audit WHERE $1::text IS NULL OR who = $1"
        " ORDER BY key DESC LIMIT $2",
        *(who, limit),
    )
    return [Act(**dict(row)) for row in rows]


async def conversation_key(connection: Any, id_: str) -> int | None:
    """What the log calls a conversation."""
    found = await connection.fetchval("SELECT key FROM conversations WHERE id = $1", id_)
    return None if found is None else int(found)
