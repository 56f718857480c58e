"""What is done before and about an upgrade of the database: a copy to go back to, and a trial on a copy.

The copy is an archive like any backup, with the database alone (an upgrade changes nothing else), looked at before the upgrade
begins. Without room for it there is no upgrade: nothing was changed then, and the wabox of before still runs.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import closing
from pathlib import Path

import msgspec
import structlog

from wabox import __version__
from wabox.core.backup import FORMAT, UPGRADES, Manifest
from wabox.errors import StorageError
from wabox.sqlite import backupfile, backupfolder, databasecopy
from wabox.sqlite.connection import DATABASE, open_writer
from wabox.sqlite.databasecopy import Progress, quiet
from wabox.sqlite.migrate import migrate, migrations

log = structlog.get_logger(__name__)


def secure(data: Path, found: int, now: int) -> Path | None:
    """Copy the database, which has the schema ``found``, if it is about to be upgraded; where to. Raises StorageError."""
    newest = databasecopy.newest()
    if not 0 < found < newest:
        return None
    folder = data / backupfolder.FOLDER
    with backupfolder.working(folder) as work:
        inside, packed, proof = work / "inside", work / "packed", work / "proof"
        inside.mkdir()
        databasecopy.copy(data / DATABASE, inside / DATABASE)
        contents = databasecopy.examine(inside / DATABASE, deep=False)
        manifest = Manifest(
            format=FORMAT,
            wabox=__version__,
            schema=contents.schema,
            made_at=now,
            counts=contents.counts,
            members=(backupfile.member(DATABASE, inside / DATABASE),),
            whole=False,
        )
        backupfile.write(packed, manifest, [inside])
        shutil.rmtree(inside)
        proof.mkdir()
        backupfile.unpack(packed, proof)
        if databasecopy.examine(proof / DATABASE) != contents:
            raise StorageError(f"{data / DATABASE} could not be copied before its upgrade; nothing was changed")
        target = backupfolder.free_name(folder, now, f"-before-schema-{newest}")
        backupfolder.place(packed, target)
    for old in [one for one in backupfolder.listed(folder) if one.upgrade][:-UPGRADES]:
        (folder / old.name).unlink(missing_ok=True)
    log.info("upgrade.copied", file=str(target), schema=found, to=newest)
    return target


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    schema: int
    to: int
    steps: tuple[tuple[str, float], ...]
    """What would be applied, and the seconds that all up to it took on the copy."""
    counts: dict[str, int]
    """Rows by table, before."""


def trial(data: Path, progress: Progress = quiet) -> Trial:
    """Upgrade a copy of the database, and look at it before and after. Raises StorageError, as the upgrade would."""
    with tempfile.TemporaryDirectory(prefix=".wabox-trial-", dir=data) as name:
        copied = Path(name) / DATABASE
        databasecopy.copy(data / DATABASE, copied, progress)
        before = databasecopy.examine(copied, progress)
        wanted = [(number, path.stem) for number, path in migrations() if number > before.schema]
        began, steps = time.perf_counter(), []
        with closing(open_writer(copied)) as connection:
            for place, (number, stem) in enumerate(wanted):
                progress(f"applying {stem} to a copy", place / len(wanted))
                migrate(connection, str(data / DATABASE), up_to=number)
                steps.append((stem, time.perf_counter() - began))
        after = databasecopy.examine(copied, progress)
        lost = [
            table for table in before.counts if table in after.counts and after.counts[table] < before.counts[table]
        ]
        if lost:
            raise StorageError(f"the upgrade would lose rows of {', '.join(lost)}; do not upgrade, report it")
        return Trial(schema=before.schema, to=after.schema, steps=tuple(steps), counts=before.counts)
