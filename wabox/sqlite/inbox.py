"""Messages that wait to be handled.

A row is a *slot*: when its message is handled it stays, marked as free, and a later message takes it over in place.
Deleting and inserting instead would free and fetch pages all the time: as soon as a few messages wait, seven page writes of
twenty-five per message, and a quarter of the bytes.

Which slots are free, and which one a waiting message has, is known in memory (:class:`Inbox`): this process is the only one
that writes, and the places of a few thousand messages at most need no index on disk.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from wabox.core.message import InboundMessage

Row = tuple[int, InboundMessage]
"""A message with its number in the order of arrival."""

TIMER = "timer:"
"""How the ids of timers' messages begin, and no others."""

encode = msgspec.json.Encoder().encode
"""Raises when a message is not JSON (half a surrogate pair, say)."""
_decoder = msgspec.json.Decoder(InboundMessage)


class Place(NamedTuple):
    slot: int
    seq: int
    """The number in the order of arrival, never given twice: a place that was vacated is not mistaken for its successor."""


_NOTHING: Mapping[str, Place] = {}


class Waits(NamedTuple):
    """A conversation that has something to handle."""

    conversation_id: str
    first: int
    last: int
    """The numbers of its messages: nothing of it waits before, nothing after."""
    timer: bool
    """All of them are timers: no customer waits."""


class Inbox:
    """Who is where. Lives on the event loop; changes only by what is committed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Also clears the slots that are free: a short table to begin with, and nothing of what is over."""
        connection.execute("DELETE FROM inbox WHERE seq = 0")
        self._places: dict[str, dict[str, Place]] = {}
        """By conversation and message."""
        self._slot = self._seq = 0
        for slot, seq, conversation_id, message_id in connection.execute(
            "SELECT slot, seq, conversation_id, message_id FROM inbox"
        ):
            self._places.setdefault(conversation_id, {})[message_id] = Place(slot, seq)
            self._slot, self._seq = max(self._slot, slot), max(self._seq, seq)
        self._free: list[int] = []

    def __len__(self) -> int:
        return sum(map(len, self._places.values()))

    def reserve(self, count: int) -> list[Place]:
        """Places for messages that an operation may add; give back with :meth:`free` what it did not use."""
        places = []
        for _ in range(count):
            if self._free:
                slot = self._free.pop()
            else:
                self._slot += 1
                slot = self._slot
            self._seq += 1
            places.append(Place(slot, self._seq))
        return places

    def free(self, places: Iterable[Place]) -> None:
        self._free.extend(place.slot for place in places)

    def added(self, reserved: Sequence[Place], rows: Sequence[Row]) -> None:
        """An operation that had ``reserved`` committed these."""
        slots = {place.seq: place for place in reserved}
        for seq, message in rows:
            self._places.setdefault(message.conversation_id, {})[message.message_id] = slots.pop(seq)
        self.free(slots.values())

    def waiting(self) -> list[Waits]:
        """Every conversation that has something to handle, in the order of their first messages."""
        found = []
        for conversation_id, places in self._places.items():
            numbers = [place.seq for place in places.values()]
            timer = all(message_id.startswith(TIMER) for message_id in places)
            found.append(Waits(conversation_id, min(numbers), max(numbers), timer))
        found.sort(key=lambda one: one.first)
        return found

    def following(self, conversation_id: str, seq: int, limit: int) -> list[Place]:
        """The next ``limit`` of a conversation after that number; the table has no index that would know it."""
        later = [place for place in self._places.get(conversation_id, _NOTHING).values() if place.seq > seq]
        later.sort(key=lambda place: place.seq)
        return later[:limit]

    def find(self, conversation_id: str, message_ids: Iterable[str]) -> list[Place]:
        """Where those of these messages are that wait."""
        places = self._places.get(conversation_id, _NOTHING)
        return [places[message_id] for message_id in message_ids if message_id in places]

    def settled(self, conversation_id: str, message_ids: Iterable[str]) -> None:
        """These were handled, and that is committed."""
        places = self._places.get(conversation_id)
        if places is None:
            return
        self._free.extend(places.pop(message_id).slot for message_id in message_ids if message_id in places)
        if not places:
            del self._places[conversation_id]

    def dismiss(self, conversation_id: str) -> None:
        """Nothing waits in this conversation any more: somebody deleted it, and that is committed."""
        self._free.extend(place.slot for place in self._places.pop(conversation_id, {}).values())


def add(connection: sqlite3.Connection, place: Place, message: InboundMessage, body: bytes) -> Row:
    connection.execute(
        "INSERT OR REPLACE INTO inbox (slot, seq, conversation_id, message_id, body) VALUES (?, ?, ?, ?, ?)",
        (place.slot, place.seq, message.conversation_id, message.message_id, body),
    )
    return place.seq, message


def settle(connection: sqlite3.Connection, places: Iterable[Place]) -> list[Place]:
    """Mark these as handled; those of them that waited."""
    statement = "UPDATE inbox SET seq = 0 WHERE slot = ? AND seq = ?"
    return [place for place in places if connection.execute(statement, place).rowcount]


def restore(connection: sqlite3.Connection, settled: Iterable[Place]) -> None:
    """They wait all the same."""
    connection.executemany("UPDATE inbox SET seq = ?2 WHERE slot = ?1", settled)


def load(connection: sqlite3.Connection, after: int, limit: int) -> tuple[list[Row], dict[int, str]]:
    """The next ``limit`` messages, and why some cannot be read, by number. Looks through the whole table."""
    found = connection.execute("SELECT seq, body FROM inbox WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit))
    return _decoded(found.fetchall())


def load_at(connection: sqlite3.Connection, places: Iterable[Place]) -> tuple[list[Row], dict[int, str]]:
    """The messages that wait at these places still, and why some cannot be read, by number."""
    statement = "SELECT seq, body FROM inbox WHERE slot = ? AND seq = ?"
    found = (connection.execute(statement, place).fetchone() for place in places)
    return _decoded(row for row in found if row is not None)


def _decoded(found: Iterable[tuple[int, bytes]]) -> tuple[list[Row], dict[int, str]]:
    rows: list[Row] = []
    unreadable: dict[int, str] = {}
    for seq, body in found:
        try:
            rows.append((seq, _decoder.decode(body)))
        except msgspec.DecodeError as error:
            unreadable[seq] = str(error)
    return rows, unreadable


def bury(connection: sqlite3.Connection, unreadable: dict[int, str], now: int) -> None:
    """Make dead letters of these, so that what cannot be read does not stand in the way of what can."""
    for seq, reason in unreadable.items():
        connection.execute(
            "INSERT INTO dead_letters (at, reason, raw) SELECT ?, ?, body FROM inbox WHERE seq = ?", (now, reason, seq)
        )
        connection.execute("UPDATE inbox SET seq = 0 WHERE seq = ?", (seq,))


def count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM inbox WHERE seq > 0").fetchone()[0])
