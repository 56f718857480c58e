"""``wabox demo``: everything but Meta, on this machine, in a minute."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wabox.cli.fake import FAULT, NUMBER_ID, SEED, arm


def demo(
    bot: Annotated[
        str | None, typer.Argument(help="A folder in flows/, a path, or an example. Default: yours, or shop.")
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the phone page; another free one if it is taken. 0: any.")
    ] = 8080,
    data: Annotated[Path | None, typer.Option(help="Keep the data here. Default: a temporary folder.")] = None,
    fault: Annotated[list[str] | None, FAULT] = None,
    seed: Annotated[int, SEED] = 0,
) -> None:
    """Talk to a bot on a phone in your browser. No account, no configuration, no network.

    Starts the real server and a WhatsApp Cloud API made of paper: every message goes through the signed webhook, the
    database and the sender, as it would with Meta.

    Example:  wabox demo shop
    """
    import asyncio
    import logging
    import tempfile

    import uvloop

    from wabox.cli import logs

    logs.configure(terminal=True, level=logging.WARNING)
    with (
        tempfile.TemporaryDirectory(prefix="wabox-demo-") as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_demo(bot, port, data.absolute() if data else Path(folder), fault or [], seed))


AGENT = "you"
"""Who answers customers in the demo's console."""


async def _demo(bot: str | None, port: int, data: Path, faults: list[str], seed: int) -> None:
    import contextlib
    import functools
    import random
    import secrets

    from wabox.app import build, wall_clock
    from wabox.cli.serve import load_for
    from wabox.demo.cloud import FakeCloud
    from wabox.demo.control import control_router
    from wabox.demo.customer import ACCOUNT_ID, CUSTOMERS, strangers
    from wabox.demo.graph import graph_app
    from wabox.demo.phone import home, phone_router
    from wabox.errors import SettingsError
    from wabox.scheduler import running
    from wabox.services.accounts import AccountError, NewAgent
    from wabox.settings import Secret, Settings, WhatsAppSettings
    from wabox.settings import load as load_settings
    from wabox.web.api import api_router, openapi
    from wabox.web.console import console_router
    from wabox.web.door import Door
    from wabox.web.guard import Guard
    from wabox.web.server import Server, asgi_app, listen, until_stopped

    taken = ""
    try:
        sock = listen("127.0.0.1", port)
    except SettingsError:
        sock, taken = listen("127.0.0.1", 0), f"Port {port} is taken, so this is another one.\n"
    graph_sock = listen("127.0.0.1", 0)
    port, graph_port = sock.getsockname()[1], graph_sock.getsockname()[1]
    own = load_settings(Path.cwd(), {})
    name = bot or own.bot or _shown(Path.cwd() / "flows")
    app_secret, verify_token, access_token = (secrets.token_hex(16) for _ in range(3))
    whatsapp = WhatsAppSettings(
        app_secrets=(Secret(app_secret),),
        verify_token=Secret(verify_token),
        access_token=Secret(access_token),
        api_url=f"http://127.0.0.1:{graph_port}/v26.0",
        account_id=ACCOUNT_ID,
    )
    settings = Settings(
        root=own.root,
        bot=name,
        language=own.language,
        manners=own.manners,
        context={**own.context, "media_url": f"http://127.0.0.1:{port}/phone/static"},
        port=port,
        data=data,
        rate=0,  # whoever plays a customer is quicker than one
        number_id=NUMBER_ID,
        whatsapp=whatsapp,
    )
    loaded = load_for(settings)
    cloud = FakeCloud(
        number_id=NUMBER_ID,
        app_secret=app_secret,
        access_token=access_token,
        verify_token=verify_token,
        customers=CUSTOMERS if loaded.name == "shop" else strangers(CUSTOMERS),
        webhook_url=f"http://127.0.0.1:{port}/webhook",
        business_name=loaded.title,
        templates={
            template.name: {
                code: {**text.to_json(), "category": template.category} for code, text in template.languages.items()
            }
            for template in loaded.templates.values()
        },
        clock=wall_clock,
        random=random.Random(),  # noqa: S311 - ids of a demo
        seed=seed,
    )
    arm(cloud, faults)
    app = await build(settings, loaded)
    door = Door(data)
    async with running(app), cloud:
        graph = Server(graph_app(cloud, [control_router(cloud)]), graph_sock)
        token = door.token()
        guard = Guard(app.accounts, token)
        with contextlib.suppress(AccountError):  # a folder that was kept has it already
            await app.accounts.add(NewAgent(id=AGENT, name="You", roles=("owner",)))
        console = console_router(loaded.title, guard, functools.partial(app.accounts.lend, AGENT))
        routes = [home, phone_router(cloud), *console, api_router(app, token, guard)]
        server = Server(asgi_app(app, whatsapp, routes, openapi=openapi(), policy=None), sock)
        await graph.begin()
        await server.begin()
        typer.echo(f"wabox demo: the bot {loaded.name!r}, the real server, and a WhatsApp made of paper.\n")
        if taken:
            typer.echo(taken)
        typer.echo(f"  The phone    http://127.0.0.1:{port}/phone")
        typer.echo(f"  The console  http://127.0.0.1:{port}/console\n")
        typer.echo("Ask the bot for a person, then answer as one: in the console, or in a terminal:\n")
        typer.echo(f"  wabox handoff list --data {data}")
        typer.echo(f'  wabox handoff reply CASE "Hello" --claim --data {data}\n')
        typer.echo("Ctrl-C stops.")

        def hang_up() -> None:
            # Pages hold event streams open for as long as they can; a server that stops must not wait for them.
            app.changes.close()
            cloud.hang_up()

        with door.open("127.0.0.1", port):
            await until_stopped(server, graph, first=hang_up)


def _shown(flows: Path) -> str | None:
    """Which bot to show when nobody named one: the folder's only one (None), else the shop."""
    from wabox.flowfile.folder import is_bot

    own = [path for path in flows.iterdir() if is_bot(path)] if flows.is_dir() else []
    return None if len(own) == 1 or (own and not any(path.name == "shop" for path in own)) else "shop"
