"""What is measured is told, under names that Prometheus takes, to those who have a token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from tests.fakes import FakeMessenger, VirtualClock
from tests.integration.world import NUMBER, PHONE, World
from wabox.app import build
from wabox.core.figure import FIGURES
from wabox.flowfile.bot import load_bot
from wabox.settings import Secret, Settings, WhatsAppSettings
from wabox.web.metrics import exposition, metrics_route
from wabox.web.server import asgi_app

FLOW = """
language: en
initial: hello
timeouts: {soft: 30m, hard: 20h}
on: {human: people}
states:
  hello: {ask: Hello!, on: {message.text: item}}
  item: {ask: {text: Which bread?, buttons: {bread: Rye}}, on: {bread: done}}
  people: {handoff: {reason: asked}, ask: A person comes., on: {handoff.closed: hello}}
  done: {type: final, say: Thank you.}
"""
WHATSAPP = WhatsAppSettings(app_secrets=(Secret("s"),), verify_token=Secret("v"), access_token=Secret("t"))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    folder = tmp_path / "flows" / "bread"
    folder.mkdir(parents=True)
    (folder / "flow.yaml").write_text(FLOW, encoding="utf-8")
    clock, messenger = VirtualClock(), FakeMessenger()
    settings = Settings(root=tmp_path, data=tmp_path / "data", whatsapp=WHATSAPP)
    app = await build(settings, load_bot(folder), clock=clock, messenger=messenger)
    await app.start()
    yield World(app, messenger, clock)
    await app.stop()


async def scraped(world: World) -> dict[str, float]:
    """Every sample, as ``name{label=value}``; of histograms the count and the sum."""
    text, _ = exposition(await world.app.figures.samples())
    found = {}
    for family in plain(text.decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sample.labels.items() if name != "le")
            found[sample.name + (f"{{{labels}}}" if labels else "")] = sample.value
    return found


async def test_a_message_is_counted_on_its_way(world: World) -> None:
    """From the webhook to the delivered answer, each part once."""
    await world.write("hi")
    sent = world.messenger.taken[-1]
    world.clock.now += 4_000
    status = {
        "id": "wamid.answer",
        "status": "delivered",
        "timestamp": str(world.clock.now // 1000),
        "recipient_id": PHONE,
    }
    await world.post("messages", number=NUMBER, statuses=[{**status, "biz_opaque_callback_data": sent.id}])
    found = await scraped(world)
    assert found["wabox_queue_wait_seconds_count"] == 1
    assert sum(value for name, value in found.items() if name.startswith("wabox_turn_seconds_count")) == 1
    assert found["wabox_send_seconds_count{verdict=sent}"] == len(world.messenger.taken)
    assert (found["wabox_delivery_seconds_count"], found["wabox_delivery_seconds_sum"]) == (1, 4.0)
    assert found["wabox_writer_commit_seconds_count"] == found["wabox_writer_batch_operations_count"] > 1
    assert (found["wabox_inbox_messages"], found["wabox_outbox_messages"], found["wabox_conversations"]) == (0, 0, 1)
    assert found["process_resident_memory_bytes"] > 10_000_000


async def test_what_is_said_is_counted_from_the_transcript(world: World) -> None:
    """Begun, entered, misunderstood, handed over, expired; and once, however often somebody looks."""
    for words in ("hi", "a word", "purple", "a human please"):
        await world.write(words)
    await scraped(world)
    found = await scraped(world)
    assert found["wabox_conversations_started_total{flow=bread}"] == 1
    assert found["wabox_messages_total{channel=whatsapp,type=text}"] == 4
    assert found["wabox_state_entries_total{flow=bread,state=hello}"] == 1
    assert found["wabox_state_entries_total{flow=bread,state=item}"] == 1
    # "a word" was nobody's intent either, but the state listens to any text: there was nothing to understand.
    assert found["wabox_understood_total{tier=fallback}"] == 2
    assert found["wabox_fallbacks_total{cause=unknown}"] == 1
    assert found["wabox_handoffs_total{intent=human}"] == found["wabox_handoffs_waiting"] == 1
    assert found["wabox_conversations_in_state{flow=bread,state=people}"] == 1
    assert found["wabox_outbound_messages_total"] == len(world.messenger.taken)


async def test_whoever_comes_back_or_does_not_is_counted(world: World) -> None:
    await world.write("hi")
    await world.write("a word")
    world.clock.now += 40 * 60_000
    await world.app.fire()
    await world.rest()
    await world.tap("bread")
    await world.write("hi")
    await world.write("again")
    world.clock.now += 21 * 3_600_000
    await world.app.fire()
    await world.rest()
    found = await scraped(world)
    assert found["wabox_returns_total{after=nudged}"] == 1
    assert found["wabox_conversations_ended_total{flow=bread,outcome=done,state=done}"] == 1
    assert found["wabox_conversations_ended_total{flow=bread,outcome=expired,state=item}"] == 1
    assert found["wabox_conversations_started_total{flow=bread}"] == 2


async def test_counters_survive_and_count_once(tmp_path: Path, world: World) -> None:
    """What the store has is what was said, whether the process counted it or a person's look did."""
    await world.write("hi")

    async def stored() -> float:
        hours = await world.app.store.tallies.sum(0, world.clock.now + 1)
        return sum(n for found in hours.values() for tally, n in found.items() if tally.name == "messages_total")

    assert await stored() == 1
    await world.app.tallies.fold()
    await world.app.tallies.fold()
    assert await stored() == 1
    await world.write("and again")
    assert await stored() == 2


async def test_a_timer_says_how_late_it_is(world: World) -> None:
    await world.write("hi")
    world.clock.now += 30 * 60_000 + 7_000
    await world.app.fire()
    await world.rest()
    found = await scraped(world)
    assert (found["wabox_timer_lateness_seconds_count"], found["wabox_timer_lateness_seconds_sum"]) == (1, 7.0)


async def test_both_formats_can_be_read(world: World) -> None:
    """Prometheus asks for OpenMetrics; everybody else gets the older text."""
    await world.write("hi")
    samples = await world.app.figures.samples()
    text, kind = exposition(samples, "application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    names = {family.name for family in openmetrics(text.decode())}
    assert names == {FIGURES[sample.name].full.removesuffix("_total") for sample in samples}


async def test_metrics_need_a_token(world: World) -> None:
    """Behind a proxy everybody comes from this machine, so the address is no proof."""
    asgi = asgi_app(world.app, WHATSAPP, [metrics_route(world.app.figures, "for the monitor", "the owner's")])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(asgi), base_url="http://127.0.0.1") as client:
        assert (await client.get("/metrics")).status_code == 401
        assert (await client.get("/metrics", headers={"authorization": "Bearer x"})).status_code == 401
        await client.post("/webhook", content=b"{}")
        for token in ("for the monitor", "the owner's"):
            answer = await client.get("/metrics", headers={"authorization": f"Bearer {token}"})
            assert answer.status_code == 200
            assert 'wabox_webhooks_total{status="401"} 1.0' in answer.text
