"""Places in wabox at which a process can be killed: named functions, wrapped in the process that is to die.

The product knows nothing of this. A name that is gone makes the server fail to start, so that nobody trusts a point that is
never reached.
"""

from __future__ import annotations

import inspect
import os
import signal
from collections.abc import Callable
from importlib import import_module
from typing import Any

POINTS = {
    "a webhook is in the transaction": ("wabox.sqlite.ingress", "store", "after"),
    "before a commit": ("wabox.sqlite.writer", "Writer._commit", "before"),
    "committed, nobody told": ("wabox.sqlite.writer", "Writer._commit", "after"),
    "a turn is in the transaction": ("wabox.sqlite.units", "commit", "after"),
    "before a send": ("wabox.whatsapp.client", "CloudMessenger.send", "before"),
    "sent, not marked": ("wabox.whatsapp.client", "CloudMessenger.send", "after"),
    "a mark is in the transaction": ("wabox.sqlite.marks", "write", "after"),
    "a timer is in the transaction": ("wabox.sqlite.timers", "take_due", "after"),
    "before a checkpoint": ("wabox.sqlite.writer", "Writer._checkpoint", "before"),
}
"""What happens there: module, function, and whether it dies before or after the call."""
DISK = ("wabox.db-wal.write", "wabox.db-wal.sync", "wabox.db.write", "wabox.db.sync")
"""In the middle of a commit, and of a checkpoint (see :mod:`tests.crash.disk`)."""

PUBLISHING = {
    "a file of the copy is written": ("wabox.flowfile.published", "_sync", "before"),
    "the copy is written, and has no name": ("wabox.flowfile.published", "_write", "after"),
    "a version is in the transaction": ("wabox.sqlite.versions", "save", "after"),
    "the copy is there, and no version": ("wabox.services.publishing", "Publishing.publish", "before"),
}
BACKING_UP = {
    "the database is copied": ("wabox.sqlite.databasecopy", "copy", "after"),
    "a customer's file lies beside": ("wabox.sqlite.backupfolder", "share", "after"),
    "packed, not looked at": ("wabox.sqlite.backupfile", "write", "after"),
    "unpacked, not looked at": ("wabox.sqlite.backupfile", "unpack", "after"),
    "proven, without a name": ("wabox.sqlite.backupfolder", "place", "before"),
    "named": ("wabox.sqlite.backupfolder", "place", "after"),
}
UPGRADING = {
    "packed, not looked at": BACKING_UP["packed, not looked at"],
    "proven, without a name": BACKING_UP["proven, without a name"],
    "the copy is good, and nothing is upgraded": ("wabox.sqlite.upgrade", "secure", "after"),
    "tried on a copy": ("wabox.sqlite.upgrade", "trial", "after"),
    "upgraded, nobody told": ("wabox.sqlite.store", "migrate", "after"),
}
_ALL = POINTS | PUBLISHING | BACKING_UP | UPGRADING


def known(point: str) -> bool:
    """Whether it is a function of wabox; else it is a write or a sync."""
    return point in _ALL


def arm(point: str, number: int) -> None:
    """kill -9 at the ``number``-th time that this process gets there."""
    module, function, when = _ALL[point]
    holder: Any = import_module(module)
    *owners, name = function.split(".")
    for owner in owners:
        holder = getattr(holder, owner)
    setattr(holder, name, _dying(getattr(holder, name), when, number))


def _dying(call: Callable[..., Any], when: str, number: int) -> Callable[..., Any]:
    left = number

    def die() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    if inspect.iscoroutinefunction(call):

        async def awaited(*args: Any, **kwargs: Any) -> Any:
            if when == "before":
                die()
            found = await call(*args, **kwargs)
            if when == "after":
                die()
            return found

        return awaited

    def called(*args: Any, **kwargs: Any) -> Any:
        if when == "before":
            die()
        found = call(*args, **kwargs)
        if when == "after":
            die()
        return found

    return called
