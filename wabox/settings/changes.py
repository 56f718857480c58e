"""What differs between the settings that a server runs with and those that somebody has written since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from wabox.settings.keys import KEYS, Key
from wabox.settings.sources import Sources

Given: TypeAlias = Mapping[Key, object]
"""Every value as it was read, secrets too: their files may be others by now."""


@dataclass(frozen=True, slots=True)
class Changes:
    live: Sequence[str]
    """Those that a running server takes up, as ``[bot] merge``."""
    waiting: Sequence[str]
    """Those that wait for a restart."""


def given(sources: Sources) -> Given:
    """Raises SettingsError for a secret that cannot be read."""
    return {key: _value(sources, key) for key in (*KEYS, *sources.free())}


def changes(before: Given, after: Given) -> Changes:
    different = [key for key in dict.fromkeys((*before, *after)) if before.get(key) != after.get(key)]
    return Changes(
        live=[key.shown for key in different if key.live], waiting=[key.shown for key in different if not key.live]
    )


def _value(sources: Sources, key: Key) -> object:
    if key.kind == "secret":
        found = sources.secret(key)
        return None if found is None else found[0]
    return sources.section(key.section).get(key.name, key.default)
