"""A customer as people look at one, and the proof that one was forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wabox.core.consent import NEVER_ASKED, Consent


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An id of a customer."""

    kind: str
    """``user_id`` (BSUID) or ``wa_id`` (phone)."""
    value: str
    first_seen: int
    """ms since the epoch, like every time here."""
    last_seen: int
    """To a day."""
    replaced_at: int | None = None
    """None: it is theirs now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A contact with everything merged into it."""

    key: int
    handle: str
    """The id that it was first seen with; conversations are named ``<number id>:<handle>``."""
    created_at: int
    name: str | None = None
    """As the customer wrote it in WhatsApp: data, never markup."""
    username: str | None = None
    identities: tuple[Identity, ...] = ()
    consent: Consent = NEVER_ASKED
    conversations: tuple[str, ...] = ()
    last_seen: int = 0

    @property
    def ids(self) -> tuple[str, ...]:
        """Those that are theirs now."""
        return tuple(one.value for one in self.identities if one.replaced_at is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What was erased of a person. It names them only by keyed hashes, so that it may be kept."""

    at: int
    ids: tuple[str, ...]
    """As in the list that keeps them from coming back with a backup."""
    rows: Mapping[str, int]
    """Rows by table."""
    files: int
    """Received files whose every owner is gone."""
    left: int
    """How often an id of theirs still stands in the database file: in what others wrote, or because a number changed hands."""
    digest: str
    """Over all the rest: whoever has the certificate can see that nobody changed it."""
