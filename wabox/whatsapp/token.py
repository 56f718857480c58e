"""The access token: it may be replaced while the server runs.

A token of the dashboard lives a day, others are made anew when somebody leaves. When Meta says that ours has expired or is not
accepted, it is read again from where the settings say; another one there is used from then on, at once, and nobody has to
restart anything. A token in the environment cannot change.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import structlog

from wabox.errors import SettingsError

log = structlog.get_logger(__name__)

NOT_ACCEPTED: Final = frozenset({0, 190})
"""Meta's codes for a token that is no use."""
_TOKEN_LIKE: Final = re.compile(r"EAA[0-9A-Za-z]{12,}")
"""How Meta's tokens begin; its errors quote a token that it cannot read."""


class Token:
    """One for everything that asks Meta; it shows itself in no log, error or ``repr``."""

    __slots__ = ("_again", "_past", "value")

    def __init__(self, token: str, again: Callable[[], str | None] | None = None) -> None:
        """``again`` reads it anew. Raises SettingsError for what cannot be a token."""
        self.value = checked(token)
        self._again = again
        self._past = self.value

    def __repr__(self) -> str:
        return "Token(…)"

    def renewed(self, used: str) -> bool:
        """Meta did not accept ``used``: whether there is another one now."""
        if used != self.value:
            return True  # somebody else found it meanwhile
        try:
            found = self._again() if self._again is not None else None
            fresh = checked(found) if found else used
        except SettingsError as error:
            log.warning("token.not_read", error=str(error))
            return False
        if fresh == used:
            return False
        self._past, self.value = used, fresh
        log.info("token.renewed")
        return True

    def clean(self, text: str) -> str:
        """Without the token, nor anything that looks like one."""
        return _TOKEN_LIKE.sub("…", text.replace(self.value, "…").replace(self._past, "…"))


def checked(token: str) -> str:
    """Raises SettingsError for what cannot be one."""
    token = token.strip()
    if not (token and token.isascii() and token.isprintable()):
        raise SettingsError(
            "the access token is empty or has characters that no token of Meta's has (WABOX_ACCESS_TOKEN)"
        )
    return token
