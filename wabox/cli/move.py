"""``wabox migrate --to``: from one machine to a cluster and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from wabox.cli.cluster import cluster_of
from wabox.errors import SettingsError

if TYPE_CHECKING:
    from wabox.moving import Moved
    from wabox.settings import Settings


def move(settings: Settings, to: str, *, as_json: bool) -> None:
    """Raises SettingsError, DataFolderBusy, StorageError, Unavailable. Exit code 1: the two sides differ."""
    import asyncio
    from dataclasses import asdict

    if to not in ("cluster", "sqlite"):
        raise SettingsError(f"--to {to!r}: write cluster or sqlite")
    cluster_of(settings)
    moved = asyncio.run(_moved(settings, to))
    if as_json:
        typer.echo(json.dumps({**asdict(moved), "equal": moved.equal}))
    else:
        typer.echo(f"conversations: {moved.conversations:,}, {moved.brought:,} of them brought over just now.")
        for part in moved.parts:
            same = "the same on both sides" if part.here == part.there else "NOT the same on both sides"
            typer.echo(f"{part.name}: {part.count:,}, {part.brought:,} of them brought over just now: {same}.")
        if moved.waiting:
            typer.echo(f"{moved.waiting:,} messages that nobody had handled wait in their lanes.")
        for name in moved.broadcasts:
            typer.echo(
                f"The broadcast {name!r} stays behind, for the other side has another of its name or its numbers."
            )
        same = (
            "the same on both sides"
            if moved.equal
            else "NOT the same: conversations went on there, or were there before"
        )
        typer.echo(f"What goes on is {same} (digest {moved.here}).")
        if to == "cluster" and moved.equal:
            typer.echo("wabox.db and media of the data folder stay as they are. Delete them once the workers answer:")
            typer.echo("whoever is forgotten from now on is not erased there.")
    if not moved.equal:
        raise typer.Exit(1)


async def _moved(settings: Settings, to: str) -> Moved:
    from wabox.app import wall_clock
    from wabox.cli.progress import Bar
    from wabox.cluster.making import agreed
    from wabox.cluster.records.database import Database
    from wabox.cluster.store import open_cluster
    from wabox.clusterapp import place_of, worker_name
    from wabox.moving import to_cluster, to_sqlite

    cluster = cluster_of(settings)
    database = Database(cluster.postgres.reveal(), cluster.name)
    try:
        partitions = await agreed(database)
    finally:
        await database.aclose()
    store = await open_cluster(place_of(cluster, partitions), wall_clock, worker_name())
    try:
        with Bar() as bar:

            def say(done: int, total: int) -> None:
                bar("conversations", done / max(total, 1))

            if to == "cluster":
                models = settings.root / "models"
                return await to_cluster(settings.data, store, say, models=models, clock=wall_clock)
            return await to_sqlite(store, settings.data, wall_clock, say)
    finally:
        await store.close()
