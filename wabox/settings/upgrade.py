"""The section ``[upgrade]``: where newer versions come from, and whose signature counts."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wabox.errors import SettingsError
from wabox.settings import values
from wabox.settings.sources import FILE, Section


@dataclass(frozen=True, slots=True)
class UpgradeSettings:
    url: str | None = None
    """``https://…``, or a folder."""
    key: str | None = None
    """minisign's public key, one line."""


VARIABLE: Final = "WABOX_UPGRADE_KEY"
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


def trusted(root: Path, env: Mapping[str, str], who: int, superuser: int = 0) -> None:
    """Whoever may write the key decides what root runs. ``who``: the user id that we run as. Raises SettingsError."""
    if who != superuser or env.get(VARIABLE, "").strip():
        return
    file = (root / FILE).resolve()
    for path in (file, *file.parents, root):
        about = path.stat()
        shared = about.st_mode & 0o022 and not about.st_mode & stat.S_ISVTX
        if about.st_uid not in (0, superuser) or shared:
            raise SettingsError(
                f"{path} can be changed by others than root, so root does not take the key of releases from {root / FILE}. "
                f"Say it yourself, as you know it from elsewhere: {VARIABLE}=RW… wabox upgrade"
            )
