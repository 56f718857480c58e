"""A conversation whose chart was changed: onto the live version when that is provably compatible.

Compatible means that every active leaf, remembered history and running timer of every frame exists in the live chart with
the same type. A new variable of the live chart gets its default; a stored value is never replaced.
"""

from __future__ import annotations

import msgspec

from wabox.engine.chart import Chart, Charts
from wabox.engine.configuration import check_history, check_timers, configuration
from wabox.engine.snapshot import Frame, Snapshot
from wabox.engine.value import copied_plain
from wabox.errors import ConversationError


def rebase(charts: Charts, snapshot: Snapshot) -> Snapshot | None:
    """The snapshot on charts that are loaded; ``None`` when the live ones have no such states."""
    if all(ref in charts for ref in snapshot.charts):
        return snapshot
    try:
        stack = tuple(_moved(charts, frame) for frame in snapshot.stack)
        chart = _live(charts, snapshot)
    except ConversationError:
        return None
    return msgspec.structs.replace(snapshot, chart=chart.ref, context=_context(chart, snapshot), stack=stack)


def _moved(charts: Charts, frame: Frame) -> Frame:
    chart = _live(charts, frame)
    return msgspec.structs.replace(frame, chart=chart.ref, context=_context(chart, frame))


def _live(charts: Charts, frame: Frame | Snapshot) -> Chart:
    if frame.chart in charts:
        return charts[frame.chart]
    chart_id = frame.chart.partition("@")[0]
    if chart_id not in charts.live:
        raise ConversationError(f"there is no chart {chart_id} any more")
    chart = charts.live[chart_id]
    configuration(chart, frame.leaves)
    check_history(chart, frame.history)
    check_timers(chart, frame.timers)
    return chart


def _context(chart: Chart, frame: Frame | Snapshot) -> dict[str, object]:
    return {**copied_plain(chart.context), **frame.context}
