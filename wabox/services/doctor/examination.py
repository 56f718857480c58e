"""One look at everything, in the order in which things depend on each other."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from wabox.core.checkup import Checkup, Finding, Notes
from wabox.core.template import StoredTemplate
from wabox.errors import WaboxError
from wabox.services.doctor import bots, certificate, machine, meta, records, walk, webhook
from wabox.services.doctor.meta import Standing
from wabox.settings import Settings
from wabox.sqlite.glance import Glance
from wabox.whatsapp.graph import GraphClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """What a cluster has that one machine has in its data folder."""

    findings: tuple[Finding, ...]
    """Of its engines, its versions and its messages."""
    conversations: int
    serves: bool
    """A worker runs."""


async def examine(
    settings: Settings,
    now: int,
    *,
    graph: GraphClient | None,
    as_app: Callable[[str], GraphClient],
    stopped: Mapping[str, str] | None,
    secret_files: Sequence[Path] = (),
    url: str | None = None,
    offline: bool = False,
    patience: float = records.PATIENCE,
    trust: ssl.SSLContext | bool = True,
    cluster: Elsewhere | None = None,
) -> Checkup:
    """``graph``: None without an account; ``stopped``: numbers from which nothing leaves, None: no server runs; ``url``: the
    public address, if Meta is not to be asked for it; ``now`` in ms."""
    models = settings.root / "models"
    if cluster is None:
        found = machine.look(settings.data, secret_files, now, backups=settings.backup.folder)
        found += certificate.look(settings, now)
        stored, database = records.look(settings.data, now, settings.timezone, stopped=stopped, seconds=patience)
        live = {} if database is None else database.live
        of_bot, bot = bots.look(settings.root, settings.bot, settings.data, models, live)
        found += [*of_bot, *stored]
        conversations, serves = 0 if database is None else database.conversations, stopped is not None
    else:
        found = machine.beside(settings.data, secret_files, now, backups=settings.backup.folder)
        of_bot, bot = bots.look(settings.root, settings.bot, settings.data, models, None)
        found += [*of_bot, *cluster.findings]
        conversations, serves = cluster.conversations, cluster.serves
    standing = Standing()
    online = False
    if not offline:
        of_line, online = await meta.line(_api(settings), now, _day(now))
        found += of_line
    notes = Notes("meta")
    whatsapp = settings.whatsapp
    if whatsapp is None:
        lacking = ", ".join(settings.missing)
        notes.fail("account", f"not set: {lacking}", "see below, step by step")
    elif not online:
        notes.unknown("account", "Meta was not asked")
    found += notes.made
    if whatsapp is not None and graph is not None and online:
        of_meta, standing = await meta.look(graph, whatsapp, settings.number_id, now, as_app)
        found += of_meta
    if cluster is None:
        found += meta.templates(bot, _templates(settings.data))
    elif bot is not None and bot.templates and graph is not None and standing.account_id is not None:
        found += await meta.asked_templates(bot, graph, standing.account_id, now)
    ours = "" if settings.domain is None or cluster is not None else f"https://{settings.domain.name}/webhook"
    address, works = url or standing.url or ours, False
    if whatsapp is not None and address and not offline:
        of_webhook, works = await webhook.look(address, whatsapp, now, trust=trust)
        found += of_webhook
    elif whatsapp is not None:
        notes = Notes("webhook")
        notes.unknown("address", "not known", "say it: wabox doctor --url https://your.host/webhook")
        found += notes.made
    steps = walk.steps(
        settings,
        standing,
        bot=bot is not None,
        bots=bool(bots.names(settings.root)),
        serves=serves,
        address=address,
        works=works,
    )
    used = whatsapp is not None and conversations > 0
    if used or (whatsapp is not None and not online):
        steps = ()  # it was connected already; or where somebody stands, only Meta knows
    return Checkup(findings=tuple(found), steps=steps)


def _api(settings: Settings) -> str:
    return settings.whatsapp.api_url if settings.whatsapp is not None else settings.api_url


def _day(now: int) -> str:
    return datetime.fromtimestamp(now / 1000, UTC).date().isoformat()


def _templates(data: Path) -> Sequence[StoredTemplate]:
    try:
        with Glance(data) as glance:
            return glance.templates()
    except WaboxError:
        return ()
