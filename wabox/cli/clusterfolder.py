"""A cluster as a data folder, for the commands that work on one: a copy of it in, a backup out of one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wabox.errors import StorageError

if TYPE_CHECKING:
    from wabox.cli.progress import Bar
    from wabox.moving import Moved
    from wabox.services.backups.restoring import Restored
    from wabox.settings import Settings

COPY = ".copy-of-cluster"
"""In the data folder: where a copy is while it is needed. What a command that was killed left there goes with the next one."""


@contextlib.contextmanager
def copied(settings: Settings, bar: Bar) -> Iterator[Path]:
    """The data folder; of a cluster a copy that is made now, while it goes on, and gone at the end.

    Raises StorageError, Unavailable, SettingsError.
    """
    if settings.cluster is None:
        yield settings.data
        return
    import asyncio

    from wabox.app import wall_clock
    from wabox.cli.looking import clustered
    from wabox.moving import copy
    from wabox.sqlite.backupfolder import working

    async def made(folder: Path) -> None:
        async with clustered(settings) as store:
            total = max((await store.counts())[0], 1)
            await copy(store, folder, wall_clock, lambda done, _: bar("copying conversations", min(done / total, 1.0)))

    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with working(settings.data / COPY) as place:
        asyncio.run(made(place / "data"))
        yield place / "data"


@contextlib.contextmanager
def for_cluster(settings: Settings) -> Iterator[Path]:
    """A folder to restore to, gone at the end. Raises StorageError when the cluster has conversations; Unavailable."""
    import asyncio

    from wabox.cli.cluster import cluster_of
    from wabox.cli.looking import clustered
    from wabox.cluster.moving import empty
    from wabox.sqlite.backupfolder import working

    name = cluster_of(settings).name

    async def look() -> bool:
        async with clustered(settings) as store:
            return await empty(store)

    if not asyncio.run(look()):
        raise StorageError(
            f"the cluster {name!r} has conversations: nothing is restored over them. Give it another name ([cluster] name), "
            "make that (wabox cluster init), and restore again; or --to FOLDER restores elsewhere"
        )
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with working(settings.data / COPY) as place:
        yield place / "data"


def brought(settings: Settings, folder: Path, bar: Bar) -> Moved:
    """Move what was restored into the cluster. Raises Unavailable, StorageError."""
    import asyncio

    from wabox.app import wall_clock
    from wabox.cli.looking import clustered
    from wabox.moving import to_cluster

    def say(done: int, total: int) -> None:
        bar("bringing conversations over", done / max(total, 1))

    async def move() -> Moved:
        async with clustered(settings) as store:
            return await to_cluster(folder, store, say, models=settings.root / "models", clock=wall_clock)

    return asyncio.run(move())


def restored(settings: Settings, done: Restored, moved: Moved) -> dict[str, Any]:
    """For scripts; for people there are :func:`lines`."""
    from wabox.cli.cluster import cluster_of

    held, manifest = done.held, done.manifest
    return {
        "cluster": cluster_of(settings).name,
        "made_at": manifest.made_at,
        "conversations": moved.conversations,
        "under_way": done.proof.conversations,
        "replayed": done.proof.replayed,
        "schema_before": held.upgraded_from,
        "held": {"outbox": held.outbox, "inbox": held.inbox, "broadcasts": held.broadcasts},
        "forgotten": done.forgotten + moved.forgotten,
        "parts": {part.name: part.count for part in moved.parts},
        "models": list(done.models),
        "media": len(manifest.beside) or sum(one.name.startswith("media/") for one in manifest.members),
        "warnings": list(done.proof.warnings),
        "equal": moved.equal,
    }


def lines(told: dict[str, Any]) -> Iterator[str]:
    from wabox.cli.backup import proven, time_of

    held = told["held"]
    yield f"The cluster {told['cluster']!r} has {told['conversations']:,} conversations, as of {time_of(told['made_at'])}."
    yield proven({"conversations": told["under_way"], "replayed": told["replayed"]})
    yield from (f"{name}: {count:,} brought over." for name, count in told["parts"].items() if count)
    if held["outbox"]:
        yield (
            f"Not sent, for they may have left since: {held['outbox']} messages. Restored to a folder (--to FOLDER), "
            "wabox outbox list --failed --data FOLDER shows them."
        )
    if held["inbox"]:
        yield f"Not answered again: {held['inbox']} messages of customers that had just come."
    if held["broadcasts"]:
        yield f"Paused: {held['broadcasts']} broadcasts that ran. wabox broadcast resume lets one go on."
    if told["forgotten"]:
        yield f"Erased again: {told['forgotten']} people who asked to be forgotten."
    if told["models"]:
        yield f"Models put back: {', '.join(told['models'])}."
    yield from (f"Note: {one}" for one in told["warnings"])
    if not told["equal"]:
        yield "NOT all of it is there as it was in the backup: conversations went on meanwhile, or something got lost."
