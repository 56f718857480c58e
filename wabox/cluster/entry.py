"""What the unit-of-work script writes beside the state, for the record store: one line of a partition's stream.

An entry is known by its conversation and the version of its document, so one that is read twice is stored once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wabox.cluster.document import Document, Mark
from wabox.core.conversation import Record, UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    conversation_id: str
    version: int
    """Of the document that it made."""
    at: int
    """ms since the epoch."""
    unit: UnitOfWork | None = None
    marks: tuple[Mark, ...] = ()
    """What became of messages."""
    lines: tuple[Record, ...] = ()
    """Of the transcript, by themselves."""

    @classmethod
    def of(
        cls, document: Document, *, unit: UnitOfWork | None = None, marks: Sequence[Mark] = (), at: int = 0
    ) -> Entry:
        """What made ``document``."""
        return cls(
            conversation_id=document.session.conversation_id,
            version=document.version,
            at=at if unit is None else unit.at,
            unit=unit,
            marks=tuple(marks),
        )
