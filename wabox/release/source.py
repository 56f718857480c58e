"""Where releases come from: an address, or a folder on this machine (a mounted disk, a mirror)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from wabox.release.notice import File, NoRelease, Release, read
from wabox.release.signature import verify

NOTICE = "release.json"
NOTICE_LIMIT = 1_000_000
TIMEOUT = 30.0
PIECE = 1 << 20


class Source:
    def __init__(self, where: str, key: str, transport: httpx.BaseTransport | None = None) -> None:
        """``key``: minisign's public key. Raises NoRelease when ``where`` is neither https nor a folder."""
        self._where = where.rstrip("/")
        self._key = key
        self._transport = transport
        url = urlsplit(self._where)
        self._remote = url.scheme in {"http", "https"}
        if url.scheme == "http" and url.hostname not in {"127.0.0.1", "::1", "localhost"}:
            raise NoRelease(f"{where} is not https")
        if not self._remote and not Path(self._where).is_dir():
            raise NoRelease(f"{where} is neither an https:// address nor a folder")

    def release(self) -> Release:
        """The newest, its signature checked. Raises NoRelease, Unsigned."""
        data = self._small(NOTICE)
        verify(data, self._small(f"{NOTICE}.minisig").decode("utf-8", "replace"), self._key)
        return read(data)

    def fetch(self, file: File, folder: Path, tell: Callable[[float], None]) -> Path:
        """The file, whole and as it was signed. ``tell`` hears how much of it is there, 0 to 1. Raises NoRelease."""
        target, digest, size = folder / file.name, hashlib.sha256(), 0
        with self._pieces(file.name) as pieces, target.open("wb") as out:
            for piece in pieces:
                size += len(piece)
                if size > file.size:
                    break
                digest.update(piece)
                out.write(piece)
                tell(size / file.size)
        if size != file.size or digest.hexdigest() != file.sha256:
            target.unlink()
            raise NoRelease(f"{file.name} is not the file that was signed; nothing was changed")
        return target

    def _small(self, name: str) -> bytes:
        data = b""
        with self._pieces(name) as pieces:
            for piece in pieces:
                data += piece
                if len(data) > NOTICE_LIMIT:
                    raise NoRelease(f"{name} of {self._where} is too long")
        return data

    @contextmanager
    def _pieces(self, name: str) -> Iterator[Iterator[bytes]]:
        if not self._remote:
            try:
                with Path(self._where, name).open("rb") as file:
                    yield iter(lambda: file.read(PIECE), b"")
            except FileNotFoundError as error:
                raise NoRelease(f"there is no {name} in {self._where}") from error
            return
        url = f"{self._where}/{name}"
        try:
            with (
                httpx.Client(timeout=TIMEOUT, transport=self._transport, follow_redirects=True) as client,
                client.stream("GET", url) as answer,
            ):
                if answer.url.scheme != urlsplit(url).scheme:
                    raise NoRelease(f"{url} leads away from https")
                if answer.status_code != 200:
                    raise NoRelease(f"{url} answers {answer.status_code}")
                yield answer.iter_bytes(PIECE)
        except httpx.HTTPError as error:
            raise NoRelease(f"{url} cannot be reached: {error}") from error
