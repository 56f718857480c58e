"""What a write of a conversation tells Redis: what differs from the version that it was computed from, packed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from wabox.cluster.document import DAY, Document, kept_for, pack, rearmed
from wabox.cluster.entry import Entry
from wabox.cluster.shards import Change, Index

REMEMBERED: Final = 8 * DAY
"""ms for which an id is known: Meta delivers again for seven days."""
SEPARATOR: Final = "\0"
"""Between a conversation and the name of its timer, in the index."""

_entries = msgspec.msgpack.Encoder()


def written(
    old: Document, new: Document, entry: Entry | None, ids: Sequence[bytes], now: int, *, version: int
) -> Change:
    """``version``: of ``old``, or one that is never right; ``now``: ms since the epoch."""
    id_ = old.session.conversation_id
    unsent, keep = new.work.unsent, kept_for(new, now)
    calls = bool(new.work.calls)
    lasts = new.session is old.session and old.version and keep <= kept_for(old, now)
    return Change(
        index=Index(
            id=id_,
            version=version,
            now=now,
            remember=REMEMBERED,
            keep=None if lasts else keep,
            unsent="same" if unsent == old.work.unsent else "none" if unsent is None else unsent,
            calls=None if calls == bool(old.work.calls) else calls,
            timers=[(f"{id_}{SEPARATOR}{name}", due) for name, due in rearmed(old.work, new.work)],
        ),
        session=pack(new.session) if new.session is not old.session else b"",
        work=pack(new.work) if new.work != old.work else b"",
        record=b"" if entry is None else _entries.encode(entry),
        ids=ids,
    )
