"""Counters of delivered messages; they outlive the messages."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from wabox.core.meter import SLOT, Counted, Metered, priced


def add(
    connection: sqlite3.Connection, at: int, number_id: str, pricing: Mapping[str, Any], source: str, template: str
) -> None:
    """One more was delivered; ``at`` in ms."""
    category, type_ = priced(pricing)
    connection.execute(
        "INSERT INTO meter (slot, number_id, category, type, source, template, delivered) VALUES (?, ?, ?, ?, ?, ?, 1)"
        " ON CONFLICT DO UPDATE SET delivered = delivered + 1",
        (at // SLOT, number_id, category, type_, source, template),
    )


def sum_(connection: sqlite3.Connection, begin: int, end: int) -> list[Metered]:
    """What was delivered from ``begin`` to before ``end``, ms, most first."""
    rows = connection.execute(
        "SELECT number_id, category, type, source, template, sum(delivered) AS n FROM meter WHERE slot >= ? AND slot < ?"
        " GROUP BY number_id, category, type, source, template ORDER BY number_id, n DESC, category, source, template",
        (-(-begin // SLOT), -(-end // SLOT)),
    )
    return [
        Metered(number_id=number, category=category, type=type_, source=source, template=template, delivered=count)
        for number, category, type_, source, template, count in rows
    ]


def rows(connection: sqlite3.Connection) -> Counted:
    """All of it."""
    found = connection.execute("SELECT slot, number_id, category, type, source, template, delivered FROM meter")
    return {row[:6]: row[6] for row in found}


def raise_to(connection: sqlite3.Connection, came: Counted) -> None:
    """What another store counted, where it is more."""
    connection.executemany(
        "INSERT INTO meter (slot, number_id, category, type, source, template, delivered) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET delivered = max(delivered, excluded.delivered)",
        [(*kind, n) for kind, n in came.items()],
    )
