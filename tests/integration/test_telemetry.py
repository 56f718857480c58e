"""One trace a message, from the webhook to the delivered answer, told to a real OTLP receiver, without a word of anybody's."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog
import structlog.testing
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.fakes import FakeMessenger
from tests.integration.test_metrics import FLOW, WHATSAPP
from tests.integration.world import NUMBER, PHONE, World
from tests.loopback import served
from wabox.adapters import traces_of
from wabox.app import build, wall_clock
from wabox.flowfile.bot import load_bot
from wabox.settings import Settings, load
from wabox.telemetry.otlp import OtlpTraces, traces

SECRETS = ("my card is 4111", PHONE, "wamid", "Marta")


class Collector:
    """Takes what it is sent."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        assert scope["path"] == "/v1/traces"
        self.bodies.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    def spans(self) -> list[Any]:
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [
            span
            for one in requests
            for found in one.resource_spans
            for scope in found.scope_spans
            for span in scope.spans
        ]


async def test_one_trace_a_message(tmp_path: Path) -> None:
    """Webhook, queue, turn, commit, send and delivery share a trace id; each message has its own; no words are in them."""
    folder = tmp_path / "flows" / "bread"
    folder.mkdir(parents=True)
    (folder / "flow.yaml").write_text(FLOW, encoding="utf-8")
    collector, messenger = Collector(), FakeMessenger()
    async with served(collector) as url:
        settings = replace(load(tmp_path, {"WABOX_TELEMETRY_ENDPOINT": url}), data=tmp_path / "data", whatsapp=WHATSAPP)
        app = await build(settings, load_bot(folder), messenger=messenger)
        await app.start()
        world = World(app, messenger, type("Now", (), {"now": property(lambda self: wall_clock())})())
        await world.write("hi")
        await world.write(SECRETS[0])
        sent = world.messenger.taken[-1]
        status = {"id": "wamid.a", "status": "delivered", "timestamp": "1795300000", "recipient_id": PHONE}
        await world.post("messages", number=NUMBER, statuses=[{**status, "biz_opaque_callback_data": sent.id}])
        await app.stop()
    by_trace = defaultdict(list)
    for span in collector.spans():
        by_trace[span.trace_id].append(span)
    assert len(by_trace) == 2
    names = sorted(sorted(span.name for span in found) for found in by_trace.values())
    way = ["commit", "message", "outbox", "post", "queue", "step", "turn", "webhook"]
    assert names == sorted([way, sorted([*way, "delivered"])])
    for found in by_trace.values():
        root = next(span for span in found if span.name == "message")
        assert not root.parent_span_id
        assert {span.parent_span_id for span in found if span.name in ("webhook", "queue", "turn", "post")} == {
            root.span_id
        }
        assert all(span.start_time_unix_nano <= span.end_time_unix_nano for span in found)
        assert {one.key for one in root.attributes} == {"wabox.conversation", "wabox.channel", "wabox.type"}
    everything = b"".join(collector.bodies)
    assert [secret for secret in SECRETS if secret.encode() in everything] == []


class Provider:
    """Counts the spans that are begun."""

    def __init__(self) -> None:
        from opentelemetry.sdk.trace import TracerProvider

        self.real = TracerProvider(shutdown_on_exit=False)
        self.begun = 0

    def get_tracer(self, *name: str) -> Any:
        tracer = self.real.get_tracer(*name)
        begin = tracer.start_span

        def counted(*given: Any, **more: Any) -> Any:
            self.begun += 1
            return begin(*given, **more)

        tracer.start_span = counted
        return tracer


def test_a_storm_is_not_traced() -> None:
    """Two seconds' worth at once, then as many as the rate allows; what is remembered has a bound."""
    provider, now = Provider(), 1_795_300_000_000_000_000
    found = OtlpTraces(provider, 2, lambda: now)  # type: ignore[arg-type]
    for number in range(1000):
        found.arrived(f"m{number}")
    assert provider.begun == 4
    now += 3_000_000_000
    for number in range(1000):
        found.arrived(f"n{number}")
    assert provider.begun == 8
    unbounded = OtlpTraces(provider, 0, lambda: now)  # type: ignore[arg-type]
    for number in range(5000):
        unbounded.arrived(f"o{number}")
    assert len(unbounded._ways) == 4096
    unbounded.posted("nobody knows it", "sent", 1.0)
    unbounded.delivered("nobody knows it")


def test_nothing_is_loaded_that_nobody_asked_for(tmp_path: Path) -> None:
    """Without the setting there is no tracer."""
    assert traces_of(Settings(root=tmp_path), "shop") is None
    assert load(tmp_path, {"WABOX_TELEMETRY_RATE": "3"}).telemetry is None


def test_a_collector_that_is_not_there() -> None:
    """The end waits for it half a second at most, nothing is raised, and the log says it once."""
    structlog.reset_defaults()
    with structlog.testing.capture_logs() as lines:
        found = traces("http://127.0.0.1:9", 0, "shop")
        for number in range(3):
            found.arrived(f"m{number}")
            found.stored(f"m{number}")
            found._provider.force_flush(100)  # type: ignore[attr-defined]
        found.close(0.1)
    assert [line["event"] for line in lines] == ["traces.lost"]
