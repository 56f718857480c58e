"""A call that a conversation asks of the world (``invoke``), and what came of it.

It is a row before it is made, and made at least once: a crash between call and result repeats it with the same key, which
the other side can recognise. Its result enters the conversation's own queue, like a message.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


def invocation_id(message_id: str, chart: str, name: str) -> str:
    """The id of the call that handling ``message_id`` led to: derived, so that a repeated turn asks for the same call."""
    return hashlib.blake2b(f"{message_id}\0{chart}\0{name}".encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    id: str
    """Also the idempotency key; see :func:`invocation_id`."""
    conversation_id: str
    chart: str
    """The chart that asked, its id without hash."""
    name: str
    """The id of its ``invoke``."""
    armed: int
    """The sequence number of the snapshot that asked; a result that came too late is known by it."""
    request: Mapping[str, Any]
    """JSON: ``{"action": name, "input": …, "chart": id@hash}`` or
    ``{"http": {method, url, headers, json, idempotency}}``. Secrets are still placeholders, ``{secret.name}``."""
    timeout: int
    """ms, of each try."""
    retries: int
    created_at: int
    """ms since the epoch."""
    attempts: int = 0
    """Tries begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one try brought."""

    output: Any = None
    """JSON-like."""
    error: str | None = None
    """A sentence; None: it went well."""
    status: int | None = None
    """Of the HTTP answer."""
    again: bool = False
    """Trying again may help, and does no harm."""
    wait: float | None = None
    """s that the other side asks us to wait before that."""

    @property
    def data(self) -> dict[str, Any]:
        """What the event carries."""
        found: dict[str, Any] = {"output": self.output} if self.error is None else {"error": self.error}
        return found if self.status is None else {**found, "status": self.status}
