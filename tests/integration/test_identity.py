"""Whose conversation a message belongs to: what every storage adapter promises of ids that come, go and change."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import NOW
from tests.integration.storage import DAY, NUMBER, Adapter, Handler, SqliteAdapter, Storage, arrival
from wabox.core.contact import Contact, conversation_id
from wabox.core.message import Arrival, InboundMessage
from wabox.sqlite.connection import open_writer
from wabox.sqlite.migrate import MIGRATIONS, migrate

W1, W2 = "5215550002222", "5215550009999"
B1, B2 = "MX.1", "MX.2"


@pytest.fixture
async def adapter(tmp_path: Path) -> AsyncIterator[Adapter]:
    made = SqliteAdapter(tmp_path)
    yield made
    await made.aclose()


class Inbox:
    """Puts messages and tells into which conversations they went."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.seen: list[InboundMessage] = []
        self._count = 0
        self._handler = Handler(storage, self._see)
        storage.lanes.run(self._handler)

    async def _see(self, message: InboundMessage) -> None:
        self.seen.append(message)

    def message(self, user_id: str | None = None, wa_id: str | None = None, **more: Any) -> InboundMessage:
        self._count += 1
        contact = Contact(user_id=user_id, wa_id=wa_id)
        defaults: dict[str, Any] = {"number_id": NUMBER, "timestamp": NOW, "type": "text", "text": "hola"}
        fields = {**defaults, **more}
        return InboundMessage(
            message_id=f"m{self._count}",
            conversation_id=conversation_id(fields["number_id"], contact),
            contact=contact,
            **fields,
        )

    async def put(self, *messages: InboundMessage, ends: int = 0) -> list[str]:
        """Their conversations, without the number; ``ends`` more messages are expected beside them."""
        before = len(self.seen)
        await self.storage.put(arrival(*messages))
        await self._handler.until(before + len(messages) + ends)
        return [message.conversation_id.partition(":")[2] for message in self.seen[before:]]

    async def who(self, user_id: str | None = None, wa_id: str | None = None, **more: Any) -> str:
        return (await self.put(self.message(user_id, wa_id, **more)))[0]

    def moved(self, old: tuple[str | None, str | None], **system: str) -> InboundMessage:
        return self.message(*old, type="system", payload={"type": "user_changed_number", **system})


@pytest.fixture
async def inbox(adapter: Adapter) -> Inbox:
    return Inbox(await adapter.open())


async def test_the_business_scoped_id_comes_first(inbox: Inbox) -> None:
    """With it, the phone may come, go, or be spelled otherwise: the conversation is the same."""
    whos = [
        await inbox.who(B1),
        await inbox.who(B1, W1),
        await inbox.who(None, W1),
        await inbox.who(B1, "525550002222"),
    ]
    assert whos == [B1] * 4


async def test_a_customer_known_by_phone_gets_the_other_id(inbox: Inbox) -> None:
    """A conversation that began before business-scoped ids goes on under its name."""
    assert [await inbox.who(None, W1), await inbox.who(B1, W1), await inbox.who(B1)] == [W1] * 3


async def test_a_recycled_number_leads_to_a_new_conversation(inbox: Inbox) -> None:
    """A stranger who has the phone of a customer now is told apart by the business-scoped id."""
    assert await inbox.who(B1, W1) == B1
    assert await inbox.who(B2, W1) == B2
    assert await inbox.who(None, W1) == B2
    assert await inbox.who(B1) == B1


async def test_a_number_that_moves_to_a_customer_we_know(inbox: Inbox) -> None:
    """Two people with an id each are never merged, whoever has the phone now."""
    assert [await inbox.who(B1, W1), await inbox.who(B2)] == [B1, B2]
    assert await inbox.who(B2, W1) == B2
    assert [await inbox.who(None, W1), await inbox.who(B1)] == [B2, B1]


async def test_a_number_that_was_left_leads_to_a_new_conversation(inbox: Inbox) -> None:
    """After an announced change the old phone is nobody's, even for a conversation that is named after it."""
    assert await inbox.who(None, W1) == W1
    assert await inbox.put(inbox.moved((None, W1), wa_id=W2)) == [W1]
    assert await inbox.who(None, W2) == W1
    assert await inbox.who(None, W1) == f"{W1}~2"
    assert await inbox.who(None, W1) == f"{W1}~2"


@pytest.mark.parametrize(
    ("old", "system"),
    [
        ((B1, W1), {"wa_id": W2, "user_id": B2, "previous_user_id": B1}),
        ((B1, W1), {"wa_id": W2, "user_id": B2}),
        ((B2, W2), {"wa_id": W2, "user_id": B2, "previous_user_id": B1, "customer": W1}),
        ((None, W2), {"new_wa_id": W2, "user_id": B2, "customer": W1}),
        ((B1, None), {"user_id": B2, "wa_id": W2, "type": "user_changed_user_id"}),
    ],
    ids=["all", "older sample", "from the new id", "oldest sample", "without phone"],
)
async def test_a_change_links_the_new_ids(
    inbox: Inbox, old: tuple[str | None, str | None], system: dict[str, str]
) -> None:
    """In every form that WhatsApp has announced it: the new ids lead to the old conversation."""
    assert await inbox.who(B1, W1) == B1
    assert await inbox.put(inbox.moved(old, **system)) == [B1]
    assert await inbox.who(B2, W2) == B1
    assert await inbox.who(B2) == B1


