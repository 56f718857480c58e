"""The names that a conversation test may use: states, languages, intents, queues, calls, variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wabox.engine.begin import begin_at
from wabox.engine.chart import Charts
from wabox.errors import ConversationError
from wabox.flowfile.bot import Bot
from wabox.flowfile.variables import Variables


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What there is in one bot."""

    charts: Charts
    main: str
    states: Mapping[str, tuple[str, ...]]
    """Ids of every state but the root, by chart; the main chart first."""
    languages: tuple[str, ...]
    """The default first."""
    intents: frozenset[str]
    queues: frozenset[str]
    calls: frozenset[str]
    """Names that can be stubbed: ids and actions of ``invoke``."""
    variables: Variables

    @classmethod
    def of(cls, bot: Bot) -> Known:
        charts = bot.charts.live
        names = [bot.main, *(name for name in charts if name != bot.main)]
        states = {name: tuple(id_ for id_ in charts[name].states if id_) for name in names}
        every = [state for name in names for state in charts[name].states.values()]
        return cls(
            charts=bot.charts,
            main=bot.main,
            states=states,
            languages=bot.languages,
            variables=Variables.of(bot),
            intents=frozenset(intent.name for intent in bot.intents),
            queues=frozenset({"default"}.union(state.handoff.queue for state in every if state.handoff)),
            calls=frozenset(
                name for state in every for call in state.invokes for name in (call.id, call.action) if name
            )
            | {"llm"},
        )

    def cannot_begin(self, chart: str, states: tuple[str, ...]) -> str:
        """Why a conversation cannot stand in these states; empty if it can."""
        try:
            begin_at(self.charts, chart, states, {}, 0)
        except ConversationError as error:
            return str(error)
        return ""
