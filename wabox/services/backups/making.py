"""A data folder becomes an archive, with the server running or not.

First the database, as it is in one moment; then what it speaks of, which is only added to: published versions, customers'
files. The archive is packed, unpacked again beside itself, looked at (:mod:`~wabox.services.backups.proof`), and only then
gets its name. Blocking; the command and the server's own nightly one run it in a process of their own.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from wabox import __version__
from wabox.core.backup import FORMAT, SEALED, Manifest, Member, Rule, named, surplus
from wabox.errors import StorageError
from wabox.services.backups.proof import Load, Proof, load, prove
from wabox.sqlite import backupfile, backupfolder, databasecopy, sealing
from wabox.sqlite.connection import DATABASE
from wabox.sqlite.databasecopy import Progress, quiet

LEFT_OUT = frozenset({"token", "server.json", "wabox.lock", backupfolder.FOLDER, backupfolder.MEDIA})
"""Of a data folder: what opens its server's API, what holds only while it runs, the backups themselves; the customers' files
have their own way. Whatever begins with a dot is being written."""
MODELS = "models"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    path: Path
    size: int
    """Of the archive, bytes."""
    manifest: Manifest
    proof: Proof
    added: int
    """Customers' files that were new in the folder of backups."""
    pruned: Sequence[str] = ()


def make(
    data: Path,
    folder: Path,
    now: int,
    *,
    file: Path | None = None,
    models: Path | None = None,
    recipients: Sequence[str] = (),
    rule: Rule | None = None,
    progress: Progress = quiet,
    load: Load = load,
) -> Made:
    """Back ``data`` up into ``folder``, or into ``file``, which then has the customers' files in it; so has what is encrypted.

    ``models``: the folder of trained models. ``rule``: what to keep of the folder afterwards. Raises StorageError.
    """
    if file is not None and file.exists():
        raise StorageError(f"{file} is there already; choose another name, nothing was written")
    if recipients:
        sealing.check(recipients)
    databasecopy.there(data / DATABASE)  # before a folder is made for it
    folder = folder if file is None else file.absolute().parent
    with backupfolder.working(folder) as work:
        inside, packed, proof_at = work / "inside", work / "packed", work / "proof"
        inside.mkdir()
        databasecopy.copy(data / DATABASE, inside / DATABASE, progress)
        contents = databasecopy.examine(inside / DATABASE, deep=False)
        _gather(data, inside)
        if models is not None and models.is_dir():
            shutil.copytree(models, inside / MODELS, ignore=_hidden)
        media = backupfolder.media(data)
        progress("copying customers' files", 0.0)
        if file is None and not recipients:  # what lies beside is not encrypted
            added, beside, spoilt = _set_beside(folder, media, progress)
        else:
            added, beside, spoilt = _put_inside(inside, media), (), []
        members = [
            backupfile.member(path.relative_to(inside).as_posix(), path)
            for path in sorted(inside.rglob("*"))
            if path.is_file()
        ]
        members.sort(key=lambda one: one.name != DATABASE)  # it leads: what is cut off shows soon
        manifest = Manifest(
            format=FORMAT,
            wabox=__version__,
            schema=contents.schema,
            made_at=now,
            counts=contents.counts,
            members=tuple(members),
            beside=beside,
        )
        backupfile.write(packed, manifest, [inside], progress)
        shutil.rmtree(inside)
        proof_at.mkdir()
        found = prove(proof_at, backupfile.unpack(packed, proof_at, progress), progress, load=load)
        found = replace(found, warnings=(*found.warnings, *spoilt))
        shutil.rmtree(proof_at)
        if lost := backupfolder.wrong(folder, beside, deep=False):
            raise StorageError(f"{len(lost)} files of customers in {folder / backupfolder.MEDIA} are not whole")
        done = packed
        if recipients:
            done = work / "sealed"
            progress("encrypting", 0.0)
            sealing.seal(packed, done, recipients)
        target = file or backupfolder.free_name(folder, now, sealed=SEALED if recipients else "")
        backupfolder.place(done, target)
        size = target.stat().st_size
    pruned = prune(folder, rule) if rule is not None and file is None else ()
    return Made(path=target, size=size, manifest=manifest, proof=found, added=added, pruned=pruned)


def prune(folder: Path, rule: Rule) -> list[str]:
    """Delete the backups that the rule does not keep, and customers' files that none of the others needs; which ones."""
    gone = surplus((one.name for one in backupfolder.listed(folder)), rule, week)
    for name in gone:
        (folder / name).unlink(missing_ok=True)
    if gone:
        left = [kept for kept in backupfolder.listed(folder) if not kept.sealed]  # those have all that they need inside
        needed = {one.name for kept in left for one in backupfile.manifest_of(folder / kept.name).beside}
        backupfolder.tidy(folder, needed)
    return gone


def week(day: str) -> str:
    """``2026-11-22`` → ``2026-W47``."""
    year, number, _ = date.fromisoformat(day).isocalendar()
    return f"{year}-W{number:02}"


def _gather(data: Path, inside: Path) -> None:
    """Everything of the data folder but the database and the customers' files. Copies: it may change meanwhile."""
    for path in sorted(data.iterdir()):
        if (
            path.name in LEFT_OUT
            or path.name.endswith("token")
            or path.name.startswith((".", DATABASE))
            or path.is_symlink()
        ):
            continue
        if path.is_dir():
            shutil.copytree(path, inside / path.name, ignore=_hidden)
        elif path.is_file():
            shutil.copy2(path, inside / path.name)


def _hidden(_: str, names: Sequence[str]) -> set[str]:
    return {name for name in names if name.startswith(".") or name == "__pycache__"}


def _set_beside(
    folder: Path, media: Sequence[tuple[str, Path]], progress: Progress
) -> tuple[int, tuple[Member, ...], list[str]]:
    """How many are new, all of them, and what is wrong with some."""
    added, found, spoilt = 0, [], []
    for number, (sha256, path) in enumerate(media):
        target = backupfolder.beside(folder, sha256)
        try:
            if backupfolder.share(path, target):
                added += 1
                if backupfile.digest(target) != sha256:
                    target.unlink()
                    spoilt.append(f"{path}, a customer's file, is damaged and was left out")
                    continue
            found.append(Member(sha256, target.stat().st_size, sha256))
        except FileNotFoundError:
            continue  # erased meanwhile
        progress("copying customers' files", (number + 1) / len(media))
    return added, tuple(found), spoilt


def _put_inside(inside: Path, media: Sequence[tuple[str, Path]]) -> int:
    count = 0
    for sha256, path in media:
        try:
            count += backupfolder.share(path, backupfolder.beside(inside, sha256))
        except FileNotFoundError:
            continue  # erased meanwhile
    return count


def summary(made: Made) -> Mapping[str, object]:
    """For scripts."""
    return {
        "file": str(made.path),
        "size": made.size,
        "made_at": made.manifest.made_at,
        "schema": made.manifest.schema,
        "wabox": made.manifest.wabox,
        "encrypted": (kept := named(made.path.name)) is not None and kept.sealed,
        "conversations": made.proof.conversations,
        "replayed": made.proof.replayed,
        "media": len(made.manifest.beside)
        or sum(one.name.startswith(f"{backupfolder.MEDIA}/") for one in made.manifest.members),
        "media_added": made.added,
        "warnings": list(made.proof.warnings),
        "pruned": list(made.pruned),
        "counts": dict(made.manifest.counts),
    }
