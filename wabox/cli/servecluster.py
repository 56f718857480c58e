"""``wabox serve`` in a cluster: one of its processes."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import structlog
import typer

from wabox.cli.cluster import cluster_of
from wabox.errors import SettingsError, Unavailable
from wabox.settings import Settings

if TYPE_CHECKING:
    from wabox.cluster.records.database import Database
    from wabox.cluster.router import Router

log = structlog.get_logger(__name__)


async def serve_cluster(settings: Settings, role: str) -> None:
    """Raises SettingsError, FlowError, Unavailable."""
    from wabox.cli.lean import loaded
    from wabox.cli.routes import routes
    from wabox.cli.systemd import Notifier
    from wabox.cluster.making import known, one_bot
    from wabox.cluster.records.database import Database
    from wabox.cluster.router import Router
    from wabox.clusterapp import ROLES, build_cluster, place_of
    from wabox.clusterfront import LACKS, ClusterFront
    from wabox.flowfile.folder import find_bot
    from wabox.scheduler import leading
    from wabox.services.backups.nightly import Nightly
    from wabox.services.lacking import lacking
    from wabox.web.api import openapi
    from wabox.web.door import METRICS_TOKEN, Door
    from wabox.web.locks import Locks
    from wabox.web.metrics import metrics_route
    from wabox.web.server import Server, asgi_app, listen, until_stopped

    cluster = cluster_of(settings)
    if role not in ROLES:
        raise SettingsError(f"--role {role!r}: write {', '.join(ROLES)}")
    folder = find_bot(settings.bot, settings.root).resolve()
    place = place_of(cluster, 0)
    database, router = Database(place.postgres, place.name), Router.of(place.redis)
    try:
        partitions = await known(database, router, cluster.name)
        token = await _token(database, router, cluster.name)
        await one_bot(database, folder.name)
    finally:
        await database.aclose()
        await router.aclose()
    notifier = Notifier()
    sock = listen(settings.host, settings.port)
    app = await build_cluster(
        settings, folder, role, partitions, say=lambda line: typer.echo(f"wabox: {line}", err=True)
    )
    try:
        bot = app.bot
        for sentence in lacking(settings, bot):
            typer.echo(f"wabox: on a cluster, {sentence} (wabox help cluster)", err=True)
        await app.start()
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        shown: list[Any] = [metrics_route(app.figures, Door(settings.data).token(METRICS_TOKEN), token)]
        if role != "worker":
            shown += routes(ClusterFront(app), settings, token, LACKS)
        locks = Locks(settings.require_whatsapp())
        server = Server(asgi_app(app, locks, shown, openapi=None if role == "worker" else openapi()), sock)
        await server.begin()
        loaded()
        at = f"http://{settings.host}:{server.port}"
        serves = f"wabox serves {bot.name!r} as {role} of the cluster {cluster.name!r} at {at}/webhook"
        typer.echo(f"{serves} (Ctrl-C stops)")
        # Whoever leads may be any machine: without a folder that all of them reach nobody would find the backups.
        leads, shared = app.desk.leader.leads.is_set, settings.backup.folder is not None
        backups = Nightly(settings, app.clock, leads=leads) if shared else None
        async with notifier.ready(serves), leading(app, backups):
            await until_stopped(server, first=app.desk.changes.close)
    finally:
        await app.stop()


async def _token(database: Database, router: Router, name: str) -> str:
    """The command line's. A process that nobody can tell it begins all the same: webhooks and replies do not need it."""
    from wabox.cluster.making import known_token

    try:
        return await known_token(database, router, name)
    except Unavailable as error:
        log.warning(
            "cluster.token_unknown", reason=str(error), fix="the command line reaches this process after its next start"
        )
        return secrets.token_urlsafe(32)
