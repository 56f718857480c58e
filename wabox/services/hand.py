"""What the owner does to a conversation by hand: ``wabox conversations move | reset | end`` (promise P4).

Each enters the conversation's own queue, on the channel ``api``, and is a turn like any other: nobody edits a row, and nothing
that is being handled is cut in two.

* *move*: to a state of the live flow, as if it had just come there; the variables that the chart knows are kept. The customer
  is asked what that state asks, unless it is to be done silently. What a detour suspended, timers and awaited calls are gone.
* *reset*: archived; the next message begins anew.
* *end*: archived as if the hard timeout had come; who comes back in time can go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from wabox.core.conversation import Session
from wabox.core.message import InboundMessage
from wabox.engine.begin import begin_at
from wabox.engine.effect import Arm, Disarm, Effect, Ended, Revoke
from wabox.engine.snapshot import Snapshot
from wabox.engine.step import Step
from wabox.engine.variables import fitting
from wabox.engine.view import held
from wabox.errors import ConversationError, FlowError
from wabox.flowfile.bot import Bot
from wabox.services.replies import Lead
from wabox.services.turn import Draft

ACTS = ("move", "reset", "end")


def wish(session: Session, act: str, payload: Mapping[str, Any], id_: str, now: int) -> InboundMessage:
    """What is put into the conversation's queue. ``id_`` is the caller's: the same one again does nothing."""
    if session.contact is None or session.number_id is None:
        raise FlowError(f"there is no conversation {session.conversation_id!r}; see: wabox conversations list")
    return InboundMessage(
        message_id=f"api:{id_}",
        number_id=session.number_id,
        conversation_id=session.conversation_id,
        timestamp=now,
        dated=False,
        channel="api",
        type=act,
        payload=dict(payload),
        contact=session.contact,
    )


def check(bot: Bot, chart: str | None, state: str) -> None:
    """Whether there is such a place in the live flow. FlowError with the nearest one when there is none."""
    try:
        there = begin_at(bot.charts, chart or bot.main, [state], {}, 0)
    except KeyError:
        raise FlowError(f"there is no chart {chart!r}; charts: {', '.join(sorted(bot.charts.live))}") from None
    except ConversationError as error:
        known = ", ".join(sorted(name for name in bot.charts[chart or bot.main].states if name))
        raise FlowError(f"{error}; states of {chart or bot.main}: {known}") from None
    if there.invokes:
        raise FlowError(f"{state!r} waits for a call that is made on the way in; move to the state before it")


def act(draft: Draft) -> None:
    """Do it; a conversation that is over already stays over."""
    payload = draft.message.payload
    draft.record("event", {"by_hand": draft.message.type, **payload})
    if draft.message.type == "move":
        _move(draft, payload.get("chart") or draft.bot.main, str(payload["state"]), silent=bool(payload.get("silent")))
    elif draft.restore() and draft.snapshot is not None:
        over = msgspec.structs.replace(draft.snapshot, status="done", timers={}, seq=draft.snapshot.seq + 1)
        ended: Effect = Ended(draft.bot.main, expired=draft.message.type == "end")
        draft.over = "reset"
        draft.take(Step(over, (*_dropped(draft.snapshot), ended), True))
        draft.close_case()


def _move(draft: Draft, chart_id: str, state: str, *, silent: bool) -> None:
    bot, before = draft.bot, draft.snapshot if draft.restore() else None
    kept = fitting(bot.charts[chart_id], before.context) if before is not None else {}
    context = {**(bot.context if chart_id == bot.main else {}), **kept}
    there = begin_at(bot.charts, chart_id, [state], context, draft.now)
    seq = before.seq + 1 if before is not None else 1
    timers = {name: (due_at, seq) for name, (due_at, _) in there.timers.items()}
    there = msgspec.structs.replace(there, seq=seq, timers=timers, language=draft.language)
    gone = _dropped(before) if before is not None else ()
    draft.take(Step(there, (*gone, *(Arm(name, due_at, seq) for name, (due_at, _) in timers.items())), True))
    if held(bot.charts, there):
        draft.hand_over("default", "moved there by hand")
    else:
        draft.close_case()
    if not silent:
        draft.lines.append(Lead(""))


def _dropped(snapshot: Snapshot) -> tuple[Effect, ...]:
    """Its timers and its calls are gone."""
    calls = (Revoke(frame.chart.partition("@")[0], call) for frame in snapshot.frames for call in frame.invokes)
    return (*(Disarm(name) for name in snapshot.timers), *calls)
