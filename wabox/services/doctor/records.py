"""What lies in the data folder: the database, what waits to leave, what nobody could read, the month's free messages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from wabox.core.checkup import Finding, Notes
from wabox.errors import WaboxError
from wabox.flowfile.folder import shown
from wabox.services.doctor.machine import ago, size
from wabox.services.meter import month_of, report
from wabox.sqlite.connection import DATABASE
from wabox.sqlite.glance import Glance
from wabox.sqlite.inspection import Inspection, inspect

PATIENCE = 30.0
"""Seconds that the check of the database may take."""
STALE = 300_000
"""ms after which a message that nothing holds back should have left."""


def look(
    data: Path, now: int, timezone: str, *, stopped: Mapping[str, str] | None, seconds: float = PATIENCE
) -> tuple[list[Finding], Inspection | None]:
    """``stopped``: numbers from which nothing leaves, and why; None: no server runs. Also what the database says."""
    notes = Notes("messages")
    if not (data / DATABASE).is_file():
        notes.unknown("database", "there is none yet; the first start makes it")
        return notes.made, None
    found = inspect(data, now, seconds)
    if isinstance(found, str):
        notes.fail(
            "database",
            f"{shown(data / DATABASE)} cannot be read: {found}",
            "stop the server, keep a copy of the folder, and put back the newest backup",
        )
        return notes.made, None
    _database(notes, data, found)
    if found.faults:
        return notes.made, None
    if stopped is None:
        notes.warn("server", "none runs: nobody is answered", "start it: wabox serve")
    else:
        notes.ok("server", "runs")
    _outbox(notes, found, now, stopped)
    if found.untold:
        count = f"{found.untold:,} customer{' waits' if found.untold == 1 else 's wait'}"
        notes.warn(
            "people",
            f"{count} for a person, and nobody could be told",
            "see why: wabox handoff show CASE; who is told: wabox help handoff",
        )
    if found.letters:
        notes.warn(
            "dead letters",
            f"{found.letters:,} parts of webhooks could not be read; they are kept",
            "a newer wabox may understand them; otherwise tell its makers",
        )
    else:
        notes.ok("dead letters", "everything that came could be read")
    _quota(notes, data, now, timezone)
    return notes.made, found


def _database(notes: Notes, data: Path, found: Inspection) -> None:
    if found.faults:
        notes.fail(
            "database",
            f"{shown(data / DATABASE)} is damaged: {found.faults[0]}",
            "stop the server, keep a copy of the folder, and put back the newest backup",
        )
    elif found.schema > found.newest:
        notes.fail(
            "database",
            f"a newer wabox wrote it (schema {found.schema}, this one knows {found.newest})",
            "install that version again, or put back a backup from before the upgrade",
        )
    elif not found.finished:
        notes.warn(
            "database",
            f"{size(found.size)} are too much to check in the time there is; what was read is sound",
            "check it with --patience 3600 at a quiet hour",
        )
    else:
        older = "" if found.schema == found.newest else "; the next start upgrades it"
        count = f"{found.conversations:,} conversation{'' if found.conversations == 1 else 's'}"
        notes.ok("database", f"sound, {count}, {size(found.size)}{older}")


def _outbox(notes: Notes, found: Inspection, now: int, stopped: Mapping[str, str] | None) -> None:
    for number, reason in (stopped or {}).items():
        notes.fail(
            "sending", f"nothing leaves from number {number}: {reason}", "when that is mended it goes on by itself"
        )
    waits = f"{found.waiting:,} message{' waits' if found.waiting == 1 else 's wait'}"
    age = 0 if found.oldest is None else now - found.oldest
    if found.waiting and age > STALE and stopped == {}:
        notes.warn("outbox", f"{waits} to be sent, the oldest for {ago(age / 1000)}", "see why: wabox outbox list")
    else:
        notes.ok("outbox", waits if found.waiting else "nothing waits")
    if found.failed:
        count = f"{found.failed:,} message{'' if found.failed == 1 else 's'}"
        notes.warn("failures", f"{count} of the last 24 hours did not arrive", "see why: wabox outbox list --failed")


def _quota(notes: Notes, data: Path, now: int, timezone: str) -> None:
    month = month_of(now, timezone)
    try:
        with Glance(data) as glance:
            found = report(glance.metered(month.begin, month.end), month, timezone)
    except WaboxError as error:
        notes.unknown("free quota", str(error))
        return
    for number in found.numbers:
        if number.warning:
            notes.warn(
                "free quota",
                number.warning,
                "see that the account has a payment method; [bot] merge = true makes fewer messages",
            )
        else:
            notes.ok(
                "free quota",
                f"{number.used:,} of {number.free:,} free messages of number {number.number_id} used this month",
            )
    if not found.numbers:
        notes.ok("free quota", "nothing was delivered this month yet")
