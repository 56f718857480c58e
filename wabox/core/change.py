"""What changed: one sentence for whoever shows conversations, after each commit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import msgspec

from wabox.core.conversation import UnitOfWork

Kind = Literal["case", "message", "state", "delivery"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One conversation, after one commit; or what became of one message."""

    conversation_id: str
    """Empty for a ``delivery``: whoever shows the message knows whose it is."""
    at: int
    """ms since the epoch."""
    case_id: str | None = None
    """Of the case that changed, or that is open."""
    kinds: tuple[Kind, ...] = ()
    """``case``: it was opened, claimed, closed …; ``message``: something was said; ``state``: the bot moved on; ``delivery``: a
    message of ours came further, or failed."""
    status: str | None = None
    """The case's, or the message's."""
    outbound_id: str | None = None
    """Of the message, for a ``delivery``."""
    queue: str | None = None
    """The case's; who has it is ``agent``."""
    agent: str | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Changed]).decode


def changed_by(unit: UnitOfWork) -> Changed:
    kinds: list[Kind] = []
    case = unit.handoffs[-1] if unit.handoffs else unit.case
    if unit.handoffs:
        kinds.append("case")
    if unit.sends or any(record.kind == "in" for record in unit.records):
        kinds.append("message")
    kinds.append("state")
    return Changed(
        conversation_id=unit.conversation_id,
        at=unit.at,
        case_id=case.id if case else None,
        kinds=tuple(kinds),
        status=case.status if case else None,
        queue=case.queue if case else None,
        agent=case.agent if case else None,
    )


def joined(changes: Iterable[Changed]) -> list[Changed]:
    """One for each conversation, or message: as it is after the last of its changes, with the kinds of all; in that order."""
    found: dict[tuple[str, str | None], Changed] = {}
    for change in changes:
        about = change.conversation_id, change.outbound_id
        before = found.pop(about, None)
        found[about] = change if before is None else after(before, change)
    return list(found.values())


def after(before: Changed, change: Changed) -> Changed:
    """Two changes of the same, as one."""
    kinds = tuple(dict.fromkeys((*before.kinds, *change.kinds)))
    return replace(change, kinds=kinds, case_id=change.case_id or before.case_id)


def written(changes: Iterable[Changed], longest: int) -> list[bytes]:
    """As JSON, in as few pieces of at most ``longest`` bytes as they need."""
    pieces: list[bytes] = []
    some: list[bytes] = []
    size = 1
    for one in map(_encode, changes):
        if some and size + len(one) + 1 > longest:
            pieces.append(b"[%b]" % b",".join(some))
            some, size = [], 1
        some.append(one)
        size += len(one) + 1
    if some:
        pieces.append(b"[%b]" % b",".join(some))
    return pieces


def read(piece: bytes) -> list[Changed]:
    """What :func:`written` wrote. Raises msgspec.DecodeError."""
    return _decode(piece)
