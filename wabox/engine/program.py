"""What a microstep does, laid flat: the operations of actions, messages and hand-offs, in the order of SCXML's enterStates and
exitStates."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias

from wabox.engine.collect import COLLECTED, Collect
from wabox.engine.effect import CloseHandoff, OpenHandoff, Say
from wabox.engine.event import DONE, Event
from wabox.engine.invoke import InvokeSpec
from wabox.engine.reference import read
from wabox.engine.say import SayTemplate
from wabox.engine.state import BoundAction, Running, State, Transition
from wabox.engine.value import look_up

Operation: TypeAlias = Callable[[Running], None]


class Block(NamedTuple):
    """Operations that stand or fall together: when one raises, the rest of its block is skipped (SCXML 4.1)."""

    where: str
    operations: tuple[Operation, ...]
    labels: tuple[str, ...] = ()
    """Names of the actions, in step with the operations; none for the engine's own."""
    calm: bool = True
    """They compute variables and speak, and that is all: no event, no timer, no function of the bot."""


class Program:
    """Blocks laid end to end."""

    __slots__ = ("_blocks", "calm", "labels", "operations")

    def __init__(self, blocks: Iterable[Block]) -> None:
        self._blocks = tuple(block for block in blocks if block.operations)
        self.operations = tuple(operation for block in self._blocks for operation in block.operations)
        self.labels = tuple(label for block in self._blocks for label in block.labels)
        self.calm = all(block.calm for block in self._blocks)

    def broken(self, at: int) -> Failure:
        """What it means that the operation at this place raised."""
        block, *rest = self._blocks
        begun: tuple[str, ...] = ()
        while at >= len(block.operations):
            at -= len(block.operations)
            begun += block.labels
            block, *rest = rest
        where = f"{block.where}, action {block.labels[at]}" if block.labels else block.where
        return Failure(where, begun + block.labels[: at + 1], Program(rest))


class Failure(NamedTuple):
    where: str
    begun: tuple[str, ...]
    """Names of the actions begun, the failed one last."""
    rest: Program
    """What still has to run."""


def entry_blocks(state: State, by_default: bool) -> list[Block]:
    """Entering a state: its actions, what it says and asks, its hand-off and calls; then the actions of ``initial``, if it
    begins there."""
    blocks = [_block(f"entry of {_named(state)}", state.entry)]
    operations: list[Operation] = [_say(template, state.id, False) for template in state.say]
    operations += [_say(template, state.id, True) for template in state.ask]
    calm = True
    if state.collect is not None:
        # The question stays: it is dropped with its state, and stands if nobody takes the event.
        operations.append(_filled(state.collect))
        calm = False
    if state.handoff is not None:
        spec = state.handoff
        effect = OpenHandoff(spec.queue, spec.priority, spec.reason, state.id)
        operations.append(lambda running: running.effects.append(effect))
    # A block of its own: a failing entry action must not leave the customer in silence.
    blocks.append(Block(f"messages of {_named(state)}", tuple(operations), calm=calm))
    if state.invokes:
        calls = tuple(_invoke(spec) for spec in state.invokes)
        blocks.append(Block(f"invoke of {_named(state)}", calls, calm=False))
    if by_default and state.initial is not None:
        blocks.append(_block(f"initial of {_named(state)}", state.initial.actions))
    return blocks


def exit_blocks(state: State) -> list[Block]:
    """Leaving a state: its actions, and the end of its hand-off and calls."""
    blocks = [_block(f"exit of {_named(state)}", state.exit)]
    if state.handoff is not None:
        effect = CloseHandoff(state.id)
        blocks.append(Block(f"hand-off of {_named(state)}", (lambda running: running.effects.append(effect),)))
    if state.invokes:
        blocks.append(Block(f"invoke of {_named(state)}", tuple(_revoke(spec) for spec in state.invokes), calm=False))
    return blocks


def _invoke(spec: InvokeSpec) -> Operation:
    return lambda running: running.invoke(spec)


def _revoke(spec: InvokeSpec) -> Operation:
    return lambda running: running.revoke(spec.id)


def transition_block(transition: Transition) -> Block:
    """The actions of a transition."""
    return _block(
        f"transition {' '.join(transition.events) or 'always'} of {_named(transition.source)}", transition.actions
    )


def _block(where: str, actions: tuple[BoundAction, ...]) -> Block:
    calm = all(action.calm for action in actions)
    return Block(where, tuple(action.run for action in actions), tuple(action.label for action in actions), calm)


def _say(template: SayTemplate, state: str, question: bool) -> Operation:
    return lambda running: running.effects.append(Say(template, running.context, state, question))


def _filled(collect: Collect) -> Operation:
    """A slot that has its value is not asked for: the state says at once that it is collected."""

    def tell(running: Running) -> None:
        value = look_up(running.context, collect.keys)
        if value is not None:
            data = {"slot": collect.slot.name, "value": value, "already": True}
            running.queue.append(Event(COLLECTED, data))

    return tell


def done_block(state: State, final: State | None = None) -> Block:
    """Raising a state's done event; ``final``: the child that ends it, whose ``output`` the event carries."""
    name = DONE + state.id
    output = None if final is None else final.output
    if output is None:
        event = Event(name)
        return Block(name, (lambda running: running.queue.append(event),), calm=False)

    def raise_done(running: Running) -> None:
        running.queue.append(Event(name, {"output": read(output, running.context, running.event)}))

    return Block(name, (raise_done,), calm=False)


def _named(state: State) -> str:
    return state.id or "the root"
