"""Which files customers and agents sent, what became of each, and their bytes, in parts that one statement can carry.

A file may only go while no message has it: the foreign key says so, whatever happens at the same moment.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import asyncpg

from wabox.cluster.records.database import Database
from wabox.cluster.records.words import kept
from wabox.core.conversation import Record
from wabox.core.media import UPLOADED, InboundMedia, MediaStatus, Transcript, digest
from wabox.core.message import InboundMessage
from wabox.core.slot import MEDIA

PART: Final = 1 << 20
"""Bytes of one part."""
STEP: Final = 500
CHANNELS: Final = frozenset({"whatsapp", "echo", "standby"})
"""Where messages come from that may have files at Meta."""
UNWANTED: Final = 3_600_000
"""ms after which a file that no message has goes: one may be about to name it."""
_NAMES: Final = (
    *("message_id", "conversation_id", "number_id", "media_id", "type", "mime_type", "sha256", "at", "status"),
    *("attempts", "content_type", "size", "reason"),
)
_COLUMNS: Final = ", ".join("conversation" if name == "conversation_id" else name for name in _NAMES)


def spoken(message: InboundMessage) -> InboundMedia | None:
    """The file of a message, if it has one that Meta has."""
    if message.channel not in CHANNELS:
        return None
    whose = (message.conversation_id, message.number_id)
    return _announced(message.message_id, whose, message.type, message.payload, message.timestamp)


def announced(conversation_id: str, number_id: str, record: Record) -> InboundMedia | None:
    """The same from a line of the transcript."""
    body = record.body
    if record.kind != "in" or record.ref is None or body.get("channel") not in CHANNELS:
        return None
    payload = body.get("payload") or {}
    voice = payload.get("voice")  # a recording that became text
    type_, said = ("voice", voice) if isinstance(voice, dict) else (str(body.get("type")), payload)
    return _announced(record.ref, (conversation_id, number_id), type_, said, record.at)


def _announced(
    message_id: str, whose: tuple[str, str], type_: str, said: Mapping[str, Any], at: int
) -> InboundMedia | None:
    media_id, mime_type = said.get("id"), said.get("mime_type")
    if type_ not in MEDIA or not isinstance(media_id, str) or not media_id:
        return None  # without an id Meta could not get it (131052): there is nothing to ask for
    return InboundMedia(
        message_id=message_id,
        conversation_id=whose[0],
        number_id=whose[1],
        media_id=media_id,
        type=type_,
        mime_type=mime_type if isinstance(mime_type, str) else None,
        sha256=digest(said.get("sha256")),
        at=at,
    )


async def add(connection: Any, found: Iterable[InboundMedia]) -> None:
    """Remember them; one that is there stays as it is."""
    marks = ", ".join(f"${number}" for number in range(1, len(_NAMES) + 1))
    await connection.executemany(
        f"INSERT INTO media ({_COLUMNS}) VALUES ({marks}) ON CONFLICT (message_id) DO NOTHING",  # noqa: S608 - ours
        [tuple(_value(one, name) for name in _NAMES) for one in found],
    )


async def claim(connection: Any, now: int, limit: int, until: int, without: Collection[str]) -> list[InboundMedia]:
    """Those to fetch now, the longest due first; nobody else is told of them before ``until``, ms."""
    query = (
        "UPDATE media SET due_at = $3 WHERE message_id IN (SELECT message_id FROM media WHERE status = 'waiting'"  # noqa: S608 - ours
        " AND due_at <= $1 AND NOT message_id = ANY($4) ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)"
        f" RETURNING {_COLUMNS}"
    )
    rows = await connection.fetch(query, now, limit, until, list(without))
    return [_media(row) for row in rows]


async def claim_again(connection: Any, until: int, message_ids: Collection[str]) -> None:
    """These are still being fetched."""
    if message_ids:
        query = "UPDATE media SET due_at = $1 WHERE message_id = ANY($2) AND status = 'waiting' AND due_at < $1"
        await connection.execute(query, until, list(message_ids))


async def find(connection: Any, message_id: str) -> InboundMedia | None:
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM media WHERE message_id = $1", message_id)  # noqa: S608 - ours
    return None if row is None else _media(row)


async def of_conversation(connection: Any, conversation_id: str) -> list[InboundMedia]:
    """Oldest first."""
    query = f"SELECT {_COLUMNS} FROM media WHERE conversation = $1 ORDER BY at, message_id"  # noqa: S608 - ours
    return [_media(row) for row in await connection.fetch(query, conversation_id)]


async def settle(connection: Any, media: InboundMedia, due_at: int = 0) -> bool:
    """Write what became of it; False when the row is gone: somebody erased it meanwhile."""
    done = await connection.execute(
        "UPDATE media SET status = $2, sha256 = $3, attempts = $4, content_type = $5, size = $6, reason = $7, due_at = $8,"
        " file = CASE WHEN $2 = 'stored' THEN $3 END WHERE message_id = $1",
        media.message_id,
        media.status.value,
        media.sha256,
        media.attempts,
        kept(media.content_type),
        media.size,
        kept(media.reason),
        due_at,
    )
    return bool(done.endswith(" 1"))


async def hear(connection: Any, message_id: str, transcript: Transcript) -> None:
    query = "UPDATE media SET heard = $2, confidence = $3 WHERE message_id = $1"
    await connection.execute(query, message_id, kept(transcript.text), transcript.confidence)


async def heard(connection: Any, message_id: str) -> Transcript | None:
    row = await connection.fetchrow("SELECT heard, confidence FROM media WHERE message_id = $1", message_id)
    return None if row is None or row["heard"] is None else Transcript(text=row["heard"], confidence=row["confidence"])


# ---- moving ------------------------------------------------------------------------------------------------------------

Row = tuple[InboundMedia, int, str | None, float | None]
"""With the time of the next try, ms, and what was heard in it, how surely."""


async def arrive(
    connection: Any, media: InboundMedia, due_at: int, heard: str | None, confidence: float | None
) -> None:
    """A row of another store. Its bytes are here, if it has any."""
    await add(connection, [media])
    await settle(connection, media, due_at)
    if heard is not None:
        await hear(connection, media.message_id, Transcript(text=heard, confidence=confidence))


async def rows(connection: Any, message_ids: Sequence[str]) -> list[Row]:
    query = f"SELECT {_COLUMNS}, due_at, heard, confidence FROM media WHERE message_id = ANY($1)"  # noqa: S608 - ours
    return [_whole(row) for row in await connection.fetch(query, list(message_ids))]


async def page(connection: Any, after: int, limit: int) -> tuple[int, list[Row]]:
    """The next ones, and where they end."""
    query = f"SELECT {_COLUMNS}, due_at, heard, confidence, key FROM media WHERE key > $1 ORDER BY key LIMIT $2"  # noqa: S608
    found = await connection.fetch(query, after, limit)
    return (found[-1]["key"] if found else after), [_whole(row) for row in found]


# ---- the bytes ---------------------------------------------------------------------------------------------------------


async def file(connection: Any, sha256: str) -> tuple[int, bytes] | None:
    """Size and first bytes of a file that is here; it stays for the rest of the transaction."""
    row = await connection.fetchrow("SELECT size, head FROM files WHERE sha256 = $1 FOR KEY SHARE", sha256)
    return None if row is None else (row["size"], bytes(row["head"]))


async def begin(connection: Any, sha256: str, size: int, head: bytes, now: int) -> bool:
    """Name a file whose parts follow; False when it is here already."""
    done = await connection.execute(
        "INSERT INTO files (sha256, size, head, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        sha256,
        size,
        head,
        now,
    )
    return bool(done.endswith(" 1"))


async def put(connection: Any, sha256: str, part: int, body: bytes) -> None:
    await connection.execute("INSERT INTO file_parts (sha256, part, body) VALUES ($1, $2, $3)", sha256, part, body)


async def parts(connection: Any, sha256: str) -> AsyncIterator[bytes]:
    """Of a file, in order, one at a time."""
    number = 0
    query = "SELECT body FROM file_parts WHERE sha256 = $1 AND part = $2"
    while (body := await connection.fetchval(query, sha256, number)) is not None:
        yield bytes(body)
        number += 1


# ---- erasing -----------------------------------------------------------------------------------------------------------


async def erase_message(connection: Any, message_id: str) -> None:
    """Its author deleted it. The bytes go with the next look (:func:`tidy`)."""
    await connection.execute("DELETE FROM media WHERE message_id = $1", message_id)


async def erase(database: Database, conversation_ids: Sequence[str]) -> int:
    """The media of these conversations, and every file that no other one has; of how many messages. Raises Unavailable."""
    return await _erase(database, "conversation = ANY($1)", list(conversation_ids))


async def erase_before(database: Database, before: int) -> int:
    """The same for what was sent before then, ms since the epoch."""
    return await _erase(database, "at < $1", before)


async def tidy(database: Database, now: int) -> None:
    """Delete files that no message has, for some time now, and ids at Meta that are too old to be used. Raises Unavailable."""
    async with database.transaction() as connection:
        await connection.execute("DELETE FROM uploads WHERE at <= $1", now - UPLOADED)
        rows = await connection.fetch(
            "SELECT sha256 FROM files f WHERE at < $1 AND NOT EXISTS (SELECT FROM media m WHERE m.file = f.sha256)"
            " LIMIT $2",
            now - UNWANTED,
            STEP,
        )
    await _drop(database, [row["sha256"] for row in rows])


async def _erase(database: Database, where: str, value: Any) -> int:
    erased = 0
    while True:
        async with database.transaction() as connection:
            rows = await connection.fetch(
                f"DELETE FROM media WHERE key IN (SELECT key FROM media WHERE {where} LIMIT {STEP}) RETURNING file",  # noqa: S608 - ours
                value,
            )
        await _drop(database, sorted({row["file"] for row in rows if row["file"] is not None}))
        erased += len(rows)
        if len(rows) < STEP:
            return erased


async def _drop(database: Database, hashes: Sequence[str]) -> None:
    """Those that no message has."""
    for sha256 in hashes:
        try:
            async with database.transaction() as connection:
                await connection.execute(
                    "DELETE FROM files WHERE sha256 = $1 AND NOT EXISTS (SELECT FROM media WHERE file = $1)", sha256
                )
        except asyncpg.ForeignKeyViolationError:
            pass  # a message has it, since a moment ago


def _value(media: InboundMedia, name: str) -> Any:
    value = getattr(media, name)
    if isinstance(value, MediaStatus):
        return value.value
    return kept(value) if isinstance(value, str) else value


def _whole(row: Any) -> Row:
    return _media(row), row["due_at"], row["heard"], row["confidence"]


def _media(row: Any) -> InboundMedia:
    found = dict(zip(_NAMES, row, strict=False))
    return InboundMedia(**{**found, "status": MediaStatus(found["status"])})
