"""Settings: ``wabox.toml`` and the environment, read once, here and nowhere else, then passed.

Secrets never stand in ``wabox.toml``: they come from the environment (``WABOX_ACCESS_TOKEN``) or from a file that the
settings name (``access_token_file = "/run/secrets/token"``), so that a bot's folder can be shown and committed. The
environment wins over the file. What is missing is said with the name of the variable, not found out by a customer.

=================  ============================  ==========================================================
wabox.toml         environment                   meaning
=================  ============================  ==========================================================
bot.name           WABOX_BOT                     the folder in ``flows/`` (default: the only one)
bot.language       –                             language until the customer shows theirs
bot.context        –                             values that every new conversation begins with
bot.timezone       –                             IANA zone of "tomorrow" and "at five" (UTC)
bot.region         –                             country of customers whose number does not say (ES, MX …)
bot.merge          –                             texts that follow each other share a bubble (false)
bot.pause          –                             how long the bot keeps quiet after a person wrote from the phone (4h)
bot.quiet_hours    –                             when nobody is reminded of anything, by the customer's clock (22:00-08:00)
server.host        WABOX_HOST                    address to listen on (127.0.0.1: behind a reverse proxy)
server.port        WABOX_PORT                    port (8080)
whatsapp.api_url   WABOX_GRAPH_URL               Graph API with its version (https://graph.facebook.com/v26.0)
whatsapp.rate      WABOX_RATE                    messages a second per number (as Meta says: 80; 0: as fast as Meta takes them)
whatsapp.typing    –                             seconds after which a customer who waits sees that one is typing (1; 0: never)
whatsapp.read      –                             messages that the bot understood are marked as read (false)
whatsapp.hold      –                             seconds that a message waits for the media before it (5; 0: not at all)
whatsapp.number_id WABOX_NUMBER_ID               phone number id that wabox writes from by itself (the only one)
whatsapp.account_id  WABOX_ACCOUNT_ID            WhatsApp business account: whose templates they are
whatsapp.…_file    WABOX_APP_SECRET              app secret; signs every webhook
…                  WABOX_APP_SECRET_OLD          the previous one, accepted while you rotate
…                  WABOX_VERIFY_TOKEN            the word you typed into Meta's webhook form
…                  WABOX_ACCESS_TOKEN            system-user token
data.folder        WABOX_DATA                    everything that must be backed up (``data``)
keep.…             –                             days that things are kept: see :mod:`wabox.core.keep` (0: for ever)
prices.…           –                             price of a message by category and country; their currency (USD)
llm.…              WABOX_LLM_URL, WABOX_LLM_KEY  a language model, off without a url (:mod:`wabox.settings_models`)
calls.allow        –                             private hosts, addresses, networks that flows may call
speech.url         –                             OpenAI-compatible endpoint that writes down voice messages (off)
speech.model       –                             its model (whisper-1)
speech.timeout     –                             how long a voice message may hold up its conversation (20s)
speech.confidence  –                             below it, from 0 to 1, the bot asks instead of guessing (0.4)
speech.key_file    WABOX_SPEECH_KEY              its key, if it wants one
secrets.…_file     WABOX_SECRET_…                what flows may send as ``{secret.…}``, from files or the environment
=================  ============================  ==========================================================
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wabox import settings_models
from wabox.errors import SettingsError
from wabox.secret import Secret as Secret
from wabox.secret import read_secret
from wabox.settings_models import LlmSettings
from wabox.settings_models import SpeechSettings as SpeechSettings

FILE = "wabox.toml"
NEEDED = 3
"""Secrets without which nothing can be answered."""
NIGHT = (22 * 60, 8 * 60)
GRAPH_URL = "https://graph.facebook.com/v26.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatsAppSettings:
    """What ties the bot to Meta."""

    app_secrets: tuple[Secret, ...]
    """The current one first; a second is accepted during rotation."""
    verify_token: Secret
    access_token: Secret
    api_url: str = GRAPH_URL
    account_id: str | None = None
    """The WhatsApp business account (WABA) that templates belong to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set."""

    root: Path
    """The folder of ``wabox.toml``: relative paths start here."""
    bot: str | None = None
    language: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    timezone: str = "UTC"
    region: str | None = None
    merge: bool = False
    """Texts that follow each other in one turn share a bubble."""
    pause: int = 4 * 3_600_000
    """ms that the bot keeps quiet after a person's last words from the phone."""
    night: tuple[int, int] | None = NIGHT
    """When nobody is reminded: minutes after midnight by the customer's clock; None: they may be at any time."""
    host: str = "127.0.0.1"
    port: int = 8080
    data: Path = Path("data")
    allow: tuple[str, ...] = ()
    """Hosts, addresses and networks beyond the open internet that flows may call."""
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    """By the name that flows use: ``{secret.name}``."""
    rate: float | None = None
    """Messages a second per number; 0: as fast as Meta takes them; None: as many as Meta says."""
    typing: float = 1.0
    """Seconds after which a customer who waits sees that an answer is coming; 0: never."""
    read: bool = False
    """Messages that the bot understood are marked as read."""
    hold: float = 5.0
    """Seconds that a message waits for WhatsApp's word on the media before it; 0: not at all."""
    keep: Mapping[str, int] = field(default_factory=dict)
    """Days by kind of data (:class:`wabox.core.keep.Keep`), where they differ from the defaults."""
    number_id: str | None = None
    """Meta's id of the number that messages leave from which we begin; None: the only one that there is."""
    speech: SpeechSettings | None = None
    """None: voice messages stay unheard."""
    prices: Mapping[str, Any] = field(default_factory=dict)
    """As written; see :func:`wabox.core.prices.read`."""
    llm: LlmSettings | None = None
    """``None``: no language model is asked."""
    whatsapp: WhatsAppSettings | None = None
    """``None`` when it is not complete: ``wabox chat``, ``wabox check`` and ``wabox demo`` need no account."""
    missing: tuple[str, ...] = ()
    """The variables of the secrets that are not set."""

    def require_whatsapp(self) -> WhatsAppSettings:
        """For ``wabox serve``; raises SettingsError naming every missing secret at once."""
        if self.whatsapp is None:
            if 0 < len(self.missing) < NEEDED:
                raise SettingsError(
                    f"missing {', '.join(self.missing)}: set it in the environment or name a file in {FILE}"
                )
            raise SettingsError(
                "wabox serve needs your WhatsApp app's secrets: set WABOX_APP_SECRET, WABOX_VERIFY_TOKEN and "
                f"WABOX_ACCESS_TOKEN, or name files for them under [whatsapp] in {FILE}. "
                "To try the bot without an account: wabox demo"
            )
        return self.whatsapp


