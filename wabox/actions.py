"""What ``flows/<bot>/actions.py`` may import.

::

    from wabox.actions import ActionInput, GuardInput, TaskInput, action, guard, task

    @guard
    def big_order(given: GuardInput) -> bool:
        return given.context["total"] > given.params.get("over", 500)

    @action
    def add_up(given: ActionInput) -> dict:
        return {"total": sum(item["price"] for item in given.context["cart"])}

    @task
    async def check_stock(given: TaskInput) -> dict:
        return {"free": await warehouse.free(given.input["item"])}

Guards and actions run inside a step: quick, without I/O, always the same answer for the same input. A *task* is what a flow
calls with ``invoke: {action: check_stock}``; it may take its time and use the network, sync or async, in a thread of its
own. It is called at least once: ``given.key`` is the same when it is repeated.

The name in the flow is the function's name, or the one given: ``@action(name="cart.add_up")``. The decorators only write
that name on the function: importing the file changes nothing anywhere, and two bots may use the same names.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, overload

from wabox.core.action import Action, ActionInput, Guard, GuardInput, Task, TaskInput
from wabox.core.event import Event
from wabox.errors import FlowError

__all__ = [
    "Action",
    "ActionInput",
    "Event",
    "Guard",
    "GuardInput",
    "Registered",
    "Task",
    "TaskInput",
    "action",
    "guard",
    "registered",
    "task",
]

_GUARD = "__wabox_guard__"
_ACTION = "__wabox_action__"
_TASK = "__wabox_task__"

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


@overload
def task(function: F) -> F: ...
@overload
def task(*, name: str) -> Callable[[F], F]: ...
def task(function: F | None = None, *, name: str | None = None) -> F | Callable[[F], F]:
    """Make the function, sync or async, a task that flows invoke by its name."""
    return _marked(_TASK, function, name, may_wait=True)


def _marked(mark: str, function: F | None, name: str | None, *, may_wait: bool = False) -> F | Callable[[F], F]:
    def write(target: F) -> F:
        if inspect.iscoroutinefunction(target) and not may_wait:
            raise FlowError(
                f"{target.__name__} is an async function; guards and actions are plain functions without I/O, "
                "what waits for something is a @task"
            )
        setattr(target, mark, name or target.__name__)
        return target

    return write if function is None else write(function)


@dataclass(frozen=True, slots=True)
class Registered:
    """The guards, actions and tasks of one file, by name."""

    guards: Mapping[str, Guard]
    actions: Mapping[str, Action]
    tasks: Mapping[str, Task] = field(default_factory=dict)


def registered(namespace: Mapping[str, object]) -> Registered:
    """What the decorators marked in a module (``vars(module)``). FlowError when two functions claim one name."""
    return Registered(
        _named(namespace, _GUARD, "guards"), _named(namespace, _ACTION, "actions"), _named(namespace, _TASK, "tasks")
    )


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
