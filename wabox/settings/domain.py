"""``[server] domain``: HTTPS by wabox itself, with a certificate that it obtains."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import Final

from wabox.errors import SettingsError
from wabox.settings import values
from wabox.settings.keys import BY_NAME
from wabox.settings.sources import Section

AUTHORITY: Final = str(BY_NAME["server", "acme_url"].default)
ANYWHERE: Final = str(BY_NAME["server", "address"].default)
_NAME: Final = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainSettings:
    """A name on the internet that leads to this machine."""

    name: str = ""
    """Empty: HTTPS is a reverse proxy's business."""
    address: str = ANYWHERE
    """Where to listen."""
    https_port: int = 443
    http_port: int = 80
    """Where the authority looks for its proof; everybody else is sent on to HTTPS."""
    acme_url: str = AUTHORITY
    """The authority's ACME directory."""
    acme_email: str | None = None
    """Whom the authority may write to."""


NO_DOMAIN: Final = DomainSettings()


def domain_settings(section: Section) -> DomainSettings:
    """Raises SettingsError."""
    name = values.text(section, "domain")
    found = "" if name is None else named(name, section.where("domain"))
    ports = values.port(section, "https_port", 443), values.port(section, "http_port", 80)
    address, email = values.text(section, "address", ANYWHERE), values.text(section, "acme_email")
    acme_url = values.url(section, "acme_url", AUTHORITY)
    try:
        ipaddress.ip_address(str(address))
    except ValueError:
        raise SettingsError(
            f"{section.where('address')} {address!r} is no address of a machine; write 0.0.0.0"
        ) from None
    if email is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        raise SettingsError(f"{section.where('acme_email')} {email!r} is no e-mail address; write ana@example.org")
    return DomainSettings(
        name=found,
        address=str(address),
        https_port=ports[0],
        http_port=ports[1],
        acme_url=acme_url,
        acme_email=email,
    )


def with_domain(found: DomainSettings, given: str) -> DomainSettings:
    """``--domain`` over what ``wabox.toml`` says. Raises SettingsError."""
    return replace(found, name=named(given, "--domain"))


def named(given: str, where: str) -> str:
    """A domain in small letters. Raises SettingsError: no address, no number, no star."""
    found = given.strip().lower().rstrip(".")
    if not _NAME.match(found):
        raise SettingsError(f"{where} {given!r} is no domain; write one that leads here, such as bot.example.org")
    return found
