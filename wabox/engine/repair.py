"""Repair: what a customer may ask for in the middle of anything. The built-in action ``repair``:

::

    repair: repeat                 ask the question that stands again
    repair: back                   go back to the question before it, and ask that again
    repair: skip                   leave the slot of the question empty and go on, where the slot is not required
    repair: cancel                 stop this: a detour ends where it is; outside of one, as restart
    repair: restart                begin the conversation again
    repair: rephrase               say that the message was not understood, with the question
    repair: options                the same, with the question's options spelled out and numbered
    repair: {event: name}          give this event to the chart below, or to this one; the name may be {from: path}

A repair chart (:mod:`wabox.flowfile.repairs`) is a detour whose last state has such an action: the chart ends first, without
the ``resumed`` that other detours end with, and then it is the frame below that is repaired. In a chart that goes on, the
action is about the chart itself. It is done when the step has come to rest, once; the last wish counts. An event that is
passed on may lead to another wish; a circle of them ends where a circle of ``raise`` does.

"Back" leads to the question that was answered before: its state is entered again, and its slot, if it has one, is emptied. What
actions did since then stays done. The snapshot remembers three questions; before the first there is no way back, and the
customer is told. Nor is there one across the result of a call or people who took over (:mod:`wabox.engine.trail`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from wabox.core.event import Event
from wabox.engine.collect import COLLECTED
from wabox.engine.effect import Ask, Restart
from wabox.engine.plan import jump, leaving
from wabox.engine.state import State
from wabox.engine.value import look_up, without

if TYPE_CHECKING:
    from wabox.engine.stack import Conversation


class Words(NamedTuple):
    """Keys of what is said where a wish cannot be granted, or with it."""

    no_way_back: str = "wabox.repair.no_way_back"
    cannot_skip: str = "wabox.repair.cannot_skip"
    cancelled: str = "wabox.repair.cancelled"
    restarted: str = "wabox.repair.restarted"


WORDS = Words()


def grant(run: Conversation) -> None:
    """Do what an action wished for; the active frame is the one to repair."""
    wish, run.wish = run.wish, None
    match wish:
        case "repeat":
            run.effects.append(Ask())
        case "rephrase":
            run.effects.append(Ask("wabox.rephrase", own_words=True))
        case "options":
            run.effects.append(Ask("wabox.buttons_hint", numbered=True))
        case "back":
            _back(run)
        case "skip":
            _skip(run)
        case "cancel":
            _cancel(run)
        case "restart":
            _restart(run, WORDS.restarted)
        case Event():
            if not run.deliver(wish):
                run.effects.append(Ask("wabox.rephrase", own_words=True))


def _back(run: Conversation) -> None:
    asked = run.config.question
    states = run.config.chart.states
    back = list(run.back)
    while back:
        state = states.get(back.pop())
        if state is not None and any(one.handoff is not None for one in (state, *state.ancestors)):
            break
        if state is not None and state.ask and (asked is None or state is not asked[0]):
            _return(run, state)
            run.back = tuple(back)
            return
    run.effects.append(Ask(WORDS.no_way_back))


def _return(run: Conversation, state: State) -> None:
    if state.collect is not None and look_up(run.context, state.collect.keys) is not None:
        run.context = without(run.context, state.collect.keys)
    run.go(jump(run.config, state, run.history))
    run.settle()


def _skip(run: Conversation) -> None:
    found = run.config.collect
    if found is None or found[1].slot.required:
        run.effects.append(Ask(WORDS.cannot_skip))
        return
    slot = found[1].slot.name
    run.events += (COLLECTED,)
    if not run.macrostep(Event(COLLECTED, {"slot": slot, "value": None, "skipped": True}, run.customer)):
        run.effects.append(Ask())


def _cancel(run: Conversation) -> None:
    if run.stack:
        run.perform(leaving(run.config))
        run.done = True
        run.unwind()
    else:
        _restart(run, WORDS.cancelled)


def _restart(run: Conversation, text: str) -> None:
    """Leave every frame, the innermost first; the conversation is over and begins again."""
    run.perform(leaving(run.config))
    for frame in reversed(run.stack):
        run.resume(frame)
        run.perform(leaving(run.config))
    run.stack = ()
    run.queue.clear()
    run.over = True
    run.effects.append(Restart(run.config.chart.id, text))
