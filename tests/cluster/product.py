"""What ``wabox serve --role worker`` runs, as the fault harness's subject: ``python -m tests.cluster.product PLACE NAME SINK``.

The bot counts: each reply says how many messages the conversation has handled, and which. "Sent" is one line in the file SINK,
which outlives the worker, as Meta does.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import sys
from pathlib import Path

import msgspec
import structlog

from tests.cluster.worker import now
from wabox.cluster.store import Place
from wabox.clusterapp import build_cluster
from wabox.core.delivery import OutboundMessage
from wabox.core.ports import SendResult
from wabox.settings import ClusterSettings, Settings
from wabox.settings.secret import Secret

BOT = Path(__file__).parents[1] / "data" / "bots" / "counter"
RATE = 10_000.0
"""Messages a second: WhatsApp's 80 would be what is measured."""


class Sink:
    """Meta: it takes everything, and knows what it took."""

    def __init__(self, path: Path, worker: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._worker = worker

    async def send(self, message: OutboundMessage) -> SendResult:
        count, _, said = str(message.body["text"]["body"]).partition(": ")
        n = int(count) - 1
        line = {
            "id": message.id,
            "conversation": message.conversation_id,
            "n": n,
            "whole": said == ", ".join(f"m{number}" for number in range(n + 1)),
            "at": now(),
            "by": self._worker,
        }
        os.write(self._file, msgspec.json.encode(line) + b"\n")
        return SendResult(verdict="sent", wamid=f"wamid.{message.id}")

    async def seen(self, number_id: str, message_id: str, *, typing: bool = False) -> bool:
        return True

    async def aclose(self) -> None:
        os.close(self._file)


async def main(place: Place, name: str, sink: Path) -> None:
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr)
    )  # nobody reads the other after its first line
    root = sink.parent / name
    root.mkdir(exist_ok=True)
    engines = ClusterSettings(
        redis=tuple(map(Secret, place.redis)),
        rabbitmq=tuple(map(Secret, place.rabbitmq)),
        postgres=Secret(place.postgres),
        name=place.name,
        durability=place.durability,
    )
    settings = dataclasses.replace(Settings(root=root), data=root / "data", rate=RATE, cluster=engines)
    app = await build_cluster(settings, BOT, "worker", place.partitions, messenger=Sink(sink, name), worker=name)
    await app.start()
    await app.store.lanes.ready.wait()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(msgspec.json.decode(sys.argv[1], type=Place), sys.argv[2], Path(sys.argv[3])))
