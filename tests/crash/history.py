"""What must hold of the whole history, whatever happened in it: read from the database, from Meta and from the customers."""

from __future__ import annotations

import re
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tests.bench.fakegraph import Received
from wabox.engine.snapshot import decode

if TYPE_CHECKING:
    from tests.crash.world import World

REPLY = re.compile(r"(\d+): ")
NUDGE = re.compile(r"nudge (\d+)")
RACE = 1.0
"""s in which a repeat may be on its way when the status is taken."""
PERSON = "A person will answer you here."


@contextmanager
def database(data: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(data / "wabox.db", timeout=10)) as connection:
        yield connection


def waiting(data: Path) -> dict[str, int]:
    """What a server still has to do. Looks without writing, beside a server that runs."""
    with closing(sqlite3.connect(f"file:{data / 'wabox.db'}?mode=ro", uri=True, timeout=10)) as connection:
        connection.execute("PRAGMA query_only = 1")
        now = int(time.time() * 1000)
        return {
            "messages": connection.execute("SELECT count(*) FROM inbox WHERE seq > 0").fetchone()[0],
            "sends": connection.execute("SELECT count(*) FROM outbox WHERE pending = 1").fetchone()[0],
            # A nudge comes a second after the last message.
            "timers": connection.execute("SELECT count(*) FROM timers WHERE due_at < ?", (now + 60_000,)).fetchone()[0],
        }


def check(world: World, data: Path) -> Counter[str]:
    """Raises AssertionError; counts of what was looked at."""
    seen: Counter[str] = Counter()
    with database(data) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        ids = dict(connection.execute("SELECT key, id FROM conversations"))
        owner = {key: world.owner[id_.partition(":")[2]] for key, id_ in ids.items()}
        _handled_once(world, connection, owner)
        _replies(world, seen)
        _repeats(world, seen)
        _outbox(world, connection, seen)
        _timers(connection, seen)
        _holders(world, connection, owner)
    seen["messages"] = world.acknowledged
    seen["statuses refused"] = world.statuses_refused
    return seen


def _handled_once(world: World, connection: sqlite3.Connection, owner: dict[int, int]) -> None:
    """Each message that was acknowledged is in its transcript, once, in order; nothing else is, and nothing waits."""
    assert connection.execute("SELECT count(*) FROM inbox WHERE seq > 0").fetchone() == (0,)
    assert connection.execute("SELECT count(*) FROM dead_letters").fetchone() == (0,)
    lines: dict[int, list[str]] = defaultdict(list)
    for key, body in connection.execute("SELECT conversation, body FROM transcript WHERE kind = 'in' ORDER BY key"):
        record = msgspec.json.decode(body)
        if isinstance(text := record.get("text"), str) and (text == "human" or text.startswith("m")):
            lines[owner[key]].append(text)
    for customer, said in enumerate(world.said):
        assert lines[customer] == said, f"customer {customer}"


def _replies(world: World, seen: Counter[str]) -> None:
    """What reached each customer: a reply to each message, in order, that names all before it; nudges in between, once each."""
    arrived: dict[int, list[Received]] = defaultdict(list)
    for received in world.messages:
        arrived[world.owner[received.to.removeprefix("+")]].append(received)
    for customer, said in enumerate(world.said):
        order = list(dict.fromkeys(received.outbound_id for received in arrived[customer]))
        words = {received.outbound_id: received.text for received in reversed(arrived[customer])}
        # A repeat may come at once after its first copy, never behind a later reply.
        places = [order.index(received.outbound_id) for received in arrived[customer]]
        assert places == sorted(places), f"customer {customer}: {[received.text[:6] for received in arrived[customer]]}"
        for received in arrived[customer]:
            assert received.text == words[received.outbound_id]
        times = Counter(received.outbound_id for received in arrived[customer])
        ticks = said[: said.index("human")] if "human" in said else said
        count, nudged, person = 0, -1, False
        for id_ in order:
            text = words[id_]
            if found := NUDGE.fullmatch(text):
                assert int(found[1]) == count, f"customer {customer}: {text!r} after {count} messages"
                assert nudged < count, f"customer {customer}: {text!r} twice"
                assert times[id_] == 1, f"customer {customer}: {text!r} may be sent once"
                assert not person, f"customer {customer}: the bot nudges while a person has the conversation"
                nudged = count
                seen["nudges"] += 1
            elif REPLY.match(text):
                assert not person, f"customer {customer}: the bot talks while a person has the conversation"
                count += 1
                assert text == f"{count}: {', '.join(ticks[:count])}", f"customer {customer}"
            else:
                person |= text == PERSON
            seen["repeated"] += times[id_] - 1
        assert count == len(ticks), f"customer {customer}: {len(ticks) - count} replies are missing"
        assert person == ("human" in said)


