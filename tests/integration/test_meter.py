"""The meter: what was delivered is counted once, and stays counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import structlog
from typer.testing import CliRunner

from tests.fakes import NOW, VirtualClock
from tests.integration.storage import DAY, NUMBER, arrival, message, outbound, status, unit
from wabox.cli.main import app as commands
from wabox.core.changed import changed
from wabox.core.delivery import DeliveryStatus
from wabox.core.meter import Metered
from wabox.services.meter import Meter, month_named, month_of
from wabox.sqlite.store import SqliteStore, open_store

SERVICE = {"billable": True, "pricing_model": "PMP", "category": "service", "type": "regular"}
TEMPLATE = {"type": "template", "template": {"name": "spring", "language": {"code": "en"}}}


async def sent(store: SqliteStore, message_id: str, expected: int, **changes: Any) -> None:
    await store.put(arrival(message(message_id)))
    said = changed(outbound(message_id), **{"source": "shop", **changes})
    assert await store.commit(unit(message_id, expected=expected, sends=[said])) == "committed"


async def test_what_is_delivered_counts_once(tmp_path: Path) -> None:
    """Delivered and read are one; a price without delivery is none; a template has its name; pruning forgets nothing."""
    clock = VirtualClock()
    store = await open_store(tmp_path, clock)
    await sent(store, "m1", 0)
    await sent(store, "m2", 1, body=TEMPLATE, source="broadcast:spring")
    for said in (DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.DELIVERED, DeliveryStatus.READ):
        await store.put(status("w1", said, "m1", pricing=SERVICE))
    marketing = {"category": "marketing", "type": "regular"}
    await store.put(status("w2", DeliveryStatus.READ, "m2", pricing=marketing))
    meter = Meter(store.outgoing.metered, clock, "UTC")
    wanted = [
        Metered(
            number_id=NUMBER,
            category="marketing",
            type="regular",
            source="broadcast:spring",
            template="spring",
            delivered=1,
        ),
        Metered(number_id=NUMBER, category="service", type="regular", source="shop", delivered=1),
    ]
    (number,) = (await meter.month()).numbers
    assert list(number.rows) == wanted
    assert (number.used, number.delivered, number.billed) == (1, 2, 2)
    await store.prune(NOW + 40 * DAY)
    assert await store.delivery(outbound("m1").id) is None
    assert list((await meter.month()).numbers[0].rows) == wanted
    await store.close()


async def test_what_another_system_sent(tmp_path: Path) -> None:
    """It uses up the same free messages: counted once it is sure that it is not ours."""
    store = await open_store(tmp_path, VirtualClock())
    await store.put(status("stranger", DeliveryStatus.DELIVERED, pricing=SERVICE))
    await store.put(status("stranger", DeliveryStatus.READ))
    assert await store.outgoing.metered(0, NOW + DAY) == []
    await store.prune(NOW + 2 * DAY)
    (row,) = await store.outgoing.metered(0, NOW + DAY)
    assert (row.source, row.delivered, row.of_the_free) == ("elsewhere", 1, 1)
    await store.close()


async def test_free_entry_points_are_not_of_the_thousand() -> None:
    """Nor is what is exempt; what Meta calls free service is."""
    rows = {
        kind: Metered(number_id=NUMBER, category="service", type=kind, source="shop", delivered=5)
        for kind in ("regular", "free_customer_service", "free_entry_point", "paid_exempt")
    }
    assert {kind: row.of_the_free for kind, row in rows.items()} == {
        "regular": 5,
        "free_customer_service": 5,
        "free_entry_point": 0,
        "paid_exempt": 0,
    }


async def test_the_owner_is_warned_once() -> None:
    """At 80 % of the free messages, and when they are used up."""
    counts = iter((799, 800, 801, 999, 1000, 1001))

    async def sum_(begin: int, end: int) -> list[Metered]:
        return [Metered(number_id=NUMBER, category="service", type="regular", source="shop", delivered=next(counts))]

    meter = Meter(sum_, VirtualClock(), "Europe/Madrid")
    with structlog.testing.capture_logs() as logs:
        for _ in range(6):
            await meter.look()
    assert [line["used"] for line in logs] == [800, 1000]


def test_months_begin_where_the_bot_lives() -> None:
    """At midnight of its zone, also of one that is half an hour off."""
    india = month_named("2026-11", "Asia/Kolkata")
    utc = month_named("2026-11", "UTC")
    assert utc.begin - india.begin == 5.5 * 3_600_000
    assert month_of(utc.begin - 1, "UTC").name == "2026-10"
    assert month_of(utc.begin - 1, "Asia/Kolkata").name == "2026-11"
    assert month_named("2026-12", "UTC").end == month_named("2027-01", "UTC").begin


async def test_the_command(tmp_path: Path) -> None:
    """It says what was delivered, and how much of the free messages is used."""
    store = await open_store(tmp_path, VirtualClock())
    await sent(store, "m1", 0)
    await store.put(status("w1", DeliveryStatus.DELIVERED, "m1", pricing=SERVICE))
    await store.close()
    month = month_of(NOW, "UTC").name
    shown = CliRunner().invoke(commands, ["meter", "--month", month, "--data", str(tmp_path)])
    assert "1 of 1,000 free service messages" in shown.stdout
    as_json = CliRunner().invoke(commands, ["meter", "--month", month, "--data", str(tmp_path), "--json"])
    assert json.loads(as_json.stdout)["numbers"][0]["rows"][0]["source"] == "shop"
