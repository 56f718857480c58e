"""Settings: ``wabox.toml`` and the environment, read once, here and nowhere else, then passed.

:mod:`~wabox.settings.keys` lists every one of them, ``wabox/manual/settings.md`` says what each means;
:mod:`~wabox.settings.sources` finds what was given, :mod:`~wabox.settings.values` reads it. What is missing is said with the
name of the variable, not found out by a customer.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from wabox.errors import SettingsError
from wabox.settings import models, values
from wabox.settings.alerts import AlertSettings as AlertSettings
from wabox.settings.alerts import SmtpSettings as SmtpSettings
from wabox.settings.alerts import alert_settings, smtp_settings
from wabox.settings.backup import NIGHTLY, BackupSettings, backup_settings
from wabox.settings.cluster import ClusterSettings as ClusterSettings
from wabox.settings.cluster import cluster_settings
from wabox.settings.domain import NO_DOMAIN, domain_settings
from wabox.settings.domain import DomainSettings as DomainSettings
from wabox.settings.keys import BY_NAME, KEYS, QUEUES
from wabox.settings.keys import KNOWN as KNOWN
from wabox.settings.models import LlmSettings as LlmSettings
from wabox.settings.models import SpeechSettings as SpeechSettings
from wabox.settings.queues import QueueSettings as QueueSettings
from wabox.settings.queues import queue_settings
from wabox.settings.secret import Secret as Secret
from wabox.settings.sources import FILE as FILE
from wabox.settings.sources import Sources, read_secret
from wabox.settings.upgrade import UNKNOWN, UpgradeSettings, upgrade_settings

NEEDED = 3
"""Secrets without which nothing can be answered."""
GRAPH_URL = str(BY_NAME["whatsapp", "api_url"].default)


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
class Manners:
    """How the bot behaves, whatever its flow says."""

    timezone: str = "UTC"
    """IANA name of the zone whose clock the bot lives by: what "tomorrow" and "at five" mean."""
    region: str | None = None
    """ISO 3166: where customers are whose number does not say."""
    merge: bool = False
    """Texts that follow each other in one turn share a bubble."""
    pause: int = 4 * 3_600_000
    """ms that the bot keeps quiet after a person's last words from the phone."""
    night: tuple[int, int] | None = None
    """When nobody is reminded: minutes after midnight by the customer's clock; None: they may be at any time."""
    queues: Mapping[str, QueueSettings] = field(default_factory=dict)
    """Of people who answer, by name."""
    alerts: AlertSettings = field(default_factory=AlertSettings)
    """Who is told of cases."""


PLAIN: Final = Manners()
"""Those of a bot of which nobody said anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set."""

    root: Path
    """The folder of ``wabox.toml``: relative paths start here."""
    bot: str | None = None
    language: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    manners: Manners = Manners(night=values.NIGHT)
    host: str = "127.0.0.1"
    port: int = 8080
    admin: str = "loopback"
    """Who may come to ``/api/v1`` and ``/console``: ``loopback``, programs on this machine; ``all``, whoever signs in."""
    proxies: tuple[str, ...] = values.PROXIES
    """Reverse proxies whose word about who calls is believed."""
    public: DomainSettings = NO_DOMAIN
    log_format: str = "auto"
    slow: float = 1.0
    """Seconds from which on a turn is in the log with what it did; 0: never."""
    log_level: str = "info"
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
    api_url: str = GRAPH_URL
    """Of the Graph API, with its version."""
    number_id: str | None = None
    """Meta's id of the number that messages leave from which we begin; None: the only one that there is."""
    smtp: SmtpSettings | None = None
    """None: nobody is told by mail."""
    speech: SpeechSettings | None = None
    """None: voice messages stay unheard."""
    backup: BackupSettings = NIGHTLY
    upgrade: UpgradeSettings = UNKNOWN
    cluster: ClusterSettings | None = None
    """None: everything is on this machine."""
    prices: Mapping[str, Any] = field(default_factory=dict)
    """As written; see :func:`wabox.core.prices.read`."""
    llm: LlmSettings | None = None
    """``None``: no language model is asked."""
    telemetry: models.TelemetrySettings | None = None
    """None: traces go nowhere."""
    whatsapp: WhatsAppSettings | None = None
    """``None`` when it is not complete: ``wabox chat``, ``wabox check`` and ``wabox demo`` need no account."""
    missing: tuple[str, ...] = ()
    """The variables of the secrets that are not set."""

    @property
    def domain(self) -> DomainSettings | None:
        """None: HTTPS is a reverse proxy's business."""
        return self.public if self.public.name else None

    @property
    def timezone(self) -> str:
        return self.manners.timezone

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


