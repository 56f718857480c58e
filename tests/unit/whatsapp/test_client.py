"""Every answer, and every way to get none, ends in the right verdict. Meta is httpx's mock transport."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from wabox.core.delivery import OutboundMessage
from wabox.core.ports import SendResult
from wabox.errors import SettingsError
from wabox.whatsapp.client import CloudMessenger
from wabox.whatsapp.token import Token

API = "https://graph.example/v26.0"
TOKEN = "testTOKENtestTOKENtestTOKEN"
MESSAGE = OutboundMessage(
    id="abc-0",
    conversation_id="200000000000002:MX.1",
    number_id="200000000000002",
    body={"messaging_product": "whatsapp", "to": "+5215550002222", "type": "text", "text": {"body": "Sí 👍"}},
    created_at=0,
)

Handler = Callable[[httpx.Request], httpx.Response]


async def send(handler: Handler, message: OutboundMessage = MESSAGE) -> SendResult:
    messenger = CloudMessenger(API, TOKEN, transport=httpx.MockTransport(handler))
    try:
        return await messenger.send(message)
    finally:
        await messenger.aclose()


def answering(status: int, body: Any = None, **headers: str) -> Handler:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: httpx.Response(status, content=content, headers=named)


def refusing(status: int, code: int, **error: Any) -> Handler:
    return answering(status, {"error": {"message": f"(#{code}) No", "type": "OAuthException", "code": code, **error}})


def raising(error: Exception) -> Handler:
    def handler(request: httpx.Request) -> httpx.Response:
        raise error

    return handler


async def test_the_request() -> None:
    """One POST to the number's messages, with the token, and our id where Meta brings it back in every status."""
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"messages": [{"id": "wamid.OUT1"}]})

    result = await send(handler)
    assert result == SendResult(verdict="sent", wamid="wamid.OUT1")
    (request,) = seen
    assert (request.method, str(request.url)) == ("POST", f"{API}/200000000000002/messages")
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["host"] == "graph.example"
    assert json.loads(request.content) == {**MESSAGE.body, "biz_opaque_callback_data": "abc-0"}
    assert MESSAGE.body.get("biz_opaque_callback_data") is None


async def test_a_number_cannot_lead_elsewhere() -> None:
    """A number id is one part of the path, whatever is in it."""
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path.decode())
        return httpx.Response(200, json={"messages": [{"id": "w"}]})

    odd = OutboundMessage(id="1", conversation_id="c", number_id="../me?x=#", body={}, created_at=0)
    await send(handler, odd)
    assert seen == ["/v26.0/..%2Fme%3Fx%3D%23/messages"]


@pytest.mark.parametrize("status", [200, 201])
async def test_sent_for_templates_too(status: int) -> None:
    """More in the answer than the id does not matter."""
    body = {"messaging_product": "whatsapp", "contacts": [], "messages": [{"id": "w", "message_status": "accepted"}]}
    assert await send(answering(status, body)) == SendResult(verdict="sent", wamid="w")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"ok",
        b"\xff",
        b"[",
        {},
        [],
        None,
        {"messages": []},
        {"messages": [{}]},
        {"messages": [{"id": ""}]},
        {"messages": [{"id": 7}]},
        {"messages": {"id": "w"}},
        b"[" * 100000,
    ],
)
async def test_accepted_without_an_id_is_unknown(body: Any) -> None:
    """Somebody took it; a delivery status must tell whether it was Meta."""
    result = await send(answering(200, body))
    assert (result.verdict, result.wamid) == ("unknown", None)


