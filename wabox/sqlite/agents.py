"""Accounts, the tokens and the browsers that speak for them, and the log of what was done."""

from __future__ import annotations

import hmac
import json
import sqlite3
from collections.abc import Sequence
from typing import Final

from wabox.core.agent import Act, Agent, AgentLine

REMEMBERED: Final = 90 * 86_400_000
"""ms that an address where somebody signed in is known as theirs."""
NAMES: Final = 10_000
"""Names under which signing in failed that are remembered."""

_AGENT: Final = "a.id, a.name, a.roles, a.queues, a.skills, a.disabled, a.language"


def _agent(row: Sequence[object]) -> Agent:
    id_, name, roles, queues, skills, disabled, language = row
    lists = (tuple(json.loads(str(one))) for one in (roles, queues, skills))
    return Agent(
        id=str(id_),
        name=str(name),
        roles=next(lists),
        queues=next(lists),
        skills=next(lists),
        disabled=bool(disabled),
        language=None if language is None else str(language),
    )


def add(connection: sqlite3.Connection, agent: Agent, password: str | None, now: int) -> bool:
    """False: the id is taken."""
    added = connection.execute(
        "INSERT INTO agents (id, name, roles, queues, skills, disabled, password, created_at, language)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        (
            *(agent.id, agent.name, *map(json.dumps, (agent.roles, agent.queues, agent.skills))),
            *(0, password, now, agent.language),
        ),
    )
    return added.rowcount == 1


def load(connection: sqlite3.Connection, id_: str) -> tuple[Agent, str | None] | None:
    """The agent and their password, encoded."""
    row = connection.execute(f"SELECT {_AGENT}, a.password FROM agents a WHERE a.id = ?", (id_,)).fetchone()  # noqa: S608
    return None if row is None else (_agent(row[:-1]), row[-1])


def disable(connection: sqlite3.Connection, id_: str, disabled: bool) -> bool:
    return connection.execute("UPDATE agents SET disabled = ? WHERE id = ?", (disabled, id_)).rowcount == 1


def speak(connection: sqlite3.Connection, id_: str, language: str | None) -> bool:
    return connection.execute("UPDATE agents SET language = ? WHERE id = ?", (language, id_)).rowcount == 1


def set_password(connection: sqlite3.Connection, id_: str, password: str) -> bool:
    return connection.execute("UPDATE agents SET password = ? WHERE id = ?", (password, id_)).rowcount == 1


def owners(connection: sqlite3.Connection, without: str) -> int:
    """Others who may do everything."""
    rows = connection.execute("SELECT roles FROM agents WHERE disabled = 0 AND id <> ?", (without,))
    return sum("owner" in json.loads(roles) for (roles,) in rows)


def lines(connection: sqlite3.Connection, since: int, created: int) -> list[AgentLine]:
    """Everybody, by id. Sessions count when they were seen ``since`` then and were ``created`` after then, ms."""
    found = []
    for row in connection.execute(
        f"SELECT {_AGENT}, a.key, a.created_at, a.password IS NOT NULL,"  # noqa: S608
        " EXISTS (SELECT 1 FROM agent_codes c WHERE c.agent = a.key) FROM agents a ORDER BY a.id"
    ):
        *agent, key, created_at, password, code = row
        tokens = connection.execute(
            "SELECT label, seen_at FROM agent_tokens WHERE agent = ? ORDER BY key", (key,)
        ).fetchall()
        sessions, seen = connection.execute(
            "SELECT count(*) FILTER (WHERE ended_at IS NULL AND seen_at > ?2 AND created_at > ?3), max(seen_at)"
            " FROM sessions WHERE agent = ?1",
            (key, since, created),
        ).fetchone()
        found.append(
            AgentLine(
                agent=_agent(agent),
                created_at=created_at,
                password=bool(password),
                code=bool(code),
                tokens=tuple(label for label, _ in tokens),
                sessions=sessions,
                seen_at=max(filter(None, (seen, *(at for _, at in tokens))), default=None),
            )
        )
    return found


# ---- tokens ------------------------------------------------------------------------------------------------------------


def add_token(connection: sqlite3.Connection, id_: str, label: str, hash_: bytes, now: int) -> bool:
    """In place of the one of the same name. False: there is no such agent."""
    added = connection.execute(
        "INSERT INTO agent_tokens (agent, label, hash, created_at) SELECT key, ?2, ?3, ?4 FROM agents WHERE id = ?1"
        " ON CONFLICT (agent, label) DO UPDATE SET hash = ?3, created_at = ?4, seen_at = NULL",
        (id_, label, hash_, now),
    )
    return added.rowcount == 1


def revoke_token(connection: sqlite3.Connection, id_: str, label: str) -> bool:
    gone = connection.execute(
        "DELETE FROM agent_tokens WHERE agent = (SELECT key FROM agents WHERE id = ?) AND label = ?", (id_, label)
    )
    return gone.rowcount == 1


