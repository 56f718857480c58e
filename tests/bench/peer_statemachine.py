"""The conversation of ``bench_engine`` on python-statemachine, the best-known statechart library in Python.

It has no snapshots of its own (its issue 618): the configuration is the model's ``state`` and the history a private
dictionary, both carried by hand. It has no timers that can be stored either; they are left out. Imported only when the
library is installed.
"""

from __future__ import annotations

import json
from typing import Any

import statemachine
from statemachine import HistoryState, State, StateChart
from statemachine.orderedset import OrderedSet

VERSION = f"python-statemachine {statemachine.__version__}"


class Order:
    """The model: the variables, what was said, and the configuration."""

    def __init__(self, state: Any = None, **context: Any) -> None:
        self.state = state
        self.context = context or {"name": "Ana", "items": 2, "total": 49.9}
        self.said: list[str] = []


class Checkout(StateChart[Order]):
    browsing = State(initial=True)

    class checkout(State.Compound):  # noqa: N801 - a state's name
        back = HistoryState(type="deep")

        class address(State.Compound, initial=True):  # noqa: N801
            asking = State(initial=True)
            noted = State(final=True)
            address_given = asking.to(noted, on="keep_address")

        confirm_items = State()

        class payment(State.Compound):  # noqa: N801
            summary = State(initial=True)
            method = State()
            waiting = State()
            received = State(final=True)
            confirmed_summary = summary.to(method, event="confirmed")
            method_chosen = method.to(waiting, on="keep_method")
            paid = waiting.to(received)

        done_paid = State(final=True)
        done_state_address = address.to(confirm_items)
        confirmed_items = confirm_items.to(payment, event="confirmed")
        change = confirm_items.to(address)
        done_state_payment = payment.to(done_paid)

    help = State()
    handed_off = State()
    fulfilment = State(final=True)

    order = browsing.to(checkout, cond="has_items")
    help_requested = checkout.to(help)
    resume = help.to(checkout.back) | handed_off.to(checkout.back)
    done_state_checkout = checkout.to(fulfilment)
    human = browsing.to(handed_off) | checkout.to(handed_off) | help.to(handed_off)

    def has_items(self) -> bool:
        return bool(self.model.context["total"] > 0)

    def keep_address(self, text: str) -> None:
        self.model.context = {**self.model.context, "address": text}

    def keep_method(self) -> None:
        self.model.context = {**self.model.context, "method": "card"}

    def say(self, text: str) -> None:
        self.model.said.append(text)

    def on_enter_browsing(self) -> None:
        self.say("What would you like?")

    def on_enter_asking(self) -> None:
        self.say("Where to, {name}?")

    def on_enter_confirm_items(self) -> None:
        self.say("{total} in all. Right?")

    def on_enter_summary(self) -> None:
        self.say("To {address}. Go on?")

    def on_enter_method(self) -> None:
        self.say("How?")

    def on_enter_waiting(self) -> None:
        self.say("Pay here, please.")

    def on_enter_done_paid(self) -> None:
        self.say("Thank you!")

    def on_enter_help(self) -> None:
        self.say("What is it?")

    def on_enter_fulfilment(self) -> None:
        self.say("It is on its way, {name}.")


def stored(machine: Checkout) -> str:
    state = machine.model.state
    history = {name: [one.id for one in states] for name, states in machine.history_values.items()}
    return json.dumps([list(state) if isinstance(state, OrderedSet) else state, machine.model.context, history])


def restored(data: str) -> Checkout:
    state, context, history = json.loads(data)
    machine = Checkout(Order(OrderedSet(state) if isinstance(state, list) else state, **context))
    by_id = {one.id: one for one in machine.states_map.values()}
    machine.history_values = {name: [by_id[id_] for id_ in ids] for name, ids in history.items()}
    return machine