@pytest.mark.parametrize(
    ("status", "code", "verdict", "wait"),
    [
        (429, 130429, "retry", 1.0),
        (400, 131056, "retry", 4.0),
        (400, 80007, "retry", 60.0),
        (400, 4, "retry", 60.0),
        (500, 1, "unknown", None),
        (503, 2, "unknown", None),
        (500, 131000, "unknown", None),
        (400, 131016, "unknown", None),
        (400, 131057, "unknown", 60.0),
        (500, 133004, "unknown", None),
        (400, 134101, "retry", 600.0),
        (401, 190, "retry", 60.0),
        (401, 0, "retry", 60.0),
        (403, 10, "retry", 300.0),
        (403, 131005, "retry", 300.0),
        (403, 131031, "retry", 900.0),
        (400, 131042, "retry", 900.0),
        (400, 131047, "failed", None),
        (400, 131026, "failed", None),
        (400, 131030, "failed", None),
        (400, 100, "failed", None),
        (400, 131009, "failed", None),
        (404, 132001, "failed", None),
        (400, 424242, "failed", None),
        (500, 424242, "unknown", None),
        (429, 424242, "retry", 1.0),
        (200, 131047, "failed", None),
    ],
)
async def test_meta_s_code_decides(status: int, code: int, verdict: str, wait: float | None) -> None:
    """Retry what was not sent, leave open what may have been, give up what never will be."""
    result = await send(refusing(status, code))
    assert (result.verdict, result.wait) == (verdict, wait)
    assert result.reason is not None
    assert result.reason.startswith(f"{code}: ")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (130429, ("number", False, False, None, False)),
        (80007, ("number", False, False, None, False)),
        (131056, ("pair", False, False, None, False)),
        (190, ("number", True, False, None, False)),
        (131031, ("number", True, False, None, False)),
        (131048, ("number", True, False, None, False)),
        (132015, ("message", False, True, 4, False)),
        (131053, ("message", False, False, 2, False)),
        (131047, ("message", False, False, None, True)),
        (131026, ("message", False, False, None, False)),
    ],
)
async def test_what_a_refusal_stops(code: int, expected: tuple[str, bool, bool, int | None, bool]) -> None:
    """The message, the customer or the number; whether somebody must act; how often; whether a template helps."""
    result = await send(refusing(400, code))
    assert result.code == code
    assert (result.scope, result.alert, result.later, result.tries, result.closed) == expected


@pytest.mark.parametrize(
    ("headers", "usage"),
    [
        ({"x_app_usage": '{"call_count": 91, "total_time": 12, "total_cputime": 3}'}, 91.0),
        ({"x_business_use_case_usage": '{"1": [{"type": "whatsapp", "call_count": 10, "total_time": 85}]}'}, 85.0),
        ({"x_app_usage": '{"call_count": 20}'}, None),
        ({"x_app_usage": "[]", "x_business_use_case_usage": '{"1": 7}'}, None),
        ({"x_app_usage": "nonsense"}, None),
        ({"x_app_usage": '{"call_count": "many"}'}, None),
        ({}, None),
    ],
)
async def test_how_much_of_the_quota_is_used(headers: dict[str, str], usage: float | None) -> None:
    """Only much of it is worth knowing; a header that nobody understands costs nothing."""
    result = await send(answering(200, {"messages": [{"id": "w"}]}, **headers))
    assert (result.verdict, result.usage) == ("sent", usage)


async def test_a_passing_fault_is_repeated() -> None:
    """Meta says itself that it will pass."""
    result = await send(refusing(500, 424242, is_transient=True))
    assert (result.verdict, result.wait) == ("retry", 5.0)


async def test_the_reason_is_for_a_person() -> None:
    """Code, what it means, Meta's own words, what to do, and what Meta's support asks for."""
    details = "Recipient phone number not in allowed list"
    result = await send(refusing(400, 131030, error_data={"details": details}, fbtrace_id="AbCdEf123"))
    assert result.reason == (
        "131030: the recipient is not on the test number's list. Meta says: Recipient phone number not in allowed list. "
        "To do: add it under App dashboard > WhatsApp > API Setup, from Mexico with 52 and with 521, "
        "from Argentina with 54 and 549. fbtrace_id AbCdEf123"
    )


async def test_the_number_itself_may_be_hidden() -> None:
    """A token that cannot see the number stops the queue; the messages are kept."""
    error = {
        "error_subcode": 33,
        "message": "Unsupported post request. Object with ID '200000000000002' does not exist",
    }
    result = await send(refusing(400, 100, **error))
    assert (result.verdict, result.wait) == ("retry", 300.0)
    assert result.reason is not None
    assert "cannot see this business number" in result.reason


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (301, "retry"),
        (401, "retry"),
        (403, "retry"),
        (404, "retry"),
        (407, "retry"),
        (408, "retry"),
        (429, "retry"),
        (400, "failed"),
        (413, "failed"),
        (418, "failed"),
        (500, "unknown"),
        (502, "unknown"),
        (503, "unknown"),
        (504, "unknown"),
    ],
)
@pytest.mark.parametrize("body", [b"<html><b>Attention</b> Required! | Firewall</html>", b"", b"[1]", {"error": "no"}])
async def test_an_answer_that_is_not_meta_s(status: int, verdict: str, body: Any) -> None:
    """Proxies and firewalls answer in HTML: what they mind is rarely the message, so it is kept where it can be."""
    result = await send(answering(status, body, location="https://elsewhere.example/"))
    assert result.verdict == verdict
    assert result.reason is not None
    assert f"HTTP {status}" in result.reason


