"""Reads the action ``repair``: a wish, to be granted when the step has come to rest (:mod:`wabox.engine.repair`)."""

from __future__ import annotations

from typing import get_args

from wabox.core.event import Event
from wabox.engine.problem import Path
from wabox.engine.reader import Reader
from wabox.engine.reference import read, reference, value
from wabox.engine.state import BoundAction, Running, Wish

PREFIX = "repair."
"""The ids of repair charts begin with this."""


def read_repair(reader: Reader, params: object, path: Path, state: str) -> BoundAction | None:
    """The action ``repair``."""
    known = get_args(Wish)
    if isinstance(params, str) and params in known:
        wish: Wish = known[known.index(params)]

        def ask_for(running: Running) -> None:
            running.wish = wish

        return BoundAction(ask_for, "repair", params={"do": params})
    if isinstance(params, dict) and set(params) == {"event"}:
        name = params["event"]
        if reference(name) is not None or (isinstance(name, str) and name and name.split() == [name]):
            source = value(name)

            def give(running: Running) -> None:
                running.wish = Event(str(read(source, running.context, running.event) or "fallback"))

            raises = name if isinstance(name, str) else None
            return BoundAction(give, "repair", raises=raises, params=params)
    fix = f"write one of {', '.join(known)}, or {{event: name}}"
    if isinstance(params, str):
        fix = reader.instead(params, known, fix)
    reader.wrong(path, "bad-action", f"there is no repair {Reader.show(params)}", fix)
    return None