_FILES = frozenset({"app_secret_file", "app_secret_old_file", "verify_token_file", "access_token_file"})
KNOWN: dict[str, frozenset[str]] = {
    "bot": frozenset({"name", "language", "context", "timezone", "region", "merge", "pause", "quiet_hours"}),
    "server": frozenset({"host", "port"}),
    "whatsapp": _FILES | {"api_url", "rate", "hold", "typing", "read", "number_id", "account_id"},
    "data": frozenset({"folder"}),
    "keep": frozenset({"transcript", "handoffs", "outbox", "media", "dead_letters", "other_changes", "contacts"}),
    "calls": frozenset({"allow"}),
    "speech": settings_models.SPEECH_KEYS,
    "llm": settings_models.LLM_KEYS,
    "prices": frozenset({"currency", "marketing", "utility", "authentication", "service"}),
    "secrets": frozenset(),
}


def load(root: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """Read ``root/wabox.toml`` (it may be absent) and the environment. Raises SettingsError."""
    env = os.environ if environ is None else environ
    path = root / FILE
    tables = _read(path)
    bot, server, data = (tables.get(name, {}) for name in ("bot", "server", "data"))
    port = env.get("WABOX_PORT", server.get("port", 8080))
    try:
        port = int(port)
        if not 0 <= port <= 65535:
            raise ValueError
    except (TypeError, ValueError):
        raise SettingsError(
            f"the port must be a number from 0 to 65535, not {port!r} (WABOX_PORT or [server] port)"
        ) from None
    context = bot.get("context", {})
    if not isinstance(context, dict):
        raise SettingsError(f"{path}: [bot] context must be a table of values")
    whatsapp, missing = _whatsapp(root, tables.get("whatsapp", {}), env)
    return Settings(
        root=root,
        bot=env.get("WABOX_BOT") or bot.get("name"),
        language=bot.get("language"),
        context=context,
        timezone=_timezone(path, bot.get("timezone", "UTC")),
        region=_region(path, bot.get("region")),
        merge=_flag(path, bot, "bot", "merge", default=False),
        pause=_duration(path, bot.get("pause", "4h"), "[bot] pause"),
        night=_night(path, bot.get("quiet_hours")),
        host=env.get("WABOX_HOST") or server.get("host", "127.0.0.1"),
        port=port,
        data=root / (env.get("WABOX_DATA") or data.get("folder", "data")),
        keep=_keep(path, tables.get("keep", {})),
        allow=_allow(path, tables.get("calls", {})),
        secrets=_secrets(root, tables.get("secrets", {}), env),
        rate=_rate(env.get("WABOX_RATE", tables.get("whatsapp", {}).get("rate"))),
        typing=_amount(tables.get("whatsapp", {}).get("typing", 1), "typing"),
        read=_flag(path, tables.get("whatsapp", {}), "whatsapp", "read", default=False),
        llm=_llm(path, tables.get("llm", {}), env),
        hold=_amount(tables.get("whatsapp", {}).get("hold", 5), "hold"),
        number_id=_id(env, tables.get("whatsapp", {}), "number_id"),
        speech=_speech(path, tables.get("speech", {}), env),
        prices=tables.get("prices", {}),
        whatsapp=whatsapp,
        missing=missing,
    )


def _keep(path: Path, table: Mapping[str, Any]) -> Mapping[str, int]:
    for name, days in table.items():
        if not isinstance(days, int) or isinstance(days, bool) or not 0 <= days <= 36_500:
            raise SettingsError(f"{path}: [keep] {name} must be a number of days, 0 for ever, not {days!r}")
        if name == "outbox" and 0 < days < 31:
            raise SettingsError(
                f"{path}: [keep] outbox: WhatsApp reports on messages for 30 days; write 31 or more, or 0"
            )
    return table


def _rate(given: Any) -> float | None:
    return None if given is None else _amount(given, "rate", "WABOX_RATE or ")


def _amount(given: Any, name: str, variable: str = "") -> float:
    try:
        amount = float(given)
        if not 0 <= amount < 100_000:
            raise ValueError
    except (TypeError, ValueError):
        raise SettingsError(
            f"{name} must be a number, and not below 0, not {given!r} ({variable}[whatsapp] {name} in {FILE})"
        ) from None
    return amount


def app_secret(root: Path, file: Path | None = None, environ: Mapping[str, str] | None = None) -> Secret | None:
    """The app secret alone: from ``file``, else where :func:`load` finds it; ``None`` when nobody names one."""
    env = os.environ if environ is None else environ
    if file is not None:
        return _secret(Path.cwd(), "app_secret", {"app_secret_file": str(file)}, {})
    return _secret(root, "app_secret", _read(root / FILE).get("whatsapp", {}), env)


def access_token(root: Path, environ: Mapping[str, str] | None = None) -> Secret | None:
    """The access token alone, read anew: its file may have been replaced. Raises SettingsError."""
    env = os.environ if environ is None else environ
    return _secret(root, "access_token", _read(root / FILE).get("whatsapp", {}), env)


def _timezone(path: Path, name: Any) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise SettingsError(
            f"{path}: [bot] timezone {name!r} is no time zone; write one such as Europe/Madrid"
        ) from None
    return str(name)


_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def _duration(path: Path, given: Any, where: str) -> int:
    """ms."""
    found = re.fullmatch(r"(\d{1,6})\s*([smhd])", given) if isinstance(given, str) else None
    if found is None:
        raise SettingsError(f"{path}: {where} must be a duration such as 30m, 4h or 1d, not {given!r}")
    return int(found[1]) * _UNITS[found[2]]


def _flag(path: Path, table: Mapping[str, Any], section: str, name: str, *, default: bool) -> bool:
    value = table.get(name, default)
    if not isinstance(value, bool):
        raise SettingsError(f"{path}: [{section}] {name} must be true or false, not {value!r}")
    return value


def _region(path: Path, code: Any) -> str | None:
    if code is not None and not (isinstance(code, str) and re.fullmatch("[A-Z]{2}", code)):
        raise SettingsError(f"{path}: [bot] region {code!r} is no country; write its two letters, such as ES")
    return code


def _night(path: Path, given: Any) -> tuple[int, int] | None:
    if given is None or given in (False, "off"):
        return NIGHT if given is None else None
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)\s*[-–]\s*([01]?\d|2[0-3]):([0-5]\d)", str(given).strip())
    begin, end = (int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])) if found else (0, 0)
    if begin == end:
        raise SettingsError(f'{path}: [bot] quiet_hours {given!r} are no hours; write "22:00-08:00", or "off"')
    return begin, end


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error
    for name, table in tables.items():
        _must_know(path, name, KNOWN, "section")
        if not isinstance(table, dict):
            raise SettingsError(f"{path}: {name} must be a section: [{name}]")
        for key in table:
            if name == "secrets":
                if not key.endswith("_file"):
                    raise SettingsError(
                        f"{path}: [secrets] names files: write {key}_file, or set WABOX_SECRET_{key.upper()}"
                    )
                continue
            if f"{key}_file" in KNOWN[name]:
                variable = key if name == "whatsapp" else f"{name}_{key}"
                raise SettingsError(
                    f"{path}: [{name}] {key} is a secret and does not belong in this file: "
                    f"set WABOX_{variable.upper()}, or put it into a file and name it as {key}_file"
                )
            _must_know(path, key, KNOWN[name], f"setting in [{name}]")
    return tables


