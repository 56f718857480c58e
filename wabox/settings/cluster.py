"""``[cluster]``: where the engines are that several machines share."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass

from wabox.errors import SettingsError
from wabox.settings import values
from wabox.settings.keys import BY_NAME
from wabox.settings.secret import Secret
from wabox.settings.sources import Section, Sources

_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}\Z")
_HOST = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(:\d{1,5})?")
_ADDRESSES = {
    "redis": (("redis", "rediss"), "redis://user:password@host:6379"),
    "rabbitmq": (("amqp", "amqps"), "amqp://user:password@host:5672/"),
    "postgres": (("postgresql", "postgres"), "postgresql://user:password@host:5432/database"),
}
"""How they begin, and one to show."""
DURABILITIES = ("replicated", "primary")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """Addresses may hold passwords: they do not show themselves."""

    redis: tuple[Secret, ...]
    """``redis://host:port`` of some nodes; the others are found."""
    rabbitmq: tuple[Secret, ...]
    """``amqp://user:password@host:port/`` of every node."""
    postgres: Secret
    """``postgresql://user:password@host:port/database``."""
    name: str = "wabox"
    """Of this bot's queues, keys and tables: bots of other names may share the engines."""
    durability: str = "replicated"
    """``replicated``: nothing is sent or acknowledged before a replica of Redis has it; ``primary``: before the primary has."""


def cluster_settings(sources: Sources) -> ClusterSettings | None:
    """None: one machine. Raises SettingsError."""
    section = sources.section("cluster")
    redis, rabbitmq, postgres = (_addresses(sources, section, key) for key in ("redis", "rabbitmq", "postgres"))
    if not redis and not rabbitmq and not postgres:
        return None
    for key, found in (("redis", redis), ("rabbitmq", rabbitmq), ("postgres", postgres)):
        if not found:
            raise SettingsError(f"{section.where(key)} is missing: a cluster needs redis, rabbitmq and postgres")
    if len(postgres) > 1:
        raise SettingsError(f"{section.where('postgres')} must be one address; wabox help cluster shows one")
    name = str(values.text(section, "name", "wabox"))
    if not _NAME.match(name):
        raise SettingsError(f"{section.where('name')} {name!r}: write small letters, digits and _, such as bakery")
    durability = str(values.text(section, "durability", "replicated"))
    if durability not in DURABILITIES:
        raise SettingsError(f"{section.where('durability')} {durability!r}: write {' or '.join(DURABILITIES)}")
    return ClusterSettings(redis=redis, rabbitmq=rabbitmq, postgres=postgres[0], name=name, durability=durability)


def _addresses(sources: Sources, section: Section, key: str) -> tuple[Secret, ...]:
    """From the variable, a credential, or a file: as TOML, or one a line. Else from ``wabox.toml``. Errors do not show them."""
    secret = sources.secret(BY_NAME["cluster", key].as_secret)
    if secret is not None:
        found, where = _listed(secret[0].reveal()), secret[1]
    else:
        written, where = section.get(key, []), section.where(key)
        found = [written] if key == "postgres" and isinstance(written, str) else written
    if not isinstance(found, list) or not all(isinstance(entry, str) and "://" in entry for entry in found):
        wanted = "an address" if key == "postgres" else "a list of addresses"
        raise SettingsError(f"{where} must be {wanted}; wabox help cluster shows one")
    schemes, example = _ADDRESSES[key]
    for number, entry in enumerate(found, 1):
        scheme, _, rest = entry.partition("://")
        hosts = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2].split(",")
        if scheme not in schemes or not all(_HOST.fullmatch(host) for host in hosts):
            raise SettingsError(
                f"{where}: address {number} cannot be read; write {example} (in a password %40 for @, %2F for /)"
            )
    return tuple(Secret(entry) for entry in found)


def _listed(text: str) -> object:
    try:
        return tomllib.loads(f"found = {text}")["found"]
    except tomllib.TOMLDecodeError:
        return text.split()


def without_password(address: object) -> object:
    """An address of ``wabox.toml``, or a list of them, for people to see."""
    if isinstance(address, list):
        return [without_password(one) for one in address]
    return re.sub(r"(://[^/@:]*):.*@", r"\1:…@", address) if isinstance(address, str) else address
