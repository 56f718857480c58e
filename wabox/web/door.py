"""How the commands find the running server: its address and its token, in the data folder.

``server.json`` says where it listens; ``token`` opens its API. Whoever can read the data folder can read every conversation
anyway, so the token is theirs: it is for this user's eyes only (mode 0600), drawn once and kept.

A server that was killed leaves its address behind, and any process of this machine may listen there later. So whoever answers
proves that it knows the token before it is told: see :func:`proof`.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wabox.errors import StorageError

TOKEN = "token"  # noqa: S105 - the file's name
METRICS_TOKEN = "metrics_token"  # noqa: S105 - the same
ADDRESS = "server.json"
_ANY = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - what to connect to when it listens on all


@dataclass(frozen=True, slots=True)
class Address:
    url: str
    pid: int


def proof(token: str, nonce: str, port: int) -> str:
    """What only a server with the token can answer, 64 hex digits.

    ``nonce`` is the asker's, so no answer is good twice. ``port`` is the one that was connected to: an answer that somebody
    fetched from the real server, elsewhere, is no proof here.
    """
    return hmac.new(token.encode(), f"wabox\n{port}\n{nonce}".encode(), "sha256").hexdigest()


class Door:
    def __init__(self, data: Path) -> None:
        self._data = data

    def token(self, name: str = TOKEN) -> str:
        """The token of this name; made if there is none. Raises StorageError."""
        path = self._data / name
        try:
            with contextlib.suppress(FileExistsError):
                # Complete under its name or not there: a token of half the length would be half as good.
                working = path.with_name(f".{name}-{os.getpid()}")
                with os.fdopen(os.open(working, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                    file.write(secrets.token_urlsafe(32))
                try:
                    os.link(working, path)
                finally:
                    working.unlink()
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                path.chmod(0o600)
            token = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise StorageError(f"{path} cannot be read: {error}. Is the folder another user's?") from error
        if len(token) < 32:
            raise StorageError(f"{path} is too short to be a token: delete it, the next start makes a new one")
        return token

    @contextlib.contextmanager
    def open(self, host: str, port: int) -> Iterator[None]:
        """Say where the server listens while it does."""
        path = self._data / ADDRESS
        host = _ANY.get(host, f"[{host}]" if ":" in host else host)
        written = json.dumps({"url": f"http://{host}:{port}", "pid": os.getpid()})
        working = path.with_name(f".{ADDRESS}-{os.getpid()}")
        working.write_text(written, encoding="utf-8")
        working.replace(path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)

    def address(self) -> Address | None:
        """Where a server says that it listens; it may have died since."""
        try:
            found = json.loads((self._data / ADDRESS).read_text(encoding="utf-8"))
            return Address(str(found["url"]), int(found["pid"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
