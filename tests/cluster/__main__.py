"""Faults by hand, on servers of your own: ``python -m tests.cluster --fault primary --messages 5000 --servers FOLDER``.

FOLDER is one of ``packaging/cluster/up`` (its ports in WABOX_TEST_REDIS, …, as it was started): its servers are killed.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import tempfile
import tomllib
from pathlib import Path

from tests.bench.process import ROOT
from tests.cluster import breaks
from tests.cluster.judged import Load, run
from wabox.cluster.store import Place


def main() -> None:
    said = argparse.ArgumentParser(prog="python -m tests.cluster")
    said.add_argument("--fault", required=True, choices=sorted(_faults(Path(), [])))
    said.add_argument("--messages", type=int, default=5000)
    said.add_argument("--conversations", type=int, default=500)
    said.add_argument("--rate", type=float, default=200)
    said.add_argument("--seed", type=int, default=1)
    said.add_argument("--partitions", type=int, default=32)
    said.add_argument("--durability", choices=("replicated", "primary"), default="replicated")
    said.add_argument(
        "--product", action="store_true", help="whole workers of wabox, with a bot, instead of the storage alone"
    )
    said.add_argument("--servers", type=Path, required=True)
    given = said.parse_args()
    folder = given.servers.resolve()
    where = tomllib.loads((folder / "cluster.toml").read_text())["cluster"]
    place = Place(
        redis=tuple(where["redis"]),
        rabbitmq=tuple(where["rabbitmq"]),
        postgres=where["postgres"],
        name=f"fault{secrets.token_hex(3)}",
        partitions=given.partitions,
        durability=given.durability,
        deadline=2.0,
    )
    load = Load(
        messages=given.messages,
        conversations=given.conversations,
        rate=given.rate,
        seed=given.seed,
        product=given.product,
    )
    fault = _faults(folder, [str(ROOT / "packaging/cluster/up"), str(folder)])[given.fault]
    logs = Path(tempfile.mkdtemp(prefix="wabox-fault-"))
    workers = 1 if given.fault == "join" else 2
    verdict = asyncio.run(run(place, logs, load, fault, workers=workers))
    print(given.fault, "clean" if verdict.clean else "NOT CLEAN", verdict, f"logs: {logs}")
    # Without a replica's word something must be lost, or the fault proved nothing.
    sys.exit(verdict.clean if given.durability == "primary" else not verdict.clean)


def _faults(folder: Path, up: list[str]) -> dict[str, breaks.Break]:
    return {
        "none": breaks.nothing,
        "all": breaks.everything(folder, up),
        "worker": breaks.workers(10, 2.0),
        "zombie": breaks.zombie(14.0),
        "join": breaks.join(4.0, 5.0),
        "broker": breaks.broker(folder, up, 4.0),
        "node": breaks.node(folder, up, 20.0),
        "mute": breaks.mute(folder, 40.0),
        "network": breaks.network(20.0),
        "postgres": breaks.postgres(folder, up, 60.0),
        "replica": breaks.replica(folder, up, 8.0),
        "lagging": breaks.lagging(folder, 20.0),
        "cut": breaks.frozen(folder, 10.0),
        "failover": breaks.primary(folder, up, lag=False),
        "primary": breaks.primary(folder, up, lag=True),
        "shard": breaks.shard(folder, up, 6.0),
    }


main()
