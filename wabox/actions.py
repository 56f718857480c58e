"""What ``flows/<bot>/actions.py`` may import.

::

    from wabox.actions import ActionInput, GuardInput, action, guard

    @guard
    def big_order(given: GuardInput) -> bool:
        return given.context["total"] > given.params.get("over", 500)

    @action
    def add_up(given: ActionInput) -> dict:
        return {"total": sum(item["price"] for item in given.context["cart"])}

The name in the flow is the function's name, or the one given: ``@action(name="cart.add_up")``. The decorators only write
that name on the function: importing the file changes nothing anywhere, and two bots may use the same names.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from wabox.core.action import Action, ActionInput, Guard, GuardInput
from wabox.core.event import Event
from wabox.errors import FlowError

__all__ = ["Action", "ActionInput", "Event", "Guard", "GuardInput", "Registered", "action", "guard", "registered"]

_GUARD = "__wabox_guard__"
_ACTION = "__wabox_action__"

F = TypeVar("F", bound=Callable[..., Any])


@overload
def guard(function: F) -> F: ...
@overload
def guard(*, name: str) -> Callable[[F], F]: ...
def guard(function: F | None = None, *, name: str | None = None) -> F | Callable[[F], F]:
    """Make the function a guard that flows call by its name."""
    return _marked(_GUARD, function, name)


@overload
def action(function: F) -> F: ...
@overload
def action(*, name: str) -> Callable[[F], F]: ...
def action(function: F | None = None, *, name: str | None = None) -> F | Callable[[F], F]:
    """Make the function an action that flows call by its name."""
    return _marked(_ACTION, function, name)


def _marked(mark: str, function: F | None, name: str | None) -> F | Callable[[F], F]:
    def write(target: F) -> F:
        if inspect.iscoroutinefunction(target):
            raise FlowError(
                f"{target.__name__} is an async function; guards and actions are plain functions without I/O"
            )
        setattr(target, mark, name or target.__name__)
        return target

    return write if function is None else write(function)


@dataclass(frozen=True, slots=True)
class Registered:
    """The guards and actions of one file, by name."""

    guards: Mapping[str, Guard]
    actions: Mapping[str, Action]


def registered(namespace: Mapping[str, object]) -> Registered:
    """What the decorators marked in a module (``vars(module)``). FlowError when two functions claim one name."""
    return Registered(_named(namespace, _GUARD, "guards"), _named(namespace, _ACTION, "actions"))


def _named(namespace: Mapping[str, object], mark: str, what: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for value in namespace.values():
        # By `vars`, not `getattr`: a module may hold objects that answer to every name.
        name = vars(value).get(mark) if callable(value) and hasattr(value, "__dict__") else None
        if not isinstance(name, str):
            continue
        if found.get(name, value) is not value:
            raise FlowError(f"two {what} are called {name!r}; rename one of them")
        found[name] = value
    return found
