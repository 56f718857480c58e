"""Templates as WhatsApp has them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

import msgspec

from wabox.core.template import StoredTemplate

_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(StoredTemplate)


def list_(connection: sqlite3.Connection, name: str | None = None) -> list[StoredTemplate]:
    """All, or every language of one."""
    rows = connection.execute(
        "SELECT body FROM templates WHERE ?1 IS NULL OR name = ?1 ORDER BY name, language", (name,)
    )
    return [_decoder.decode(body) for (body,) in rows]


def save(connection: sqlite3.Connection, templates: Iterable[StoredTemplate]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO templates (name, language, body) VALUES (?, ?, ?)",
        [(one.name, one.language, _encode(one)) for one in templates],
    )


def replace(connection: sqlite3.Connection, templates: Sequence[StoredTemplate]) -> None:
    """These are all that there are now."""
    connection.execute("DELETE FROM templates")
    save(connection, templates)
