"""The sections ``[llm]`` and ``[speech]`` of ``wabox.toml``: models of others, off by default.

Without ``url`` there is none (promise P10). Prices have no default: whoever switches it on says what a million tokens cost, so
that the caps mean something; a model of one's own costs 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from wabox.errors import SettingsError
from wabox.settings import values
from wabox.settings.secret import Secret
from wabox.settings.sources import Section

MODEL_NEEDED = "name the model, as the endpoint calls it"


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetrySettings:
    """Where traces go."""

    endpoint: str
    """Of an OTLP collector, over HTTP."""
    rate: float = 5.0
    """Traces that may begin a second; 0: any number."""


def telemetry_settings(section: Section) -> TelemetrySettings | None:
    """None: traces go nowhere. Raises SettingsError."""
    rate = values.amount(section, "rate", 5.0)
    endpoint = values.url(section, "endpoint", "") if section.get("endpoint") else None
    if endpoint is None:
        return None
    return TelemetrySettings(endpoint=endpoint.removesuffix("/v1/traces"), rate=rate or 0.0)


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
    summaries: bool = False
    """It also writes summaries of cases for whoever takes them: what was said leaves the house for that."""


def llm_settings(table: Section, key: Secret | None) -> LlmSettings | None:
    """None when it is off. Raises SettingsError."""
    url = table.get("url")
    if not url:
        if given := sorted(table):
            raise SettingsError(
                f"{table.path}: [llm] has {', '.join(given)} and no url; write one, or take the section out"
            )
        return None
    url = values.url(table, "url", "")
    model = table.get("model")
    if not isinstance(model, str) or not model:
        raise SettingsError(f"{table.where('model')} is missing: {MODEL_NEEDED}")
    for price in ("price_in", "price_out"):
        if price not in table:
            raise SettingsError(
                f"{table.where(price)} is missing: say what a million tokens cost (0 for a model of your own), "
                "or nothing could stop it from spending"
            )

    def number(name: str, default: float, least: float = 0.0, most: float = 1e6) -> float:
        value = table.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise SettingsError(f"{table.where(name)} must be a number from {least:g} to {most:g}, not {value!r}")
        return float(value)

    return LlmSettings(
        url=url,
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
        summaries=values.flag(table, "summaries", default=False),
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


def speech_settings(table: Section, key: Secret | None) -> SpeechSettings | None:
    """None when it is off. Raises SettingsError."""
    timeout = values.duration(table, "timeout", "20s")
    if table.get("url") is None:
        return None
    url = values.url(table, "url", "")
    confidence = table.get("confidence", 0.4)
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 <= confidence <= 1:
        raise SettingsError(f"{table.where('confidence')} must be a number from 0 to 1, not {confidence!r}")
    return SpeechSettings(
        url=url,
        model=str(values.text(table, "model", "whisper-1")),
        timeout=timeout,
        confidence=float(confidence),
        key=key,
    )
