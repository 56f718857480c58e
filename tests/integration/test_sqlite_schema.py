"""Migrations, the readable schema, pragmas and query plans."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from tests.fakes import VirtualClock
from wabox.core.broadcast import Broadcast
from wabox.core.delivery import Attempt, DeliveryStatus
from wabox.errors import StorageError
from wabox.sqlite import conversations, failures, inbox, outbox, recipients, timers
from wabox.sqlite.connection import open_reader, open_writer
from wabox.sqlite.migrate import MIGRATIONS, SCHEMA, migrate, migrations, version
from wabox.sqlite.store import open_store


def schema(connection: sqlite3.Connection) -> dict[str, str]:
    """Name → SQL of every table and index, without comments and layout."""
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")
    plain = {name: " ".join(re.sub(r"--[^\n]*", "", sql).split()) for name, sql in rows}
    return {name: re.sub(r" ?([(),]) ?", r"\1", sql) for name, sql in plain.items()}


def test_the_readable_schema_is_what_the_migrations_make(tmp_path: Path) -> None:
    """schema.sql and the migrations describe the same database."""
    migrated = open_writer(tmp_path / "migrated.db")
    migrate(migrated, "migrated.db")
    read = open_writer(tmp_path / "read.db")
    read.executescript(SCHEMA.read_text())
    assert schema(migrated) == schema(read)
    assert len(schema(read)) > 10
    migrated.close()
    read.close()


def test_migrations_are_numbered_without_gaps() -> None:
    """They run from 1 upwards, one file each."""
    assert [number for number, _ in migrations()] == list(range(1, len(migrations()) + 1))
    assert all(path.parent == MIGRATIONS for _, path in migrations())


def test_migrating_again_changes_nothing(tmp_path: Path) -> None:
    """A database that is up to date is left alone."""
    connection = open_writer(tmp_path / "wabox.db")
    migrate(connection, "wabox.db")
    before = connection.total_changes, schema(connection)
    migrate(connection, "wabox.db")
    assert (connection.total_changes, schema(connection)) == before
    assert version(connection) == migrations()[-1][0]
    connection.close()


async def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    """A wabox that is too old says so, touches nothing and lets go of the folder."""
    store = await open_store(tmp_path, VirtualClock())
    await store.writer.submit(lambda connection: connection.execute("PRAGMA user_version = 999").fetchall())
    await store.close()
    for _ in range(2):
        with pytest.raises(StorageError, match="newer wabox .schema 999, this one knows [0-9]+.: install that version"):
            await open_store(tmp_path, VirtualClock())


def test_a_migration_that_fails_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    """Nothing of it stays, nor of those before it that were to be applied with it: the copy is of what there was."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_first.sql").write_text("CREATE TABLE one (a);")
    (folder / "0002_second.sql").write_text("CREATE TABLE two (a); INSERT INTO nowhere VALUES (1);")
    (folder / "0003_third.sql").write_text("CREATE TABLE three (a);")
    connection = open_writer(tmp_path / "wabox.db")
    with pytest.raises(StorageError, match="could not be upgraded to schema 2: no such table: nowhere"):
        migrate(connection, "wabox.db", folder)
    assert version(connection) == 0
    assert schema(connection).keys() == set()
    (folder / "0002_second.sql").write_text("CREATE TABLE two (a);")
    migrate(connection, "wabox.db", folder)
    assert version(connection) == 3
    assert schema(connection).keys() == {"one", "two", "three"}
    connection.close()


def test_the_writer_syncs_every_commit(tmp_path: Path) -> None:
    """The pragmas that the promise rests on hold on the connection that writes."""
    connection = open_writer(tmp_path / "wabox.db")
    held = {
        name: connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "page_size")
    }
    assert held == {"journal_mode": "wal", "synchronous": 2, "page_size": 2048}
    connection.close()


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    """A mistake in a query cannot become a second writer."""
    writer = open_writer(tmp_path / "wabox.db")
    migrate(writer, "wabox.db")
    reader = open_reader(tmp_path / "wabox.db")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM inbox")
    reader.close()
    writer.close()


