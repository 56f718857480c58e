"""What our own side begins on a cluster: templates, what messages cost, and broadcasts that survive their leader."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes import NOW
from tests.integration.clustered import FOLDER, ClusterAdapter
from tests.integration.meta import TEMPLATES
from tests.integration.storage import NUMBER as FROM
from tests.integration.storage import outbound, status, unit
from tests.integration.test_alarms import website
from tests.integration.test_broadcast import PHONES, csv
from tests.integration.test_cluster_desk import NUMBER, Business, ready, until
from wabox.app import wall_clock
from wabox.core.changed import changed
from wabox.core.consent import ConsentEntry, fold
from wabox.core.delivery import DeliveryStatus, StatusUpdate
from wabox.core.message import Arrival
from wabox.core.template import StoredTemplate
from wabox.errors import Unavailable, WaboxError
from wabox.services.meter import Meter
from wabox.services.planning import BroadcastRequest
from wabox.whatsapp.webhook import parse

if FOLDER is None:
    pytest.skip("packaging/cluster/up was not run", allow_module_level=True)

from wabox.cluster.records import meter
from wabox.cluster.store import ClusterStore
from wabox.clusterapp import ClusterApp

SERVICE = {"billable": True, "pricing_model": "PMP", "category": "service", "type": "regular"}
SPRING = {"type": "template", "template": {"name": "spring", "language": {"code": "en"}}}


@pytest.fixture
async def business(tmp_path: Path) -> AsyncIterator[Business]:
    await ready()
    async with website() as web:
        made = Business(tmp_path, web)
        (made.folder / "templates.yaml").write_text(TEMPLATES, encoding="utf-8")
        made.settings = replace(made.settings, rate=0, hold=0, number_id=NUMBER)
        yield made
        await made.stop()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ClusterStore]:
    adapter = ClusterAdapter(tmp_path)
    yield (await adapter.open()).store
    await adapter.aclose()


def reminder(count: int, **changes: object) -> BroadcastRequest:
    wanted = {"name": "spring", "csv": csv(PHONES[:count]), "template": "visit_reminder", "rate": 4800.0}
    return BroadcastRequest(**{**wanted, **changes})  # type: ignore[arg-type]


def reached(business: Business) -> list[str]:
    return [str(one.body["to"]) for one in business.messenger.taken if one.body["type"] == "template"]


async def leader(apps: list[ClusterApp]) -> ClusterApp:
    async def leads() -> ClusterApp | None:
        return next((one for one in apps if one.desk.leader.leads.is_set()), None)

    return await until(leads)  # type: ignore[no-any-return]


async def ticked(apps: list[ClusterApp], name: str = "spring") -> None:
    """As the scheduler does, in every process, until it is over."""

    async def over() -> bool:
        for app in apps:
            await app.advance()
        return (await apps[0].outward.broadcasts.report(name)).broadcast.status != "running"

    await until(over)


async def test_everybody_once_though_the_leader_dies(business: Business) -> None:
    """It is begun at one process and goes on by whoever leads; who was put into a lane and not marked is written to once."""
    web, *workers = [await business.process(role) for role in ("web", "worker", "worker")]
    plan = await web.outward.broadcasts.start(reminder(60))
    assert (plan.started, plan.recipients) == (True, 60)
    first = await leader(workers)
    put = first.store._ingress.publish
    first.store._ingress.publish = dying(put)  # type: ignore[method-assign]
    with pytest.raises(Unavailable, match="in the middle"):
        await ticked([first])
    assert (await web.outward.broadcasts.report("spring")).progress.waiting == 60, "nobody is marked"
    await business.gone(first.desk.leader.backend, first)
    first.store._ingress.publish = put  # type: ignore[method-assign]
    await leader(workers)
    await ticked([web, *workers])
    assert sorted(reached(business)) == sorted(PHONES[:60])
    report = await web.outward.broadcasts.report("spring")
    assert (report.broadcast.status, report.progress.statuses) == ("done", {"sent": 60})
    with pytest.raises(WaboxError, match="already"):
        await web.outward.broadcasts.start(reminder(1))


def dying(put):  # type: ignore[no-untyped-def]
    async def then_gone(messages) -> None:  # type: ignore[no-untyped-def]
        await put(messages)
        raise Unavailable("in the middle")

    return then_gone


async def test_consent_is_asked_where_the_conversation_is(business: Business) -> None:
    """Who never agreed is a bad row; who says STOP between the plan and their turn is skipped; who is known by a user id is
    found by their phone, and written to there."""
    web, worker = await business.process("web"), await business.process("worker")
    for number, phone in enumerate(PHONES[:3]):
        name = f"{NUMBER}:{phone[1:] if number else 'MX.1'}"
        said = ConsentEntry(at=wall_clock(), what="opt_in", channel="command")
        contact = {"user_id": None if number else "MX.1", "wa_id": phone[1:]}
        first = unit(f"o{number}", name="x", at=wall_clock(), snapshot=None)
        await worker.store.commit(
            changed(
                first,
                conversation_id=name,
                number_id=NUMBER,
                contact=changed(first.contact, **contact),
                consents=(said,),
                consent=fold([said]),
                handled=(),
            )
        )
    await worker.store.settled()
    text = "phone,1\n" + "".join(f"{one},A\n" for one in PHONES[:4])
    request = reminder(0, csv=text, template="spring", skip_bad=True)
    plan = await web.outward.broadcasts.start(request)
    assert (plan.recipients, [line for line, _ in plan.shown]) == (3, [5])
    stop = ConsentEntry(at=wall_clock(), what="stop", channel="message")
    (person,) = await worker.store.register.find(PHONES[1])
    await worker.store.register.enter(person.key, stop)
    await ticked([web, worker])
    assert sorted(reached(business)) == [PHONES[0], PHONES[2]]
    assert {one.conversation_id for one in business.messenger.taken} == {f"{NUMBER}:MX.1", f"{NUMBER}:{PHONES[2][1:]}"}
    assert (await web.outward.broadcasts.report("spring")).progress.statuses == {"sent": 2, "skipped": 1}


async def test_bad_news_pauses_it_and_what_waits_is_recalled(business: Business) -> None:
    web, worker = await business.process("web"), await business.process("worker")
    await web.outward.broadcasts.start(reminder(40, rate=600.0))
    await leader([worker])

    async def some() -> bool:
        await worker.advance()
        return len(reached(business)) > 2

    await until(some)
    last = business.messenger.taken[-1]
    failed = StatusUpdate(
        wamid=f"wamid.OUT-{last.id}",
        number_id=NUMBER,
        status=DeliveryStatus.FAILED,
        timestamp=wall_clock(),
        outbound_id=last.id,
        code=131048,
        reason="131048: no",
    )
    await web.accept(Arrival(statuses=(failed,)))
    await ticked([web, worker])
    report = await web.outward.broadcasts.report("spring")
    assert (report.broadcast.status, report.broadcast.reason[:6]) == ("paused", "131048")
    assert report.progress.waiting > 0
    stopped = await web.outward.broadcasts.stop("spring")
    assert stopped.broadcast.status == "stopped"
    shown = [json.loads(line) for line in (await asyncio.to_thread(_show, business)).splitlines()]
    assert {one["status"] for one in shown} >= {"waiting", "failed"}


def _show(business: Business) -> str:
    import os

    from typer.testing import CliRunner

    from wabox.cli.main import app

    before = Path.cwd()
    os.chdir(business.settings.root)
    try:
        return CliRunner().invoke(app, ["broadcast", "show", "spring", "--json"], catch_exceptions=False).output
    finally:
        os.chdir(before)


async def test_what_whatsapp_says_of_templates_is_kept(business: Business) -> None:
    """A webhook, at any process: known to all, and a broadcast does not begin with one that is paused."""
    web, worker = await business.process("web"), await business.process("worker")
    approved = StoredTemplate(
        name="visit_reminder",
        language="en",
        category="utility",
        status="APPROVED",
        components=(),
        asked_at=wall_clock(),
    )
    await worker.store.outgoing.replace_templates([approved, changed(approved, language="es")])
    value = {
        "event": "PAUSED",
        "message_template_id": 1,
        "message_template_name": "visit_reminder",
        "message_template_language": "en",
    }
    envelope = {"entry": [{"id": "1", "changes": [{"field": "message_template_status_update", "value": value}]}]}
    await web.accept(parse(json.dumps(envelope).encode(), wall_clock()))

    async def paused() -> bool:
        return {one.status for one in await web.outward.templates.known()} == {"PAUSED", "APPROVED"}

    await until(paused)
    await worker.store.outgoing.replace_templates([approved])
    assert [one.language for one in await web.outward.templates.known()] == ["en"]


async def test_what_is_delivered_counts_once(store: ClusterStore) -> None:
    """Delivered and read are one; a price without delivery is none; a template has its name; what others sent counts later."""
    for number, more in enumerate(({"source": "shop"}, {"body": SPRING, "source": "broadcast:spring"})):
        said = changed(outbound(f"m{number}"), **more)
        assert await store.commit(unit(f"m{number}", expected=number, snapshot=None, sends=[said])) == "committed"
    await store.settled()
    for said in (DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.DELIVERED, DeliveryStatus.READ):
        await store.events.take(status("w1", said, "m0", pricing=SERVICE))
    marketing = {"category": "marketing", "type": "regular"}
    await store.events.take(status("w2", DeliveryStatus.READ, "m1", pricing=marketing))
    await store.events.take(status("w3", DeliveryStatus.READ, None, pricing=marketing))
    counted = Meter(store.outgoing.metered, lambda: NOW, "UTC")

    async def rows() -> list[tuple[str, str, str, int]]:
        (number,) = (await counted.month()).numbers
        assert number.number_id == FROM
        return [(one.category, one.source, one.template, one.delivered) for one in number.rows]

    wanted = [("marketing", "broadcast:spring", "spring", 1), ("service", "shop", "", 1)]
    assert await rows() == wanted
    for _ in range(2):
        await meter.fold(store.database)
        assert await rows() == wanted
    await store.prune(NOW + 2 * 86_400_000)
    assert await rows() == [wanted[0], ("marketing", "elsewhere", "", 1), wanted[1]]
