"""``wabox serve``: the webhook server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wabox.flowfile.bot import Bot
    from wabox.settings import Settings
    from wabox.settings.sources import Sources


def serve(
    bot: Annotated[str | None, typer.Option(help="A folder in flows/, or a path. Default: the only one.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on, 0 for any. Default: 8080.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Where everything is kept. Default: data/.")] = None,
    domain: Annotated[
        str | None, typer.Option(help="Also serve HTTPS as this name, with a certificate obtained and renewed for it.")
    ] = None,
    role: Annotated[
        str | None, typer.Option(help="In a cluster: web takes messages in, worker answers them, all does both.")
    ] = None,
    print_proxy: Annotated[
        bool, typer.Option("--print-proxy", help="Print the lines for Caddy or nginx to do that instead, and end.")
    ] = False,
) -> None:
    """Answer WhatsApp: webhook, conversations, sender.

    Serves the published version of the bot; the first start publishes the folder. After that a change of the folder
    reaches customers with wabox publish.

    Reads wabox.toml in this folder; secrets come from the environment: the app secret and a system-user token from your
    app at developers.facebook.com, and a verify token that you make up and type into the app's webhook form, with the
    address https://your.host/webhook. Meta wants HTTPS: --domain does it, or a reverse proxy in front. Subscribe to the field
    "messages".
    SIGHUP makes it read its settings again and take up those that wabox config show marks with a star.

    Example:  WABOX_APP_SECRET=… WABOX_VERIFY_TOKEN=… WABOX_ACCESS_TOKEN=… wabox serve

    Example:  wabox serve --domain bot.example.org
    """
    import asyncio
    import logging
    import os
    import sys
    from dataclasses import replace

    from wabox.cli.lean import without

    with without("rich"):  # structlog and httpx use it where it is; 80 modules and 4 MB
        from wabox import app  # noqa: F401
        from wabox.cli import logs
    from wabox.errors import SettingsError
    from wabox.settings import settings_of
    from wabox.settings.domain import with_domain
    from wabox.settings.sources import Sources

    def wanted(sources: Sources) -> Settings:
        found = settings_of(sources)
        return replace(
            found,
            bot=bot or found.bot,
            host=host or found.host,
            port=found.port if port is None else port,
            data=found.data if data is None else data.absolute(),
            public=found.public if domain is None else with_domain(found.public, domain),
        )

    sources = Sources(Path.cwd(), os.environ)
    settings = wanted(sources)
    if print_proxy:
        from wabox.cli.proxy import lines

        typer.echo(lines(settings))
        return
    settings.require_whatsapp()
    terminal = {"json": False, "text": True}.get(settings.log_format, sys.stderr.isatty())
    logs.configure(terminal=terminal, level=logging.getLevelNamesMapping()[settings.log_level.upper()])
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if settings.cluster is not None:
            from wabox.cli.servecluster import serve_cluster

            runner.run(serve_cluster(settings, role or "all"))
        elif role is not None:
            raise SettingsError("--role is for a cluster: name its engines under [cluster] (wabox help cluster)")
        else:
            runner.run(_serve(settings, sources, wanted))


def load_for(settings: Settings) -> Bot:
    """The bot that the settings name, with their language and context. Raises FlowError with every finding."""
    from wabox.flowfile.bot import load_bot
    from wabox.flowfile.folder import find_bot

    return load_bot(
        find_bot(settings.bot, settings.root),
        language=settings.language,
        context=settings.context,
        manners=settings.manners,
    )


async def _serve(settings: Settings, sources: Sources, wanted: Callable[[Sources], Settings]) -> None:
    import asyncio

    from wabox.app import build_published, wall_clock
    from wabox.cli.again import on_hangup
    from wabox.cli.lean import loaded
    from wabox.cli.routes import routes
    from wabox.cli.systemd import Notifier
    from wabox.flowfile.folder import find_bot
    from wabox.scheduler import running
    from wabox.services.backups.nightly import Nightly
    from wabox.web.api import openapi
    from wabox.web.door import METRICS_TOKEN, Door
    from wabox.web.locks import Locks
    from wabox.web.metrics import metrics_route
    from wabox.web.public import Public
    from wabox.web.server import Server, asgi_app, listen, until_stopped

    notifier = Notifier()
    folder = find_bot(settings.bot, settings.root).resolve()
    sock = listen(settings.host, settings.port)
    public = None if settings.domain is None else Public(settings.domain, settings.data, wall_clock)
    app = await build_published(settings, folder, say=lambda line: typer.echo(f"wabox: {line}", err=True))
    app.certificate = None if public is None else public.begin()
    door = Door(settings.data)
    locks = Locks(settings.require_whatsapp())
    async with running(app, Nightly(settings, wall_clock)):
        token = door.token()
        metrics = metrics_route(app.figures, door.token(METRICS_TOKEN), token)
        asgi = asgi_app(app, locks, [*routes(app, settings, token), metrics], openapi=openapi())
        servers = [Server(asgi, sock), *(() if public is None else public.servers(asgi))]
        for one in servers:
            await one.begin()
        server = servers[0]
        on_hangup(app, locks, sources, wanted)
        with door.open(settings.host, server.port):
            loaded()
            serves = f"wabox serves {app.bot.name!r} at http://{settings.host}:{server.port}/webhook"
            typer.echo(f"{serves} (Ctrl-C stops)")

            async with notifier.ready(serves):
                looking = None if public is None else asyncio.create_task(public.certify(typer.echo))
                await until_stopped(*servers, first=app.changes.close)
                if looking is not None:
                    looking.cancel()
