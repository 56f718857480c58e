"""``[cluster]``: where the engines are that several machines share."""

from __future__ import annotations

import re
from dataclasses import dataclass

from wabox.errors import SettingsError
from wabox.settings import values
from wabox.settings.sources import Section

_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}\Z")
DURABILITIES = ("replicated", "primary")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    redis: tuple[str, ...]
    """``redis://host:port`` of some nodes; the others are found."""
    rabbitmq: tuple[str, ...]
    """``amqp://user:password@host:port/`` of every node."""
    postgres: str
    """``postgresql://user:password@host:port/database``."""
    name: str = "wabox"
    """Of this bot's queues, keys and tables: bots of other names may share the engines."""
    durability: str = "replicated"
    """``replicated``: nothing is sent or acknowledged before a replica of Redis has it; ``primary``: before the primary has."""


def cluster_settings(section: Section) -> ClusterSettings | None:
    """None: one machine. Raises SettingsError."""
    redis, rabbitmq = _addresses(section, "redis"), _addresses(section, "rabbitmq")
    postgres = values.text(section, "postgres")
    if not redis and not rabbitmq and postgres is None:
        return None
    for key, found in (("redis", redis), ("rabbitmq", rabbitmq), ("postgres", postgres)):
        if not found:
            raise SettingsError(f"{section.where(key)} is missing: a cluster needs redis, rabbitmq and postgres")
    name = str(values.text(section, "name", "wabox"))
    if not _NAME.match(name):
        raise SettingsError(f"{section.where('name')} {name!r}: write small letters, digits and _, such as bakery")
    durability = str(values.text(section, "durability", "replicated"))
    if durability not in DURABILITIES:
        raise SettingsError(f"{section.where('durability')} {durability!r}: write {' or '.join(DURABILITIES)}")
    return ClusterSettings(redis=redis, rabbitmq=rabbitmq, postgres=str(postgres), name=name, durability=durability)


def _addresses(section: Section, key: str) -> tuple[str, ...]:
    found = section.get(key, [])
    if not isinstance(found, list) or not all(isinstance(entry, str) and "://" in entry for entry in found):
        raise SettingsError(f"{section.where(key)} must be a list of addresses; wabox help cluster shows one")
    return tuple(found)