def _must_know(path: Path, key: str, known: Mapping[str, Any] | frozenset[str], what: str) -> None:
    if key not in known:
        near = get_close_matches(key, list(known), 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
        raise SettingsError(f"{path}: unknown {what}: {key!r}; {hint}")


def _whatsapp(
    root: Path, table: Mapping[str, Any], env: Mapping[str, str]
) -> tuple[WhatsAppSettings | None, tuple[str, ...]]:
    """The account, if it is complete, and what is missing."""
    secrets = {
        name: _secret(root, name, table, env)
        for name in ("app_secret", "app_secret_old", "verify_token", "access_token")
    }
    app, old, verify, token = secrets.values()
    missing = tuple(
        f"WABOX_{name.upper()}" for name, value in secrets.items() if not value and name != "app_secret_old"
    )
    if app is None or verify is None or token is None:
        return None, missing
    url = str(env.get("WABOX_GRAPH_URL") or table.get("api_url", GRAPH_URL)).rstrip("/")
    if not url.startswith(("https://", "http://")):
        raise SettingsError(
            f"the Graph URL must start with https://, not {url!r} (WABOX_GRAPH_URL or [whatsapp] api_url)"
        )
    of_app = (app, old) if old else (app,)
    of_meta = WhatsAppSettings(app_secrets=of_app, verify_token=verify, access_token=token, api_url=url)
    return replace(of_meta, account_id=_id(env, table, "account_id")), ()


def _id(env: Mapping[str, str], table: Mapping[str, Any], name: str) -> str | None:
    """One of Meta's ids, as text or number."""
    variable = f"WABOX_{name.upper()}"
    found = str(env.get(variable) or table.get(name, "")).strip()
    if found and not found.isdecimal():
        raise SettingsError(f"{name} is digits, an id at Meta, not {found!r} ({variable} or [whatsapp] {name})")
    return found or None


def _speech(path: Path, table: Mapping[str, Any], env: Mapping[str, str]) -> SpeechSettings | None:
    key = read_secret(path.parent, "speech_key", table.get("key_file"), "speech", "key", env)
    timeout = _duration(path, table.get("timeout", "20s"), "[speech] timeout")
    return settings_models.speech_settings(path, table, timeout, key)


def _llm(path: Path, table: Mapping[str, Any], env: Mapping[str, str]) -> LlmSettings | None:
    key = read_secret(path.parent, "llm_key", table.get("key_file"), "llm", "key", env)
    return settings_models.llm_settings(path, table, env.get("WABOX_LLM_URL"), key)


def _allow(path: Path, table: Mapping[str, Any]) -> tuple[str, ...]:
    found = table.get("allow", [])
    if not isinstance(found, list) or not all(isinstance(entry, str) and entry.strip() for entry in found):
        raise SettingsError(f'{path}: [calls] allow must be a list such as ["crm.internal", "10.0.0.0/24"]')
    for entry in found:
        if "/" in entry or ":" in entry or entry.replace(".", "").isdigit():
            try:
                ipaddress.ip_network(entry.strip())
            except ValueError as error:
                raise SettingsError(f"{path}: [calls] allow: {error}") from None
    return tuple(found)


def _secrets(root: Path, table: Mapping[str, Any], env: Mapping[str, str]) -> dict[str, Secret]:
    prefix = "WABOX_SECRET_"
    names = {name.removesuffix("_file") for name in table} | {
        name.removeprefix(prefix).lower() for name in env if name.startswith(prefix)
    }
    found = {
        name: read_secret(root, f"secret_{name}", table.get(f"{name}_file"), "secrets", name, env) for name in names
    }
    return {name: secret for name, secret in sorted(found.items()) if secret is not None}


def _secret(root: Path, name: str, table: Mapping[str, Any], env: Mapping[str, str]) -> Secret | None:
    return read_secret(root, name, table.get(f"{name}_file"), "whatsapp", name, env)
