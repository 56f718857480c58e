"""What being observed costs: a message's whole way in one process, with and without metrics and traces, side by side.

``python -m tests.bench.bench_observe [MESSAGES ROUNDS]``. Webhook bodies are parsed, stored (real SQLite, synchronous=FULL),
handled and sent to a WhatsApp that answers at once; the collector is another process. Rounds alternate, so that what else the
machine does hits each alike; CPU is the process's own. The first scrape of a process imports Prometheus's client (0.1 s, once
in its life) and is not counted; one at the end of each round is, which is several times as often as scrapes come.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench import machine
from tests.fakes import FakeMessenger
from wabox import app as product
from wabox.core.histogram import Histogram
from wabox.core.measures import Measures
from wabox.errors import Unavailable
from wabox.flowfile.bot import load_bot
from wabox.settings import Secret, Settings, WhatsAppSettings
from wabox.settings.models import TelemetrySettings
from wabox.web.metrics import exposition
from wabox.whatsapp.webhook import parse

BOT = Path(__file__).parents[2] / "flows" / "shop"
MESSAGES, ROUNDS = (int(given) for given in (sys.argv[1:] or ("3000", "5")))
AT_ONCE = 25
WHATSAPP = WhatsAppSettings(app_secrets=(Secret("s"),), verify_token=Secret("v"), access_token=Secret("t"))
MODES = ("nothing", "metrics", "metrics and traces", "every message traced")


COLLECTOR = """
import http.server
class Takes(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200); self.send_header("content-length", "0"); self.end_headers()
    def log_message(self, *given): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Takes)
print(server.server_port, flush=True)
server.serve_forever()
"""


class Blind(Measures):
    """Measures nothing."""

    def __init__(self, traces: Any = None) -> None:
        super().__init__()
        silent = type("Silent", (Histogram,), {"observe": lambda self, value: None})()
        self.wait = self.lateness = self.delivery = self.ack = silent
        self.turns = type("All", (dict,), {"__missing__": lambda self, key: silent})()
        self.posts = self.turns

    def arrived(self, message_id: str, now: int) -> None: ...
    def stored(self, message_id: str) -> None: ...
    def begins(self, message_id: str, now: int) -> int | None: ...
    def leaves(self, outbound_id: str, arrived: int) -> None: ...
    def posted(self, outbound_id: str, verdict: str, seconds: float) -> None: ...
    def delivered(self, outbound_id: str | None, now: int) -> None: ...


def body(number: int) -> bytes:
    who = f"34600{number % 300:06}"
    message = {
        **{"id": f"wamid.{number}", "from": who, "timestamp": str(int(time.time())), "type": "text"},
        "text": {"body": ("hello", "products", "menu")[number % 3]},
    }
    value = {"metadata": {"phone_number_id": "200"}, "messages": [message]}
    return json.dumps({"entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}).encode()


async def stored(app: product.App, one: bytes) -> None:
    """Brought again until it is taken, as Meta does: this machine's disk may be busy with others."""
    while True:
        try:
            await app.accept(parse(one, app.clock()))
            return
        except Unavailable:
            await asyncio.sleep(0.05)


async def round_(mode: str, url: str) -> tuple[float, float]:
    """Wall and CPU seconds."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(root=Path(folder), data=Path(folder) / "data", whatsapp=WHATSAPP, rate=0)
        if "trace" in mode:
            rate = 0.0 if mode.startswith("every") else 5.0
            settings = replace(settings, telemetry=TelemetrySettings(endpoint=url, rate=rate))
        product.Measures = Blind if mode == "nothing" else Measures  # type: ignore[misc, attr-defined]
        app = await product.build(settings, load_bot(BOT), messenger=FakeMessenger())
        await app.start()
        if mode != "nothing":
            exposition(await app.figures.samples())
        bodies = [body(number) for number in range(MESSAGES)]
        began, cpu = time.perf_counter(), time.process_time()
        for at in range(0, MESSAGES, AT_ONCE):
            await asyncio.gather(*(stored(app, one) for one in bodies[at : at + AT_ONCE]))
        while app.store.lanes.backlog or (await app.store.stats()).outbox:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.002)
        if mode != "nothing":
            exposition(await app.figures.samples())
        wall, spent = time.perf_counter() - began, time.process_time() - cpu
        await app.stop()
        return wall, spent


async def main() -> None:
    import structlog

    structlog.configure(logger_factory=structlog.ReturnLoggerFactory(), processors=[lambda *given: ""])
    noise = machine.Noise()
    found: dict[str, list[tuple[float, float]]] = {mode: [] for mode in MODES}
    collector = subprocess.Popen([sys.executable, "-c", COLLECTOR], stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220 - once, before anything is measured
    assert collector.stdout
    url = f"http://127.0.0.1:{int(collector.stdout.readline())}"
    await round_(MODES[1], url)
    for turn in range(ROUNDS):
        for mode in MODES if turn % 2 else reversed(MODES):
            found[mode].append(await round_(mode, url))
    collector.terminate()
    collector.wait()
    print(f"{MESSAGES} messages a round, {ROUNDS} rounds, alternating; medians; others: {noise.cores():.2f} cores")
    plain = found["nothing"]
    for mode, rounds in found.items():
        cost = median(one[1] / base[1] - 1 for one, base in zip(rounds, plain, strict=True))
        each = 1e6 * median(one[1] for one in rounds) / MESSAGES
        rate = MESSAGES / median(one[0] for one in rounds)
        print(f"{mode:22} {each:6.0f} µs of CPU a message, {rate:6.0f} messages/s, cost {100 * cost:+.1f} %")


if __name__ == "__main__":
    asyncio.run(main())
