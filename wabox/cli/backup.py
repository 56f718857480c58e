"""``wabox backup`` and ``wabox restore``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from wabox.settings import Settings

Data = Annotated[Path | None, typer.Option(help="The data folder. Default: data/.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Identity = Annotated[
    Path | None, typer.Option(help="The file with the secret key of an encrypted backup, as age-keygen wrote it.")
]


def backup(
    where: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE|FOLDER]", help="A file to write, or a folder to add to. Default: data/backups."),
    ] = None,
    keep: Annotated[
        str | None, typer.Option(help='What to keep of the folder: "7 daily 4 weekly 6 monthly". Default: all of it.')
    ] = None,
    recipient: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="Encrypt to this public key of age (age1…); may be repeated."),
    ] = None,
    scheduled: Annotated[
        bool, typer.Option("--scheduled", help="As the server does each night: folder, key and rule of wabox.toml.")
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Back everything up, and prove it. The server may run.

    Conversations, customers' files, published versions, models and the list of who was forgotten; no secrets. The archive is
    unpacked again, every page of its database looked at, every conversation read, and some taken up by the engine, before
    it gets its name. In a folder of backups each customer's file is there once, beside the archives; in a file of your
    own it is inside. A cluster goes on meanwhile: each conversation is there as of a moment of the copy.

    Example:  wabox backup
    Example:  wabox backup /mnt/usb/bakery.tar.gz
    """
    import os
    import time

    from wabox.cli.clusterfolder import copied
    from wabox.cli.progress import Bar
    from wabox.core.backup import rule
    from wabox.errors import SettingsError
    from wabox.services.backups import making

    if scheduled:
        os.nice(10)  # the server goes first
    settings = _settings(data)
    mine = settings.backup
    own_file = where is not None and not where.is_dir()
    try:
        kept = rule(keep or mine.keep) if keep is not None or scheduled else None
    except ValueError as error:
        raise SettingsError(f"[backup] keep: {error}") from error
    with Bar() as bar, copied(settings, bar) as folder:
        made = making.make(
            folder,
            mine.folder or settings.data / "backups" if where is None or own_file else where,
            time.time_ns() // 1_000_000,
            file=where if own_file else None,
            models=settings.root / "models",
            recipients=recipient or mine.recipients,
            rule=kept,
            progress=bar,
            load=_loader(settings),
        )
    told = making.summary(made)
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    typer.echo(f"{made.path}  {_size(made.size)}")
    typer.echo(proven(told))
    for line in made.proof.warnings:
        typer.echo(f"Note: {line}")
    if made.pruned:
        typer.echo(f"Deleted, as the rule says: {', '.join(made.pruned)}")


