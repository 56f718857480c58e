"""``invoke``: what a state asks of the world while it is active, and how that is written.

::

    invoke: {action: check_stock, input: {item: {from: context.item}}, onDone: free, onError: trouble}
    invoke: {http: {method: POST, url: "https://api.example.com/orders", json: {…}}, onDone: …, onError: …}
    invoke: {src: check_stock}        XState's name for an action

The engine only says that it is wanted (:class:`~wabox.engine.effect.Invoke`, on entry) or no longer (``Revoke``, on exit);
somebody else calls, after the commit. The result comes back through :func:`wabox.engine.step.answer` as
``done.invoke.<id>`` with ``event.output``, or ``error.invoke.<id>`` with ``event.error``. One that comes after its state was
left is stale and does nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from wabox.engine.problem import Path
from wabox.engine.reader import Reader
from wabox.engine.text import placeholders

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
TIMEOUT = 10_000
"""ms."""
LONGEST = 120_000
"""ms that one try may take; who needs longer answers at once and tells the result by an event of its own."""
RETRIES = 2
MOST_RETRIES = 10

DONE_INVOKE = "done.invoke."
ERROR_INVOKE = "error.invoke."

_KEYS = (
    "id",
    "action",
    "src",
    "http",
    "input",
    "timeout",
    "retries",
    "idempotency",
    "stub",
    "onDone",
    "onError",
    "description",
    "meta",
)
_HTTP = ("method", "url", "headers", "json", "timeout", "retries", "idempotency")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSpec:
    method: Method
    url: str
    """With placeholders; what fills them is percent-encoded."""
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    """As written; None: no body."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InvokeSpec:
    id: str
    action: str | None = None
    """A function of the bot's ``actions.py``; None when it is ``http``."""
    http: HttpSpec | None = None
    input: Any = None
    """As written: literals, ``{from: path}``, texts with placeholders."""
    timeout: int = TIMEOUT
    """ms, of each try."""
    retries: int = RETRIES
    """Tries after the first."""
    idempotency: bool = True
    """Whether a call of unknown outcome may be repeated, with the same key."""
    stub: Any = None
    """The result in simulator and tests."""
    has_stub: bool = False
    path: Path = ()
    """Where it is written."""


def items(definition: Mapping[str, Any], path: Path) -> Iterator[tuple[Any, Path]]:
    """The invokes of a state, one or a list, with their places."""
    written = definition.get("invoke")
    if isinstance(written, list | tuple):
        for place, item in enumerate(written):
            yield item, (*path, "invoke", place)
    elif written is not None:
        yield written, (*path, "invoke")


def id_of(item: Mapping[str, Any], state_id: str, path: Path) -> str:
    """The id written, or the state's with the place in a list (XState's rule)."""
    written = item.get("id")
    if isinstance(written, str) and written:
        return written
    return f"{state_id}.{path[-1]}" if isinstance(path[-1], int) else state_id


def read_invokes(reader: Reader, definition: Mapping[str, Any], path: Path, state_id: str) -> tuple[InvokeSpec, ...]:
    """The invokes of a state; wrong ones are left out and reported."""
    found = [_one(reader, item, where, state_id) for item, where in items(definition, path)]
    specs = [spec for spec in found if spec is not None]
    for place, spec in enumerate(specs):
        if any(other.id == spec.id for other in specs[:place]):
            reader.wrong(spec.path, "duplicate-id", f"two invokes have the id {spec.id!r}", "give each its own id:")
    return tuple(specs)


def _one(reader: Reader, written: object, path: Path, state_id: str) -> InvokeSpec | None:
    if isinstance(written, str):
        written = {"action": written}
    if not isinstance(written, Mapping):
        fix = "write {action: name} or {http: {method, url}}"
        reader.wrong(path, "bad-invoke", f"an invoke cannot be {reader.show(written)}", fix)
        return None
    reader.only(written, path, _KEYS, "invoke")
    calls = [key for key in ("action", "src", "http") if written.get(key) is not None]
    action, http = written.get("action", written.get("src")), written.get("http")
    if len(calls) != 1:
        sentence = f"an invoke calls one thing, not {' and '.join(calls)}" if calls else "this invoke calls nothing"
        reader.wrong(path, "bad-invoke", sentence, "write {action: name} or {http: {method, url}}")
        return None
    name = None
    if http is None:
        if isinstance(action, Mapping) and isinstance(action.get("type"), str):
            action = action["type"]
        name = reader.text(action, (*path, calls[0]), "a task's name")
        if name is None:
            return None
    spec = None if http is None else _http(reader, http, (*path, "http"))
    if http is not None and spec is None:
        return None
    inner: Mapping[str, Any] = http if isinstance(http, Mapping) else {}
    return InvokeSpec(
        id=id_of(written, state_id, path),
        action=name,
        http=spec,
        input=written.get("input"),
        timeout=_timeout(reader, written, inner, path),
        retries=_retries(reader, written, inner, path),
        idempotency=_idempotency(reader, written, inner, path),
        stub=written.get("stub"),
        has_stub="stub" in written,
        path=path,
    )


