"""Every setting there is: its section and name in ``wabox.toml``, its variable, and whether a running server takes up a change.

A value is written in the variable as in the file, texts without quotes: ``WABOX_KEEP_MEDIA=90``, ``WABOX_BOT_MERGE=true``,
``WABOX_CALLS_ALLOW=["crm.internal"]``. Readers of the values are :mod:`wabox.settings.values`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Kind = Literal["text", "value", "secret", "address"]
"""``address``: may hold a password, so it is a secret that may also stand in the file, where it has none."""


@dataclass(frozen=True, slots=True)
class Key:
    section: str
    name: str
    """Of a secret: without ``_file``."""
    default: Any = field(default=None, compare=False)
    """As one would write it; None: there is none."""
    kind: Kind = "text"
    """How its variable is read: as it is, as TOML, or as a secret."""
    live: bool = False
    """A running server takes a change up on SIGHUP."""
    short: str = ""
    """Of its variable, if that is not made of section and name."""

    @property
    def variable(self) -> str:
        return f"WABOX_{self.short}" if self.short else f"WABOX_{self.section}_{self.name}".upper()

    @property
    def written(self) -> str:
        """Its name in the file."""
        return f"{self.name}_file" if self.kind == "secret" else self.name

    @property
    def names(self) -> tuple[str, ...]:
        """All that it may be called in the file."""
        return (self.name, f"{self.name}_file") if self.kind == "address" else (self.written,)

    @property
    def as_secret(self) -> Key:
        """The same, kept out of the file."""
        return Key(self.section, self.name, None, "secret", self.live, self.variable.removeprefix("WABOX_"))

    @property
    def shown(self) -> str:
        return f"[{self.section}] {self.written}"


def _value(section: str, name: str, default: Any = None, *, live: bool = False, short: str = "") -> Key:
    return Key(section, name, default, "value", live, short)


def _secret(section: str, name: str, short: str, *, live: bool = False) -> Key:
    return Key(section, name, None, "secret", live, short)


KEYS: Final[tuple[Key, ...]] = (
    Key("bot", "name", short="BOT"),
    Key("bot", "language"),
    _value("bot", "context", {}),
    Key("bot", "timezone", "UTC", live=True),
    Key("bot", "region", live=True),
    _value("bot", "merge", False, live=True),
    Key("bot", "pause", "4h", live=True),
    Key("bot", "quiet_hours", "22:00-08:00", live=True),
    Key("server", "host", "127.0.0.1", short="HOST"),
    _value("server", "port", 8080, short="PORT"),
    Key("server", "admin", "loopback"),
    _value("server", "proxies", ["127.0.0.1", "::1"]),
    Key("server", "domain", short="DOMAIN"),
    Key("server", "address", "0.0.0.0"),  # noqa: S104 - the door to the internet, which only a domain opens
    _value("server", "https_port", 443),
    _value("server", "http_port", 80),
    Key("server", "acme_url", "https://acme-v02.api.letsencrypt.org/directory"),
    Key("server", "acme_email"),
    Key("log", "level", "info"),
    Key("log", "format", "auto"),
    _value("log", "slow", 1),
    Key("telemetry", "endpoint"),
    _value("telemetry", "rate", 5),
    Key("whatsapp", "api_url", "https://graph.facebook.com/v26.0", short="GRAPH_URL"),
    _value("whatsapp", "rate", live=True, short="RATE"),
    _value("whatsapp", "typing", 1, live=True),
    _value("whatsapp", "read", False, live=True),
    _value("whatsapp", "hold", 5, live=True),
    Key("whatsapp", "number_id", short="NUMBER_ID"),
    Key("whatsapp", "account_id", short="ACCOUNT_ID"),
    _secret("whatsapp", "app_secret", "APP_SECRET", live=True),
    _secret("whatsapp", "app_secret_old", "APP_SECRET_OLD", live=True),
    _secret("whatsapp", "verify_token", "VERIFY_TOKEN", live=True),
    _secret("whatsapp", "access_token", "ACCESS_TOKEN", live=True),
    Key("data", "folder", "data", short="DATA"),
    Key("backup", "at", "03:00"),
    Key("backup", "keep", "7 daily 4 weekly 6 monthly"),
    Key("backup", "folder"),
    Key("backup", "recipient"),
    _value("keep", "transcript", 730, live=True),
    _value("keep", "handoffs", 730, live=True),
    _value("keep", "outbox", 35, live=True),
    _value("keep", "media", 365, live=True),
    _value("keep", "dead_letters", 90, live=True),
    _value("keep", "other_changes", 35, live=True),
    _value("keep", "contacts", 1095, live=True),
    _value("prices", "marketing", live=True),
    _value("prices", "utility", live=True),
    _value("prices", "authentication", live=True),
    _value("prices", "service", live=True),
    Key("prices", "currency", "USD", live=True),
    Key("llm", "url"),
    Key("llm", "model"),
    _secret("llm", "key", "LLM_KEY"),
    _value("llm", "price_in"),
    _value("llm", "price_out"),
    _value("llm", "deadline", 6),
    _value("llm", "retries", 1),
    _value("llm", "max_turn", 0.01),
    _value("llm", "max_conversation", 0.10),
    _value("llm", "max_day", 1.0),
    _value("llm", "max_tokens", 300),
    _value("llm", "keep", 7),
    _value("llm", "summaries", False),
    Key("speech", "url"),
    Key("speech", "model", "whisper-1"),
    _secret("speech", "key", "SPEECH_KEY"),
    Key("speech", "timeout", "20s"),
    _value("speech", "confidence", 0.4),
    _value("calls", "allow", []),
    Key("alerts", "webhook"),
    _value("alerts", "to", []),
    _value("alerts", "escalate", []),
    Key("alerts", "template"),
    _secret("alerts", "ntfy_token", "NTFY_TOKEN"),
    Key("smtp", "host"),
    _value("smtp", "port"),
    Key("smtp", "security", "starttls"),
    Key("smtp", "from"),
    Key("smtp", "user"),
    _secret("smtp", "password", "SMTP_PASSWORD"),
    Key("cluster", "redis", [], "address"),
    Key("cluster", "rabbitmq", [], "address"),
    Key("cluster", "postgres", None, "address"),
    Key("cluster", "name", "wabox"),
    Key("cluster", "durability", "replicated"),
    Key("upgrade", "url"),
    Key("upgrade", "key"),
)
FREE: Final = "secrets"
"""The section whose names the owner chooses: what flows send as ``{secret.…}``."""
QUEUES: Final = "queues"
"""The section whose tables the owner names: :mod:`wabox.settings.queues`."""
SECTIONS: Final = (*dict.fromkeys(key.section for key in KEYS), FREE, QUEUES)
KNOWN: Final[Mapping[str, frozenset[str]]] = {
    section: frozenset(name for key in KEYS if key.section == section for name in key.names) for section in SECTIONS
}
BY_NAME: Final[Mapping[tuple[str, str], Key]] = {(key.section, key.name): key for key in KEYS}
