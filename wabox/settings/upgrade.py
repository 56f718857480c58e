"""The section ``[upgrade]``: where newer versions come from, and whose signature counts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from wabox.errors import SettingsError
from wabox.settings import values
from wabox.settings.sources import Section


@dataclass(frozen=True, slots=True)
class UpgradeSettings:
    url: str | None = None
    """``https://…``, or a folder."""
    key: str | None = None
    """minisign's public key, one line."""


UNKNOWN: Final = UpgradeSettings()


def upgrade_settings(section: Section) -> UpgradeSettings:
    """Raises SettingsError."""
    url, key = values.text(section, "url"), values.text(section, "key")
    if url is not None and not url.startswith(("https://", "http://127.0.0.1:", "/")):
        raise SettingsError(
            f"{section.where('url')} must start with https://, or be a folder (/mnt/releases), not {url!r}"
        )
    if key is not None and not re.fullmatch(r"RW[A-Za-z0-9+/]{54}", key):
        raise SettingsError(f"{section.where('key')} must be a public key of minisign, one line that begins with RW")
    return UpgradeSettings(url, key)