async def test_a_redirect_is_not_followed() -> None:
    """The token goes to no other address."""
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.host)
        return httpx.Response(307, headers={"Location": "https://elsewhere.example/"})

    assert (await send(handler)).verdict == "retry"
    assert seen == ["graph.example"]


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "0"}, 1.0),
        ({"retry_after": "99999999999999"}, 3600.0),
        ({"retry_after": "soon"}, 1.0),
        ({"retry_after": "-5"}, 1.0),
        ({"retry_after": "٧"}, 1.0),
        ({"retry_after": "Sun, 22 Nov 2026 12:00:30 GMT", "date": "Sun, 22 Nov 2026 12:00:00 GMT"}, 30.0),
        ({"retry_after": "Sun, 22 Nov 2026 11:00:00 GMT", "date": "Sun, 22 Nov 2026 12:00:00 GMT"}, 1.0),
        ({"retry_after": "Sun, 22 Nov 2026 12:00:30 GMT"}, 1.0),
        ({"retry_after": "Sun, 22 Nov 2026 12:00:30", "date": "Sun, 22 Nov 2026 12:00:00 GMT"}, 1.0),
        ({"x_business_use_case_usage": '{"1": [{"estimated_time_to_regain_access": 2}]}'}, 120.0),
        ({"x_business_use_case_usage": '{"1": [{"estimated_time_to_regain_access": 0}], "2": []}'}, 1.0),
        ({"x_business_use_case_usage": '{"1": [{"estimated_time_to_regain_access": "nan"}]}'}, 1.0),
        ({"x_business_use_case_usage": '{"1": [{"call_count": 28}]}'}, 1.0),
        ({"x_business_use_case_usage": "[1]"}, 1.0),
        ({"x_business_use_case_usage": "{"}, 1.0),
    ],
)
@pytest.mark.parametrize("body", [{"error": {"code": 130429, "message": "Rate limit hit"}}, b"slow down"])
async def test_how_long_to_wait(headers: dict[str, str], wait: float, body: Any) -> None:
    """As long as the answer asks, up to an hour; what makes no sense asks nothing."""
    written = {name: value.encode() if not value.isascii() else value for name, value in headers.items()}
    result = await send(answering(429, body, **written))  # type: ignore[arg-type]
    assert (result.verdict, result.wait) == ("retry", wait)


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (httpx.ConnectError("[Errno 111] Connection refused"), "retry"),
        (httpx.ConnectError("[Errno -2] Name or service not known"), "retry"),
        (httpx.ConnectTimeout("slow"), "retry"),
        (httpx.PoolTimeout("busy"), "retry"),
        (httpx.ProxyError("403 Forbidden"), "retry"),
        (httpx.WriteError("broken pipe"), "retry"),
        (httpx.WriteTimeout("slow"), "retry"),
        (httpx.UnsupportedProtocol("ftp"), "retry"),
        (httpx.LocalProtocolError("a header has a line break in it"), "retry"),
        (httpx.ReadTimeout("slow"), "unknown"),
        (httpx.ReadError("reset"), "unknown"),
        (httpx.RemoteProtocolError("cut off"), "unknown"),
        (httpx.CloseError("?"), "unknown"),
        (httpx.DecodingError("gzip"), "unknown"),
        (TimeoutError(), "unknown"),
        (ConnectionResetError("reset"), "unknown"),
        (OSError("no route"), "unknown"),
    ],
)
async def test_no_answer(error: Exception, verdict: str) -> None:
    """What failed before the request was written is repeated; after that nobody knows."""
    result = await send(raising(error))
    assert result.verdict == verdict
    assert result.reason
    assert type(error).__name__ in result.reason


async def test_cancelling_is_not_swallowed() -> None:
    """A server that stops must be able to stop."""

    async def never(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    messenger = CloudMessenger(API, TOKEN, transport=httpx.MockTransport(never))
    task = asyncio.create_task(messenger.send(MESSAGE))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    "handler",
    [
        refusing(401, 190, error_data={"details": f"Malformed access token {TOKEN}"}),
        refusing(400, 424242, fbtrace_id=TOKEN),
        refusing(401, 190, error_data={"details": "Malformed access token EAAsomebodyELSEsTOKEN123"}),
        answering(502, f"upstream said: Bearer {TOKEN}".encode()),
        answering(400, f"upstream said: Bearer {TOKEN}".encode()),
        answering(429, TOKEN.encode()),
        answering(200, TOKEN.encode()),
        answering(404, TOKEN.encode()),
        raising(httpx.ConnectError(TOKEN)),
        raising(httpx.ReadError(TOKEN)),
        raising(httpx.UnsupportedProtocol(TOKEN)),
    ],
)
async def test_no_token_in_a_reason(handler: Handler) -> None:
    """Reasons are stored and shown; Meta quotes the token when it cannot read it, and proxies quote anything."""
    result = await send(handler)
    assert result.reason
    assert TOKEN not in result.reason
    assert "EAA" not in result.reason