async def test_a_change_that_comes_late(inbox: Inbox) -> None:
    """They wrote under the new ids before we heard: that conversation goes on, and the old ids lead nowhere."""
    assert await inbox.who(B1, W1) == B1
    assert await inbox.who(B2, W2) == B2
    assert await inbox.put(inbox.moved((B1, W1), wa_id=W2, user_id=B2, previous_user_id=B1)) == [B1]
    assert await inbox.who(B2, W2) == B2
    assert await inbox.who(None, W1) == W1


async def test_two_contacts_that_turn_out_to_be_one(inbox: Inbox) -> None:
    """Both ids at once merge them towards the business-scoped one; the other conversation is ended."""
    assert [await inbox.who(None, W1), await inbox.who(B1)] == [W1, B1]
    assert await inbox.put(inbox.message(B1, W1), ends=1) == [B1, W1]
    closing = inbox.seen[-1]
    assert (closing.channel, closing.type) == ("notice", "merged")
    assert await inbox.who(None, W1) == B1


async def test_several_merges_in_one_webhook(inbox: Inbox) -> None:
    """One of them now, the others with their next message."""
    for number in range(3):
        await inbox.who(None, f"521{number}")
        await inbox.who(f"MX.{number}")
    pairs = [inbox.message(f"MX.{number}", f"521{number}") for number in range(3)]
    assert sorted(await inbox.put(*pairs, ends=1)) == ["5210", "MX.0", "MX.1", "MX.2"]
    assert [await inbox.who(f"MX.{number}") for number in range(3)] == ["MX.0", "MX.1", "MX.2"]
    assert await inbox.put(inbox.message("MX.1", "5211"), ends=1)
    assert await inbox.who(None, "5211") == "MX.1"


async def test_the_only_conversation_is_not_left(inbox: Inbox) -> None:
    """When the business-scoped id has no conversation with this number, the one that began under the phone goes on."""
    assert await inbox.who(B1, number_id="201") == B1
    assert await inbox.who(None, W1) == W1
    assert await inbox.who(B1, W1) == W1
    assert await inbox.who(B1) == W1


async def test_one_customer_at_two_numbers(inbox: Inbox) -> None:
    """They share the contact, not the conversation."""
    await inbox.put(inbox.message(None, W1), inbox.message(B1, W1, number_id="201"))
    assert [message.conversation_id for message in inbox.seen] == [f"{NUMBER}:{W1}", f"201:{W1}"]


async def test_ids_survive_a_restart(adapter: Adapter) -> None:
    """And time: who was seen long ago is still known."""
    inbox = Inbox(await adapter.open())
    assert [await inbox.who(None, W1), await inbox.who(B1, W1)] == [W1, W1]
    inbox = Inbox(await adapter.crash())
    adapter.clock.now = NOW + 400 * DAY
    inbox._count = 100
    assert await inbox.who(B1, timestamp=NOW + 400 * DAY) == W1


async def test_a_redelivery_changes_nobody(inbox: Inbox) -> None:
    """A message that comes again after the number has moved on does not move it back."""
    first = inbox.message(B1, W1)
    await inbox.put(first)
    assert await inbox.who(B2, W1) == B2
    await inbox.storage.put(Arrival(messages=(first,)))
    assert await inbox.who(None, W1) == B2


def test_conversations_from_before_are_known(tmp_path: Path) -> None:
    """The migration makes contacts of the conversations that are there; of two with one phone the later has it."""
    old = tmp_path / "migrations"
    old.mkdir()
    for path in sorted(MIGRATIONS.glob("000[123]_*.sql")):
        (old / path.name).write_text(path.read_text())
    connection = open_writer(tmp_path / "wabox.db")
    migrate(connection, "wabox.db", old)
    rows = [
        ("1:MX.1", b'{"user_id":"MX.1","wa_id":"52"}', 10),
        ("1:MX.2", b'{"user_id":"MX.2","wa_id":"52"}', 20),
        ("2:MX.1", b'{"user_id":"MX.1","wa_id":null}', 30),
        ("1:53", b'{"user_id":null,"wa_id":"53"}', 40),
        ("1:54", None, 50),
    ]
    for row in rows:
        connection.execute(
            "INSERT INTO conversations (id, contact, sequence, updated_at, active_at) VALUES (?, ?, 1, ?, 0)", row
        )
    migrate(connection, "wabox.db")
    found = connection.execute(
        "SELECT c.handle, i.kind, i.value FROM identities i JOIN contacts c ON c.key = i.contact ORDER BY i.value, i.kind"
    ).fetchall()
    assert found == [
        ("MX.2", "wa_id", "52"),
        ("53", "wa_id", "53"),
        ("MX.1", "user_id", "MX.1"),
        ("MX.2", "user_id", "MX.2"),
    ]
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(
            "INSERT INTO identities (contact, kind, value, first_seen, last_seen) VALUES (1, 'wa_id', '52', 0, 0)"
        )
    connection.close()
