"""Headers that tell browsers what a page of ours may do: nothing that it does not say itself."""

from __future__ import annotations

from typing import Final

from litestar.types import ASGIApp, Message, Receive, Scope, Send

NOTHING: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""For what is no page."""
PAGE: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:;"
    " connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""For our pages: scripts and styles come from files of ours, and never stand in the page."""

_ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
    (b"cache-control", b"no-store"),
)


def shielded(app: ASGIApp, *, policy: str | None = NOTHING) -> ASGIApp:
    """Every answer carries the headers, but for those that it has of its own."""
    always = (*_ALWAYS, *(() if policy is None else ((b"content-security-policy", policy.encode()),)))

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name.lower() for name, _ in message["headers"]}
                added = [pair for pair in always if pair[0] not in own]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await app(scope, receive, tell)

    return answered
