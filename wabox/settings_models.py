"""The sections ``[llm]`` and ``[speech]`` of ``wabox.toml``: models of others, off by default.

Without ``url`` there is none (promise P10). Prices have no default: whoever switches it on says what a million tokens cost, so
that the caps mean something; a model of one's own costs 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wabox.errors import SettingsError
from wabox.secret import Secret

LLM_KEYS = frozenset(
    {
        *("url", "model", "key_file", "price_in", "price_out", "deadline", "retries"),
        *("max_turn", "max_conversation", "max_day", "max_tokens", "keep"),
    }
)
SPEECH_KEYS = frozenset({"url", "model", "timeout", "confidence", "key_file"})
MODEL_NEEDED = "name the model, as the endpoint calls it"


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmSettings:
    """Money is in whatever currency the prices are in."""

    url: str
    """Of an OpenAI-compatible API, up to and with its version: ``https://api.example.com/v1``."""
    model: str
    price_in: float
    """Of a million tokens that are read."""
    price_out: float
    """Of a million tokens that are written."""
    key: Secret | None = None
    deadline: float = 6.0
    """s for everything about one message, repetitions included."""
    retries: int = 1
    max_turn: float = 0.01
    max_conversation: float = 0.10
    """In one day."""
    max_day: float = 1.0
    max_tokens: int = 300
    """That it may write."""
    keep: float = 7.0
    """Days that an answer is kept for the same question; 0: not at all."""


def llm_settings(path: Path, table: Mapping[str, Any], url: str | None, key: Secret | None) -> LlmSettings | None:
    """None when it is off. ``url`` is the environment's. Raises SettingsError."""
    url = url or table.get("url")
    if not url:
        if given := sorted(table):
            raise SettingsError(f"{path}: [llm] has {', '.join(given)} and no url; write one, or take the section out")
        return None
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise SettingsError(f"{path}: [llm] url must start with https://, not {url!r}")
    model = table.get("model")
    if not isinstance(model, str) or not model:
        raise SettingsError(f"{path}: [llm] model is missing: {MODEL_NEEDED}")
    for price in ("price_in", "price_out"):
        if price not in table:
            raise SettingsError(
                f"{path}: [llm] {price} is missing: say what a million tokens cost (0 for a model of your own), "
                "or nothing could stop it from spending"
            )

    def number(name: str, default: float, least: float = 0.0, most: float = 1e6) -> float:
        value = table.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise SettingsError(f"{path}: [llm] {name} must be a number from {least:g} to {most:g}, not {value!r}")
        return float(value)

    return LlmSettings(
        url=url.rstrip("/"),
        model=model,
        key=key,
        price_in=number("price_in", 0),
        price_out=number("price_out", 0),
        deadline=number("deadline", 6, 0.1, 30),
        retries=int(number("retries", 1, 0, 5)),
        max_turn=number("max_turn", 0.01),
        max_conversation=number("max_conversation", 0.10),
        max_day=number("max_day", 1.0),
        max_tokens=int(number("max_tokens", 300, 16, 4000)),
        keep=number("keep", 7, 0, 90),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechSettings:
    """Who writes down voice messages."""

    url: str
    model: str = "whisper-1"
    timeout: int = 20_000
    """ms that a voice message may hold up its conversation, fetching it included."""
    confidence: float = 0.4
    """Below it the bot asks instead of guessing."""
    key: Secret | None = None


def speech_settings(path: Path, table: Mapping[str, Any], timeout: int, key: Secret | None) -> SpeechSettings | None:
    """None when it is off. ``timeout`` in ms. Raises SettingsError."""
    url = table.get("url")
    if url is None:
        return None
    if not (isinstance(url, str) and url.startswith(("https://", "http://"))):
        raise SettingsError(f"{path}: [speech] url must start with https:// or http://, not {url!r}")
    confidence = table.get("confidence", 0.4)
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 <= confidence <= 1:
        raise SettingsError(f"{path}: [speech] confidence must be a number from 0 to 1, not {confidence!r}")
    return SpeechSettings(
        url=url.rstrip("/"),
        model=str(table.get("model", "whisper-1")),
        timeout=timeout,
        confidence=float(confidence),
        key=key,
    )
