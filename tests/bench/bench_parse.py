"""What it costs to check and understand one webhook: ``python -m tests.bench.bench_parse``.

Both sides get the same signed bodies on one core, and both end with a typed message object: wabox with ``verify`` and
``parse``, pywa with its signature check, its ``RawUpdate`` and the update class that its handlers get. pywa builds the first
message of a webhook only, so the batch is wabox alone. Figures are the best of many short
rounds, both sides in turns, because others share the machine.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pywa.client import WhatsApp
from pywa.types.base_update import RawUpdate

from tests.bench import machine
from tests.bench.webhooks import NUMBER_ID, SECRET, message_body, signature, status_body, user_ids
from wabox.sqlite.store import open_store
from wabox.whatsapp.signature import verify
from wabox.whatsapp.webhook import parse

NOW = 1_795_300_005_000
SECONDS = 1_795_300_000
ROUNDS, CALLS = 40, 500
BATCH = 1000


def variant(kind: str, **content: Any) -> bytes:
    """The small text message with other content."""
    payload = json.loads(message_body("wamid.1", 1, "hola", SECONDS, size=0))
    message = payload["entry"][0]["changes"][0]["value"]["messages"][0]
    del message["text"], message["referral"]
    message |= {"type": kind, **content}
    return json.dumps(payload, separators=(",", ":")).encode()


def batch(customers: int = 200, words: str | None = None) -> bytes:
    """One POST with the most updates that Meta puts into one."""
    payload = json.loads(message_body("wamid.1", 1, "hola", SECONDS, size=0))
    value = payload["entry"][0]["changes"][0]["value"]
    template, contact = value["messages"][0], value["contacts"][0]
    value["messages"], value["contacts"] = [], []
    for number in range(BATCH):
        user_id, wa_id = user_ids(number % customers)
        message = {**template, "id": f"wamid.{number}", "from": wa_id, "from_user_id": user_id}
        value["messages"].append(message if words is None else {**message, "text": {"body": words}})
        if number < customers:
            value["contacts"].append({**contact, "wa_id": wa_id, "user_id": user_id})
    return json.dumps(payload, separators=(",", ":")).encode()


async def acknowledged(body: bytes, folder: Path) -> tuple[float, float]:
    """Milliseconds from the body of one webhook to the moment when all of it is on disk, in a database that never saw any of
    these customers, and in one that did."""
    header, secrets = signature(body).encode(), (SECRET.encode(),)
    store = await open_store(folder, lambda: NOW)
    again = body.replace(b'"wamid.', b'"wamid.again.')
    signed = signature(again).encode()
    found = []
    for posted, proof in ((body, header), (again, signed)):
        begun = time.perf_counter()
        assert verify(posted, proof, secrets)
        await store.put(parse(posted, NOW))
        found.append((time.perf_counter() - begun) * 1000)
        assert (await store.stats()).dead_letters == 0
    await store.close()
    return found[0], found[1]


def bodies() -> dict[str, bytes]:
    context = {"from": "15550001111", "id": "wamid.OUT1"}
    tap = {"type": "button_reply", "button_reply": {"id": "checkout.yes", "title": "Sí"}}
    row = {"type": "list_reply", "list_reply": {"id": "size.m", "title": "Talla M", "description": "Azul"}}
    image = {"id": "300001", "mime_type": "image/jpeg", "sha256": "uV0=", "caption": "foto"}
    return {
        "text, 1 KB": message_body("wamid.1", 1, "¿Dónde está mi pedido?", SECONDS),
        "text, small": variant("text", text={"body": "hola"}),
        "button reply": variant("interactive", context=context, interactive=tap),
        "list reply": variant("interactive", context=context, interactive=row),
        "image": variant("image", image=image),
        "status": with_contact(status_body("wamid.OUT1", 1, "delivered", SECONDS, outbound_id="5f3a-0")),
    }


def with_contact(body: bytes) -> bytes:
    """pywa needs the contact that Meta adds to most statuses."""
    payload = json.loads(body)
    user_id, wa_id = user_ids(1)
    value = payload["entry"][0]["changes"][0]["value"]
    value["contacts"] = [{"profile": {"name": "Ana Pérez"}, "wa_id": wa_id, "user_id": user_id}]
    return json.dumps(payload, separators=(",", ":")).encode()


def microseconds(*works: Callable[[], object]) -> list[float]:
    """CPU time of one call of each, measured in turns so that a noisy moment meets all of them."""
    best = [float("inf")] * len(works)
    for _ in range(ROUNDS):
        for place, work in enumerate(works):
            start = time.process_time()
            for _ in range(CALLS):
                work()
            best[place] = min(best[place], (time.process_time() - start) / CALLS * 1e6)
    return best


def _once(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1e6


def with_wabox(body: bytes) -> Callable[[], object]:
    header, secrets = signature(body).encode(), (SECRET.encode(),)

    def work() -> int:
        assert verify(body, header, secrets)
        arrived = parse(body, NOW)
        assert not arrived.dead
        return len(arrived.messages) + len(arrived.statuses)

    assert work()
    return work


def with_pywa(body: bytes) -> Callable[[], object]:
    header = signature(body)
    client = WhatsApp(token="t", phone_id=NUMBER_ID, app_secret=SECRET, server=None, verify_token="v")

    def work() -> object:
        assert client.webhook_update_validator(body, header) is None
        update = RawUpdate(body, hmac_header=header, update_hash="")
        handler = client._get_handler_type(update)
        assert handler is not None
        return client._handlers_to_updates[handler].from_update(client=client, update=update)

    assert work()
    return work


def understood() -> dict[str, Counter[str]]:
    """What becomes of every sample webhook of the tests: each as its whole, with everything that Meta sends along."""
    client = WhatsApp(token="t", phone_id=None, app_secret=None, server=None, verify_token="v", filter_updates=False)
    found: dict[str, Counter[str]] = {"wabox": Counter(), "pywa": Counter()}
    logging.disable(logging.CRITICAL)
    for path in sorted((Path(__file__).parents[1] / "data" / "webhooks").glob("*.json")):
        body = path.read_bytes()
        arrived = parse(body, NOW)
        found["wabox"]["put aside" if arrived.dead else "understood"] += 1
        try:
            update = RawUpdate(body, hmac_header=None, update_hash="")
            handler = client._get_handler_type(update)
            if handler is not None:
                client._handlers_to_updates[handler].from_update(client=client, update=update)
            found["pywa"]["understood" if handler is not None else "no handler"] += 1
        except Exception:  # noqa: BLE001 - whatever it raises, its handler never sees the message
            found["pywa"]["raised"] += 1
    return found


def main() -> None:
    machine.pin(0)
    noise = machine.Noise()
    print(f"{'verify + parse':16} {'bytes':>7} {'wabox us':>9} {'msg/s':>8} {'pywa us':>9} {'msg/s':>8} {'ratio':>6}")
    for name, body in bodies().items():
        ours, theirs = microseconds(with_wabox(body), with_pywa(body))
        print(
            f"{name:16} {len(body):7} {ours:9.1f} {1e6 / ours:8.0f} {theirs:9.1f} {1e6 / theirs:8.0f} {theirs / ours:6.1f}",
            flush=True,
        )
    body = batch()
    work = with_wabox(body)
    each = min(_once(work) for _ in range(ROUNDS)) / BATCH
    print(
        f"{f'batch of {BATCH}':16} {len(body):7} {each:9.1f} {1e6 / each:8.0f}   (per message; {each * BATCH / 1000:.1f} ms)"
    )
    body = batch(BATCH, "¿Dónde está mi pedido? " * 85)
    rounds = []
    for _ in range(5):
        with TemporaryDirectory() as folder:
            rounds.append(asyncio.run(acknowledged(body, Path(folder))))
    new, known = (min(times) for times in zip(*rounds, strict=True))
    print(
        f"{BATCH} updates, {len(body) / 1e6:.1f} MB, until on disk: {new:.0f} ms of new customers, {known:.0f} ms of known ones"
    )
    for name, counts in understood().items():
        print(f"the tests' {sum(counts.values())} sample webhooks, {name}: {dict(counts)}")
    print(f"(others: {noise.cores():.2f} cores)")


if __name__ == "__main__":
    main()
