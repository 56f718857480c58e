"""Logs: one JSON object a line on standard error, or short lines for a person at a terminal.

No message text ever, and no full phone number: a conversation is named by the customer's business-scoped id, and where only
the number is known its middle is masked.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, TextIO

import msgspec
import structlog

from wabox.errors import WaboxError

NUMBER = re.compile(r"(?<![A-Za-z.\d])(\d{3})\d{4,}(\d{2})(?!\d)")
"""A phone number standing by itself; the digits of a business-scoped id follow ``MX.`` and stay."""


class _Forgiving:
    """A stream that loses a line rather than fail whoever wrote it: a full disk or a closed pipe must not stop a message."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except (OSError, ValueError):
            return 0

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()


AWAY = frozenset(
    {
        "cluster.accounts_wait",
        "cluster.records_wait",
        "cluster.sweep_waits",
        "media.later",
        "version.unseen",
    }
)
"""Events of what is tried again until it can be done."""
QUIET = 60.0
"""s before one of them is told again with the same reason."""
KEPT = True
"""Whether a module's logger is made once: quicker, but a later ``configure`` does not reach it. Tests say no."""


def configure(*, terminal: bool, level: int = logging.INFO) -> None:
    """Set up structlog and the standard library's logging alike."""
    processors: list[Any] = [
        Seldom(),
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        mask,
        unquoted,
    ]
    if terminal:
        processors.append(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=24))
    else:
        processors.append(structlog.processors.JSONRenderer(serializer=_json))
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(_Forgiving(sys.stderr)),  # type: ignore[arg-type]
        cache_logger_on_first_use=KEPT,
    )
    logging.basicConfig(
        level=logging.WARNING, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr, force=True
    )


class Seldom:
    """Says that an engine is away when that is met first, and once a minute after that: whoever needs it asks twice a second,
    for as long as it takes, and there is more in a log than that."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._told: dict[tuple[str, str], float] = {}

    def __call__(self, _: Any, __: str, event: Any) -> Any:
        if event.get("event") not in AWAY:
            return event
        what, now = (event["event"], str(event.get("reason", event.get("error")))), self._now()
        if now - self._told.get(what, -QUIET) < QUIET:
            raise structlog.DropEvent
        self._told = {one: at for one, at in self._told.items() if now - at < QUIET} | {what: now}
        return event


def mask(_: Any, __: str, event: Any) -> Any:
    """Hide phone numbers: a customer without a business-scoped id is named by one, and message ids contain them."""
    conversation = event.get("conversation")
    if isinstance(conversation, str):
        number_id, _, customer = conversation.partition(":")
        event["conversation"] = number_id + ":" + NUMBER.sub(r"\1…\2", customer)
    message = event.get("message")
    if isinstance(message, str):
        # A WhatsApp message id has the customer's number in it.
        event["message"] = hashlib.blake2b(message.encode("utf-8", "replace"), digest_size=6).hexdigest()
    return event


def unquoted(_: Any, __: str, event: Any) -> Any:
    """An exception as where it was raised and what it is. What it says may quote a customer: that is for the transcript, where
    every failed turn is on record; only what wabox and the operating system say themselves is said here."""
    given = event.pop("exc_info", None)
    error = sys.exception() if given is True else given[1] if isinstance(given, tuple) else given
    if not isinstance(error, BaseException):
        return event
    parts: list[str] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        ours = isinstance(error, WaboxError | OSError) or type(error).__module__ == "sqlite3"
        said = f": {error}" if ours else ""
        frames = "".join(traceback.format_tb(error.__traceback__))
        parts.append(f"{frames}{type(error).__qualname__}{said}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    event["exception"] = "\n\nwhile it had to do with:\n".join(parts)
    return event


def _json(event: Any, **_: Any) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()
