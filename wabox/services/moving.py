"""What becomes of a conversation when another version of its flow is live. Pure.

1. What provably fits, or is migrated, moves to the live version (:mod:`wabox.engine.rebase`), unless the flow drains.
2. Who is with a person stays where they are until that person is done.
3. The rest stays on its own version while it may; then the choice made at publishing decides. The *failure target* is what the
   live main chart does with the event ``migration.failed``, else with ``human``; it is told in words, never an exception.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from wabox.core.event import Event
from wabox.core.version import Choice
from wabox.engine.configuration import configuration
from wabox.engine.effect import Disarm, Effect, Revoke
from wabox.engine.event import HARD
from wabox.engine.place import Misfit
from wabox.engine.rebase import Moved, move
from wabox.engine.snapshot import Snapshot
from wabox.engine.step import Step, start
from wabox.engine.variables import fitting
from wabox.engine.view import held
from wabox.flowfile.bot import Bot

if TYPE_CHECKING:
    from wabox.services.turn import Draft

FAILED = "migration.failed"
HUMAN = "human"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """To the live version, with the next turn."""

    before: Snapshot
    how: Literal["same", "compatible", "migrated", "failed", "restarted", "ended"]
    after: Snapshot | None = None
    effects: tuple[Effect, ...] = ()
    reason: str = ""
    told: bool = True
    """The customer can be spoken to now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What the conversation is handled for."""

    now: int
    customer: bool
    """The customer speaks, and waits for an answer."""
    reachable: bool = True
    """The service window is probably open."""
    timer: str | None = None
    """The timer that is due, unless it is stale."""


def decide(
    live: Bot, old: Bot | None, snapshot: Snapshot, occasion: Occasion, *, choice: Choice | None, since: int | None
) -> Move | None:
    """How the conversation moves to ``live``; None: it stays on ``old``.

    ``old`` is None when its charts are not there any more. ``since``: when its version ceased to be live, ms.
    """
    rules = live.charts[live.main].versioning
    over = since is not None and occasion.now >= since + rules.max_pin
    if old is not None and rules.policy == "drain" and not over:
        found: Moved | Misfit = Misfit("the flow drains")
    else:
        found = move(live.charts, snapshot, occasion.now, old.charts if old is not None else None)
    if isinstance(found, Moved):
        return Move(before=snapshot, how=found.how, after=found.snapshot, effects=found.effects)
    told = occasion.customer or occasion.reachable
    failed = Move(before=snapshot, how="failed", reason=found.reason, told=told)
    if old is None:
        return failed
    if held(old.charts, snapshot):
        return None
    match choice or ("move" if rules.policy == "auto" else "keep"):
        case "move":
            return failed if occasion.customer or over or _ends(old, snapshot, occasion) else None
        case "restart" | "expire" as chosen:
            if occasion.customer and (over or chosen == "restart"):
                return Move(before=snapshot, how="restarted", reason=found.reason)
            return Move(before=snapshot, how="ended", reason=found.reason) if over else None
        case _:
            return failed if over or _ends(old, snapshot, occasion) else None


def _ends(bot: Bot, snapshot: Snapshot, occasion: Occasion) -> bool:
    """Whether its hard timeout is due, and its charts have no words of their own for that."""
    if occasion.timer != "hard":
        return False
    return not any(
        configuration(bot.charts.find(frame.chart), frame.leaves).rows_for(HARD) for frame in snapshot.frames
    )


def settle(draft: Draft, to: Move) -> bool:
    """Begin the turn with the move; whether there is a conversation to go on with."""
    before = to.before
    draft.language = before.language or draft.language
    if to.after is not None:
        draft.take(Step(to.after, to.effects, True))
        if to.how != "same":
            draft.record("event", {"moved": to.how, "from": before.chart, "to": to.after.chart})
        return True
    draft.record("event", {"moved": to.how, "from": before.chart, "reason": to.reason})
    draft.forget = True
    ended: list[Effect] = [Disarm(name) for name in before.timers]
    ended += [Revoke(frame.chart.partition("@")[0], call) for frame in before.frames for call in frame.invokes]
    draft.take(Step(before, tuple(ended), True))
    draft.snapshot = None
    if to.how == "failed":
        _fail(draft, to)
        return True
    if to.how == "restarted":
        draft.say("wabox.restarted")
    return False


def _fail(draft: Draft, to: Move) -> None:
    bot = draft.bot
    first = to.before.stack[0] if to.before.stack else to.before
    draft.why = f"its version of the flow is over: {to.reason}"
    kept = fitting(bot.charts[bot.main], first.context)
    draft.take(start(bot.charts, bot.main, draft.now, {**bot.context, **kept}))
    draft.lines.clear()  # the greeting
    if draft.snapshot is not None:
        draft.snapshot = msgspec.structs.replace(draft.snapshot, language=to.before.language)
    draft.say("wabox.changed")
    data = {"reason": to.reason, "states": list(to.before.leaves)}
    if not any(draft.step(Event(name, data, customer=True)) for name in (FAILED, HUMAN)):
        draft.say("wabox.handoff")
        draft.hand_over("default", draft.why)
    if not to.told:
        draft.lines.clear()
