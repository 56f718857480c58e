"""``wabox migrate``: the database of an older wabox, brought up to date."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def migrate(
    check: Annotated[bool, typer.Option("--check", help="Only say what would be done, tried on a copy.")] = False,
    data: Annotated[Path | None, typer.Option(help="The data folder. Default: data/.")] = None,
    to: Annotated[
        str | None, typer.Option(help="Move every conversation: cluster (from the data folder), or sqlite (into it).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Bring the database of an older wabox up to date. From any release in one step.

    wabox serve does the same when it starts. Before anything is changed a copy is made in data/backups, which wabox
    restore brings back. --check tries it on a copy, with the server running: what would be applied, how long it takes,
    and whether everything is as it was afterwards. Exit code 1: it would fail.

    --to cluster moves everything that goes on, and what was said, into the engines under [cluster]; --to sqlite brings
    it back. Stop the server (the workers) first; wabox serve --role web may take messages in meanwhile. May be repeated.

    Example:  wabox migrate --check

    Example:  wabox migrate --to cluster
    """
    from dataclasses import replace

    import msgspec

    from wabox.cli.progress import Bar
    from wabox.settings import load
    from wabox.sqlite import upgrade

    settings = load(Path.cwd())
    if data is not None:
        settings = replace(settings, data=data.absolute())
    if to is not None:
        from wabox.cli.move import move

        move(settings, to, as_json=as_json)
        return
    with Bar() as bar:
        found = upgrade.trial(settings.data, bar)
    copy = None if check else _migrated(settings.data)
    if as_json:
        typer.echo(json.dumps({**msgspec.to_builtins(found), "done": not check, "copy": copy}))
        return
    if not found.steps:
        typer.echo(f"{settings.data} is up to date: schema {found.to}. Its database is in order.")
        return
    verb = "Would bring" if check else "Brought"
    typer.echo(f"{verb} {settings.data} from schema {found.schema} to {found.to}:")
    for name, _ in found.steps:
        typer.echo(f"  {name}")
    typer.echo(f"On a copy that took {found.steps[-1][1]:.1f} s, and every row is still there.")
    if copy is not None:
        typer.echo(f"As it was before: {copy}")


def _migrated(data: Path) -> str | None:
    import asyncio
    import logging

    from wabox.app import wall_clock
    from wabox.cli import logs
    from wabox.sqlite import backupfolder
    from wabox.sqlite.store import open_store

    logs.configure(terminal=True, level=logging.WARNING)
    before = {one.name for one in backupfolder.listed(data / backupfolder.FOLDER)}

    async def opened() -> None:
        await (await open_store(data, wall_clock)).close()

    asyncio.run(opened())
    made = [one.name for one in backupfolder.listed(data / backupfolder.FOLDER) if one.name not in before]
    return str(data / backupfolder.FOLDER / made[-1]) if made else None
