"""Logs: one JSON object a line on standard error, or short lines for a person at a terminal.

No message text ever, and no full phone number: a conversation is named by the customer's business-scoped id, and where only
the number is known its middle is masked.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import msgspec
import structlog

NUMBER = re.compile(r"(?<![A-Za-z.\d])(\d{3})\d{4,}(\d{2})(?!\d)")
"""A phone number standing by itself; the digits of a business-scoped id follow ``MX.`` and stay."""


def configure(*, terminal: bool, level: int = logging.INFO) -> None:
    """Set up structlog and the standard library's logging alike."""
    processors: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        mask,
        structlog.processors.format_exc_info,
    ]
    if terminal:
        processors.append(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=24))
    else:
        processors.append(structlog.processors.JSONRenderer(serializer=_json))
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        level=logging.WARNING, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr, force=True
    )


def mask(_: Any, __: str, event: Any) -> Any:
    """Hide the customer's part of a conversation id that is a bare phone number."""
    conversation = event.get("conversation")
    if isinstance(conversation, str):
        number_id, _, customer = conversation.partition(":")
        event["conversation"] = number_id + ":" + NUMBER.sub(r"\1…\2", customer)
    return event


def _json(event: Any, **_: Any) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()
