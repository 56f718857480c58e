"""One trace a message, to an OTLP collector.

Spans are made when they are over, from the times that wabox measures anyway. A trace costs about as much as handling its
message, so traces begin at a pace that is bounded (``[telemetry] rate``, a second): a small business sees every message, a
storm is not slowed. What happened before a restart is not joined to what comes after it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import structlog

from wabox import __version__
from wabox.core.traces import Turned
from wabox.errors import SettingsError

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

log = structlog.get_logger(__name__)

QUIET: Final = 600.0
"""s between two lines about traces that are lost."""
REMEMBERED: Final = 4096
"""Messages on their way whose trace is known."""
SECOND: Final = 1_000_000_000


class _Way:
    """A message's trace so far; ns since the epoch."""

    __slots__ = ("begun", "context", "root", "stored")

    def __init__(self, root: Span, context: Context, begun: int) -> None:
        self.root = root
        self.context = context
        self.begun = begun
        self.stored = 0
        """0: nobody said so yet."""


class OtlpTraces:
    """See :class:`wabox.core.traces.Traces`."""

    def __init__(self, provider: TracerProvider, rate: float, now: Callable[[], int] = time.time_ns) -> None:
        """``rate``: traces that may begin a second, 0: any number; two seconds' worth may begin at once."""
        from opentelemetry import trace

        self._set = trace.set_span_in_context
        self._provider = provider
        self._tracer = provider.get_tracer("wabox", __version__)
        self._now = now
        self._rate = rate
        self._allowance, self._at = max(1.0, 2 * rate), now()
        self._ways: dict[str, _Way] = {}
        self._leaving: dict[str, tuple[Context, int]] = {}

    def arrived(self, message_id: str) -> None:
        now = self._now()
        if not self._may(now):
            return
        root = self._tracer.start_span("message", start_time=now)
        if root.is_recording():
            _remember(self._ways, message_id, _Way(root, self._set(root), now))

    def stored(self, message_id: str) -> None:
        if (way := self._ways.get(message_id)) is not None and not way.stored:
            way.stored = self._now()
            self._span("webhook", way.context, way.begun, way.stored)

    def begins(self, message_id: str) -> None:
        self.stored(message_id)  # its turn may begin before the webhook knows of the commit
        if (way := self._ways.get(message_id)) is not None:
            self._span("queue", way.context, way.stored, self._now())

    def turned(self, message_id: str, turn: Turned) -> None:
        way = self._ways.pop(message_id, None)
        if way is None:
            return
        now = self._now()
        began = now - round(turn.took * SECOND)
        told: dict[str, Any] = {"wabox.states": list(turn.states)}
        if turn.tier is not None:
            told["wabox.tier"] = turn.tier
        if turn.intent is not None:
            told["wabox.intent"] = turn.intent
        context = self._span("turn", way.context, began, now, told)
        thought = began + round(turn.thought * SECOND)
        self._span("step", context, began, thought)
        self._span("commit", context, thought, thought + round(turn.stored * SECOND))
        way.root.set_attributes(
            {"wabox.conversation": turn.conversation, "wabox.channel": turn.channel, "wabox.type": turn.type}
        )
        way.root.end(now)
        for outbound in turn.sends:
            _remember(self._leaving, outbound, (way.context, now))

    def posted(self, outbound_id: str, verdict: str, seconds: float) -> None:
        found = self._leaving.get(outbound_id)
        if found is None:
            return
        context, ready = found
        now = self._now()
        began = now - round(seconds * SECOND)
        self._span("outbox", context, min(ready, began), began)
        self._span("post", context, began, now, {"wabox.verdict": verdict})
        self._leaving[outbound_id] = (context, now)

    def delivered(self, outbound_id: str) -> None:
        found = self._leaving.pop(outbound_id, None)
        if found is not None:
            self._span("delivered", found[0], found[1], self._now())

    def close(self, seconds: float) -> None:
        self._provider.force_flush(round(seconds * 1000))
        self._provider.shutdown()

    def _span(
        self, name: str, context: Context, begins: int, ends: int, attributes: Mapping[str, Any] | None = None
    ) -> Context:
        span = self._tracer.start_span(name, context, attributes=attributes, start_time=begins)
        span.end(ends)
        return self._set(span)

    def _may(self, now: int) -> bool:
        if not self._rate:
            return True
        self._allowance = min(max(1.0, 2 * self._rate), self._allowance + (now - self._at) / SECOND * self._rate)
        self._at = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True


def _remember(known: dict[str, Any], key: str, value: Any) -> None:
    known[key] = value
    if len(known) > REMEMBERED:
        del known[next(iter(known))]


def traces(endpoint: str, rate: float, bot: str) -> OtlpTraces:
    """To a collector at ``endpoint`` (``http://127.0.0.1:4318``). Raises SettingsError where the extra is not installed.

    The SDK's own variables hold: ``OTEL_EXPORTER_OTLP_HEADERS``, ``OTEL_RESOURCE_ATTRIBUTES``, ``OTEL_TRACES_SAMPLER`` …
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise SettingsError(
            "[telemetry] endpoint needs a part that is not installed: pip install 'wabox[telemetry]', or take the setting out"
        ) from None
    about = Resource.create({"service.name": "wabox", "service.version": __version__, "wabox.bot": bot})
    provider = TracerProvider(resource=about, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces", timeout=2)
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # it has a line for each batch that is lost
    exporter.export = _heard(exporter.export, endpoint)  # type: ignore[method-assign, assignment]
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return OtlpTraces(provider, rate)


def _heard(export: Callable[[Any], Any], endpoint: str) -> Callable[[Any], Any]:
    """Says that traces are lost, once in ten minutes."""
    told: float | None = None

    def exported(spans: Any) -> Any:
        nonlocal told
        found = export(spans)
        if found.name != "SUCCESS" and (told is None or time.monotonic() - told > QUIET):
            told = time.monotonic()
            log.warning("traces.lost", endpoint=endpoint, todo="is the collector of [telemetry] endpoint running?")
        return found

    return exported
