"""What settings and a bot ask for and a cluster does not give, yet: said when it starts, not found out by a customer."""

from __future__ import annotations

from collections.abc import Iterator

from wabox.flowfile.bot import Bot
from wabox.settings import Settings
from wabox.settings.backup import NIGHTLY


def lacking(settings: Settings, bot: Bot) -> Iterator[str]:
    """Sentences."""
    if settings.speech is not None:
        yield "[speech]: voice messages stay unheard"
    if settings.domain is not None:
        yield f"[server] domain: HTTPS for {settings.domain.name} is a reverse proxy's business"
    if settings.telemetry is not None:
        yield "[telemetry]: traces go nowhere"
    if settings.backup != NIGHTLY and settings.backup.at is not None and settings.backup.folder is None:
        yield "[backup]: none is made without a folder, one that all machines reach"
    if bot.templates:
        yield "templates: what WhatsApp says of them is not looked at"
