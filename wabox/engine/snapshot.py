"""A conversation as JSON.

Layout 1 (golden files in ``tests/data/snapshots/`` keep it readable in every later release)::

    v         1, the layout
    chart     "shop@0123456789ab": the chart of the active frame, with the hash of its definition
    leaves    ids of the active leaf states, sorted; everything above them follows from the chart
    context   the variables
    history   {history state's id: ids of the states it brings back}
    timers    {name: [due, ms since the epoch; the seq that armed it]}
    stack     suspended frames, outermost first: chart, leaves, context, history and timers, whose times are the
              ms that remained when the frame was suspended
    status    "active" (left out) or "done"
    seq       +1 with every step: the token of compare-and-set, and what tells a timer from its predecessor
    language  the customer's, when known
    misses    messages in a row that nobody understood
    invokes   {id of a call whose result is awaited: the seq that asked for it}; a suspended frame has its own, and
              ``results``, {id: [event, data]}, that came meanwhile
    tries     wrong answers to the question that stands
    offered   true: a detour has just ended, and the customer was asked to go on
    part      what the customer wrote when it was half an answer: a day without a time
    pieces    what the customer wrote and is not read yet, because more may follow (``quiet``)
    temper    how angry the customer sounded so far, the hash of what was written last, how often it was written again,
              and 1 when somebody has been called for it
    back      states whose questions were answered before, the newest last, at most three: where "go back" leads

What is empty is left out. Unknown keys are ignored, so an older release reads what a newer one of the same layout wrote.
Reading runs nothing. The snapshots are trusted to be ours, but not to be whole: see :func:`decode`, and
:mod:`wabox.engine.configuration` for the check against the chart.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from wabox.errors import ConversationError

LAYOUT = 1
LARGEST = 1 << 20
"""Bytes. A conversation that grew beyond this has a leak in its context."""


class Frame(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A suspended chart."""

    chart: str
    leaves: tuple[str, ...]
    context: dict[str, Any] = {}
    history: dict[str, tuple[str, ...]] = {}
    timers: dict[str, tuple[int, int]] = {}
    """Name → (remaining ms, the seq that armed it)."""
    invokes: dict[str, int] = {}
    results: dict[str, tuple[str, dict[str, Any]]] = {}
    """Id of a call → the event and its data that came while the frame was suspended; the call stays in ``invokes``."""
    back: tuple[str, ...] = ()


class Snapshot(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Immutable by convention all the way down: a step makes a new one and shares what did not change."""

    v: int
    chart: str
    leaves: tuple[str, ...]
    context: dict[str, Any] = {}
    history: dict[str, tuple[str, ...]] = {}
    timers: dict[str, tuple[int, int]] = {}
    """Name → (due, ms since the epoch; the seq that armed it)."""
    stack: tuple[Frame, ...] = ()
    status: Literal["active", "done"] = "active"
    seq: int = 0
    language: str | None = None
    misses: int = 0
    invokes: dict[str, int] = {}
    """Calls whose results are awaited: id → the seq that asked for it."""
    tries: int = 0
    offered: bool = False
    back: tuple[str, ...] = ()
    part: str = ""
    pieces: tuple[str, ...] = ()
    temper: tuple[int, ...] = ()
    """Nothing, or four numbers."""

    @property
    def charts(self) -> tuple[str, ...]:
        """References of every chart involved, outermost first, the active one last."""
        return (*(frame.chart for frame in self.stack), self.chart)

    @property
    def frames(self) -> tuple[Frame | Snapshot, ...]:
        """Every frame, outermost first, the active one (the snapshot itself) last."""
        return (*self.stack, self)


class _Layout(msgspec.Struct):
    v: int = 0


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Snapshot)
_layout = msgspec.json.Decoder(_Layout)


def encode(snapshot: Snapshot) -> bytes:
    """Compact JSON. ConversationError when the context holds what JSON cannot, or grew beyond 1 MiB."""
    try:
        data = _encoder.encode(snapshot)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ConversationError(f"the conversation in {snapshot.chart} cannot be written as JSON: {error}") from error
    if len(data) > LARGEST:
        raise ConversationError(
            f"the conversation in {snapshot.chart} takes {len(data)} bytes, more than {LARGEST}; "
            "look for an action that adds to the context without end"
        )
    return data


def decode(data: bytes) -> Snapshot:
    """The snapshot that was encoded. ConversationError with a sentence when this is none that we can read."""
    if len(data) > LARGEST:
        raise ConversationError(f"the stored conversation takes {len(data)} bytes, more than {LARGEST}; it is not read")
    try:
        snapshot = _decoder.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ConversationError(_unreadable(data, error)) from error
    if snapshot.v != LAYOUT:
        raise ConversationError(_unreadable(data, None))
    return snapshot


def _unreadable(data: bytes, error: Exception | None) -> str:
    """Say which of the two it is: written by a newer wabox, or damaged."""
    try:
        layout = _layout.decode(data).v
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        layout = LAYOUT
    if layout != LAYOUT:
        return (
            f"the stored conversation has layout {layout} and this wabox reads layout {LAYOUT}; "
            "run the wabox that wrote it, or a newer one"
        )
    return f"the stored conversation is damaged and cannot be read: {error}"
