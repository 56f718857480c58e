"""Secrets: values that do not show themselves, read from the environment or from files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from wabox.errors import SettingsError


class Secret:
    """A value that does not show itself in logs, errors or ``repr``."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__


def read_secret(
    root: Path, variable: str, file: object, section: str, name: str, env: Mapping[str, str]
) -> Secret | None:
    """From the environment (``WABOX_<VARIABLE>``), else from the file, if one is named. Raises SettingsError."""
    if value := env.get(f"WABOX_{variable.upper()}", "").strip():
        return Secret(value)
    if file is None:
        return None
    try:
        value = (root / str(file)).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SettingsError(
            f"[{section}] {name}_file: cannot read {root / str(file)}: {reason}. "
            f"Make the file, or set WABOX_{variable.upper()} instead"
        ) from error
    if not value:
        raise SettingsError(f"[{section}] {name}_file: {root / str(file)} is empty")
    return Secret(value)