def load(root: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """Read ``root/wabox.toml`` (it may be absent) and the environment. Raises SettingsError."""
    return settings_of(Sources(root, os.environ if environ is None else environ))


def settings_of(sources: Sources) -> Settings:
    """Raises SettingsError."""
    bot, server, channel = (sources.section(name) for name in ("bot", "server", "whatsapp"))
    api_url = values.url(channel, "api_url", GRAPH_URL)
    whatsapp, missing = _whatsapp(sources, api_url)
    secrets = {key.name: found for key in sources.free() if (found := _secret(sources, key))}
    alerts = alert_settings(sources.section("alerts"), _named(sources, "alerts", "ntfy_token"))
    queues = queue_settings(sources.section(QUEUES), values.timezone(bot))
    return Settings(
        root=sources.root,
        bot=values.text(bot, "name"),
        language=values.text(bot, "language"),
        context=values.table(bot, "context"),
        manners=Manners(
            timezone=values.timezone(bot),
            region=values.region(bot),
            merge=values.flag(bot, "merge", default=False),
            pause=values.duration(bot, "pause", "4h"),
            night=values.night(bot),
            queues=queues,
            alerts=alerts,
        ),
        host=str(values.text(server, "host", "127.0.0.1")),
        port=values.port(server),
        admin=values.admin(server),
        proxies=values.proxies(server),
        public=domain_settings(server),
        log_format=values.form(sources.section("log")),
        slow=values.amount(sources.section("log"), "slow", 1.0) or 0.0,
        log_level=values.level(sources.section("log")),
        data=sources.root / str(values.text(sources.section("data"), "folder", "data")),
        keep=values.keep(sources.section("keep")),
        allow=values.allow(sources.section("calls")),
        secrets=secrets,
        rate=values.amount(channel, "rate", None),
        typing=values.amount(channel, "typing", 1) or 0.0,
        read=values.flag(channel, "read", default=False),
        hold=values.amount(channel, "hold", 5) or 0.0,
        api_url=api_url,
        number_id=values.meta_id(channel, "number_id"),
        smtp=smtp_settings(sources.section("smtp"), _named(sources, "smtp", "password"), _addresses(alerts, queues)),
        speech=models.speech_settings(sources.section("speech"), _named(sources, "speech", "key")),
        backup=backup_settings(sources.section("backup")),
        upgrade=upgrade_settings(sources.section("upgrade")),
        cluster=cluster_settings(sources),
        prices=values.prices(sources.section("prices")),
        llm=models.llm_settings(sources.section("llm"), _named(sources, "llm", "key")),
        telemetry=models.telemetry_settings(sources.section("telemetry")),
        whatsapp=whatsapp,
        missing=missing,
    )


def app_secret(root: Path, file: Path | None = None, environ: Mapping[str, str] | None = None) -> Secret | None:
    """The app secret alone: from ``file``, else where :func:`load` finds it; ``None`` when nobody names one."""
    if file is not None:
        return read_secret(Path.cwd() / file, "[whatsapp] app_secret_file", "WABOX_APP_SECRET")
    return _named(Sources(root, os.environ if environ is None else environ), "whatsapp", "app_secret")


def access_token(root: Path, environ: Mapping[str, str] | None = None) -> Secret | None:
    """The access token alone, read anew: its file may have been replaced. Raises SettingsError."""
    return _named(Sources(root, os.environ if environ is None else environ), "whatsapp", "access_token")


def secret_files(sources: Sources) -> list[Path]:
    """Files with secrets that ``wabox.toml`` names."""
    secret = [key.as_secret for key in (*KEYS, *sources.free()) if key.kind in ("secret", "address")]
    return [file for key in secret if (file := sources.secret_file(key)) is not None]


def _whatsapp(sources: Sources, api_url: str) -> tuple[WhatsAppSettings | None, tuple[str, ...]]:
    """The account, if it is complete, and what is missing."""
    names = ("app_secret", "verify_token", "access_token")
    app, verify, token = (_named(sources, "whatsapp", name) for name in names)
    old = _named(sources, "whatsapp", "app_secret_old")
    account_id = values.meta_id(sources.section("whatsapp"), "account_id")
    if app is None or verify is None or token is None:
        given = zip(names, (app, verify, token), strict=True)
        return None, tuple(f"WABOX_{name.upper()}" for name, value in given if value is None)
    found = WhatsAppSettings(
        app_secrets=(app, old) if old else (app,),
        verify_token=verify,
        access_token=token,
        api_url=api_url,
        account_id=account_id,
    )
    return found, ()


def _addresses(alerts: AlertSettings, queues: Mapping[str, QueueSettings]) -> list[str]:
    """Everybody that may have to be told."""
    of_queues = [one for queue in queues.values() for one in (*(queue.alerts or ()), *(queue.escalate or ()))]
    return [*alerts.to, *alerts.escalate, *of_queues]


def _named(sources: Sources, section: str, name: str) -> Secret | None:
    return _secret(sources, BY_NAME[section, name])


def _secret(sources: Sources, key: Any) -> Secret | None:
    found = sources.secret(key)
    return None if found is None else found[0]
