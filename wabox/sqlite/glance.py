"""A look into a data folder that another process may be using: reads, and changes nothing, not even the log.

A read-only connection neither writes nor checkpoints, so rule 1 of this package holds; it sees what was committed.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from wabox.core.broadcast import Outcome, Progress
from wabox.core.consent import ConsentEntry
from wabox.core.conversation import ConversationSummary, Record
from wabox.core.delivery import Delivery
from wabox.core.learning import Heard
from wabox.core.meter import Metered
from wabox.core.person import Person
from wabox.core.tally import Counts
from wabox.core.template import StoredTemplate
from wabox.core.version import Version
from wabox.errors import StorageError
from wabox.sqlite import (
    broadcasts,
    consents,
    conversations,
    deliveries,
    erasure,
    heard,
    meter,
    people,
    recipients,
    tallies,
    templates,
    transcript,
    versions,
)
from wabox.sqlite.broadcasts import Row
from wabox.sqlite.connection import DATABASE, read_only
from wabox.sqlite.reader import P, Query, T

NEWEST = 10_000
"""Conversations that can be found by a part of their id or of their customer's name."""
LINES = 5_000
"""Lines of a transcript."""


class Glance:
    """Use it in a ``with`` block."""

    def __init__(self, folder: Path) -> None:
        """Raises StorageError when there is no database to look into."""
        path = folder / DATABASE
        if not path.is_file():
            raise StorageError(
                f"There are no conversations in {folder}: {DATABASE} is not there. Is it the data folder?"
            )
        try:
            self._connection = read_only(path)
            self._connection.execute("PRAGMA busy_timeout = 2000").fetchall()
        except sqlite3.Error as error:
            raise StorageError(f"{path} cannot be read: {error}") from error
        self._closing = closing(self._connection)

    def __enter__(self) -> Glance:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.__exit__(None, None, None)

    def conversations(self, limit: int = NEWEST) -> list[ConversationSummary]:
        """The most recently active, newest first. Raises StorageError."""
        try:
            return conversations.list_(self._connection, limit)
        except sqlite3.Error as error:
            raise StorageError(f"The conversations cannot be read: {error}") from error

    def deliveries(self, limit: int, *, failed: bool = False) -> list[Delivery]:
        """Messages that still have to leave, or those that failed. Raises StorageError."""
        try:
            return deliveries.list_(self._connection, limit, failed=failed)
        except sqlite3.Error as error:
            raise StorageError(f"The outbox cannot be read: {error}") from error

    def delivery(self, outbound_id: str) -> Delivery | None:
        """One message of the outbox. Raises StorageError."""
        try:
            return deliveries.load(self._connection, outbound_id)
        except sqlite3.Error as error:
            raise StorageError(f"The outbox cannot be read: {error}") from error

    def find(self, words: str) -> list[Person]:
        """Customers that are meant. Raises StorageError."""
        return self._asked(people.find, words)

    def people(self, limit: int, *, stopped: bool = False) -> list[Person]:
        """The newest customers. Raises StorageError."""
        return self._asked(people.list_, limit, stopped=stopped)

    def export(self, person: Person) -> dict[str, Any]:
        """Everything that is kept about a customer. Raises StorageError."""
        return self._asked(erasure.export, person.key)

    def ledger(self, person: Person) -> list[ConsentEntry]:
        """What a customer said about being written to. Raises StorageError."""
        return self._asked(consents.entries, person.key)

    def _asked(self, query: Query[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return query(self._connection, *args, **kwargs)
        except sqlite3.Error as error:
            raise StorageError(f"The customers cannot be read: {error}. Is the folder an older wabox's?") from error

    def templates(self) -> list[StoredTemplate]:
        """As WhatsApp has them. Raises StorageError."""
        try:
            return templates.list_(self._connection)
        except sqlite3.OperationalError:
            return []  # the folder is an older wabox's
        except sqlite3.Error as error:
            raise StorageError(f"The templates cannot be read: {error}") from error

    def broadcasts(self) -> list[Row]:
        """The newest first. Raises StorageError."""
        try:
            return broadcasts.list_(self._connection)
        except sqlite3.OperationalError:
            return []  # the folder is an older wabox's
        except sqlite3.Error as error:
            raise StorageError(f"The broadcasts cannot be read: {error}") from error

    def progress(self, broadcast: int) -> Progress:
        """How far a broadcast (its key) is. Raises StorageError."""
        try:
            return recipients.progress(self._connection, broadcast)
        except sqlite3.Error as error:
            raise StorageError(f"The broadcasts cannot be read: {error}") from error

    def recipients(self, broadcast: int, limit: int, status: str | None = None) -> list[Outcome]:
        """In the order of the file. Raises StorageError."""
        try:
            return recipients.list_(self._connection, broadcast, limit, status)
        except sqlite3.Error as error:
            raise StorageError(f"The broadcasts cannot be read: {error}") from error

    def tallied(self, begin: int, end: int) -> Counts:
        """Counters by the hour, from ``begin`` to before ``end``, ms. Raises StorageError."""
        try:
            return tallies.sum_(self._connection, begin, end)
        except sqlite3.OperationalError:
            return {}  # the folder is an older wabox's
        except sqlite3.Error as error:
            raise StorageError(f"The counters cannot be read: {error}") from error

    def metered(self, begin: int, end: int) -> list[Metered]:
        """What was delivered from ``begin`` to before ``end``, ms. Raises StorageError."""
        try:
            return meter.sum_(self._connection, begin, end)
        except sqlite3.OperationalError:
            return []  # the folder is an older wabox's
        except sqlite3.Error as error:
            raise StorageError(f"The meter cannot be read: {error}") from error

    def heard(self, since: int, limit: int) -> list[Heard]:
        """What customers wrote after ``since`` (ms), in the order of time, the newest ``limit``. Raises StorageError."""
        try:
            return heard.list_(self._connection, since, limit)
        except sqlite3.Error as error:
            raise StorageError(f"The transcripts cannot be read: {error}") from error

    def versions(self, bot: str) -> list[Version]:
        """Published ones, in their order. Raises StorageError."""
        try:
            return list(versions.list_(self._connection, bot))
        except sqlite3.OperationalError:
            return []  # the folder is an older wabox's
        except sqlite3.Error as error:
            raise StorageError(f"The versions cannot be read: {error}") from error

    def transcript(self, conversation_id: str, limit: int = LINES) -> list[Record]:
        """The newest ``limit`` lines, oldest first. Raises StorageError."""
        try:
            return transcript.list_(self._connection, conversation_id, limit)
        except sqlite3.Error as error:
            raise StorageError(f"The transcript cannot be read: {error}") from error
