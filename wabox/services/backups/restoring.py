"""An archive becomes a data folder again, or nothing happens.

Everything is done beside the folder: unpacked, looked at as when it was made, upgraded, what waited in it is held
(:mod:`wabox.sqlite.restored`), whoever was forgotten since is erased from it. Then it takes the folder's place, and the old one
stays beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from wabox.core.backup import SEALED, Manifest
from wabox.core.ports import Clock
from wabox.errors import StorageError
from wabox.services.backups.making import LEFT_OUT, MODELS
from wabox.services.backups.proof import Load, Proof, load, prove
from wabox.sqlite import backupfile, backupfolder, databasecopy, restored, sealing, tombstones
from wabox.sqlite.connection import DATABASE
from wabox.sqlite.databasecopy import Progress, quiet
from wabox.sqlite.folder import FolderLock
from wabox.sqlite.restored import Held
from wabox.sqlite.store import open_store


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    folder: Path
    manifest: Manifest
    proof: Proof
    held: Held
    forgotten: int
    """People who were erased again."""
    aside: Path | None
    """Where the old folder is now."""
    models: tuple[str, ...]
    """Models that were put back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    manifest: Manifest
    proof: Proof


def verify(file: Path, *, identity: Path | None = None, progress: Progress = quiet, load: Load = load) -> Verified:
    """Restore the backup into a temporary place, look at every byte, and throw it away. Raises StorageError."""
    with tempfile.TemporaryDirectory(prefix=".wabox-verifying-", dir=_room(file.parent)) as name:
        work = Path(name)
        inside = work / "inside"
        inside.mkdir()
        manifest = _unpacked(file, work, inside, identity, progress)
        proof = prove(inside, manifest, progress, load=load)
        progress("looking at customers' files", 0.0)
        lost = backupfolder.wrong(file.parent, manifest.beside, deep=True)
        if lost:
            raise StorageError(
                f"{len(lost)} of {len(manifest.beside)} files of customers in {file.parent / backupfolder.MEDIA} are missing "
                f"or damaged, the first is {lost[0]}; everything else is whole"
            )
        return Verified(manifest=manifest, proof=proof)


