"""Which files customers sent, and what became of each. The files themselves: :mod:`wabox.files.mediafolder`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from wabox.core.media import InboundMedia, MediaStatus, Transcript, digest
from wabox.core.message import InboundMessage
from wabox.core.slot import MEDIA

CHANNELS = frozenset({"whatsapp", "echo", "standby"})
"""Where messages come from that may have files at Meta."""
STEP = 500
"""Ids of conversations in one statement."""

_NAMES = (
    *("message_id", "conversation_id", "number_id", "media_id", "type", "mime_type", "sha256", "at", "status"),
    *("attempts", "content_type", "size", "reason"),
)
_COLUMNS = ", ".join(_NAMES)


def add(connection: sqlite3.Connection, message: InboundMessage, now: int) -> None:
    """Remember to fetch the file of a message that just arrived, if it has one."""
    if message.type not in MEDIA or message.channel not in CHANNELS:
        return
    media_id = message.payload.get("id")
    if not isinstance(media_id, str) or not media_id:
        return  # Meta could not get it (131052): there is nothing to ask for
    connection.execute(
        "INSERT INTO media (message_id, conversation_id, number_id, media_id, type, mime_type, sha256, at, status,"
        " attempts, due_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'waiting', 0, ?) ON CONFLICT (message_id) DO NOTHING",
        (
            message.message_id,
            message.conversation_id,
            message.number_id,
            media_id,
            message.type,
            message.payload.get("mime_type"),
            digest(message.payload.get("sha256")),
            message.timestamp,
            now,
        ),
    )


def insert(connection: sqlite3.Connection, media: InboundMedia) -> None:
    """A file that does not have to be fetched. Its conversation's erasure and its age take it as they take any other."""
    values = (
        *(getattr(media, name) for name in _NAMES[:8]),
        media.status.value,
        *(getattr(media, name) for name in _NAMES[9:]),
    )
    query = f"INSERT INTO media ({_COLUMNS}, due_at) VALUES ({', '.join('?' * len(_NAMES))}, 0)"  # noqa: S608
    connection.execute(query, values)


def due(connection: sqlite3.Connection, now: int, limit: int) -> Sequence[InboundMedia]:
    """Those to fetch now, the longest due first."""
    query = f"SELECT {_COLUMNS} FROM media WHERE status = 'waiting' AND due_at <= ? ORDER BY due_at LIMIT ?"  # noqa: S608
    return [_media(row) for row in connection.execute(query, (now, limit))]


def find(connection: sqlite3.Connection, message_id: str) -> InboundMedia | None:
    query = f"SELECT {_COLUMNS} FROM media WHERE message_id = ? AND status <> 'erased'"  # noqa: S608
    row = connection.execute(query, (message_id,)).fetchone()
    return None if row is None else _media(row)


def list_(connection: sqlite3.Connection, conversation_id: str) -> Sequence[InboundMedia]:
    """Of a conversation, oldest first."""
    query = f"SELECT {_COLUMNS} FROM media WHERE conversation_id = ? AND status <> 'erased' ORDER BY at, message_id"  # noqa: S608
    return [_media(row) for row in connection.execute(query, (conversation_id,))]


def settle(connection: sqlite3.Connection, media: InboundMedia, due_at: int) -> bool:
    """Write what became of it; False when the row is gone: somebody erased it meanwhile, and the file must go too."""
    return (
        connection.execute(
            "UPDATE media SET status = ?, sha256 = ?, attempts = ?, content_type = ?, size = ?, reason = ?, due_at = ?"
            " WHERE message_id = ? AND status <> 'erased'",
            (
                media.status.value,
                media.sha256,
                media.attempts,
                media.content_type,
                media.size,
                media.reason,
                due_at,
                media.message_id,
            ),
        ).rowcount
        == 1
    )


def hear(connection: sqlite3.Connection, message_id: str, transcript: Transcript) -> None:
    """Keep what is said in it: to ask again costs money and time."""
    query = "UPDATE media SET heard = ?, confidence = ? WHERE message_id = ? AND status <> 'erased'"
    connection.execute(query, (transcript.text, transcript.confidence, message_id))