def test_no_token_in_a_repr() -> None:
    """Nor in what a traceback or a log would print."""
    assert repr(CloudMessenger(API, TOKEN)) == "CloudMessenger('https://graph.example/v26.0')"


@pytest.mark.parametrize("token", ["", "  ", "two\nlines", "tokén", "nul\0"])
def test_what_cannot_be_a_token_is_refused_at_the_start(token: str) -> None:
    """The operator hears of it before a customer does, and without the token in the sentence."""
    with pytest.raises(SettingsError, match="WABOX_ACCESS_TOKEN") as caught:
        CloudMessenger(API, token)
    assert token.strip() == "" or token not in str(caught.value)


async def test_a_token_file_ends_with_a_line_break() -> None:
    """As files do; it is not part of the token."""
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return httpx.Response(200, json={"messages": [{"id": "w"}]})

    messenger = CloudMessenger(API + "/", f"{TOKEN}\n", transport=httpx.MockTransport(handler))
    assert (await messenger.send(MESSAGE)).verdict == "sent"
    assert seen == [f"Bearer {TOKEN}"]


async def test_a_replaced_token_is_used_at_once() -> None:
    """When Meta says that the token has expired it is read anew; nobody restarts anything, and nothing is tried twice."""
    file, seen = ["old"], []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        if request.headers["authorization"] == "Bearer old":
            return httpx.Response(401, json={"error": {"code": 190, "error_subcode": 463, "message": "expired old"}})
        return httpx.Response(200, json={"messages": [{"id": "w"}]})

    messenger = CloudMessenger(API, Token("old", lambda: file[0]), transport=httpx.MockTransport(handler))
    refused = await messenger.send(MESSAGE)
    assert (refused.verdict, refused.scope, refused.alert, seen) == ("retry", "number", True, ["Bearer old"])
    assert "old" not in (refused.reason or "").split(" ")
    file[0] = "new\n"
    assert (await messenger.send(MESSAGE)).verdict == "sent"
    assert (await messenger.send(MESSAGE)).verdict == "sent"
    assert seen[1:] == ["Bearer old", "Bearer new", "Bearer new"]


async def test_a_token_file_that_is_gone_changes_nothing() -> None:
    """Whoever replaces it may be in the middle of it."""

    def gone() -> str:
        raise SettingsError("cannot read the file")

    messenger = CloudMessenger(
        API, Token("old", gone), transport=httpx.MockTransport(refusing(401, 190, message="expired"))
    )
    assert (await messenger.send(MESSAGE)).verdict == "retry"


async def test_a_long_page_is_quoted_short() -> None:
    """A reason is a sentence, not a web page."""
    result = await send(answering(502, b"<p>\n  " + b"x" * 100_000))
    assert result.reason is not None
    assert len(result.reason) < 500
    assert "\n" not in result.reason


async def test_typing_is_best_effort() -> None:
    """The bubble is asked for with the id of the customer's message; that it fails, or Meta refuses, costs nothing."""
    seen: list[Any] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.path, json.loads(request.content)))
        return httpx.Response(200, json={"success": True})

    for answer, taken in ((handler, True), (refusing(400, 131009), False), (raising(httpx.ConnectError("no")), False)):
        messenger = CloudMessenger(API, TOKEN, transport=httpx.MockTransport(answer))
        assert await messenger.seen("2", "wamid.IN1", typing=True) is taken
    ((path, body),) = seen
    assert (path, body["message_id"], body["typing_indicator"]) == ("/v26.0/2/messages", "wamid.IN1", {"type": "text"})


def test_behind_a_proxy_httpx_s_own_transport_is_used() -> None:
    """Proxies are rare and httpx knows them all."""
    messenger = CloudMessenger(API, TOKEN, proxy="http://proxy.example:3128")
    assert isinstance(messenger._transport, httpx.AsyncHTTPTransport)
