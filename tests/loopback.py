"""Real HTTP on this machine: an ASGI app on a free port, and Meta's file server."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.parser import BytesParser
from typing import Any

from wabox.web.server import Server, listen


@contextlib.asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """The app on a free port; its address."""
    server = Server(app, listen("127.0.0.1", 0))
    await server.begin()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.should_exit = True
        await server.task


Answer = tuple[int, dict[str, str], bytes]


def error(code: int, status: int = 400, **more: Any) -> Answer:
    body = {"error": {"message": f"(#{code}) no", "code": code, "fbtrace_id": "A1", **more}}
    return status, {}, json.dumps(body).encode()


@dataclass
class FileServer:
    """The Graph API as far as files are concerned. ``answers`` are given instead, once each, by the path's last part."""

    token: str = "secret-token"
    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    """By media id."""
    announced: dict[str, Any] = field(default_factory=dict)
    """What it says of a file instead of the truth."""
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Method, path and authorisation of each request."""
    uploads: list[dict[str, Any]] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """Files come only while it is set."""
    at_once: int = 0
    most: int = 0

    def __post_init__(self) -> None:
        self.gate.set()

    def put(self, media_id: str, data: bytes) -> dict[str, str]:
        """A file that a customer sent, as webhooks have it."""
        self.files[media_id] = data
        return {"id": media_id, "sha256": base64.b64encode(hashlib.sha256(data).digest()).decode()}

    def paths(self) -> list[str]:
        return [path for _, path, _ in self.asked]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        raw, more = b"", True
        while more:
            part = await receive()
            raw, more = raw + part.get("body", b""), part.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        path = scope["path"]
        self.asked.append((scope["method"], path, headers.get("authorization")))
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            status, more_headers, body = await self._answer(scope["method"], path, headers, raw)
        finally:
            self.at_once -= 1
        written = [(name.encode(), value.encode()) for name, value in more_headers.items()]
        written.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": written})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, method: str, path: str, headers: dict[str, str], raw: bytes) -> Answer:
        name = path.rpartition("/")[2]
        planned = self.answers.get(path) or self.answers.get(name)
        if planned:
            return planned.pop(0)
        if headers.get("authorization") != f"Bearer {self.token}":
            return error(190, 401)
        if method == "POST" and name == "media":
            self.uploads.append(parts(headers["content-type"], raw))
            return 200, {}, json.dumps({"id": f"90{len(self.uploads)}"}).encode()
        if method == "POST":
            self.sent.append(json.loads(raw))
            return 200, {}, json.dumps({"messages": [{"id": f"wamid.OUT{len(self.sent)}"}]}).encode()
        if name not in self.files:
            return error(100, error_subcode=33)
        data = self.files[name]
        if path.startswith("/files/"):
            await self.gate.wait()
            return 200, {"content-type": "application/octet-stream"}, data
        about = {
            "url": f"{self.url}/files/{name}",
            "sha256": hashlib.sha256(data).hexdigest(),
            "file_size": len(data),
            "id": name,
            "messaging_product": "whatsapp",
        }
        return 200, {}, json.dumps(about | self.announced).encode()


def parts(content_type: str, raw: bytes) -> dict[str, Any]:
    """A multipart body: the fields, and of the file its name, type and content."""
    message = BytesParser().parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + raw)
    found: dict[str, Any] = {}
    for part in message.get_payload():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if part.get_filename() is None:
            found[str(name)] = content.decode()
        else:
            found[str(name)] = (part.get_filename(), part.get_content_type(), content)
    return found