def test_a_pragma_that_does_not_hold_is_reported() -> None:
    """A database that cannot keep a log (here: one in memory) is refused with the reason."""
    with pytest.raises(StorageError, match="journal_mode = memory where wal was asked for"):
        open_writer(Path(":memory:"))


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """The sentence names the file."""
    (tmp_path / "wabox.db").write_bytes(b"not a database, and longer than a page header" * 100)
    with pytest.raises(StorageError, match=r"wabox\.db cannot be opened: file is not a database"):
        open_writer(tmp_path / "wabox.db")


def test_frequent_queries_use_their_index(tmp_path: Path) -> None:
    """However large the tables grow, what runs all the time looks only at its own rows."""
    connection = open_writer(tmp_path / "wabox.db")
    migrate(connection, "wabox.db")
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    outbox.load(connection, "c", 10, 1)
    outbox.list_due(connection, 1)
    failures.has_untold(connection)
    failures.tell(connection, [inbox.Place(1, 1)], 1)
    outbox.list_unsent(connection)
    outbox.count_pending(connection)
    conversations.load(connection, "c")
    conversations.list_(connection, 10)
    timers.take_due(connection, 1, [inbox.Place(1, 1)])
    outbox.mark_sent(connection, Attempt(outbound_id="a", status=DeliveryStatus.SENT, at=1, wamid="w"))
    connection.set_trace_callback(None)
    plans = [" / ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")) for sql in statements]
    for plan, index in zip(
        plans,
        (
            "outbox_pending",
            "outbox_due",
            "outbox_untold",
            "outbox_untold",
            "outbox_pending",
            "outbox_pending",
            "conversations_1",
            "contacts_1",
            "conversations_active",
            "timers_wake",
            "outbox_1",
        ),
        strict=True,
    ):
        assert index in plan, plan
        assert "SCAN" not in plan or f"INDEX {index}" in plan, plan
    connection.close()


def test_the_next_recipients_are_not_searched_for(tmp_path: Path) -> None:
    """A broadcast takes a few at a time: the many that wait behind them are neither read nor sorted."""
    connection = open_writer(tmp_path / "wabox.db")
    migrate(connection, "wabox.db")
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    spring = Broadcast(
        name="spring",
        number_id="1",
        template="t",
        purpose="marketing",
        category="MARKETING",
        rate=60,
        max_failures=5,
        created_at=1,
    )
    recipients.enter(connection, 1, spring, 1, [inbox.Place(1, 1)])
    connection.set_trace_callback(None)
    [query] = statements
    plan = [row[-1] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}")]
    assert plan == ["SEARCH recipients USING INDEX recipients_progress (broadcast=? AND status=? AND code=?)"]
    connection.close()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT c.key FROM identities i JOIN contacts c ON c.key = i.contact"
        " WHERE i.value = 'a' AND i.kind = 'b' AND i.replaced_at IS NULL",
        "UPDATE identities SET replaced_at = 1 WHERE value = 'a' AND kind = 'b' AND replaced_at IS NULL",
        "UPDATE identities SET replaced_at = 1 WHERE contact = 1 AND kind = 'b' AND replaced_at IS NULL",
        "UPDATE conversations SET sequence = 1 WHERE substr(id, instr(id, ':') + 1) = 'a' AND id IS NOT 'b'",
        "SELECT 1 FROM conversations c JOIN outbox o ON o.conversation = c.key AND o.pending = 1"
        " WHERE substr(c.id, instr(c.id, ':') + 1) = 'a'",
        "SELECT key FROM contacts WHERE merged_into = 1",
        "SELECT key FROM consents WHERE contact = 1",
    ],
)
def test_ids_are_looked_up(tmp_path: Path, query: str) -> None:
    """Every message asks whose id it carries: no such question reads the whole table."""
    connection = open_writer(tmp_path / "wabox.db")
    migrate(connection, "wabox.db")
    plan = [row[-1] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}")]
    assert plan
    assert not any("SCAN" in step for step in plan), plan
    connection.close()
