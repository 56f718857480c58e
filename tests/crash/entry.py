"""The entry point of ``wabox`` in a process that is meant to suffer: ``python -m tests.crash.entry '{…}' serve …``.

What is to happen is in the JSON, see :class:`Fate`; the rest is wabox itself, through its own ``main``.
"""

from __future__ import annotations

import functools
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from tests.crash.disk import Disk
from tests.crash.points import arm, known

SETTLE_AFTER = 4_000
"""ms instead of 30 s: a message in doubt is repeated sooner, and the test is over sooner."""


class Fate(msgspec.Struct, omit_defaults=True):
    point: str | None = None
    """A name in :mod:`tests.crash.points`, or such as ``wabox.db-wal.write``, at which to die."""
    number: int = 1
    """The so many-th time."""
    journal: str | None = None
    """Note everything that is written, and sync nothing."""
    control: str | None = None
    """See :class:`~tests.crash.disk.Disk`."""
    weak: bool = False
    """``synchronous = NORMAL``: what wabox must not do, to see that a power cut is noticed."""
    clock: str | None = None
    """A file with ms that the clock is wrong by."""
    once: str | None = None
    """Messages that contain this are sent once only."""


def suffer(fate: Fate) -> None:
    on_disk = fate.point is not None and not known(fate.point)
    if on_disk or fate.journal or fate.control:
        Disk(
            journal=Path(fate.journal) if fate.journal else None,
            dies=(fate.point, fate.number) if on_disk and fate.point else None,
            control=Path(fate.control) if fate.control else None,
        ).install()
    if fate.point is not None and not on_disk:
        arm(fate.point, fate.number)
    if fate.weak:
        from wabox.sqlite import connection

        connection._WRITER = tuple((name, 1 if name == "synchronous" else value) for name, value in connection._WRITER)
    if fate.clock is not None:
        _wrong_clock(Path(fate.clock))
    if fate.once is not None:
        _send_once(fate.once)
    _settle_sooner()


def _wrong_clock(path: Path) -> None:
    """Everything that asks for the time of day; ``time.monotonic`` goes on, as when somebody sets the clock."""
    real, real_ns = time.time, time.time_ns

    def off() -> int:
        try:
            return int(path.read_text() or "0")
        except (OSError, ValueError):
            return 0

    time.time = lambda: real() + off() / 1000
    time.time_ns = lambda: real_ns() + off() * 1_000_000
    import datetime

    from apscheduler.schedulers import base

    class Wrong(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return super().now(tz) + datetime.timedelta(milliseconds=off())

    base.datetime = Wrong
    import apscheduler.schedulers.asyncio
    import apscheduler.triggers.interval

    apscheduler.triggers.interval.datetime = Wrong


def _send_once(words: str) -> None:
    from wabox.services import turn

    made = turn.OutboundMessage

    def make(**fields: Any) -> Any:
        if words in str(fields["body"].get("text")):
            fields["policy"] = "once"
        return made(**fields)

    turn.OutboundMessage = make  # type: ignore[assignment,misc]


def _settle_sooner() -> None:
    from wabox.services.outbox import Outbox

    begin = Outbox.__init__

    @functools.wraps(begin)
    def init(self: Outbox, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **{"settle_after": SETTLE_AFTER, **kwargs})

    Outbox.__init__ = init  # type: ignore[method-assign]


def run(fate: Fate, arguments: list[str]) -> None:
    """``wabox`` with these arguments, until it ends or is ended."""
    suffer(fate)
    from wabox.cli.main import main

    sys.argv = ["wabox", *arguments]
    main()


if __name__ == "__main__":
    run(msgspec.json.decode(sys.argv[1], type=Fate), sys.argv[2:])
