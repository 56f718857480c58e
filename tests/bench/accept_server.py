"""The webhook of `wabox serve` with handling switched off: what acknowledging durably costs by itself.

Everything is production code, wired as `wabox serve` wires it; only the app is never started, so that nobody takes the
messages out of the inbox.

    python -m tests.bench.accept_server BOT_FOLDER     (settings from the environment)
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import uvloop

from wabox.app import build
from wabox.cli import logs
from wabox.flowfile.bot import load_bot
from wabox.settings import load
from wabox.web.server import Server, asgi_app, listen, until_stopped


async def main(folder: Path) -> None:
    settings = load(Path.cwd())
    logs.configure(terminal=False)
    app = await build(settings, load_bot(folder))
    server = Server(asgi_app(app, settings.require_whatsapp()), listen(settings.host, settings.port))
    await server.begin()
    print(f"http://127.0.0.1:{server.port}", flush=True)
    await until_stopped(server)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(Path(sys.argv[1])))
