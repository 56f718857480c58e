"""Whatever Meta (or a bug of Meta's) sends: parsing never raises, and what goes in comes out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wabox.core.message import Arrival
from wabox.whatsapp.webhook import parse

NOW = 1_795_300_005_000
FOLDER = Path(__file__).parents[1] / "data" / "webhooks"
BAD = {"batch", "button_reply_without_id", "text_nobody", "text_without_sender_but_one_contact", "text_in_group"}
PAYLOADS = {path.stem: json.loads(path.read_bytes()) for path in sorted(FOLDER.glob("*.json"))}
REAL = list(PAYLOADS.values())
CHANGES = [
    change for payload in REAL for entry in payload["entry"] if isinstance(entry, dict) for change in entry["changes"]
]
GOOD = [payload["entry"][0]["changes"][0]["value"] for name, payload in PAYLOADS.items() if name not in BAD]
MESSAGES = [message for value in GOOD for message in value.get("messages", [])]
"""Messages that need no contact card."""

words = st.text(st.characters(exclude_categories=()), max_size=12)  # surrogates and U+0000 too
names = st.sampled_from(["id", "type", "text", "body", "from", "messages", "statuses", "contacts", "errors", "x", "ü"])
scalars = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | words
)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4), max_leaves=12
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value, as the keys that lead there."""
    found = [path]
    if isinstance(value, dict):
        for key in value:
            found += places(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += places(item, (*path, index))
    return found


def changed(draw: st.DrawFn, value: Any) -> Any:
    """The value with one place in it gone, doubled or replaced by anything."""
    copy = json.loads(json.dumps(value))
    path = draw(st.sampled_from(places(copy)))
    if not path:
        return draw(anything)
    parent = copy
    for key in path[:-1]:
        parent = parent[key]
    match draw(st.sampled_from(["replace", "remove", "double"])):
        case "replace":
            parent[path[-1]] = draw(anything)
        case "remove":
            del parent[path[-1]]
        case "double" if isinstance(parent, list):
            parent.append(parent[path[-1]])
        case _:
            parent[draw(names)] = parent[path[-1]]
    return copy


@st.composite
def webhooks(draw: st.DrawFn) -> Any:
    """Entries of real changes, mixed, with up to four places changed at random."""
    entry = st.fixed_dictionaries({"id": words, "changes": st.lists(st.sampled_from(CHANGES), max_size=3)})
    payload = {"object": "whatsapp_business_account", "entry": draw(st.lists(entry, max_size=3))}
    for _ in range(draw(st.integers(0, 4))):
        payload = changed(draw, payload)
    return payload


def elements(payload: Any) -> int:
    """How many things there are in a payload that must come out; a container that cannot be opened is one thing."""
    if not isinstance(payload, dict) or not isinstance(payload.get("entry"), list):
        return 1
    return sum(_of_entry(entry) for entry in payload["entry"])


def _of_entry(entry: Any) -> int:
    if not isinstance(entry, dict) or not isinstance(entry.get("changes"), list):
        return 1
    return sum(_of_change(change) for change in entry["changes"])


def _of_change(change: Any) -> int:
    value = change.get("value") if isinstance(change, dict) else None
    if not isinstance(value, dict):
        return 1
    field = change.get("field")
    if isinstance(field, str) and field in ABOUT_CUSTOMERS:
        return _of_notices(field, value)
    if field != "messages" and not (field is None and value.keys() & {"messages", "statuses"}):
        return 1
    metadata = value.get("metadata")
    number = metadata.get("phone_number_id") if isinstance(metadata, dict) else None
    if not isinstance(number, str) or not number.replace("\0", ""):
        return 1
    parts = {k: v for k, v in value.items() if k not in ("metadata", "messaging_product", "contacts") and v is not None}
    if not parts:
        return 1
    lists = [part for name, part in parts.items() if name in ("messages", "statuses") and isinstance(part, list)]
    return sum(map(len, lists)) + len(parts) - len(lists)


ABOUT_CUSTOMERS = {
    "calls": {"calls"},
    "smb_message_echoes": {"message_echoes"},
    "standby": {"messages", "message_echoes"},
    "user_preferences": {"user_preferences"},
}


def _of_notices(field: str, value: dict[str, Any]) -> int:
    """A change about customers, opened: each element of its lists and each other part is one thing."""
    metadata = value.get("metadata")
    number = metadata.get("phone_number_id") if isinstance(metadata, dict) else None
    inner = value.get("standby") if field == "standby" else value
    lists = ABOUT_CUSTOMERS[field]
    if (
        not isinstance(number, str)
        or not number.replace("\0", "")
        or not isinstance(inner, dict)
        or not lists & inner.keys()
    ):
        return 1
    # What stands beside the inner object counts too, unless the inner one has a part of that name.
    parts = {**value, **inner} if field == "standby" else value
    left_out = {"metadata", "messaging_product", "contacts", *({"standby"} if field == "standby" else ())}
    parts = {name: part for name, part in parts.items() if name not in left_out and part is not None}
    return sum(len(part) if name in lists and isinstance(part, list) else 1 for name, part in parts.items())


def total(arrived: Arrival) -> int:
    return len(arrived.messages) + len(arrived.statuses) + len(arrived.others) + len(arrived.dead)


@settings(max_examples=500, deadline=None)
@given(webhooks(), st.booleans())
def test_what_goes_in_comes_out(payload: Any, ascii_only: bool) -> None:
    """Every element of a payload comes out once, as message, status, other or dead letter, however broken it is."""
    written = json.dumps(payload, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    arrived = parse(written, NOW)
    assert total(arrived) == elements(payload)


@settings(max_examples=300, deadline=None)
@given(webhooks())
def test_what_comes_out_can_be_stored(payload: Any) -> None:
    """Everything is JSON and UTF-8, without U+0000; dead letters and other changes are JSON if they were."""
    arrived = parse(json.dumps(payload).encode(), NOW)
    stored = msgspec.json.encode([arrived.messages, arrived.statuses])
    assert b"\\u0000" not in stored.replace(b"\\\\", b"")
    for kept in (*arrived.others, *arrived.dead):
        json.loads(kept.raw)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_bad_message_costs_nobody_else_anything(data: st.DataObject) -> None:
    """Of several messages one is changed at random; all the others come out, in order."""
    several = [
        {**message, "id": f"wamid.{index}"}
        for index, message in enumerate(data.draw(st.lists(st.sampled_from(MESSAGES), min_size=2, max_size=5)))
    ]
    victim = data.draw(st.integers(0, len(several) - 1))
    broken: list[Any] = list(several)
    broken[victim] = data.draw(st.composite(changed)(several[victim]))
    value = {"metadata": {"phone_number_id": "2"}, "messages": broken}
    arrived = parse(json.dumps({"entry": [{"changes": [{"field": "messages", "value": value}]}]}).encode(), NOW)
    others = [message["id"] for index, message in enumerate(several) if index != victim]
    assert [m.message_id for m in arrived.messages if m.message_id in others] == others
    assert total(arrived) == len(several)


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_damaged_bytes_never_raise(data: st.DataObject) -> None:
    """A real body with bytes changed, removed or added anywhere: an arrival, and never an empty one."""
    body = bytearray(json.dumps(data.draw(st.sampled_from(REAL))).encode())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(body)))
        body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    assert total(parse(bytes(body), NOW)) >= 1


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
@example(b'{"":"","entry":[]}')
def test_noise_is_one_dead_letter(body: bytes) -> None:
    """Bytes that are nothing are kept as they came. A webhook that brings nothing is no noise."""
    arrived = parse(body, NOW)
    empty = b'"entry":[]' in body.replace(b" ", b"")
    assert [letter.raw for letter in arrived.dead] == [body] or (empty and total(arrived) == 0)
