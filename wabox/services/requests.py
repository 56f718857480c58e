"""What a call is asked with: the ``input`` or request that a flow wrote, filled from the conversation.

Filled when its state is entered, all but ``{secret.name}``: secrets stay out of the database, and out of what a customer could
write into a placeholder. They are put in when the call is made (:func:`reveal`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from wabox.core.invocation import Invocation, invocation_id
from wabox.core.message import InboundMessage
from wabox.engine.chart import Charts
from wabox.engine.effect import Invoke
from wabox.engine.event import Event
from wabox.engine.invoke import HttpSpec
from wabox.engine.reference import reference
from wabox.engine.text import doubled, fill, fill_first, placeholders
from wabox.engine.value import plain

SECRET = "secret"  # noqa: S105 - the placeholder's name

Texts = Callable[[str], str]


def request_of(effect: Invoke) -> dict[str, Any]:
    """The request as JSON; see :class:`wabox.core.invocation.Invocation`."""
    context, event = effect.context, effect.event
    if effect.spec.http is not None:
        return {"http": {**_http(effect.spec.http, context, event), "idempotency": effect.spec.idempotency}}
    filled = _filled(effect.spec.input, context, event, lambda text: fill(text, context), lambda text: text)
    return {"action": effect.spec.action, "input": filled, "idempotency": effect.spec.idempotency}


def invocation_of(charts: Charts, effect: Invoke, message: InboundMessage, now: int) -> Invocation:
    """The row of a call that a turn asks for."""
    request = request_of(effect)
    if "action" in request:
        # Whose actions.py it is: another version of the bot may be live when the call is made.
        request["chart"] = charts.live[effect.chart].ref
    return Invocation(
        id=invocation_id(message.message_id, effect.chart, effect.spec.id),
        conversation_id=message.conversation_id,
        chart=effect.chart,
        name=effect.spec.id,
        armed=effect.armed,
        request=request,
        timeout=effect.spec.timeout,
        retries=effect.spec.retries,
        created_at=now,
    )


def reveal(value: Any, secrets: Mapping[str, str]) -> Any:
    """The second filling: the request with its secrets."""
    if isinstance(value, str):
        return fill(value, {SECRET: secrets})
    if isinstance(value, Mapping):
        return {key: reveal(item, secrets) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [reveal(item, secrets) for item in value]
    return value


def _http(spec: HttpSpec, context: Mapping[str, Any], event: Event) -> dict[str, Any]:
    def text(written: str) -> str:
        return fill_first(written, context, SECRET)

    def header(written: str) -> str:
        # What a customer wrote must not begin a header of its own.
        return fill_first(written, context, SECRET, lambda value: " ".join(value.split()))

    return {
        "method": spec.method,
        "url": fill_first(spec.url, context, SECRET, _segment),
        "empty": [path for path in placeholders(spec.url.partition("?")[0]) if not _known(path, context)],
        "headers": {name: header(value) for name, value in spec.headers.items()},
        "json": _filled(spec.json, context, event, text, doubled),
    }


def _segment(value: str) -> str:
    """Whatever a customer wrote stays one segment of a path: also dots, which would climb out of it."""
    return quote(value, safe="").replace(".", "%2E")


def _known(path: str, context: Mapping[str, Any]) -> bool:
    return path.partition(".")[0] == SECRET or fill("{" + path + "}", context) != ""


def _filled(written: Any, context: Mapping[str, Any], event: Event, text: Texts, raw: Texts) -> Any:
    """``text`` fills what the author wrote, ``raw`` writes what came from elsewhere."""
    found = reference(written)
    if found is not None:
        return _mapped(plain(found(context, event)), raw)
    if isinstance(written, str):
        return text(written)
    if isinstance(written, Mapping):
        return {str(key): _filled(item, context, event, text, raw) for key, item in written.items()}
    if isinstance(written, list | tuple):
        return [_filled(item, context, event, text, raw) for item in written]
    return plain(written)


def _mapped(value: Any, change: Texts) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _mapped(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(item, change) for item in value]
    return value
