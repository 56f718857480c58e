"""The messenger through its own transport: byte by byte what is asked, and the answers that come only there."""

from __future__ import annotations

import gzip
import json

import pytest

from tests.unit.whatsapp.scripted_server import Line, politely, serving
from wabox.core.changed import changed
from wabox.core.delivery import OutboundMessage
from wabox.core.ports import SendResult
from wabox.whatsapp.client import CloudMessenger

MESSAGE = OutboundMessage(
    id="abc-0",
    conversation_id="2:MX.1",
    number_id="2",
    body={"messaging_product": "whatsapp", "to": "+5215550002222", "type": "text", "text": {"body": "Sí 👍"}},
    created_at=0,
)
TAKEN = b'{"messages": [{"id": "wamid.1"}]}'


async def sent(answer: bytes) -> SendResult:
    async def talk(line: Line) -> None:
        await line.request()
        await line.say(answer)

    async with serving(talk) as server:
        messenger = CloudMessenger(f"http://127.0.0.1:{server.port}/v26.0", "token")
        try:
            return await messenger.send(MESSAGE)
        finally:
            await messenger.aclose()


def answered(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def test_what_is_asked() -> None:
    """One POST for each message, with every header once; the head is made once per number, the length for each message."""
    async with serving(politely) as server:
        messenger = CloudMessenger(f"http://127.0.0.1:{server.port}/v26.0", "token")
        for message in (MESSAGE, changed(MESSAGE, id="abcdefgh-1", number_id="3 3")):
            await messenger.send(message)
        await messenger.aclose()
    for number, id_ in (("2", "abc-0"), ("3%203", "abcdefgh-1")):
        head, _, content = server.heard.get_nowait().partition(b"\r\n\r\n")
        assert json.loads(content) == {**MESSAGE.body, "biz_opaque_callback_data": id_}
        assert sorted(head.decode().split("\r\n")) == sorted(
            [
                f"POST /v26.0/{number}/messages HTTP/1.1",
                f"Host: 127.0.0.1:{server.port}",
                "Authorization: Bearer token",
                "Content-Type: application/json",
                "Accept: application/json",
                "Accept-Encoding: identity",
                "User-Agent: wabox",
                f"Content-Length: {len(content)}",
            ]
        )


async def test_a_message_that_was_taken() -> None:
    """Its id, and how much of the quota is used when it is much."""
    assert await sent(answered("200 OK", TAKEN)) == SendResult(verdict="sent", wamid="wamid.1")
    usage = 'X-App-Usage: {"call_count": 91, "total_time": 5, "total_cputime": 3}'
    assert await sent(answered("200 OK", TAKEN, usage)) == SendResult(verdict="sent", wamid="wamid.1", usage=91.0)


async def test_a_compressed_answer() -> None:
    """Nobody asked for that, but a proxy may do it; what is no gzip at all says nothing about the message."""
    packed = gzip.compress(TAKEN)
    assert (await sent(answered("200 OK", packed, "Content-Encoding: gzip"))).wamid == "wamid.1"
    assert (await sent(answered("200 OK", TAKEN, "content-encoding: gzip"))).verdict == "unknown"


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        ("200 OK", b"{}", "unknown"),
        ("400 Bad Request", b'{"error": {"message": "(#131026) No", "code": 131026}}', "failed"),
        ("429 Too Many Requests", b"slow down", "retry"),
        ("502 Bad Gateway", b"<html>", "unknown"),
    ],
)
async def test_a_message_that_was_not(status: str, body: bytes, verdict: str) -> None:
    """The same verdicts as through any other transport."""
    assert (await sent(answered(status, body, "Retry-After: 7"))).verdict == verdict
