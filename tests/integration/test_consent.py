"""Stop means stop (P11): from the words to what leaves, with the real store, sender and parser."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import FakeMessenger, VirtualClock
from tests.integration.world import BSUID, CONVERSATION, NUMBER, PHONE, World, until
from wabox.app import build
from wabox.core.consent import STOPPED, Consent, ConsentEntry
from wabox.core.delivery import DeliveryStatus, words
from wabox.core.message import Arrival, InboundMessage
from wabox.core.ports import SendResult
from wabox.flowfile.bot import load_bot
from wabox.settings import Settings
from wabox.sqlite import consents
from wabox.whatsapp.webhook import parse

OTHER = "201"
FLOW = """
initial: hello
timeouts: {soft: 30m, hard: 20h}
on: {human: people}
states:
  people: {handoff: {queue: desk}, ask: "A person will answer.", on: {handoff.closed: hello}}
  hello:
    ask: {text: "Hello!", buttons: {shop: Shop, gym: Gym}}
    on: {shop: shop, gym: gym}
  gym:
    ask: {text: "The machine?", buttons: {start: Start, halt: Parar}}
    on: {halt: hello, start: hello}
  shop:
    ask: {text: "Which size?", buttons: {small: S}}
    on: {small: over, message.text: over}
  over: {type: final, say: [One., Two., Three.]}
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


async def consent(world: World, conversation: str = CONVERSATION) -> Consent:
    return (await world.app.store.open(conversation)).consent


async def ledger(world: World, handle: str = BSUID) -> list[ConsentEntry]:
    def read(connection: Any) -> list[ConsentEntry]:
        contact = consents.find(connection, handle)
        return [] if contact is None else consents.entries(connection, contact)

    return await world.app.store.writer.submit(read)


async def events(world: World, key: str = "stopped") -> list[Any]:
    lines = await world.app.store.transcript(CONVERSATION)
    return [line.body[key] for line in lines if line.kind == "event" and key in line.body]


async def test_stop_is_confirmed_once_and_then_there_is_silence(world: World) -> None:
    """The confirmation has a button back; no nudge and no answer follows, and the ledger quotes the words."""
    await world.write("hola")
    [confirmed] = await world.write("STOP!")
    assert confirmed.startswith("You will get no more messages")
    assert await world.write("stop") == []
    world.clock.now += 2 * 3_600_000
    await world.app.fire()
    await world.rest()
    assert len(world.messenger.taken) == 2
    assert [(one.what, one.channel, one.words, one.number_id) for one in await ledger(world)] == [
        ("stop", "message", "STOP!", NUMBER),
        ("stop", "message", "stop", NUMBER),
    ]
    assert (await consent(world)).stopped


async def test_start_brings_the_bot_back_where_it_was(world: World) -> None:
    """It says so once, with the question that stood."""
    await world.write("hola")
    await world.tap("shop")
    await world.write("stop")
    [back] = await world.write("START")
    assert back.startswith("Good to have you back")
    assert "Which size?" in back
    assert await world.write("start") == ["One.", "Two.", "Three."]  # now it is the flow's again


async def test_the_button_starts_it_again(world: World) -> None:
    """So does a tap on the confirmation's button; and a button of the flow stops it."""
    await world.write("hola")
    assert await world.tap("stop_messages") == ["interactive"]
    assert await world.tap("start_messages") == ["interactive"]
    assert [one.channel for one in await ledger(world)] == ["button", "button"]
    assert not (await consent(world)).stopped


async def test_whoever_writes_after_a_stop_is_not_left_alone(world: World) -> None:
    """Thanks need no answer; the next words get one reminder, then people are asked; everything is on record."""
    await world.write("hola")
    await world.write("stop")
    assert await world.write("ok, thanks") == []
    [reminder] = await world.write("where is my order?")
    assert "write START" in reminder
    assert await world.app.store.handoffs() == []
    assert await world.write("hello??") == []
    [case] = await world.app.store.handoffs()
    assert case.reason == "writes although they asked us to stop"
    said = [line.body["text"] for line in await world.app.store.transcript(CONVERSATION) if line.kind == "in"]
    assert said == ["hola", "stop", "ok, thanks", "where is my order?", "hello??"]
    assert await events(world) == ["not answered: nothing was asked", "not answered: people are asked"]