def restore(
    file: Path,
    target: Path,
    clock: Clock,
    *,
    force: bool = False,
    resume: bool = False,
    identity: Path | None = None,
    models: Path | None = None,
    progress: Progress = quiet,
    load: Load = load,
) -> Restored:
    """Make ``target`` (absolute) what it was when ``file`` was made.

    ``resume``: what waited goes on, because nothing happened since. ``models``: where trained models belong; those that are
    there stay. Blocking. Raises DataFolderBusy, StorageError; then ``target`` is as it was.
    """
    if not file.is_file():
        raise StorageError(f"{file} is not there. wabox backup list names those that are")
    if target.exists() and os.path.ismount(target):
        raise StorageError(
            f"{target} is a mount point and cannot be moved aside: restore to a folder in it (--to {target / 'restored'}) "
            "and make that the data folder"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with _held(target), _working(target) as new:
        if (target / DATABASE).exists() and not force:
            raise StorageError(
                f"{target} has a database. --force moves the folder aside and keeps it; --to FOLDER restores elsewhere"
            )
        (inside := new / "inside").mkdir(mode=0o700)
        manifest = _unpacked(file, new, inside, identity, progress)
        proof = prove(inside, manifest, progress, load=load)
        lost = _bring_media(manifest, file.parent, inside)
        if lost:
            said = f"files of customers that are missing or damaged: {len(lost)}, the first is {lost[0]}"
            proof = replace(proof, warnings=(*proof.warnings, said))
        if not manifest.whole:
            _complete(inside, target)
        progress("preparing the database", 0.0)
        held = restored.prepare(inside / DATABASE, clock(), backupfolder.stamp(manifest.made_at), resume=resume)
        if (target / tombstones.FILE).is_file():
            tombstones.unite(inside, target / tombstones.FILE)
        forgotten = asyncio.run(_bury(inside, clock))
        put_back = _models(inside, models)
        aside = _swap(inside, target, clock())
    return Restored(
        folder=target, manifest=manifest, proof=proof, held=held, forgotten=forgotten, aside=aside, models=put_back
    )


@contextlib.contextmanager
def _held(target: Path) -> Iterator[None]:
    """No server runs on the folder, and none can begin."""
    if not target.is_dir():
        yield
        return
    lock = FolderLock(target)
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _working(target: Path) -> Iterator[Path]:
    try:
        place = Path(tempfile.mkdtemp(prefix=f".{target.name}-restoring-", dir=target.parent))
    except OSError as error:
        raise StorageError(f"{target.parent} cannot be written: {error.strerror}") from error
    try:
        yield place
    except OSError as error:
        raise StorageError(f"{target} cannot be restored: {error}. Is the disk full?") from error
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _room(folder: Path) -> Path | None:
    return folder if os.access(folder, os.W_OK) else None


def _unpacked(file: Path, work: Path, inside: Path, identity: Path | None, progress: Progress) -> Manifest:
    if file.name.endswith(SEALED):
        if identity is None:
            raise StorageError(f"{file} is encrypted: name the file with its secret key, --identity FILE")
        progress("decrypting", 0.0)
        sealing.unseal(file, work / "packed", identity)
        file = work / "packed"
    manifest = backupfile.manifest_of(file)
    databasecopy.known(manifest.schema, str(file))
    return backupfile.unpack(file, inside, progress)


def _bring_media(manifest: Manifest, folder: Path, inside: Path) -> list[str]:
    """Put customers' files that lie beside the archive into their place; those that are not there as they should be."""
    lost = set(backupfolder.wrong(folder, manifest.beside, deep=True))
    for one in manifest.beside:
        if one.name not in lost:
            backupfolder.share(backupfolder.beside(folder, one.name), backupfolder.beside(inside, one.name))
    return sorted(lost)


def _complete(inside: Path, target: Path) -> None:
    """What an upgrade does not change comes from the folder that it was made in."""
    if not target.is_dir():
        raise StorageError(
            "this backup was made before an upgrade and has the database alone: restore it over the data folder that it "
            "is from (--force keeps that one aside)"
        )
    for path in sorted(target.iterdir()):
        if path.name in LEFT_OUT or path.name.startswith((".", DATABASE)):
            continue
        if path.is_dir():
            shutil.copytree(path, inside / path.name)
        else:
            shutil.copy2(path, inside / path.name)
    for sha256, path in backupfolder.media(target):
        backupfolder.share(path, backupfolder.beside(inside, sha256))


async def _bury(inside: Path, clock: Clock) -> int:
    """Erase whoever was forgotten, after the backup was made; how many."""
    store = await open_store(inside, clock)
    try:
        return await store.register.bury()
    finally:
        await store.close()


def _models(inside: Path, models: Path | None) -> tuple[str, ...]:
    """Where trained models belong, those go that are not there; elsewhere they stay with the data."""
    found = inside / MODELS
    if models is None or not found.is_dir():
        return ()
    put_back = []
    for path in sorted(found.iterdir()):
        if not (models / path.name).exists():
            models.mkdir(parents=True, exist_ok=True)
            shutil.copytree(path, models / path.name)
            put_back.append(path.name)
    shutil.rmtree(found)
    return tuple(put_back)


def _swap(inside: Path, target: Path, now: int) -> Path | None:
    aside = None
    if target.exists():
        aside = target.with_name(f"{target.name}-before-{backupfolder.stamp(now)}")
        target.rename(aside)
        if (aside / backupfolder.FOLDER).is_dir() and not (inside / backupfolder.FOLDER).exists():
            (aside / backupfolder.FOLDER).rename(inside / backupfolder.FOLDER)
    inside.rename(target)
    backupfolder.sync(target.parent)
    if aside is not None and not any(path.name != "wabox.lock" for path in aside.iterdir()):
        shutil.rmtree(aside)  # it was empty
        aside = None
    return aside
