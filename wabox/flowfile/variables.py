"""Which variables a bot's conversations may ever have, as far as the flow says: what a test may expect to be null."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wabox.engine.built_in import BUILT_IN
from wabox.engine.chart import Chart
from wabox.engine.state import BoundAction
from wabox.flowfile.actions import may_set

if TYPE_CHECKING:
    from wabox.flowfile.bot import Bot


@dataclass(frozen=True, slots=True)
class Variables:
    first: tuple[Mapping[str, Any], ...]
    """What charts and settings begin with."""
    written: frozenset[str]
    """Dotted paths that slots and actions write; of a function of the bot the first key."""
    any: bool = False
    """A function may write whatever it likes."""

    @classmethod
    def of(cls, bot: Bot) -> Variables:
        charts = tuple(chart for name, chart in bot.charts.live.items() if name not in bot.borrowed)
        return cls.among(charts, bot.functions, bot.context)

    @classmethod
    def among(
        cls, charts: Sequence[Chart], functions: Mapping[str, Callable[..., Any]], context: Mapping[str, Any]
    ) -> Variables:
        written: set[str] = set()
        anything = False
        for chart in charts:
            written.update(chart.slots)
            written.update(state.collect.slot.name for state in chart.states.values() if state.collect)
            for action in _actions(chart):
                if action.label in BUILT_IN:
                    written.update(_paths(action))
                    continue
                function = functions.get(action.label)
                names = may_set(function) if function is not None else None
                anything |= names is None
                written |= names or frozenset()
        return cls((*(chart.context for chart in charts), context), frozenset(written), anything)

    def knows(self, path: str, more: Mapping[str, Any]) -> bool:
        """Whether there may be a value there; ``more`` is what a test begins with, its keys perhaps dotted."""
        if self.any:
            return True
        inside = f"{path}."
        if any(one == path or one.startswith(inside) or path.startswith(f"{one}.") for one in (*self.written, *more)):
            return True
        return any(_holds(first, path.split(".")) for first in self.first)

    def names(self) -> list[str]:
        """What there is, for whoever asks what was meant."""
        return sorted({*self.written, *(path for first in self.first for path in _dotted(first, ""))})


def _actions(chart: Chart) -> Iterator[BoundAction]:
    for state in chart.states.values():
        yield from state.entry
        yield from state.exit
        if state.initial is not None:
            yield from state.initial.actions
        for transition in (*state.transitions, *state.always):
            yield from transition.actions


def _paths(action: BoundAction) -> Iterable[str]:
    """Where a built-in action writes."""
    if action.label == "assign":
        return [key.removeprefix("context.") for key in action.params]
    where = action.params.get("path")
    return [where.removeprefix("context.")] if isinstance(where, str) else []


def _holds(value: Any, keys: list[str]) -> bool:
    for key in keys:
        if isinstance(value, list | tuple):
            return True  # how long it is may change
        if not isinstance(value, Mapping) or key not in value:
            return False
        value = value[key]
    return True


def _dotted(value: Mapping[str, Any], before: str) -> Iterator[str]:
    for key, below in value.items():
        yield before + key
        if isinstance(below, Mapping):
            yield from _dotted(below, f"{before}{key}.")
