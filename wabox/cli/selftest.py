"""``wabox selftest``: this very wabox serves a conversation, and everything about it is looked at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wabox.demo.rehearsal import Checked


def selftest(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Try this wabox on this machine. Trains, serves, talks, stops. Takes seconds, and touches nothing of yours.

    It starts itself in a temporary folder, on a free port of this machine, with a WhatsApp made of paper. A bot is trained,
    served, talked to through signed webhooks, and stopped; its actions.py runs, and its database is looked at.

    Example:  wabox selftest
    """
    import asyncio
    import logging
    import tempfile

    from wabox.cli import logs

    logs.configure(terminal=True, level=logging.ERROR)
    found: list[Checked] = []

    async def look(folder: Path) -> None:
        async for one in rehearsed(folder):
            found.append(one)
            if not as_json:
                mark = "ok  " if one.fault is None else "FAIL"
                typer.echo(f"  {mark}  {one.what:<14} {one.said if one.fault is None else one.fault}")

    with tempfile.TemporaryDirectory(prefix="wabox-selftest-") as folder:
        asyncio.run(look(Path(folder)))
    well = all(one.fault is None for one in found)
    if as_json:
        checks = [
            {"check": one.what, "ok": one.fault is None, "ms": one.ms, "said": one.said, "fault": one.fault}
            for one in found
        ]
        typer.echo(json.dumps({"ok": well, "checks": checks}, ensure_ascii=False))
    else:
        typer.echo("This wabox works on this machine." if well else "This wabox does not work on this machine.")
    if not well:
        raise typer.Exit(1)


async def rehearsed(folder: Path) -> AsyncIterator[Checked]:
    """Meta's side runs here, wabox in processes of its own, in the empty ``folder``. Ends with the first check that fails."""
    import random
    import time

    from wabox.cli.fake import NUMBER_ID
    from wabox.demo.cloud import FakeCloud
    from wabox.demo.graph import graph_app
    from wabox.demo.rehearsal import Rehearsal
    from wabox.web.server import Server, listen

    cloud = FakeCloud(
        number_id=NUMBER_ID,
        app_secret="selftest-app-secret",  # noqa: S106 - of a WhatsApp made of paper
        access_token="selftest-access-token",  # noqa: S106 - the same
        webhook_url="http://127.0.0.1:9/webhook",  # until the server says where it listens
        clock=lambda: time.time_ns() // 1_000_000,
        random=random.Random(),  # noqa: S311 - ids of a fake
    )
    sock = listen("127.0.0.1", 0)
    api_url = f"http://127.0.0.1:{sock.getsockname()[1]}/v26.0"
    async with cloud:
        server = Server(graph_app(cloud), sock)
        await server.begin()
        try:
            async for one in Rehearsal(folder, cloud, api_url, time.perf_counter).run():
                yield one
        finally:
            cloud.hang_up()
            server.should_exit = True
            await server.task
