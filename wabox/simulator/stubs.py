"""Results that stand in for calls (``invoke``), because a simulated conversation calls nobody.

A stub is found by the id of the invoke, then by the name of its action; then the flow's own ``stub:`` counts.
The stub ``llm`` is what the language model makes of what nobody else understands: ``{event: name}``, ``{passage: id, quote:
words}`` or ``unknown``; it is held to the same rules as a real one.

``{error: sentence}`` makes the call fail; a list is used up one by one, and its last one repeats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from wabox.core.invocation import Outcome
from wabox.core.llm import Advice, LlmQuestion
from wabox.engine.invoke import InvokeSpec
from wabox.flowfile.bot import Bot
from wabox.services.advising import stubbed

LLM = "llm"


class Stubs(dict[str, Any]):
    """Name → result; to be changed at any time. A list counts from the beginning again when it is set anew."""

    def __init__(self, written: Mapping[str, Any] | None = None) -> None:
        super().__init__(written or {})
        self._used: dict[int, int] = {}

    def outcome(self, bot: Bot, chart: str, name: str) -> Outcome:
        """What the call of this id brings."""
        spec = _spec(bot, chart, name)
        for known in (name, spec.action if spec else None):
            if known is not None and known in self:
                return _outcome(self._next(self[known]))
        if spec is not None and spec.has_stub:
            return _outcome(self._next(spec.stub))
        return Outcome(error=f"no stub for {name!r}: add stub: {{{name}: …}}, or a stub: to the invoke itself")

    def advice(self, asked: Callable[[], LlmQuestion]) -> Advice | None:
        """What the language model would say, if there is a stub of it."""
        if LLM not in self:
            return None
        advice = stubbed(asked(), self._next(self[LLM]))
        return replace(advice, trace={"outcome": advice.outcome, "why": advice.why, "model": "stub"})

    def _next(self, stub: Any) -> Any:
        if not isinstance(stub, list | tuple) or not stub:
            return stub
        place = self._used.get(id(stub), 0)
        self._used[id(stub)] = place + 1
        return stub[min(place, len(stub) - 1)]


def _outcome(stub: Any) -> Outcome:
    if isinstance(stub, Mapping) and "error" in stub and set(stub) <= {"error", "status"}:
        return Outcome(error=str(stub["error"]), status=stub.get("status"))
    return Outcome(output=stub)


def _spec(bot: Bot, chart: str, name: str) -> InvokeSpec | None:
    live = bot.charts.live.get(chart)
    states = live.states.values() if live else ()
    return next((spec for state in states for spec in state.invokes if spec.id == name), None)