async def test_a_person_may_answer_a_customer_who_stopped(world: World) -> None:
    """What the person types leaves; what the flow would add does not."""
    await world.write("hola")
    await world.write("human")
    assert (await world.write("stop"))[0].startswith("You will get no more")
    assert await world.write("and my order?") == []  # the person reads it
    before = len(world.messenger.taken)
    session = await world.session()
    assert session.contact is not None
    for number, type_ in enumerate(("reply", "close")):
        message = InboundMessage(
            message_id=f"agent:{number}",
            number_id=NUMBER,
            conversation_id=CONVERSATION,
            timestamp=world.clock.now,
            channel="agent",
            type=type_,
            text="It is on its way." if type_ == "reply" else None,
            payload={"claim": True},
            contact=session.contact,
        )
        await world.app.accept(Arrival(messages=(message,)))
        await world.rest()
    assert [sent.body["text"]["body"] for sent in world.messenger.taken[before:]] == ["It is on its way."]
    assert (await world.session()).snapshot is not None


async def test_the_state_decides_what_may_be_an_answer(world: World) -> None:
    """ "parar" is the option of that name where it is offered, and a stop elsewhere; STOP is one always."""
    await world.write("hola")
    await world.tap("gym")
    assert await world.write("parar") == ["Hello!"]
    await world.tap("gym")
    assert (await world.write("Stop"))[0].startswith("You will get no more")
    await world.write("start")
    await world.tap("halt")
    assert (await world.write("parar"))[0].startswith("You will get no more")


async def test_stop_holds_for_every_number_of_the_business(world: World) -> None:
    """Said to one number, heard by the other: also by a turn that began before."""
    await world.write("hola")
    assert await world.write("hola", number=OTHER) == ["Hello!"]
    session = await world.app.store.open(f"{OTHER}:{BSUID}")
    await world.write("stop")
    assert (await consent(world, f"{OTHER}:{BSUID}")).stopped
    assert (await world.app.store.open(f"{OTHER}:{BSUID}")).sequence > session.sequence
    [reminder] = await world.write("Shop", number=OTHER)
    assert "write START" in reminder


async def test_what_waits_when_stop_comes_does_not_leave(world: World) -> None:
    """Of three messages the first is on its way; the customer says stop; only the confirmation follows it."""
    await world.write("hola")
    await world.tap("shop")
    sent = len(world.messenger.tried)
    world.messenger.gate.clear()
    first = world.element(**{"from": PHONE, "from_user_id": BSUID, "text": {"body": "M"}})
    await world.app.accept(_arrival(world, first))
    await until(lambda: len(world.messenger.tried) == sent + 1)
    stop = world.element(**{"from": PHONE, "from_user_id": BSUID, "text": {"body": "stop"}})
    await world.app.accept(_arrival(world, stop))
    for _ in range(4000):
        if (await consent(world)).stopped:
            break
        await asyncio.sleep(0.001)
    world.messenger.gate.set()
    await world.rest()
    left = [one.body.get("text", {}).get("body") or "confirmed" for one in world.messenger.taken[sent:]]
    assert left == ["One.", "confirmed"]
    failed = await world.app.store.deliveries(failed=True)
    assert [one.reason for one in failed] == [STOPPED, STOPPED]
    again = await world.app.send_again(failed[0].id)
    assert again is not None
    assert again.status is DeliveryStatus.FAILED


