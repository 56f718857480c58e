"""The section ``[backup]``: what the server does each night."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wabox.errors import SettingsError
from wabox.settings import values
from wabox.settings.sources import Section

KEEP: Final = "7 daily 4 weekly 6 monthly"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupSettings:
    at: int | None = 3 * 60
    """Minutes after midnight by the bot's clock; None: never."""
    keep: str = KEEP
    """As written; see :func:`wabox.core.backup.rule`."""
    folder: Path | None = None
    """None: ``backups`` in the data folder."""
    recipients: tuple[str, ...] = ()
    """Public keys of age."""


NIGHTLY: Final = BackupSettings()


def backup_settings(section: Section) -> BackupSettings:
    """Raises SettingsError."""
    at = section.get("at", "03:00")
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", at) if isinstance(at, str) else None
    if found is None and at not in (False, "off"):
        raise SettingsError(f'{section.where("at")} {at!r} is no time of day; write "03:00", or "off"')
    given = section.get("recipient", [])
    recipients = [given] if isinstance(given, str) else given
    if not isinstance(recipients, list) or not all(
        isinstance(one, str) and one.startswith("age1") for one in recipients
    ):
        raise SettingsError(f"{section.where('recipient')} must be a public key of age (age1…), or a list of them")
    keep = str(values.text(section, "keep", KEEP))
    if not re.fullmatch(r"(\d{1,4}\s+(daily|weekly|monthly)[,\s]*)+", keep):
        raise SettingsError(f'{section.where("keep")} {keep!r} is no rule; write for example "{KEEP}"')
    folder = values.text(section, "folder")
    return BackupSettings(
        at=None if found is None else int(found[1]) * 60 + int(found[2]),
        keep=keep,
        folder=None if folder is None else section.path.parent / folder,
        recipients=tuple(recipients),
    )
