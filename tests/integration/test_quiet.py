"""A person answers from the phone, a number changes hands, a message is edited: what the bot does, and does not (P7)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import NOW, FakeMessenger, VirtualClock
from tests.integration.world import BSUID, CONVERSATION, NUMBER, PHONE, World, until
from wabox.app import build
from wabox.core.ports import SendResult
from wabox.flowfile.bot import load_bot
from wabox.settings import PLAIN, Settings
from wabox.whatsapp.webhook import parse

FLOW = """
initial: hello
timeouts: {soft: 30m, hard: 20h}
on: {human: people}
states:
  people: {handoff: {queue: desk}, ask: "A person will answer.", on: {handoff.closed: hello}}
  hello:
    ask: {text: "Hello!", buttons: {shop: Shop, two: Two}}
    on: {shop: shop, two: both}
  both: {say: [First., Second.], ask: "And?", on: {shop: shop}}
  shop:
    ask: {text: "Which size?", buttons: {small: S}}
    on: {small: over}
  over: {type: final, say: "Done."}
"""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    folder = tmp_path / "flows" / "shop"
    folder.mkdir(parents=True)
    (folder / "flow.yaml").write_text(FLOW)
    clock, messenger = VirtualClock(), FakeMessenger()
    app = await build(
        Settings(root=tmp_path, data=tmp_path / "data"), load_bot(folder), clock=clock, messenger=messenger
    )
    await app.start()
    yield World(app, messenger, clock)
    await app.stop()


async def test_a_person_on_the_phone_silences_the_bot(world: World) -> None:
    """After an echo the bot says nothing for a while, and then goes on where it stood."""
    assert await world.hear() == ["interactive"]
    assert await world.echo() == []
    assert await world.hear() == []
    assert await world.tap("shop") == []
    world.clock.now += PLAIN.pause + 1000
    assert await world.tap("shop") == ["interactive"]
    assert len(await world.said()) == 5


async def test_the_pause_is_counted_from_the_last_words(world: World) -> None:
    """Each thing that the person says begins it anew; by when it was written, not by when we heard."""
    await world.hear()
    await world.echo()
    world.clock.now += PLAIN.pause - 1000
    await world.echo()
    world.clock.now += 2000
    assert await world.hear() == []
    late = world.element(to=PHONE, to_user_id=BSUID, timestamp=str(NOW // 1000))
    world.clock.now += PLAIN.pause
    await world.post("smb_message_echoes", message_echoes=[late])
    assert await world.tap("shop") == ["interactive"]


async def test_no_nudge_while_a_person_answers(world: World) -> None:
    """A timer that comes due does its work without a word."""
    await world.hear()
    await world.echo()
    before = len(world.messenger.taken)
    world.clock.now += 31 * 60_000
    assert await world.app.store.sweep(world.clock.now, 10) == 1
    await world.rest()
    assert len(world.messenger.taken) == before


async def test_what_waits_does_not_leave_after_an_echo(world: World) -> None:
    """A person took over between two bubbles: the second one stays, with a reason that people can read."""
    await world.hear()
    world.messenger.gate.clear()
    tap = {"type": "button_reply", "button_reply": {"id": "two", "title": "Two"}}
    heard = world.element(**{"from": PHONE, "from_user_id": BSUID}, type="interactive", interactive=tap)
    before = len(world.messenger.tried)
    await world.send("messages", messages=[heard])
    await until(lambda: len(world.messenger.tried) > before)
    await world.send("smb_message_echoes", message_echoes=[world.element(to=PHONE, to_user_id=BSUID)])
    await until(lambda: not world.app.store.lanes.backlog)
    world.messenger.gate.set()
    await world.rest()
    assert [sent.body["text"]["body"] for sent in world.messenger.taken[1:]] == ["First."]
    kept = await world.app.store.deliveries(failed=True)
    assert len(kept) == 2
    assert all("from the phone" in (one.reason or "") for one in kept)


async def test_our_own_echo_is_no_person(world: World) -> None:
    """What the bot said comes back by its id; it goes on talking."""
    await world.hear()
    ours = f"wamid.OUT-{world.messenger.taken[-1].id}"
    await world.echo(id=ours)
    assert await world.tap("shop") == ["interactive"]
    assert (await world.session()).quiet_until == 0


async def test_our_own_echo_before_we_know_its_id(world: World) -> None:
    """Meta may echo a message whose POST is not answered yet: then its words tell."""
    world.messenger.results = [SendResult(verdict="unknown")] * 3
    message = world.element(**{"from": PHONE, "from_user_id": BSUID})
    value = {"metadata": {"phone_number_id": NUMBER}, "messages": [message]}
    body = {"entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}
    await world.app.accept(parse(json.dumps(body).encode(), world.clock.now))
    await until(lambda: bool(world.messenger.tried))
    sent = world.messenger.tried[0].body
    same = world.element(to=PHONE, to_user_id=BSUID, type=sent["type"], **{sent["type"]: sent[sent["type"]]})
    value = {"metadata": {"phone_number_id": NUMBER}, "message_echoes": [same]}
    body = {"entry": [{"id": "1", "changes": [{"field": "smb_message_echoes", "value": value}]}]}
    await world.app.accept(parse(json.dumps(body).encode(), world.clock.now))
    await until(lambda: not world.app.store.lanes.backlog)
    assert (await world.session()).quiet_until == 0


async def test_an_echo_before_any_message(world: World) -> None:
    """The business began the chat on the phone: it is on record, and the bot lets them talk."""
    assert await world.echo() == []
    assert await world.hear() == []
    session = await world.session()
    assert (session.snapshot, session.quiet_until) == (None, NOW + PLAIN.pause)


@pytest.mark.parametrize(
    ("field", "name", "element"),
    [
        ("standby", None, None),
        ("calls", "calls", {"event": "connect", "direction": "USER_INITIATED", "from": PHONE, "from_user_id": BSUID}),
        ("user_preferences", "user_preferences", {"user_id": BSUID, "category": "marketing_messages", "value": "stop"}),
    ],
)
async def test_what_is_about_the_customer_is_not_answered(
    world: World, field: str, name: str | None, element: Any
) -> None:
    """It is on record, moves nothing, and the address for replies stays."""
    await world.hear()
    before = await world.session()
    if name is None:
        value: dict[str, Any] = {"standby": {"messages": [world.element(**{"from_user_id": BSUID})]}}
    else:
        value = {name: [{"id": "x", "timestamp": str(world.clock.now // 1000), **element}]}
    assert await world.post(field, **value) == []
    after = await world.session()
    assert (after.snapshot, after.contact, after.sequence) == (before.snapshot, before.contact, before.sequence + 1)


async def test_what_opens_the_service_window(world: World) -> None:
    """Messages and the customer's calls do, by their own time; reactions, edits, statuses and our own calls do not."""

    async def opened() -> int | None:
        return (await world.session()).opened_at

    await world.hear(timestamp=str(NOW // 1000 - 60))
    assert await opened() == NOW - 60_000
    await world.hear(timestamp=str(NOW // 1000 - 90))
    assert await opened() == NOW - 60_000
    world.clock.now += 10_000
    await world.hear(type="reaction", reaction={"message_id": "wamid.1", "emoji": "👍"})
    await world.echo()
    call = {
        "id": "c",
        "event": "connect",
        "from_user_id": BSUID,
        "to_user_id": BSUID,
        "timestamp": str(NOW // 1000 + 5),
    }
    await world.post("calls", calls=[{**call, "direction": "BUSINESS_INITIATED"}])
    assert await opened() == NOW - 60_000
    await world.post("calls", calls=[{**call, "id": "d", "direction": "USER_INITIATED"}])
    assert await opened() == NOW + 5_000


@pytest.mark.parametrize(
    "system",
    [
        {"type": "user_changed_number", "wa_id": "5215550009999", "user_id": "MX.2", "previous_user_id": BSUID},
        {"type": "user_changed_user_id", "user_id": "MX.2", "previous_user_id": BSUID},
        {"type": "customer_identity_changed", "body": "User identity changed"},
    ],
    ids=lambda system: system["type"],
)
async def test_a_number_in_other_hands_closes_the_conversation(world: World, system: dict[str, str]) -> None:
    """What it knew is gone, silently; whoever writes next begins anew."""
    await world.hear()
    await world.tap("shop")
    assert await world.hear(type="system", system=system) == []
    session = await world.session()
    assert (session.snapshot, session.opened_at) == (None, None)
    assert await world.app.store.sweep(world.clock.now + 10**9, 10) == 0
    if "user_id" in system:
        assert session.contact is not None
        assert (session.contact.user_id, session.contact.wa_id) == ("MX.2", system.get("wa_id"))
    before = len(world.messenger.taken)
    await world.hear(from_user_id=system.get("user_id", BSUID))
    assert world.messenger.taken[before].body["interactive"]["body"]["text"] == "Hello!"
    assert (await world.session()).snapshot is not None


async def test_a_stranger_with_the_number_sees_nothing(world: World) -> None:
    """Another business-scoped id with the same phone is another conversation, whatever WhatsApp announced."""
    await world.hear()
    await world.tap("shop")
    await world.hear(from_user_id="MX.9")
    assert (await world.session()).sequence == 2
    assert (await world.session(f"{NUMBER}:MX.9")).sequence == 1


async def test_an_edit_changes_the_transcript(world: World) -> None:
    """The line reads as the message reads now, and tells what it said before."""
    await world.hear(id="wamid.M", text={"body": "two shirts"})
    edited = {"original_message_id": "wamid.M", "message": {"type": "text", "text": {"body": "three shirts"}}}
    assert await world.hear(type="edit", edit=edited) == []
    line = next(line for line in await world.app.store.transcript(CONVERSATION) if line.ref == "wamid.M")
    assert (line.body["text"], line.body["before"]) == ("three shirts", ["two shirts"])


async def test_a_deletion_leaves_nothing_of_the_words(world: World) -> None:
    """Neither of the message nor of its edits."""
    await world.hear(id="wamid.M", text={"body": "my secret"})
    edited = {"original_message_id": "wamid.M", "message": {"type": "text", "text": {"body": "my other secret"}}}
    await world.hear(type="edit", edit=edited)
    assert await world.hear(type="revoke", revoke={"original_message_id": "wamid.M"}) == []
    lines = await world.app.store.transcript(CONVERSATION)
    assert "secret" not in json.dumps([dict(line.body) for line in lines])
    assert "deleted_at" in next(line for line in lines if line.ref == "wamid.M").body
