"""The public address: does it answer as Meta wants it to, through whatever stands in front of it?"""

from __future__ import annotations

import ipaddress
import secrets
import ssl
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from wabox.core.checkup import Finding, Notes
from wabox.services.doctor.machine import ago
from wabox.settings import WhatsAppSettings
from wabox.whatsapp.reach import Reply, ask
from wabox.whatsapp.signature import sign, verify

BODY: Final = b'{"object":"whatsapp_business_account","entry":[]}'
"""A webhook that brings nothing."""
SLOW: Final = 1000
"""ms that a webhook may take."""
CERTIFICATE: Final = 14 * 86_400
"""Seconds before a certificate expires at which it should have been renewed."""

Asker = Callable[..., Awaitable[Reply]]


def local(url: str) -> bool:
    """An address that only this machine, or this network, can reach."""
    host = urlsplit(url).hostname or ""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or "." not in host or host.endswith((".local", ".internal", ".localhost"))


async def look(
    url: str,
    whatsapp: WhatsAppSettings,
    now: int,
    *,
    asked: Asker = ask,
    trust: ssl.SSLContext | bool = True,
) -> tuple[list[Finding], bool]:
    """Ask as Meta asks: the handshake, a signed webhook, one without signature. Also whether it works."""
    notes = Notes("webhook")
    parts = urlsplit(url)
    if parts.scheme != "https" and not local(url):
        notes.fail(
            "address", f"{url} is not https, and Meta calls nothing else", "put a reverse proxy with HTTPS in front"
        )
        return notes.made, False
    if local(url):
        notes.warn(
            "address",
            f"{url} is of this machine or network: Meta cannot reach it",
            "give the public one: --url https://…",
        )
    challenge = str(secrets.randbelow(10**10))
    shake = {
        "hub.mode": "subscribe",
        "hub.challenge": challenge,
        "hub.verify_token": whatsapp.verify_token.reveal(),
    }
    reply = await asked(url, params=shake, trust=trust)
    _certificate(notes, reply, now)
    if not _handshake(notes, url, reply, challenge):
        return notes.made, False
    return notes.made, await _posts(notes, url, whatsapp, asked, trust)


def _certificate(notes: Notes, reply: Reply, now: int) -> None:
    if reply.untrusted:
        notes.fail(
            "certificate",
            f"it is not accepted: {reply.body}",
            "get one from a public authority, with the intermediate ones (Let's Encrypt: fullchain.pem)",
        )
    elif reply.expires is not None:
        left = (reply.expires - now) / 1000
        if left < CERTIFICATE:
            notes.warn("certificate", f"expires in {ago(max(0, left))}", "see why it was not renewed")
        else:
            notes.ok("certificate", f"valid for {ago(left)} more")


def _handshake(notes: Notes, url: str, reply: Reply, challenge: str) -> bool:
    if not reply.status:
        if not reply.untrusted:
            notes.fail(
                "address",
                f"{url} does not answer: {reply.body}",
                "see that the server runs (wabox serve), that the reverse proxy leads there, and that port 443 is open",
            )
        return False
    if reply.status == 200 and reply.body == challenge:
        notes.ok("handshake", f"{url} knows the verify token")
        return True
    if reply.status == 403 and "verify token" in reply.body:
        notes.fail(
            "handshake",
            "the server there has another verify token than this shell",
            "compare WABOX_VERIFY_TOKEN here and there; the same word stands in Meta's webhook form",
        )
    elif reply.status in (502, 504):
        notes.fail(
            "handshake",
            f"the reverse proxy answers {reply.status}: it does not reach wabox",
            "start wabox serve, and compare its host and port with the proxy's",
        )
    elif reply.status == 404:
        notes.fail("handshake", f"{url} is not there (404)", "let the proxy pass on /webhook as it is")
    elif 300 <= reply.status < 400:
        notes.fail(
            "handshake", f"{url} leads elsewhere ({reply.status}); Meta does not follow", "give Meta the final address"
        )
    else:
        notes.fail("handshake", f"something else answers {reply.status}: {_words(reply.body)}", _FILTER)
    return False


_FILTER = "let /webhook through whatever filters there (Cloudflare: a WAF rule to skip it; no bot fight mode)"


def _words(body: str) -> str:
    text = " ".join(body.split())
    return f"{text[:80]}…" if len(text) > 80 else text or "(nothing)"


async def _posts(
    notes: Notes, url: str, whatsapp: WhatsAppSettings, asked: Asker, trust: ssl.SSLContext | bool
) -> bool:
    secret = whatsapp.app_secrets[0].reveal().encode()
    header = sign(BODY, secret)
    assert verify(BODY, header, (secret,))  # noqa: S101 - what we sign we accept
    kind = {"Content-Type": "application/json"}
    reply = await asked(url, method="POST", content=BODY, headers={**kind, "X-Hub-Signature-256": header}, trust=trust)
    if reply.status == 401 and "X-Hub-Signature-256" in reply.body:
        notes.fail(
            "signature",
            "the server there has another app secret than this shell",
            "compare WABOX_APP_SECRET here and there",
        )
        return False
    if reply.status == 503:
        notes.fail(
            "signed post", "the server is overloaded, or its disk is full (503)", "see its log, and the disk above"
        )
        return False
    if reply.status != 200:
        said = f"{reply.status}: {_words(reply.body)}" if reply.status else _words(reply.body)
        notes.fail("signed post", f"a webhook is not taken: {said}", _FILTER)
        return False
    if reply.milliseconds > SLOW:
        notes.warn(
            "signed post",
            f"taken, in {reply.milliseconds} ms; Meta wants less than {SLOW}",
            "see what slows it: proxy, disk",
        )
    else:
        notes.ok("signed post", f"taken, in {reply.milliseconds} ms")
    bare = await asked(url, method="POST", content=BODY, headers=kind, trust=trust)
    if bare.status == 200:
        notes.fail(
            "unsigned post",
            "a webhook without signature is taken: anybody can write as a customer",
            "see that the address leads to wabox, and to nothing else",
        )
        return False
    notes.ok("unsigned post", "refused")
    return True
