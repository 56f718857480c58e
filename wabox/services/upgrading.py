"""Another wabox takes this one's place, and gives it back by itself when it does not become ready.

1. The new one is unpacked beside the old one and tried where it lies: ``wabox selftest``.
2. The old one makes a backup, which proves itself.
3. The swap, one step; the restart; ready within the patience, or the old one is put back and started again.
4. A database that the new one had brought up to date is not read by the old one: then the backup is restored, and the folder
   that was there is kept aside.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from wabox.errors import WaboxError
from wabox.release.place import Place


class Failed(WaboxError):
    """A step did not work: what it said."""


class RolledBack(WaboxError):
    """The new one did not become ready; the old one runs again."""


class Hands(Protocol):
    """What an upgrade does to the world. Each raises Failed."""

    def try_out(self, program: Path) -> None: ...

    def back_up(self) -> Path | None:
        """None: there is nothing yet."""
        ...

    def schema(self) -> int | None:
        """Of the database; None: there is none."""
        ...

    def restart(self) -> bool:
        """False: nobody told us how, or nothing runs."""
        ...

    def ready(self) -> None: ...

    def stop(self) -> None: ...

    def restore(self, backup: Path) -> None: ...


def upgrade(file: Path, version: str, place: Place, hands: Hands, tell: Callable[[str], None]) -> bool:
    """Whether the new one runs; False: it lies in its place, and somebody has to restart the server.

    Raises Immovable and Failed when nothing was changed, RolledBack when everything is as it was.
    """
    tell(f"trying wabox {version} on this machine")
    hands.try_out(place.prepare(file, version))
    tell("backing up")
    backup, schema = hands.back_up(), hands.schema()
    tell("putting it in place")
    try:
        place.swap()
        restarted = hands.restart()
        if restarted:
            tell("waiting until it is ready")
            hands.ready()
    except (WaboxError, OSError) as error:
        tell(f"wabox {version} does not work here: {error}")
        _go_back(place, hands, backup, schema, tell)
        raise RolledBack(
            f"wabox {version} did not become ready ({error}); the wabox from before runs again, nothing was lost"
        ) from error
    return restarted


def _go_back(place: Place, hands: Hands, backup: Path | None, schema: int | None, tell: Callable[[str], None]) -> None:
    tell("going back")
    place.back()
    if backup is not None and hands.schema() != schema:
        tell(f"the database is a newer wabox's: restoring {backup}")
        hands.stop()
        hands.restore(backup)
    if hands.restart():
        hands.ready()
