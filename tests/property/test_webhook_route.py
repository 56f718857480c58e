"""``/webhook`` under strangers: whatever is sent, the answer is one of those that it promises, and nobody else suffers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.property.test_webhook_parsing import elements, total, webhooks
from wabox.core.message import Arrival
from wabox.settings import Secret, WhatsAppSettings
from wabox.web.webhook import Webhook
from wabox.whatsapp.signature import sign

NOW = 1_795_300_005_000
SECRET = "app-secret"
META = WhatsAppSettings(app_secrets=(Secret(SECRET),), verify_token=Secret("verify-me"), access_token=Secret("token"))
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Store:
    """Takes everything in."""

    crowded = False

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []

    def clock(self) -> int:
        return NOW

    async def accept(self, arrival: Arrival) -> None:
        self.arrivals.append(arrival)


def call(
    method: str, chunks: list[bytes], headers: list[tuple[bytes, bytes]], query: bytes = b""
) -> tuple[int, bytes, list[Arrival]]:
    """One request, as a server hands it in."""
    store = Store()
    scope: Any = {"type": "http", "method": method, "path": "/webhook", "headers": headers, "query_string": query}
    waiting = [*chunks, b""]
    said: list[Any] = []

    async def receive() -> Any:
        chunk = waiting.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(waiting)}

    async def send(message: Any) -> None:
        said.append(message)

    asyncio.run(Webhook(META, store)(scope, receive, send))
    assert [message["type"] for message in said] == ["http.response.start", "http.response.body"]
    return said[0]["status"], said[1]["body"], store.arrivals


def signed(body: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"x-hub-signature-256", sign(body, SECRET.encode()).encode())]


def cut(body: bytes, size: int) -> list[bytes]:
    return [body[place : place + size] for place in range(0, len(body), size)] or [b""]


@FUZZ
@given(st.binary(max_size=300), st.integers(1, 64))
def test_signed_rubbish_is_kept(body: bytes, size: int) -> None:
    """Any bytes with a right signature are answered 200 and stored, as a dead letter at worst."""
    status, said, arrivals = call("POST", cut(body, size), signed(body))
    assert (status, said) == (200, b"")
    assert len(arrivals) == 1
    assert total(arrivals[0]) >= (0 if b"entry" in body else 1)


@FUZZ
@given(webhooks(), st.integers(50, 5000))
def test_a_mutilated_webhook_is_taken_in(payload: Any, size: int) -> None:
    """However it is cut into pieces on the way, and whatever is wrong with it: all of it is stored."""
    body = json.dumps(payload).encode()
    status, _, arrivals = call("POST", cut(body, size), signed(body))
    assert status == 200
    assert total(arrivals[0]) == elements(payload)


@FUZZ
@given(
    st.binary(max_size=200),
    st.lists(st.tuples(st.sampled_from([b"x-hub-signature-256", b"x"]), st.binary(max_size=80))),
)
def test_what_is_not_signed_is_refused(body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    """Any header that is not the signature of these bytes: 401, and nothing is stored."""
    status, _, arrivals = call("POST", [body], headers)
    assert (status, arrivals) == (401, [])


@FUZZ
@given(st.data())
def test_one_flipped_bit_is_refused(data: st.DataObject) -> None:
    """A signature holds for the very bytes."""
    body = data.draw(st.binary(min_size=1, max_size=200))
    place, bit = data.draw(st.integers(0, len(body) - 1)), data.draw(st.integers(0, 7))
    flipped = bytearray(body)
    flipped[place] ^= 1 << bit
    assert call("POST", [bytes(flipped)], signed(body))[0] == 401


@FUZZ
@given(st.sampled_from(["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "X"]), st.binary(max_size=120))
def test_any_query_and_method(method: str, query: bytes) -> None:
    """The handshake is refused to whoever does not know the word; other methods are no way in."""
    status, _, arrivals = call(method, [b""], [], query)
    assert status == (403 if method == "GET" else 405)
    assert arrivals == []


@pytest.mark.parametrize("length", [b"-1", b"1e9", b"\xb2", b"", b"9" * 400], ids=repr)
def test_a_strange_length_breaks_nothing(length: bytes) -> None:
    """What the header says of the length is no reason to fail."""
    status, _, _ = call("POST", [b"{}"], [*signed(b"{}"), (b"content-length", length)])
    assert status in (200, 413)


def test_the_files_are_answered() -> None:
    """Every sample that the other tests use."""
    for path in sorted((Path(__file__).parents[1] / "data" / "webhooks").glob("*.json")):
        body = path.read_bytes()
        assert call("POST", [body], signed(body))[0] == 200, path.name
