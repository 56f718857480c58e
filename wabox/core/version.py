"""Published versions of a bot, and where the conversations that run on them stand.

A version is a copy of the bot's folder, named by its content and never changed. One is live: new conversations begin on it.
The others *drain*: conversations that began on them and do not fit the live one stay there until they end, for
``max_pin`` at the longest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Choice = Literal["keep", "move", "restart", "expire"]
"""What becomes of conversations that do not fit the live version. ``keep``: they stay on theirs; at their hard timeout or after
``max_pin`` they go to the failure target. ``move``: they go there with their next message. ``restart``: their next message
begins anew. ``expire``: they stay on theirs, and at the end of their time nothing more is said."""

Outcome = Literal["stay", "move", "stranded"]
"""``stay``: on the charts they are in. ``move``: to the new ones, with their next message. ``stranded``: they fit nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One row; the copy lies in ``data/published/<bot>/<id>``."""

    bot: str
    id: str
    """12 hex digits over the files."""
    number: int
    """1, 2, 3 …, in the order in which they were first published."""
    charts: tuple[str, ...]
    """References of its charts, the main one first."""
    live_from: int
    """When it last became live, ms since the epoch."""
    live_until: int | None = None
    """None: it is live."""
    choice: Choice | None = None
    """What was decided when it became live."""
    model: str = ""
    """Of a cluster: 12 hex digits over the files of the model that it was published with. Empty: it has none, or it is of one
    machine, where the model lies beside the copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Live conversations that stand alike, and what publishing does to them."""

    version: int | None
    """The number of the version that they run on; None when there is none with their charts."""
    frames: tuple[tuple[str, ...], ...]
    """Chart reference and leaf states of each frame, outermost first."""
    conversations: int
    outcome: Outcome
    reason: str
    """A sentence without a full stop."""
    gone: tuple[str, ...] = ()
    """Those of the states that the new version does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What publishing a version would do."""

    bot: str
    id: str
    live: str | None
    """The id of the version that is live now."""
    number: int
    """The number that it has or would get."""
    standings: tuple[Standing, ...] = ()
    stay: int = 0
    move: int = 0
    stranded: int = 0
    settled: Choice | None = None
    """The choice that the flow itself makes (``versions: auto`` or ``drain``)."""
    published: bool = False
    """It is live now."""
    retrained: bool = False
    """Of a cluster: it is the live version, with another model."""

    @property
    def changed(self) -> bool:
        """Whether it is another version than the live one, or has another model."""
        return self.id != self.live or self.retrained


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionReport:
    """A version, and who is on it."""

    version: Version
    status: Literal["live", "draining", "retired"]
    standings: tuple[Standing, ...] = ()
    conversations: int = 0
    until: int | None = None
    """When the last of them are let go, but for those who are with a person; ms since the epoch."""
