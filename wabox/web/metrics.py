"""``/metrics`` for Prometheus, and the same numbers as JSON for ``wabox top`` and the console.

Behind a reverse proxy every visitor comes from this machine, so the address says nothing about who asks: ``/metrics`` takes a
token as the API does. ``metrics_token`` in the data folder opens ``/metrics`` alone, so that a monitor need not have the key
to everybody's conversations.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Annotated, Any

from litestar import Request, Response, get
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.params import QueryParameter

from wabox.core.figure import FIGURES, Sample
from wabox.core.tally import HOUR
from wabox.services.stats import Stats, stats
from wabox.web.desk import Desk, Told
from wabox.web.guard import VIEW

if TYPE_CHECKING:
    from prometheus_client import Metric


def metrics_route(figures: Told, *tokens: str) -> HTTPRouteHandler:
    """Open to whoever has one of the tokens."""
    wanted = [token.encode() for token in tokens]

    def has_token(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        kind, __, given = connection.headers.get("authorization", "").partition(" ")
        said = given.strip().encode("utf-8", "replace")
        if kind.lower() != "bearer" or not any(hmac.compare_digest(said, token) for token in wanted):
            raise NotAuthorizedException("this needs metrics_token of the data folder: Authorization: Bearer …")

    @get("/metrics", guards=[has_token], include_in_schema=False)
    async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
        text, kind = exposition(await figures.samples(), request.headers.get("accept", ""))
        return Response(text, headers={"content-type": kind})

    return metrics


def figures_route(figures: Told) -> HTTPRouteHandler:
    @get("/figures", summary="Every number as it stands", tags=["figures"], roles=VIEW)
    async def show() -> Sequence[Sample]:
        return await figures.samples()

    return show


def stats_route(app: Desk) -> HTTPRouteHandler:
    @get("/stats", summary="What happened in the last hours", tags=["figures"], roles=VIEW)
    async def show(hours: Annotated[int, QueryParameter(ge=1, le=24 * 400)] = 168) -> Stats:
        now = app.clock()
        await app.tallies.fold()
        return stats(await app.store.tallies.sum(now - hours * HOUR, now), now - hours * HOUR, now)

    return show


def exposition(samples: Iterable[Sample], accept: str = "") -> tuple[bytes, str]:
    """The text that Prometheus reads, and its content type: OpenMetrics for whoever takes it."""
    # Nobody but a scraper needs it: 50 ms and 2 MB.
    from prometheus_client.exposition import choose_encoder

    found = list(samples)

    class Collector:
        def collect(self) -> Iterator[Metric]:
            return families(found)

    encode, kind = choose_encoder(accept)
    return encode(Collector()), kind


def families(samples: Sequence[Sample]) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    by_name: dict[str, list[Sample]] = {}
    for sample in samples:
        by_name.setdefault(sample.name, []).append(sample)
    for name, same in by_name.items():
        figure = FIGURES[name]
        if figure.kind == "histogram":
            times = HistogramMetricFamily(figure.full, figure.help, labels=figure.labels)
            for sample in same:
                bounds = [*(format(bound, "g") for bound in sample.bounds), "+Inf"]
                buckets = list(zip(bounds, accumulate(sample.counts), strict=True))
                times.add_metric(sample.labels, buckets=buckets, sum_value=sample.value)
            yield times
            continue
        family = CounterMetricFamily if figure.kind == "counter" else GaugeMetricFamily
        numbers = family(figure.full, figure.help, labels=figure.labels)
        for sample in same:
            numbers.add_metric(sample.labels, sample.value)
        yield numbers
