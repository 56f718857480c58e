"""``[alerts]`` and ``[smtp]``: who is told that somebody waits for a person, and by which mail server."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from wabox.errors import SettingsError
from wabox.settings import values
from wabox.settings.secret import Secret
from wabox.settings.sources import Section

SECURITY: Final = ("starttls", "tls", "none")
_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}
_MAIL: Final = re.compile(r"[^\s@<>]+@[^\s@<>]+\Z")
_WHATSAPP: Final = re.compile(r"(?:\+\d{6,15}|[A-Z]{2}\.[0-9A-Za-z.]{1,132})(?:\?agent=[a-z0-9][a-z0-9._-]{0,39})?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """Addresses are those of :mod:`wabox.core.alert`."""

    to: tuple[str, ...] = ()
    """Told of every case whose queue names nobody."""
    escalate: tuple[str, ...] = ()
    """Told when nobody else could be, when a case waited for too long, and when a queue is closed."""
    template: str | None = None
    """What agents are sent on WhatsApp outside their 24 hours."""
    ntfy_token: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSettings:
    host: str
    port: int
    security: str = "starttls"
    sender: str = ""
    user: str | None = None
    password: Secret | None = None


def alert_settings(section: Section, token: Secret | None) -> AlertSettings:
    """Raises SettingsError."""
    webhook = (values.url(section, "webhook", ""),) if section.get("webhook") else ()
    return AlertSettings(
        to=tuple(dict.fromkeys((*webhook, *addresses(section.get("to", []), section.where("to"))))),
        escalate=addresses(section.get("escalate", []), section.where("escalate")),
        template=_template(section),
        ntfy_token=token,
    )


def _template(section: Section) -> str | None:
    name = values.text(section, "template")
    if name is not None and not re.fullmatch("[a-z0-9_]{1,512}", name):
        raise SettingsError(f"{section.where('template')} must be a template's name such as case_waits, not {name!r}")
    return name


def addresses(given: Any, where: str) -> tuple[str, ...]:
    """Raises SettingsError, with what to write."""
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise SettingsError(f'{where} must be a list of addresses such as ["mailto:ana@example.com"]')
    return tuple(dict.fromkeys(_address(one.strip(), where) for one in given))


def _address(given: str, where: str) -> str:
    scheme, _, rest = given.partition(":")
    match scheme.lower():
        case "mailto":
            good = _MAIL.match(rest) is not None
        case "whatsapp":
            good = _WHATSAPP.match(rest) is not None
        case "ntfy":
            url = urlsplit(rest)
            good = url.scheme in ("http", "https") and bool(url.netloc) and len(url.path) > 1
        case "http" | "https":
            good = bool(urlsplit(given).netloc)
        case _:
            good = False
    if not good:
        raise SettingsError(
            f"{where}: {given!r} is no address; write mailto:ana@example.com, ntfy:https://ntfy.sh/topic, "
            "whatsapp:+34600111222, or the https:// address of a webhook"
        )
    return given


def smtp_settings(section: Section, password: Secret | None, needed: Sequence[str]) -> SmtpSettings | None:
    """``needed``: addresses that it must reach. None when there is no server. Raises SettingsError."""
    host = values.text(section, "host")
    mails = [one for one in needed if one.lower().startswith("mailto:")]
    if host is None:
        if mails:
            raise SettingsError(f"{section.path}: {mails[0]} needs a mail server: set host and from in [smtp]")
        if given := sorted(set(section) - {"security"}):
            raise SettingsError(f"{section.where(given[0])}: [smtp] has no host; write one, or take the section out")
        return None
    security = section.get("security", "starttls")
    if security not in SECURITY:
        raise SettingsError(f"{section.where('security')} is one of {', '.join(SECURITY)}, not {security!r}")
    sender = values.text(section, "from") or values.text(section, "user") or ""
    if not _MAIL.match(sender.rpartition("<")[2].rstrip(">")):
        raise SettingsError(f"{section.where('from')} must be the address that mail comes from, not {sender!r}")
    user = values.text(section, "user")
    if user and security == "none" and password is not None:
        raise SettingsError(f'{section.where("security")}: a password is not sent in the clear; write "starttls"')
    port = section.get("port", _PORTS[security])
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536:
        raise SettingsError(f"{section.where('port')} must be a number from 1 to 65535, not {port!r}")
    return SmtpSettings(host=host, port=port, security=str(security), sender=sender, user=user, password=password)
