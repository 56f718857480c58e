"""The public address: what stands in front of it, its certificate, its answers; asked through a stand-in for the network."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.whatsapp.scripted_server import politely, serving
from wabox.core.checkup import Finding, Level
from wabox.services.doctor.webhook import local, look
from wabox.settings import Secret, WhatsAppSettings
from wabox.whatsapp.reach import Reply, ask

NOW = 1_795_300_000_000
DAY = 86_400_000
URL = "https://bot.example.org/webhook"
WHATSAPP = WhatsAppSettings(
    app_secrets=(Secret("s3cret"),), verify_token=Secret("rosebud"), access_token=Secret("EAAG-token")
)
CERTIFICATE = Path(__file__).parents[3] / "data" / "tls" / "localhost.pem"
Answer = Callable[[str, dict[str, Any]], Reply]


def reply(status: int, body: str = "", milliseconds: int = 20, **more: Any) -> Reply:
    return Reply(status=status, body=body, milliseconds=milliseconds, **more)


def wabox(method: str, given: dict[str, Any]) -> Reply:
    """What a server with these secrets answers."""
    if method == "GET":
        return reply(200, given["params"]["hub.challenge"], expires=NOW + 60 * DAY)
    return reply(200) if "X-Hub-Signature-256" in given["headers"] else reply(401, "X-Hub-Signature-256 is missing")


async def asked(answer: Answer, url: str = URL) -> tuple[list[Finding], bool]:
    async def stand_in(url: str, *, method: str = "GET", **given: Any) -> Reply:
        return answer(method, given)

    return await look(url, WHATSAPP, NOW, asked=stand_in)


async def test_all_is_well() -> None:
    """Handshake, certificate, a signed webhook taken, an unsigned one refused."""
    findings, works = await asked(wabox)
    assert works
    assert [(one.check, one.level) for one in findings] == [
        (check, Level.OK) for check in ("certificate", "handshake", "signed post", "unsigned post")
    ]


@pytest.mark.parametrize(
    ("first", "says"),
    [
        (reply(403, "<html>Attention Required! | Cloudflare</html>"), "something else answers 403"),
        (reply(428, "checking your browser"), "something else answers 428"),
        (reply(200, "<html>welcome</html>"), "something else answers 200"),
        (reply(403, "the verify token is not the one this server was started with"), "another verify token"),
        (reply(502, "Bad Gateway"), "does not reach wabox"),
        (reply(404, "not found"), "is not there"),
        (reply(301, ""), "leads elsewhere"),
        (reply(0, "All connection attempts failed"), "does not answer"),
        (reply(0, "certificate has expired", untrusted=True), "it is not accepted: certificate has expired"),
    ],
)
async def test_what_stands_in_front(first: Reply, says: str) -> None:
    """A bot filter, a proxy that leads nowhere, a wrong certificate: each by its name, and what to do."""
    findings, works = await asked(lambda method, given: first)
    assert not works
    (one,) = [one for one in findings if one.level is Level.FAIL]
    assert says in one.what
    assert one.todo


@pytest.mark.parametrize(
    ("post", "check", "level"),
    [
        (reply(401, "X-Hub-Signature-256 does not match: is this the app secret?"), "signature", Level.FAIL),
        (reply(403, "forbidden by a filter"), "signed post", Level.FAIL),
        (reply(503, "not stored, bring it again"), "signed post", Level.FAIL),
        (reply(0, "ReadTimeout"), "signed post", Level.FAIL),
        (reply(200, milliseconds=2500), "signed post", Level.WARN),
        (reply(200), "unsigned post", Level.FAIL),
    ],
)
async def test_posts(post: Reply, check: str, level: Level) -> None:
    """A filter may let the handshake through and not the webhooks; somebody may take anything."""
    findings, works = await asked(lambda method, given: wabox(method, given) if method == "GET" else post)
    assert (check, level) in [(one.check, one.level) for one in findings]
    assert not works


async def test_a_certificate_that_ends() -> None:
    """Within two weeks it should have been renewed."""

    def answer(method: str, given: dict[str, Any]) -> Reply:
        if method == "GET":
            return reply(200, given["params"]["hub.challenge"], expires=NOW + 5 * DAY)
        return wabox(method, given)

    findings, _ = await asked(answer)
    (one,) = [one for one in findings if one.check == "certificate"]
    assert (one.level, one.what) == (Level.WARN, "expires in 5 days")


async def test_an_address_without_https() -> None:
    """Is not even asked: the verify token would travel in the open."""
    findings, works = await asked(wabox, "http://bot.example.org/webhook")
    assert (works, [one.level for one in findings]) == (False, [Level.FAIL])


@pytest.mark.parametrize(
    ("url", "is_local"),
    [
        ("http://127.0.0.1:8080/webhook", True),
        ("https://192.168.1.4/webhook", True),
        ("https://box/webhook", True),
        ("https://bot.local/webhook", True),
        ("https://bot.example.org/webhook", False),
        ("https://8.8.8.8/webhook", False),
    ],
)
def test_addresses_that_meta_cannot_reach(url: str, is_local: bool) -> None:
    """Those of one machine or one network."""
    assert local(url) is is_local


async def test_a_real_certificate() -> None:
    """Its end is read from the connection; one that nobody signed is not accepted, in a few words."""
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(CERTIFICATE)
    async with serving(politely, served) as server:
        trusted = await ask(
            server.url("localhost"),
            method="POST",
            content=b"{}",
            trust=ssl.create_default_context(cafile=str(CERTIFICATE)),
        )
        assert trusted.status == 200
        assert trusted.expires is not None
        assert trusted.expires > 1_700_000_000_000
        stranger = await ask(server.url("localhost"), method="POST", content=b"{}")
    assert (stranger.status, stranger.untrusted) == (0, True)
    assert stranger.body == "self-signed certificate"
