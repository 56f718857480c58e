"""What a flow may ask a customer about marketing, and write down: two actions and a guard.

::

    opt_in:  What they agree to, as they read it      the ledger gets it with the customer's own words
    opt_out:
    guard: consent.marketing                          they agreed, and did not take it back

What holds is the customer's, not the chart's: whoever steps the chart puts it into the variable ``consent`` of a bot that asks
for it, and the actions change it there, so that the same step already knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from wabox.core.event import Event
from wabox.engine.effect import Agree
from wabox.engine.problem import Path
from wabox.engine.reader import Reader
from wabox.engine.state import BoundAction, BoundGuard, Running
from wabox.engine.text import fill

VARIABLE: Final = "consent"
GUARD: Final = "consent.marketing"


def read_agree(what: Literal["opt_in", "opt_out"]) -> Callable[[Reader, object, Path, str], BoundAction | None]:
    """The reader of one of the two actions."""

    def read_action(reader: Reader, params: object, path: Path, state: str) -> BoundAction | None:
        written = {"words": params} if params is None or isinstance(params, str) else reader.mapping(params, path, what)
        reader.only(written, path, ("words",), what)
        words = reader.text(written.get("words") or "", (*path, "words"), "words") or ""

        def agree(running: Running) -> None:
            said = running.event.data.get("text") if running.event.customer else None
            running.effects.append(
                Agree(what, fill(words, running.context), said if isinstance(said, str) else "", state)
            )
            running.context = {**running.context, VARIABLE: {"marketing": what == "opt_in"}}

        return BoundAction(agree, what, params=written, calm=True)

    return read_action


def _agreed(context: Mapping[str, Any], event: Event, active: frozenset[str]) -> bool:
    found = context.get(VARIABLE)
    return isinstance(found, Mapping) and found.get("marketing") is True


MARKETING: Final = BoundGuard(_agreed, GUARD, (GUARD,))