async def test_what_did_not_leave_before_stop_is_not_tried_after_it(world: World) -> None:
    """A send under way when stop came turns out to be refused for now: it is given up."""
    await world.write("hola")
    await world.tap("shop")
    world.messenger.results = [SendResult(verdict="retry", reason="too fast", wait=0.01)]
    world.messenger.gate.clear()
    sent = len(world.messenger.tried)
    await world.app.accept(_arrival(world, world.element(**{"from": PHONE, "from_user_id": BSUID})))
    await until(lambda: len(world.messenger.tried) == sent + 1)
    stop = world.element(**{"from": PHONE, "from_user_id": BSUID, "text": {"body": "stop"}})
    await world.app.accept(_arrival(world, stop))
    for _ in range(4000):
        if (await consent(world)).stopped:
            break
        await asyncio.sleep(0.001)
    world.messenger.gate.set()
    await world.rest()
    texts = [one.body.get("text", {}).get("body") for one in world.messenger.tried[sent:]]
    assert texts == ["One.", None]
    await world.write("start")
    [failed] = [one for one in await world.app.store.deliveries(failed=True) if words(one.body) == "One."]
    await world.app.send_again(failed.id)  # they want it after all
    await world.rest()
    assert words(world.messenger.taken[-1].body) == "One."


async def test_preferences_in_whatsapp_are_marketing_only(world: World) -> None:
    """Stop in WhatsApp's own settings is an opt-out, resume an opt-in; the bot goes on answering."""

    async def prefer(value: str) -> None:
        said = {
            "user_id": BSUID,
            "category": "marketing_messages",
            "value": value,
            "timestamp": world.clock.now // 1000,
        }
        await world.post("user_preferences", contacts=[{"user_id": BSUID}], user_preferences=[said])
        world.clock.now += 1000

    await prefer("stop")
    assert (await consent(world)).marketing is False
    assert await world.write("hola") == ["Hello!"]
    await prefer("resume")
    assert (await consent(world)).advertisable
    assert [(one.what, one.channel) for one in await ledger(world)] == [
        ("opt_out", "preference"),
        ("opt_in", "preference"),
    ]


async def test_no_offers_is_no_stop(world: World) -> None:
    """ "Stop promotions" on a template ends marketing, says so, and the bot goes on."""
    await world.write("hola")
    said = await world.hear(type="button", button={"payload": "Stop promotions", "text": "Stop promotions"})
    assert said == ["text"]
    found = await consent(world)
    assert (found.marketing, found.stopped) == (False, False)
    assert await world.tap("shop") == ["interactive"]


async def test_merged_contacts_keep_what_either_said(world: World) -> None:
    """One person under two names: a stop that was said under the other name holds."""
    await world.write("hola", from_user_id=None)
    assert (await world.write("stop", from_user_id=None))[0].startswith("You will get")
    await world.write("hola", **{"from": None})
    assert not (await consent(world)).stopped
    await world.write("hola")
    assert (await consent(world)).stopped


async def test_a_stop_holds_for_the_name_that_is_merged_into_it(world: World) -> None:
    """The other name's conversation with another number goes quiet, though nothing new was said."""
    await world.write("hola", **{"from": None})
    assert (await world.write("stop", **{"from": None}))[0].startswith("You will get")
    assert await world.write("hola", number=OTHER, from_user_id=None) == ["Hello!"]
    assert await world.write("ok") == []  # with both names: they are one from now on
    before = len(world.messenger.taken)
    world.clock.now += 31 * 60_000
    await world.app.fire()
    await world.rest()
    assert [words(one.body) for one in world.messenger.taken[before:]] == []


def _arrival(world: World, element: dict[str, Any]) -> Arrival:
    value = {"metadata": {"phone_number_id": NUMBER}, "messages": [element]}
    body = json.dumps({"entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}).encode()
    return parse(body, world.clock.now)


async def test_a_refused_marketing_message_is_an_opt_out(world: World) -> None:
    """Meta's 131050 is the customer's word, too: what else waits for them is not sent."""
    await world.write("hola")
    session = await world.session()
    assert session.contact is not None
    message = InboundMessage(
        message_id="failed:1",
        number_id=NUMBER,
        conversation_id=CONVERSATION,
        timestamp=world.clock.now,
        channel="delivery",
        type="delivery.failed",
        payload={"id": "1", "code": 131050, "reason": "131050 user stopped"},
        contact=session.contact,
    )
    await world.app.accept(Arrival(messages=(message,)))
    await world.rest()
    assert (await consent(world)).marketing is False
