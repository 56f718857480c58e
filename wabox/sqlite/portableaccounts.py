"""Accounts and the log of what was done, as they leave for a cluster or come from one: in the caller's transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator

from wabox.core.agent import Act
from wabox.core.portableaccount import Numbered, PortableAccount, PortableCode, PortableToken, merged
from wabox.sqlite import agents

EVERY = 1000


def leave(connection: sqlite3.Connection) -> list[PortableAccount]:
    """By id."""
    ids = connection.execute("SELECT id FROM agents ORDER BY id").fetchall()
    return [found for (id_,) in ids if (found := _one(connection, id_)) is not None]


def _one(connection: sqlite3.Connection, id_: str) -> PortableAccount | None:
    loaded = agents.load(connection, id_)
    if loaded is None:
        return None
    agent, password = loaded
    key, created_at = connection.execute("SELECT key, created_at FROM agents WHERE id = ?", (id_,)).fetchone()
    (changed_at,) = connection.execute(
        "SELECT max(at) FROM audit WHERE target = ? AND what LIKE 'agent %'", (id_,)
    ).fetchone()
    tokens = connection.execute(
        "SELECT label, hash, created_at, seen_at FROM agent_tokens WHERE agent = ? ORDER BY created_at, label", (key,)
    )
    code = connection.execute(
        "SELECT secret, last_step, created_at FROM agent_codes WHERE agent = ?", (key,)
    ).fetchone()
    recovery = connection.execute("SELECT hash FROM agent_recovery_codes WHERE agent = ? ORDER BY hash", (key,))
    return PortableAccount(
        agent=agent,
        password=password,
        created_at=created_at,
        changed_at=changed_at or created_at,
        tokens=tuple(
            PortableToken(label=label, hash=hash_, created_at=made, seen_at=seen)
            for label, hash_, made, seen in tokens.fetchall()
        ),
        code=None
        if code is None
        else PortableCode(
            secret=code[0],
            last_step=code[1],
            created_at=code[2],
            recovery=tuple(hash_ for (hash_,) in recovery.fetchall()),
        ),
    )


def arrive(connection: sqlite3.Connection, came: PortableAccount) -> bool:
    """False: what is here is as new, or newer."""
    there = _one(connection, came.agent.id)
    new = merged(there, came)
    if new == there:
        return False
    agent = new.agent
    if there is None:
        agents.add(connection, agent, None, new.created_at)
    lists = (json.dumps(agent.roles), json.dumps(agent.queues), json.dumps(agent.skills))
    connection.execute(
        "UPDATE agents SET name = ?, roles = ?, queues = ?, skills = ?, disabled = ?, password = ?, language = ?,"
        " created_at = ? WHERE id = ?",
        (agent.name, *lists, agent.disabled, new.password, agent.language, new.created_at, agent.id),
    )
    (key,) = connection.execute("SELECT key FROM agents WHERE id = ?", (agent.id,)).fetchone()
    for table in ("agent_tokens", "agent_codes", "agent_recovery_codes"):
        connection.execute(f"DELETE FROM {table} WHERE agent = ?", (key,))  # noqa: S608 - ours
    connection.executemany(
        "INSERT INTO agent_tokens (agent, label, hash, created_at, seen_at) VALUES (?, ?, ?, ?, ?)",
        [(key, one.label, one.hash, one.created_at, one.seen_at) for one in new.tokens],
    )
    if new.code is not None:
        connection.execute(
            "INSERT INTO agent_codes (agent, secret, last_step, created_at) VALUES (?, ?, ?, ?)",
            (key, new.code.secret, new.code.last_step, new.code.created_at),
        )
        connection.executemany(
            "INSERT INTO agent_recovery_codes (agent, hash) VALUES (?, ?)",
            [(key, hash_) for hash_ in new.code.recovery],
        )
    agents.end_all(connection, agent.id, new.changed_at)
    return True


def acts(connection: sqlite3.Connection) -> Iterator[Act]:
    """All of the log, in the order of their times."""
    rows = connection.execute("SELECT at, who, what, target, address, outcome FROM audit ORDER BY at, key")
    while page := rows.fetchmany(EVERY):
        for at, who, what, target, address, outcome in page:
            yield Act(at=at, who=who, what=what, target=target, address=address, outcome=outcome)


def digests(connection: sqlite3.Connection) -> set[str]:
    """Of every line of the log."""
    numbered = Numbered()
    return {numbered.digest(act) for act in acts(connection)}


def write(connection: sqlite3.Connection, lines: Iterable[Act]) -> None:
    for act in lines:
        agents.record(connection, act)
