"""The transport over TLS, on both event loops. The certificate is made out to ``localhost`` and trusted by nobody else."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import httpx
import pytest

from tests.unit.whatsapp.scripted_server import hang_up, politely, post, serving
from wabox.whatsapp.transport import KeepAliveTransport

CERTIFICATE = Path(__file__).parents[2] / "data" / "tls" / "localhost.pem"


def trusted() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(CERTIFICATE))


def certified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


async def test_tls() -> None:
    """Over TLS too: one handshake for several requests, and the end of an idle connection is noticed."""
    transport = KeepAliveTransport(ssl_context=trusted())
    async with serving(politely, certified()) as server:
        for _ in range(3):
            answer = await transport.handle_async_request(post(server.url("localhost")))
            assert answer.content == b"{}"
        assert len(server.lines) == 1
        server.lines[0].writer.close()
        await asyncio.sleep(0.02)  # a real socket
        await transport.handle_async_request(post(server.url("localhost")))
        assert len(server.lines) == 2
    await transport.aclose()


async def test_tls_lost_under_a_request() -> None:
    """Closed after the request was read: unknown, as without TLS."""
    transport = KeepAliveTransport(ssl_context=trusted())
    async with serving(hang_up, certified()) as server:
        with pytest.raises(httpx.ReadError):
            await transport.handle_async_request(post(server.url("localhost")))
    await transport.aclose()


@pytest.mark.parametrize(
    ("context", "host"),
    [(None, "localhost"), ("trusted", "127.0.0.1")],
    ids=["signed by nobody we know", "made out to another name"],
)
async def test_a_wrong_certificate(context: str | None, host: str) -> None:
    """Nothing is sent to whoever cannot prove to be the one we mean."""
    transport = KeepAliveTransport(ssl_context=trusted() if context else None)
    async with serving(politely, certified()) as server:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await transport.handle_async_request(post(server.url(host)))
        assert server.heard.empty()
    await transport.aclose()
