"""The statechart engine: pure, no I/O, no clock, no randomness.

Theory
------
A *chart* is a tree of states. A *configuration* is the set of states active together; it is named by its leaves. An
*event* selects transitions, innermost state first, in document order; the transitions selected are taken together as one
*microstep*: states are left (innermost first), the transitions' actions run, states are entered (outermost first).
Eventless transitions and internal events follow until nothing is left to do: that is the *macrostep*, one event handled to
rest. This is SCXML's algorithm (W3C recommendation, appendix D); where names and details are XState v5's instead,
:mod:`wabox.engine.plan` and :mod:`wabox.engine.event` say so.

What is known about a configuration, and what a set of transitions does in it, depends on nothing but the chart (and, through
history states, on recorded history). So it is worked out when first needed and kept as a flat *plan*, like the states of
a lazily built automaton; a step is then a look-up, the guards, and the actions.

A conversation is a *snapshot*: plain data, a few hundred bytes of JSON. Restoring it runs nothing. A step makes a new
snapshot and *effects*, which are data too; if they are dropped, nothing has happened.

::

    reader, tree, wiring, saying, guard, action, built_in   read a definition; every problem has its place
    chart, state, say, problem                              what comes of it
    event, effect, invoke, snapshot                         what goes in and out
    configuration, program, plan                            what follows from the chart alone
    run, stack, step                                        a step: the interpreter, frames and clocks, the rules
    view, player                                            what a conversation waits for; a chart played by hand
    begin                                                   beginning in the middle
    rebase, migration, migrate, place, variables            a conversation comes to another version of its chart
    difference                                              what two versions of a chart differ in
    reference, value, text                                  paths, what may be stored, placeholders
"""

from wabox.engine.begin import begin_at
from wabox.engine.chart import Chart, ChartError, Charts, Problem, compile_chart
from wabox.engine.effect import (
    Arm,
    CloseHandoff,
    Disarm,
    Effect,
    Ended,
    Failed,
    Invoke,
    Log,
    Nudge,
    OpenHandoff,
    Push,
    Resumed,
    Revoke,
    Say,
)
from wabox.engine.event import Event
from wabox.engine.invoke import HttpSpec, InvokeSpec
from wabox.engine.say import ButtonTemplate, ListTemplate, RowTemplate, SayTemplate, SectionTemplate
from wabox.engine.snapshot import Frame, Snapshot, decode, encode
from wabox.engine.state import Entered, HandoffSpec, State, Taken, Timeouts, Transition
from wabox.engine.step import Step, answer, fire, start, step
from wabox.engine.text import fill, placeholders
from wabox.engine.view import accepts, active_states, expected, question, reprompt

__all__ = [
    "Arm",
    "ButtonTemplate",
    "Chart",
    "ChartError",
    "Charts",
    "CloseHandoff",
    "Disarm",
    "Effect",
    "Ended",
    "Entered",
    "Event",
    "Failed",
    "Frame",
    "HandoffSpec",
    "HttpSpec",
    "Invoke",
    "InvokeSpec",
    "ListTemplate",
    "Log",
    "Nudge",
    "OpenHandoff",
    "Problem",
    "Push",
    "Resumed",
    "Revoke",
    "RowTemplate",
    "Say",
    "SayTemplate",
    "SectionTemplate",
    "Snapshot",
    "State",
    "Step",
    "Taken",
    "Timeouts",
    "Transition",
    "accepts",
    "active_states",
    "answer",
    "begin_at",
    "compile_chart",
    "decode",
    "encode",
    "expected",
    "fill",
    "fire",
    "placeholders",
    "question",
    "reprompt",
    "start",
    "step",
]
