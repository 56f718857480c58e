"""What a bot's own Python may do, tried by ``wabox selftest``: the standard library, a guard, an action, a task."""

import statistics
from decimal import Decimal
from pathlib import Path
from typing import Any

from wabox.actions import ActionInput, GuardInput, TaskInput, action, guard, task


@action
def add_up(given: ActionInput) -> dict[str, Any]:
    return {"total": str(Decimal("3.50") * int(given.context["loaves"]))}


@guard
def a_lot(given: GuardInput) -> bool:
    return bool(statistics.mean([given.context["loaves"], 1]) > 1)


@task
def ask_the_oven(given: TaskInput) -> dict[str, Any]:
    folder = Path(given.media).name
    return {"oven": f"The oven holds {given.input['loaves']} and knows its folder, {folder}."}
