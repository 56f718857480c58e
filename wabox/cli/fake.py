"""``wabox fake``: the demo's WhatsApp by itself, for any server and any test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wabox.demo.cloud import FakeCloud

NUMBER_ID = "200000000000002"
FAULT = typer.Option("--fault", metavar="FAULT", help="NAME=AMOUNT, such as hang=3%, again=2x, token=1h. Repeatable.")
SEED = typer.Option(help="Of the faults that come by lot: the same seed, the same faults.")


def fake(
    webhook: Annotated[str, typer.Option(help="Where your server takes webhooks.")] = "http://127.0.0.1:8080/webhook",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on, 0 for any.")] = 8090,
    fault: Annotated[list[str] | None, FAULT] = None,
    seed: Annotated[int, SEED] = 0,
    faults: Annotated[bool, typer.Option("--faults", help="List what can go wrong, and stop.")] = False,
) -> None:
    """A WhatsApp Cloud API made of paper, for any server. Start yours with what this prints.

    It answers on this machine like Meta, follows each message with its statuses, and fails as Meta does when asked to.
    The phone page lets you play the customers; tests do it over HTTP, see wabox help fake.

    Example:  wabox fake --fault hang=3% --fault again=5% --seed 7
    """
    import asyncio
    import textwrap

    import uvloop

    from wabox.demo.fault import KINDS

    if faults:
        for name, sentence in {
            **KINDS,
            "CODE": "refused with any of Meta's codes",
            "failed:CODE": "failed later",
        }.items():
            typer.echo(
                textwrap.fill(f"  {name:<12} {sentence}", 80, subsequent_indent=" " * 15, break_on_hyphens=False)
            )
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_fake(webhook, port, fault or [], seed))


def arm(cloud: FakeCloud, faults: list[str]) -> None:
    """What was asked for with ``--fault``."""
    for words in faults:
        name, _, amount = words.partition("=")
        try:
            cloud.faults.arm(name.strip(), amount or "1x")
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--fault") from None


async def _fake(webhook: str, port: int, faults: list[str], seed: int) -> None:
    import os
    import random
    import time

    from wabox.demo.cloud import FakeCloud
    from wabox.demo.control import control_router
    from wabox.demo.graph import graph_app
    from wabox.demo.phone import phone_router
    from wabox.web.server import Server, listen, until_stopped

    secrets = {
        name: os.environ.get(name) or f"fake-{name.removeprefix('WABOX_').lower().replace('_', '-')}"
        for name in ("WABOX_APP_SECRET", "WABOX_VERIFY_TOKEN", "WABOX_ACCESS_TOKEN")
    }
    cloud = FakeCloud(
        number_id=NUMBER_ID,
        app_secret=secrets["WABOX_APP_SECRET"],
        access_token=secrets["WABOX_ACCESS_TOKEN"],
        verify_token=secrets["WABOX_VERIFY_TOKEN"],
        webhook_url=webhook,
        clock=lambda: time.time_ns() // 1_000_000,
        random=random.Random(),  # noqa: S311 - ids of a fake
        seed=seed,
    )
    arm(cloud, faults)
    sock = listen("127.0.0.1", port)
    port = sock.getsockname()[1]
    async with cloud:
        server = Server(graph_app(cloud, [phone_router(cloud), control_router(cloud)]), sock)
        await server.begin()
        typer.echo("wabox fake: a WhatsApp Cloud API made of paper. Start your server with\n")
        typer.echo(f"  WABOX_GRAPH_URL=http://127.0.0.1:{port}/v26.0")
        for name, value in secrets.items():
            typer.echo(f"  {name}={'(yours)' if name in os.environ else value}")
        typer.echo(f"\n  Its webhook   {webhook}")
        typer.echo(f"  The phone     http://127.0.0.1:{port}/phone")
        typer.echo(f"  For tests     http://127.0.0.1:{port}/fake    (phone number id {NUMBER_ID})\n")
        typer.echo("Ctrl-C stops.")
        await until_stopped(server, first=cloud.hang_up)
