"""Where settings come from: ``wabox.toml``, the environment, which wins, and for secrets files and systemd's credentials.

A secret is looked for in its variable, then in ``$CREDENTIALS_DIRECTORY`` under the variable's name without ``WABOX_`` and in
lower case (``LoadCredential=access_token:/etc/wabox/access_token``), then in the file that ``wabox.toml`` names. It never
stands in ``wabox.toml`` itself, so that a bot's folder can be shown and committed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from wabox.errors import SettingsError
from wabox.settings.keys import FREE, KEYS, KNOWN, QUEUES, Key
from wabox.settings.secret import Secret

FILE: Final = "wabox.toml"
QUEUE_KEYS: Final = frozenset(
    {"title", "skills", "hours", "timezone", "holidays", "capacity", "max_wait", "idle", "rating"}
    | {"assign", "offer", "rating_template", "number_holidays", "alerts", "escalate"}
)
CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"
PREFIX: Final = "WABOX_SECRET_"


class Section(Mapping[str, Any]):
    """One section's values that somebody gave, and where each came from."""

    def __init__(self, path: Path, name: str, values: Mapping[str, Any], variables: Mapping[str, str]) -> None:
        self.path = path
        self.name = name
        self._values = values
        self._variables = variables

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def where(self, key: str) -> str:
        """For errors."""
        variable = self._variables.get(key)
        return variable or f"{self.path}: [{self.name}] {key}"

    def origin(self, key: str) -> str:
        """``environment WABOX_PORT``, ``wabox.toml``, ``default``."""
        if variable := self._variables.get(key):
            return f"environment {variable}"
        return FILE if key in self._values else "default"


class Sources:
    """Everything that was given, read once."""

    def __init__(self, root: Path, env: Mapping[str, str]) -> None:
        """Raises SettingsError for what is no ``wabox.toml``."""
        self.root = root
        self.path = root / FILE
        self._env = env
        tables = read_file(self.path)
        self._sections: dict[str, Section] = {}
        for name in KNOWN:
            values, variables = dict(tables.get(name, {})), {}
            for key in KEYS:
                text = env.get(key.variable, "").strip()
                if key.section == name and key.kind not in ("secret", "address") and text:
                    values[key.name] = _value(key, text)
                    variables[key.name] = key.variable
            self._sections[name] = Section(self.path, name, values, variables)

    def section(self, name: str) -> Section:
        return self._sections[name]

    def secret(self, key: Key) -> tuple[Secret, str] | None:
        """Value and origin; None when nobody gave it. Raises SettingsError for a file that cannot be read."""
        if value := self._env.get(key.variable, "").strip():
            return Secret(value), f"environment {key.variable}"
        name = key.variable.removeprefix("WABOX_").lower()
        if (folder := self._env.get(CREDENTIALS)) and (file := Path(folder) / name).is_file():
            return read_secret(file, f"the credential {name}", key.variable), f"credential {name}"
        given = self.section(key.section).get(key.written)
        if given is None:
            return None
        file = self.root / str(given)
        return read_secret(file, f"[{key.section}] {key.written}", key.variable), f"file {given}"

    def secret_file(self, key: Key) -> Path | None:
        """The file that the secret is read from, if ``wabox.toml`` names it."""
        given = self.section(key.section).get(key.written)
        return None if given is None or self._env.get(key.variable, "").strip() else self.root / str(given)

    def free(self) -> list[Key]:
        """What flows may send: the owner's own names."""
        folder = self._env.get(CREDENTIALS)
        names = {name.removesuffix("_file") for name in self.section(FREE)}
        names |= {name.removeprefix(PREFIX).lower() for name in self._env if name.startswith(PREFIX)}
        if folder and Path(folder).is_dir():
            names |= {
                file.name.removeprefix("secret_") for file in Path(folder).iterdir() if file.name.startswith("secret_")
            }
        return [Key(FREE, name, kind="secret", short=f"SECRET_{name.upper()}") for name in sorted(names)]

    def unknown(self) -> list[str]:
        """Variables that look like settings and are none, each with what was perhaps meant."""
        known = [key.variable for key in KEYS]
        found = []
        for name in sorted(self._env):
            if name.startswith("WABOX_") and name not in known and not name.startswith(PREFIX):
                near = get_close_matches(name, known, 1)
                found.append(f"{name} is no setting{f'; did you mean {near[0]}?' if near else ''}")
        return found


def _value(key: Key, text: str) -> Any:
    if key.kind == "text":
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text  # whoever reads it says what it should be


def read_secret(file: Path, where: str, variable: str) -> Secret:
    try:
        value = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SettingsError(
            f"{where}: cannot read {file}: {reason}. Make the file, or set {variable} instead"
        ) from error
    if not value:
        raise SettingsError(f"{where}: {file} is empty")
    return Secret(value)


def read_file(path: Path) -> dict[str, dict[str, Any]]:
    """Sections and keys, all of them known; it may be absent. Raises SettingsError."""
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
            _must_be_a_key(path, name, key)
            if name != QUEUES and key.endswith("_file") and not isinstance(table[key], str):
                raise SettingsError(f"{path}: [{name}] {key} must be the path of a file, not {table[key]!r}")
    return tables


def _must_be_a_key(path: Path, section: str, key: str) -> None:
    if section == FREE:
        if not key.endswith("_file"):
            raise SettingsError(f"{path}: [secrets] names files: write {key}_file, or set WABOX_SECRET_{key.upper()}")
        return
    if section == QUEUES:
        return  # the owner's names
    secret = next((one for one in KEYS if (one.section, one.name, one.kind) == (section, key, "secret")), None)
    if secret is not None:
        raise SettingsError(
            f"{path}: [{section}] {key} is a secret and does not belong in this file: "
            f"set {secret.variable}, or put it into a file and name it as {key}_file"
        )
    _must_know(path, key, KNOWN[section], f"setting in [{section}]")


def _must_know(path: Path, key: str, known: Mapping[str, Any] | frozenset[str], what: str) -> None:
    if key not in known:
        near = get_close_matches(key, list(known), 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
        raise SettingsError(f"{path}: unknown {what}: {key!r}; {hint}")
