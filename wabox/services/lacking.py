"""What settings and a bot ask for and a cluster does not give, yet: said when it starts, not found out by a customer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from wabox.flowfile.bot import Bot
from wabox.settings import Settings
from wabox.settings.backup import NIGHTLY

WEEK: Final = 7 * 86_400_000
"""ms: Redis has a conversation for a day longer."""


def lacking(settings: Settings, bot: Bot) -> Iterator[str]:
    """Sentences."""
    if settings.domain is not None:
        yield f"[server] domain: HTTPS for {settings.domain.name} is a reverse proxy's business"
    if settings.backup != NIGHTLY and settings.backup.at is not None and settings.backup.folder is None:
        yield "[backup]: none is made without a folder, one that all machines reach"
    longest = max(
        (state.timeouts.remember or 0 for chart in bot.charts.values() for state in chart.states.values()), default=0
    )
    if longest > WEEK:
        yield "timeouts remember: what was broken off can be taken up for seven days, no longer"