def _repeats(world: World, seen: Counter[str]) -> None:
    """Why messages were repeated. None whose status had been taken before.

    Meta may have had no status to report; it may have had one that the test did not bring in time, which says nothing about
    wabox; or wabox had it offered and did not take it.
    """
    for received, reportable, offered, told in world.repeats:
        late = received.at - RACE
        assert told is None or told > late, f"{received.text[:6]!r} repeated {received.at - told} s after its status"
        if reportable is None or reportable > late:
            seen["repeated, no status"] += 1
        elif offered is None or offered > late:
            seen["repeated, the test brought its status late"] += 1
        else:
            seen["repeated, status not taken"] += 1


def _outbox(world: World, connection: sqlite3.Connection, seen: Counter[str]) -> None:
    """Nothing waits; what Meta took is there with the id that Meta gave it; what failed has a reason that people see."""
    taken: dict[str, set[str]] = defaultdict(set)
    for received in world.messages:
        taken[received.outbound_id].add(received.wamid)
    told = {ref for (ref,) in connection.execute("SELECT ref FROM transcript WHERE kind = 'status'")}
    rows: list[tuple[Any, ...]] = connection.execute("SELECT id, status, pending, wamid, reason FROM outbox").fetchall()
    for id_, status, pending, wamid, reason in rows:
        assert not pending, f"{id_} still waits as {status}"
        if status == "failed":
            assert reason, f"{id_} failed and nothing says why"
            assert id_ in told, f"{id_} failed and its conversation does not say so"
            seen["given up"] += 1
        else:
            assert status in ("sent", "delivered", "read"), f"{id_} is {status}"
            assert wamid in taken[id_], f"{id_} was sent as {wamid}, Meta has {taken[id_]}"
    assert set(taken) <= {row[0] for row in rows}, "Meta has a message that the outbox does not know"


def _timers(connection: sqlite3.Connection, seen: Counter[str]) -> None:
    """Each timer of a conversation is a row, each row a timer of its conversation."""
    rows: dict[int, dict[str, tuple[int, int]]] = defaultdict(dict)
    for key, name, armed, due in connection.execute("SELECT conversation, name, armed, due_at FROM timers"):
        rows[key][name] = (due, armed)
    for key, snapshot in connection.execute("SELECT key, snapshot FROM conversations"):
        wanted = {} if snapshot is None else dict(decode(snapshot).timers)
        assert rows.pop(key, {}) == wanted, f"conversation {key}"
        seen["timers"] += len(wanted)
    assert not rows, f"timers of nobody: {rows}"


def _holders(world: World, connection: sqlite3.Connection, owner: dict[int, int]) -> None:
    """Whoever asked for a person has one open case, nobody else has any."""
    open_ = Counter(
        owner[key] for (key,) in connection.execute("SELECT conversation FROM handoffs WHERE status <> 'closed'")
    )
    wanted = Counter(customer for customer, said in enumerate(world.said) if "human" in said)
    assert open_ == wanted