def _http(reader: Reader, written: object, path: Path) -> HttpSpec | None:
    if isinstance(written, str):
        written = {"url": written}
    definition = reader.mapping(written, path, "http")
    reader.only(definition, path, _HTTP, "http")
    url = definition.get("url")
    if not isinstance(url, str) or not url.strip():
        reader.wrong(path, "bad-invoke", "http needs a url", 'write url: "https://…"')
        return None
    if not url.startswith(("https://", "http://")):
        reader.wrong((*path, "url"), "bad-invoke", f"{url!r} is no address of the web", "begin it with https://")
        return None
    host = re.split(r"[/?#]", url.split("://", 1)[1], maxsplit=1)[0]
    if "@" in host:
        sentence = "a name and password in a url end up in logs"
        fix = 'send them as a header: {Authorization: "Basic {secret.name}"}'
        reader.wrong((*path, "url"), "bad-invoke", sentence, fix)
        return None
    if any(not name.startswith("secret.") for name in placeholders(host)):
        sentence = "the host of a url cannot be filled in: a customer could choose where your server connects to"
        reader.wrong((*path, "url"), "bad-invoke", sentence, "write the host out; placeholders go behind the first /")
        return None
    has_body = definition.get("json") is not None
    method = definition.get("method", "POST" if has_body else "GET")
    if method not in METHODS:
        fix = reader.instead(str(method).upper(), METHODS, f"write one of {', '.join(METHODS)}")
        reader.wrong((*path, "method"), "bad-invoke", f"there is no method {reader.show(method)}", fix)
        return None
    headers = reader.mapping(definition.get("headers"), (*path, "headers"), "headers")
    read = {name: reader.text(value, (*path, "headers", name), "a header") for name, value in headers.items()}
    return HttpSpec(
        method=method,
        url=url,
        headers={name: value for name, value in read.items() if value is not None},
        json=definition.get("json"),
    )


def _idempotency(reader: Reader, outer: Mapping[str, Any], inner: Mapping[str, Any], path: Path) -> bool:
    for written, where in ((outer, path), (inner, (*path, "http"))):
        found = written.get("idempotency")
        if isinstance(found, bool):
            return found
        if found is not None:
            fix = "write true (the other side knows a repeat by its key) or false"
            reader.wrong((*where, "idempotency"), "bad-value", f"idempotency cannot be {reader.show(found)}", fix)
    return True


def _timeout(reader: Reader, outer: Mapping[str, Any], inner: Mapping[str, Any], path: Path) -> int:
    for written, where in ((outer, path), (inner, (*path, "http"))):
        if written.get("timeout") is not None:
            found = reader.duration(written["timeout"], (*where, "timeout"))
            if found is None:
                return TIMEOUT
            if not 0 < found <= LONGEST:
                sentence = f"a call may take up to {LONGEST // 1000} s"
                reader.wrong((*where, "timeout"), "bad-duration", sentence, "write a duration such as 10s")
                return TIMEOUT
            return found
    return TIMEOUT


def _retries(reader: Reader, outer: Mapping[str, Any], inner: Mapping[str, Any], path: Path) -> int:
    for written, where in ((outer, path), (inner, (*path, "http"))):
        found = written.get("retries")
        if found is None:
            continue
        if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found <= MOST_RETRIES:
            fix = f"write a number from 0 to {MOST_RETRIES}"
            reader.wrong((*where, "retries"), "bad-value", f"retries cannot be {reader.show(found)}", fix)
            return RETRIES
        return found
    return RETRIES
