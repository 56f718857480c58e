"""The module that a bot's actions.py imports."""

from __future__ import annotations

from typing import Any

import pytest

from wabox.actions import ActionInput, Event, GuardInput, action, guard, registered
from wabox.errors import FlowError


def test_functions_are_registered_by_name() -> None:
    """A decorated function is known by its own name or by the one given, and stays a plain function."""

    @guard
    def big(given: GuardInput) -> bool:
        return bool(given.context["n"] > 5)

    @action(name="cart.add")
    def add(given: ActionInput) -> dict[str, Any]:
        return {"n": given.context["n"] + 1}

    class Odd:
        def __getattr__(self, name: str) -> object:
            return "everything"

        def __call__(self) -> None: ...

    found = registered({"big": big, "add": add, "again": add, "plain": len, "odd": Odd(), "Odd": Odd, "number": 5})
    assert (dict(found.guards), dict(found.actions)) == ({"big": big}, {"cart.add": add})
    assert big(GuardInput({"n": 6}, Event("x"), {}))
    assert add(ActionInput({"n": 6}, Event("x"), {})) == {"n": 7}


def test_two_functions_of_one_name() -> None:
    """Two actions that claim one name are refused; an action and a guard may share it."""

    @action(name="x")
    def one(given: ActionInput) -> None: ...

    @action(name="x")
    def two(given: ActionInput) -> None: ...

    @guard(name="x")
    def three(given: GuardInput) -> bool:
        return True

    assert registered({"one": one, "three": three}).guards == {"x": three}
    with pytest.raises(FlowError, match="two actions are called 'x'; rename one of them"):
        registered({"one": one, "two": two})


def test_async_function_is_refused() -> None:
    """An async function cannot be a guard or an action, and the message says why."""
    with pytest.raises(FlowError, match="fetch is an async function; guards and actions are plain functions"):

        @action
        async def fetch(given: ActionInput) -> None: ...
