"""What the HTTP port answers beside an HTTPS port of our own: the authority's proofs, and the way to HTTPS for all others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

PREFIX: Final = "/.well-known/acme-challenge/"


def challenge_app(proofs: Mapping[str, str], domain: str, https_port: int) -> ASGIApp:
    """``proofs`` by token. The way leads to ``domain``, whatever name the caller used: a header is no address."""
    origin = f"https://{domain}" + ("" if https_port == 443 else f":{https_port}")

    def found(method: str, path: str, raw: bytes) -> tuple[int, bytes, bytes]:
        """Status, body and where to go instead."""
        if path.startswith(PREFIX):
            proof = proofs.get(path.removeprefix(PREFIX))
            return (404, b"there is no such proof", b"") if proof is None else (200, proof.encode(), b"")
        if method in ("GET", "HEAD"):
            return 308, b"", origin.encode() + bytes(byte for byte in raw if 0x20 < byte < 0x7F)
        # What was sent here went over the line unprotected; sending it again by HTTPS would hide that.
        return 403, f"use {origin}".encode(), b""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            return
        raw = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        status, body, location = found(scope["method"], scope["path"], raw)
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
        if location:
            headers.append((b"location", location))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        shown = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": shown, "more_body": False})

    return answer