def by_token(connection: sqlite3.Connection, hash_: bytes) -> tuple[Agent, int | None] | None:
    """Whose it is, and when it was last seen."""
    row = connection.execute(
        f"SELECT {_AGENT}, t.seen_at FROM agent_tokens t JOIN agents a ON a.key = t.agent WHERE t.hash = ?",  # noqa: S608
        (hash_,),
    ).fetchone()
    return None if row is None else (_agent(row[:-1]), row[-1])


def see_token(connection: sqlite3.Connection, hash_: bytes, now: int) -> None:
    connection.execute("UPDATE agent_tokens SET seen_at = ? WHERE hash = ?", (now, hash_))


# ---- browsers ----------------------------------------------------------------------------------------------------------


def begin(connection: sqlite3.Connection, id_: str, hash_: bytes, address: str, now: int) -> None:
    connection.execute("DELETE FROM sessions WHERE seen_at < ?", (now - REMEMBERED,))
    connection.execute(
        "INSERT INTO sessions (agent, hash, address, created_at, seen_at)"
        " SELECT key, ?2, ?3, ?4, ?4 FROM agents WHERE id = ?1",
        (id_, hash_, address, now),
    )


def by_session(connection: sqlite3.Connection, hash_: bytes) -> tuple[Agent, int, int] | None:
    """Whose it is, when it began and when it was last seen; None when it has ended."""
    row = connection.execute(
        f"SELECT {_AGENT}, s.created_at, s.seen_at FROM sessions s JOIN agents a ON a.key = s.agent"  # noqa: S608
        " WHERE s.hash = ? AND s.ended_at IS NULL",
        (hash_,),
    ).fetchone()
    return None if row is None else (_agent(row[:-2]), row[-2], row[-1])


def see(connection: sqlite3.Connection, hash_: bytes, now: int) -> None:
    connection.execute("UPDATE sessions SET seen_at = ? WHERE hash = ?", (now, hash_))


def end(connection: sqlite3.Connection, hash_: bytes, now: int) -> None:
    connection.execute("UPDATE sessions SET ended_at = ? WHERE hash = ? AND ended_at IS NULL", (now, hash_))


def end_all(connection: sqlite3.Connection, id_: str, now: int) -> int:
    """Every browser of an agent; how many."""
    ended = connection.execute(
        "UPDATE sessions SET ended_at = ? WHERE agent = (SELECT key FROM agents WHERE id = ?) AND ended_at IS NULL",
        (now, id_),
    )
    return ended.rowcount


def at_home(connection: sqlite3.Connection, id_: str, address: str) -> bool:
    """Whether this agent has signed in from there in the last months."""
    row = connection.execute(
        "SELECT 1 FROM sessions s JOIN agents a ON a.key = s.agent WHERE a.id = ? AND s.address = ? LIMIT 1",
        (id_, address),
    ).fetchone()
    return row is not None


# ---- refused -----------------------------------------------------------------------------------------------------------


def hashed(connection: sqlite3.Connection, name: str) -> bytes:
    (key,) = connection.execute("SELECT value FROM login_key").fetchone()
    return hmac.new(key, name.encode("utf-8", "replace"), "sha256").digest()


def refusals(connection: sqlite3.Connection, name: bytes) -> tuple[int, int]:
    """How often in a row, and when last."""
    row = connection.execute("SELECT times, at FROM refused_logins WHERE name = ?", (name,)).fetchone()
    return (0, 0) if row is None else (row[0], row[1])


def refuse(connection: sqlite3.Connection, name: bytes, now: int) -> None:
    connection.execute(
        "INSERT INTO refused_logins (name, times, at) VALUES (?1, 1, ?2)"
        " ON CONFLICT (name) DO UPDATE SET times = times + 1, at = ?2",
        (name, now),
    )
    if connection.execute("SELECT count(*) FROM refused_logins").fetchone()[0] > NAMES:
        connection.execute(
            "DELETE FROM refused_logins WHERE name IN (SELECT name FROM refused_logins ORDER BY at LIMIT 1000)"
        )


def pardon(connection: sqlite3.Connection, name: bytes) -> None:
    connection.execute("DELETE FROM refused_logins WHERE name = ?", (name,))


# ---- the log -----------------------------------------------------------------------------------------------------------


def record(connection: sqlite3.Connection, act: Act) -> None:
    connection.execute(
        "INSERT INTO audit (at, who, what, target, address, outcome) VALUES (?, ?, ?, ?, ?, ?)",
        (act.at, act.who, act.what, act.target, act.address, act.outcome),
    )


def acts(connection: sqlite3.Connection, limit: int, who: str | None = None) -> list[Act]:
    """The newest first."""
    rows = connection.execute(
        "SELECT at, who, what, target, address, outcome FROM audit WHERE ?1 IS NULL OR who = ?1"
        " ORDER BY key DESC LIMIT ?2",
        (who, limit),
    )
    return [
        Act(at=at, who=by, what=what, target=target, address=address, outcome=outcome)
        for at, by, what, target, address, outcome in rows
    ]


def conversation_key(connection: sqlite3.Connection, id_: str) -> int | None:
    """What the log calls a conversation: its row, which says nothing once the customer is forgotten."""
    row = connection.execute("SELECT key FROM conversations WHERE id = ?", (id_,)).fetchone()
    return None if row is None else int(row[0])
