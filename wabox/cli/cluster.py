"""``wabox cluster``: several machines, made, looked at, and planned."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from wabox.core.capacity import Plan
    from wabox.settings import ClusterSettings, Settings

group = typer.Typer(
    help="Several machines. RabbitMQ, Redis Cluster and PostgreSQL instead of one file.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)

PARTS: Final = ("redis", "aiormq", "asyncpg")
"""Python's names for what the extra ``cluster`` brings."""


def not_installed(parts: Sequence[str]) -> str:
    return f"a cluster needs {', '.join(parts)}, not installed here: pip install 'wabox[cluster]'"


def cluster_of(settings: Settings) -> ClusterSettings:
    """Raises SettingsError where none is named."""
    from wabox.errors import SettingsError

    if settings.cluster is None:
        raise SettingsError(
            "no cluster is named: set redis, rabbitmq and postgres under [cluster] (wabox help cluster)"
        )
    missing = [name for name in PARTS if find_spec(name) is None]
    if missing:
        raise SettingsError(not_installed(missing))
    return settings.cluster


@group.command()
def init(
    partitions: Annotated[
        int, typer.Option(min=1, max=4096, help="For good; 512 for ten million conversations a day.")
    ] = 256,
    new_token: Annotated[
        bool, typer.Option("--new-token", help="Draw another token for the command line, where it has leaked.")
    ] = False,
) -> None:
    """Make the queues and the tables, once. May be repeated: what is there stays.

    Example:  wabox cluster init
    """
    import asyncio

    from wabox.settings import load

    settings = cluster_of(load(Path.cwd()))

    async def made() -> int:
        from wabox.cluster.broker import Broker
        from wabox.cluster.making import make, renew_token
        from wabox.cluster.records.database import Database
        from wabox.clusterapp import place_of

        place = place_of(settings, partitions)
        database, broker = Database(place.postgres, place.name), Broker(place.rabbitmq)
        try:
            count = await make(database, broker, settings.name, partitions)
            if new_token:
                await renew_token(database)
            return count
        finally:
            await broker.aclose()
            await database.aclose()

    found = asyncio.run(made())
    typer.echo(f"The cluster {settings.name!r} is made: {found} partitions. Next: wabox cluster check")
    if new_token:
        typer.echo("Its token is another now: restart every process, one after the other; until then wabox refuses to")
        typer.echo("speak with those that have the old one.")


@group.command()
def check(as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False) -> None:
    """Whether the engines are what wabox needs, and how fast they answer. Exit code 1 when something is wrong.

    Example:  wabox cluster check
    """
    import asyncio

    import msgspec

    from wabox.settings import load

    settings = cluster_of(load(Path.cwd()))

    async def looked() -> list[object]:
        from wabox.cluster.checking import look
        from wabox.clusterapp import place_of

        return list(await look(place_of(settings, 0)))

    from wabox.cluster.checking import Point

    points = [point for point in asyncio.run(looked()) if isinstance(point, Point)]
    for point in points:
        if as_json:
            typer.echo(json.dumps(msgspec.to_builtins(point)))
            continue
        typer.echo(f"{'ok   ' if point.good else 'WRONG'}  {point.what}: {point.found}")
        if not point.good:
            typer.echo(f"       {point.fix}")
    if not all(point.good for point in points):
        raise typer.Exit(1)


@group.command()
def plan(
    daily: Annotated[int, typer.Option(min=1, help="Conversations a day.")] = 1_000_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """What to run for so many conversations a day. By the model in wabox help cluster.

    Example:  wabox cluster plan --daily 1000000
    """
    from dataclasses import asdict

    from wabox.core.capacity import plan as planned

    found = planned(daily)
    if as_json:
        typer.echo(json.dumps(asdict(found)))
        return
    for line in _lines(found):
        typer.echo(line)


def _lines(found: Plan) -> list[str]:
    rows = [
        ("at the peak", f"{found.messages:,.0f} messages in and {found.statuses:,.0f} statuses a second"),
        ("wabox serve --role web", f"{found.web} core{'s' * (found.web > 1)}, on two machines"),
        ("wabox serve --role worker", f"{found.workers} processes, a core each"),
        ("RabbitMQ", f"3 nodes of {found.broker} cores, fast disks"),
        ("Redis", f"{found.shards} primaries, {found.shards} replicas, {found.redis / 1e9:.1f} GB in all"),
        ("PostgreSQL", f"{found.sql / 1e9:.1f} GB a day"),
        ("partitions", str(found.partitions)),
        ("WhatsApp numbers", f"{found.numbers:,} at 80 messages a second each"),
        *((f"at {wall.daily:,} a day", wall.what) for wall in found.walls[:3]),
    ]
    head = [f"{found.daily:,} conversations a day:"]
    if found.one_vm:
        head.append("One VM with SQLite carries this. A cluster of it is for availability:")
    return [*head, *(f"  {name:<27}{said}" for name, said in rows)]