def list_(
    folder: Annotated[Path | None, typer.Argument(help="A folder of backups. Default: data/backups.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show the backups that there are, the oldest first.

    Example:  wabox backup list
    """
    from datetime import UTC, datetime

    from wabox.sqlite import backupfolder

    settings = _settings(data)
    place = folder or settings.backup.folder or settings.data / "backups"
    found = backupfolder.listed(place)
    if not found and not as_json:
        typer.echo(f"there is none in {place}: wabox backup makes one")
    for one in found:
        size = (place / one.name).stat().st_size
        at = backupfolder.time_of(one)
        if as_json:
            about = {"file": str(place / one.name), "size": size, "made_at": at, "encrypted": one.sealed}
            typer.echo(json.dumps({**about, "before_upgrade": one.upgrade}))
        else:
            when = datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
            typer.echo(f"{when}  {_size(size):>8}  {place / one.name}")


def verify(
    file: Annotated[Path, typer.Argument(help="The backup.")],
    identity: Identity = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Restore a backup and look at every byte of it. It goes into a temporary place, which is thrown away.

    Example:  wabox backup verify data/backups/wabox-2026-11-22T030000Z.tar.gz
    """
    from wabox.cli.progress import Bar
    from wabox.services.backups import restoring

    settings = _settings(data)
    with Bar() as bar:
        found = restoring.verify(file, identity=identity, progress=bar, load=_loader(settings))
    told = {
        "file": str(file),
        "made_at": found.manifest.made_at,
        "wabox": found.manifest.wabox,
        "schema": found.manifest.schema,
        "conversations": found.proof.conversations,
        "replayed": found.proof.replayed,
        "media": len(found.manifest.beside),
        "warnings": list(found.proof.warnings),
    }
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    typer.echo(f"{file} is whole.")
    typer.echo(proven(told))
    for line in found.proof.warnings:
        typer.echo(f"Note: {line}")


def restore(
    file: Annotated[Path, typer.Argument(help="The backup.")],
    to: Annotated[Path | None, typer.Option(help="The folder to restore to. Default: the data folder.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Move the folder that is there aside and keep it.")] = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="The server stood still since the backup: what waited to be sent is sent."),
    ] = False,
    identity: Identity = None,
    as_json: Json = False,
) -> None:
    """Bring a backup back. Stop the server first; a cluster's must be a new, empty one (wabox cluster init).

    It is looked at as when it was made, brought up to date, and whoever was forgotten since is erased from it. What
    waited to be sent when it was made is not sent: it may have left since. wabox outbox list --failed shows it, wabox
    outbox retry sends it.

    Example:  wabox restore data/backups/wabox-2026-11-22T030000Z.tar.gz --force
    Example:  wabox restore bakery.tar.gz --to /tmp/look
    """
    import logging

    from wabox.app import wall_clock
    from wabox.cli import logs
    from wabox.cli.progress import Bar
    from wabox.services.backups import restoring

    logs.configure(terminal=True, level=logging.WARNING)
    settings = _settings(None)
    if settings.cluster is not None and to is None:
        _into_cluster(settings, file, force=force, resume=resume, identity=identity, as_json=as_json)
        return
    target = settings.data if to is None else to.absolute()
    with Bar() as bar:
        done = restoring.restore(
            file,
            target,
            wall_clock,
            force=force,
            resume=resume,
            identity=identity,
            models=settings.root / "models" if to is None else None,
            progress=bar,
            load=_loader(settings),
        )
    held = done.held
    told: dict[str, Any] = {
        "folder": str(done.folder),
        "made_at": done.manifest.made_at,
        "conversations": done.proof.conversations,
        "replayed": done.proof.replayed,
        "schema_before": held.upgraded_from,
        "held": {"outbox": held.outbox, "inbox": held.inbox, "broadcasts": held.broadcasts},
        "forgotten": done.forgotten,
        "aside": None if done.aside is None else str(done.aside),
        "models": list(done.models),
        "warnings": list(done.proof.warnings),
    }
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    for line in _restored(told):
        typer.echo(line)


def _into_cluster(
    settings: Settings, file: Path, *, force: bool, resume: bool, identity: Path | None, as_json: bool
) -> None:
    from wabox.app import wall_clock
    from wabox.cli import clusterfolder
    from wabox.cli.progress import Bar
    from wabox.errors import SettingsError
    from wabox.services.backups import restoring

    if force:
        raise SettingsError("--force is for data folders: a cluster that has conversations is never restored over")
    with Bar() as bar, clusterfolder.for_cluster(settings) as folder:
        done = restoring.restore(
            file,
            folder,
            wall_clock,
            resume=resume,
            identity=identity,
            models=settings.root / "models",
            progress=bar,
            load=_loader(settings),
        )
        moved = clusterfolder.brought(settings, folder, bar)
    told = clusterfolder.restored(settings, done, moved)
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        for line in clusterfolder.lines(told):
            typer.echo(line)
    if not moved.equal:
        raise typer.Exit(1)


def _restored(told: dict[str, Any]) -> list[str]:
    held = told["held"]
    lines = [f"{told['folder']} is as it was at {time_of(told['made_at'])}.", proven(told)]
    if held["outbox"]:
        lines.append(
            f"Held, for they may have left since: {held['outbox']} messages; wabox outbox list --failed shows them, "
            "wabox outbox retry sends one."
        )
    if held["inbox"]:
        lines.append(f"Not answered again: {held['inbox']} messages of customers that had just come.")
    if held["broadcasts"]:
        lines.append(f"Paused: {held['broadcasts']} broadcasts; wabox broadcast resume goes on with one.")
    if told["forgotten"]:
        lines.append(f"Erased again: {told['forgotten']} people who asked to be forgotten.")
    if told["models"]:
        lines.append(f"Models put back: {', '.join(told['models'])}.")
    lines += [f"Note: {one}" for one in told["warnings"]]
    if told["aside"]:
        lines.append(f"What was there before is in {told['aside']}; delete it when all is well.")
    return lines


def _settings(data: Path | None) -> Settings:
    from wabox.cli.looking import settings_for

    return settings_for(data)


def _loader(settings: Settings) -> Callable[[Path, str], Any]:
    """Published copies as the server loads them."""

    def load(folder: Path, name: str) -> Any:
        from wabox.flowfile.bot import load_bot

        return load_bot(
            folder,
            language=settings.language,
            context=settings.context,
            name=name,
            published=True,
            manners=settings.manners,
        )

    return load


def proven(told: Any) -> str:
    return (
        f"Proven: restored to a temporary place. Conversations under way: {told['conversations']},\n"
        f"all of them read, {told['replayed']} taken up by the engine."
    )


def _size(count: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def time_of(ms: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