def heard(connection: sqlite3.Connection, message_id: str) -> Transcript | None:
    row = connection.execute("SELECT heard, confidence FROM media WHERE message_id = ?", (message_id,)).fetchone()
    return None if row is None or row[0] is None else Transcript(text=row[0], confidence=row[1])


def erase(connection: sqlite3.Connection, conversation_ids: Iterable[str]) -> int:
    """Nobody may see the media of these conversations any more; how many there were.

    For a transaction that forgets a person. The files go with the next :meth:`~wabox.sqlite.medialibrary.SqliteMedia.clear`,
    also after a crash.
    """
    ids = list(conversation_ids)
    return sum(
        _erase(connection, f"conversation_id IN ({', '.join('?' * len(some))})", some)
        for some in (ids[start : start + STEP] for start in range(0, len(ids), STEP))
    )


def erase_message(connection: sqlite3.Connection, message_id: str) -> int:
    """The same for a message that its author deleted."""
    return _erase(connection, "message_id = ?", (message_id,))


def erase_before(connection: sqlite3.Connection, before: int) -> int:
    """The same for up to :data:`STEP` messages that were sent before then, ms since the epoch; for retention."""
    # What is erased has no time any more.
    where = "message_id IN (SELECT message_id FROM media WHERE at < ? AND at > 0 LIMIT ?)"
    return _erase(connection, where, (before, STEP))


def _erase(connection: sqlite3.Connection, where: str, values: Sequence[Any]) -> int:
    blank = "status = 'erased', conversation_id = '', media_id = '', at = 0, mime_type = NULL, reason = NULL"
    query = f"UPDATE media SET {blank}, heard = NULL, confidence = NULL WHERE {where} AND status <> 'erased'"  # noqa: S608
    return connection.execute(query, values).rowcount


def erased(connection: sqlite3.Connection, limit: int) -> list[tuple[str, str | None]]:
    """Message id and hash of what was erased and is still there."""
    query = "SELECT message_id, sha256 FROM media WHERE status = 'erased' LIMIT ?"
    return connection.execute(query, (limit,)).fetchall()


def delete(connection: sqlite3.Connection, message_ids: Iterable[str]) -> None:
    """The files of these, all erased, are gone: so may they."""
    query = "DELETE FROM media WHERE message_id = ? AND status = 'erased'"
    connection.executemany(query, [(message_id,) for message_id in message_ids])


def orphans(connection: sqlite3.Connection, hashes: Iterable[str]) -> list[str]:
    """Those that nobody needs."""
    query = "SELECT 1 FROM media WHERE sha256 = ? AND status <> 'erased'"
    return sorted(sha256 for sha256 in hashes if connection.execute(query, (sha256,)).fetchone() is None)


Row = tuple[InboundMedia, int, str | None, float | None]
"""With the time of the next try, ms, and what was heard in it, how surely."""


def leave(connection: sqlite3.Connection) -> list[Row]:
    """All that is not erased, the oldest first."""
    query = f"SELECT {_COLUMNS}, due_at, heard, confidence FROM media WHERE status <> 'erased' ORDER BY at, message_id"  # noqa: S608
    return [(_media(row[: len(_NAMES)]), *row[len(_NAMES) :]) for row in connection.execute(query)]


def arrive(connection: sqlite3.Connection, came: Iterable[Row]) -> int:
    """Those that are not here, or not as far; how many."""
    query = (
        f"INSERT INTO media ({_COLUMNS}, due_at, heard, confidence) VALUES ({', '.join('?' * (len(_NAMES) + 3))})"  # noqa: S608
        " ON CONFLICT (message_id) DO NOTHING"
    )
    rows = [
        (
            *(getattr(one, name) for name in _NAMES[:8]),
            one.status.value,
            *(getattr(one, name) for name in _NAMES[9:]),
            *more,
        )
        for one, *more in came
    ]
    return connection.executemany(query, rows).rowcount


def _media(row: Sequence[Any]) -> InboundMedia:
    found = dict(zip(_NAMES, row, strict=True))
    return InboundMedia(**{**found, "status": MediaStatus(found["status"])})
