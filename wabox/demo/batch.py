"""Several webhooks as one, in any order, as Meta sends them when it has many to bring.

Nothing promises that the messages, or the statuses, of one webhook stand in the order in which they happened; contacts belong
to messages by their ids, not by their places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wabox.demo.notification import JSON


def fits(payload: JSON) -> bool:
    """Whether there is nothing in it but messages and statuses: what else Meta tells, it tells alone."""
    return all(change["field"] == "messages" for entry in payload["entry"] for change in entry["changes"])


def together(payloads: Sequence[JSON], draw: Callable[[], float]) -> JSON:
    """One body with everything in these, which are all of one business number; ``draw`` decides the order."""
    values = [change["value"] for payload in payloads for entry in payload["entry"] for change in entry["changes"]]
    parts: dict[str, list[Any]] = {}
    for value in values:
        for name in ("contacts", "messages", "statuses"):
            parts.setdefault(name, []).extend(value.get(name, ()))
    unique = {repr(contact): contact for contact in parts.pop("contacts")}
    parts = {name: _shuffled(found, draw) for name, found in parts.items() if found}
    head = {name: values[0][name] for name in ("messaging_product", "metadata")}
    contacts = {"contacts": _shuffled(list(unique.values()), draw)} if unique else {}
    # Messages and statuses may share a value or not: both are seen.
    if draw() < 0.5:
        changes = [{**head, **contacts, **parts}]
    else:
        changes = _shuffled([{**head, **contacts, name: found} for name, found in parts.items()], draw)
    entry = {"id": payloads[0]["entry"][0]["id"], "changes": [{"value": one, "field": "messages"} for one in changes]}
    return {"object": payloads[0]["object"], "entry": [entry]}


def _shuffled(things: list[Any], draw: Callable[[], float]) -> list[Any]:
    return [thing for _, _, thing in sorted((draw(), place, thing) for place, thing in enumerate(things))]
