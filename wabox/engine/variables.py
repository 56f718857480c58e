"""A conversation's variables, when its chart is replaced: what is stored stays, what the new chart added comes along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wabox.engine.chart import Chart
from wabox.engine.value import copied_plain, kind_of


class TypeChanged(Exception):
    """A variable is declared as something else now; the sentence names it."""


def variables(chart: Chart, old: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """The variables in ``chart`` of a conversation that had ``stored``, and whose chart declared ``old``. Raises TypeChanged.

    A type has changed where both charts declare a variable, and not alike; and where only the new one does, and something
    else is stored.
    """
    merged: dict[str, Any] = copied_plain(chart.context)
    for key, value in stored.items():
        merged[key] = _kept(key, chart.id, chart.context.get(key), old.get(key), value)
    return merged


def fitting(chart: Chart, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the stored variables that ``chart`` declares, and as the same type."""
    return {
        key: value
        for key, value in stored.items()
        if chart.context.get(key) is not None and value is not None and kind_of(value) == kind_of(chart.context[key])
    }


def _kept(path: str, chart: str, new: Any, old: Any, stored: Any) -> Any:
    before = stored if old is None else old
    if new is None or before is None or stored is None:
        return stored
    if kind_of(new) != kind_of(before):
        raise TypeChanged(f"variable {path} of {chart} is {kind_of(new)} now, it was {kind_of(before)}")
    if not (isinstance(new, Mapping) and isinstance(stored, Mapping) and isinstance(old, Mapping)):
        return stored
    # What was there before and is stored no more was taken out: it does not come back.
    added = copied_plain({key: value for key, value in new.items() if key not in old})
    kept = {key: _kept(f"{path}.{key}", chart, new.get(key), old.get(key), value) for key, value in stored.items()}
    return {**added, **kept}
