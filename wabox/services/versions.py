"""The versions of the bot that conversations run on in this process: the live one, and older ones that are not empty yet.

Whoever handles a message asks for the version anew, and a turn is one synchronous call: so a version can be replaced at any
time between two turns, and nothing is dropped.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from wabox.core import window
from wabox.core.action import Task
from wabox.core.conversation import Session
from wabox.core.media import LocalFile
from wabox.core.message import InboundMessage
from wabox.core.version import Version
from wabox.engine.snapshot import Snapshot, decode
from wabox.errors import ConversationError
from wabox.flowfile.bot import Bot
from wabox.nlu.resolver import Resolver
from wabox.services.conversations import QUIET
from wabox.services.keptmodels import KeptModel
from wabox.services.models import Models
from wabox.services.moving import Move, Occasion, decide
from wabox.settings import Manners


@dataclass(frozen=True, slots=True)
class Served:
    """A bot that conversations can run on."""

    bot: Bot
    resolver: Resolver
    version: Version | None = None
    """None: the folder itself, as in the demo."""


def served(
    bot: Bot, version: Version | None = None, models: Models | None = None, kept: KeptModel | None = None
) -> Served:
    """``kept`` is the model that the version was published with."""
    if models is None:
        return Served(bot, Resolver(bot.intents, bot.languages), version)
    classifier = models.of(bot.intents, kept)
    library = models.library if kept is None else models.library_of(kept)
    classifier()  # now, so that no customer waits for it, and the operator hears at the start what is wrong with it
    library()
    return Served(bot, Resolver(bot.intents, bot.languages, classifier, library), version)


class Strange(Exception):
    """A conversation is on charts that no version here has, and others may: :attr:`Versions.meet` looks for them."""

    def __init__(self, charts: tuple[str, ...]) -> None:
        self.charts = charts
        super().__init__(", ".join(charts))


Meet = Callable[[tuple[str, ...]], Awaitable[None]]
"""Looks for a version with these charts where other processes have theirs. It is served when this returns, or the charts are
among ``Versions.lost``. Raises Unavailable when nobody can know now."""


class Versions:
    """What runs now."""

    def __init__(self, live: Served, older: Sequence[Served] = ()) -> None:
        self.meet: Meet | None = None
        """None: there are no others."""
        self.lost: set[tuple[str, ...]] = set()
        """Charts of conversations that no version anywhere has."""
        self.used: set[str] = set()
        """Ids of older versions on which conversations were handled; whoever looks takes them out."""
        self._manners: Manners | None = None
        self.live = live
        self.older = tuple(older)
        """The newest first."""

    def replace(self, live: Served, older: Sequence[Served]) -> None:
        """From the next turn on."""
        self.live, self.older = self._behaving(live), tuple(self._behaving(one) for one in older)
        self.lost.clear()

    def behave(self, manners: Manners) -> None:
        """Whatever version, from the next turn on: the owner has set them anew."""
        self._manners = manners
        self.replace(self.live, self.older)

    def _behaving(self, one: Served) -> Served:
        manners = self._manners
        return one if manners in (None, one.bot.manners) else replace(one, bot=replace(one.bot, manners=manners))

    def find(self, snapshot: Snapshot) -> Served | None:
        """The version that has all charts of the conversation: the live one if it does, else the newest that does."""
        return next((one for one in (self.live, *self.older) if has(one.bot, snapshot.charts)), None)

    def knows(self, charts: Sequence[str]) -> bool:
        """Whether a version here has all of these charts."""
        return any(has(one.bot, charts) for one in (self.live, *self.older))

    async def find_out(self, strange: Strange) -> None:
        """Look for the version; then :meth:`take_up` knows. Raises Unavailable."""
        if self.meet is not None:
            await self.meet(strange.charts)
        if not self.knows(strange.charts):
            self.lost.add(strange.charts)

    def tasks(self, ref: str | None) -> Mapping[str, Task]:
        """The tasks of the version that the chart belongs to; the live one's when there is none."""
        owner = (
            next((one for one in (self.live, *self.older) if ref in one.bot.charts), self.live) if ref else self.live
        )
        return owner.bot.tasks

    def file(self, sha256: str) -> tuple[LocalFile, str] | None:
        """A file of a version that is served, by its hash, and where it lies."""
        for one in (self.live, *self.older):
            for file in one.bot.files.values():
                if file.sha256 == sha256:
                    return file, str(one.bot.folder / file.path)
        return None

    def take_up(self, session: Session, message: InboundMessage, now: int) -> tuple[Served, Move | None]:
        """The version to handle the message on, and how the conversation gets there if it is on another one.

        Raises Strange when another process may have the version that it is on.
        """
        live = self.live
        if session.snapshot is None or live.version is None:
            return live, None
        try:
            snapshot = decode(session.snapshot)
        except ConversationError:
            return live, None  # whoever reads it next says so
        on = self.find(snapshot)
        if on is live:
            return live, None
        if on is None and self.meet is not None and snapshot.charts not in self.lost:
            raise Strange(snapshot.charts)
        if on is not None and on.version is not None:
            self.used.add(on.version.id)
        occasion = _occasion(session, snapshot, message, now)
        since = on.version.live_until if on is not None and on.version is not None else None
        to = decide(
            live.bot,
            on.bot if on is not None else None,
            snapshot,
            occasion,
            choice=live.version.choice,
            since=since,
        )
        return (live, to) if on is None or to is not None else (on, None)


def has(bot: Bot, charts: Sequence[str]) -> bool:
    """Whether the bot has all of these charts, by reference."""
    return all(ref in bot.charts for ref in charts)


def _occasion(session: Session, snapshot: Snapshot, message: InboundMessage, now: int) -> Occasion:
    payload: Mapping[str, object] = message.payload if message.channel == "timer" else {}
    name = payload.get("name")
    due = snapshot.timers.get(name) if isinstance(name, str) else None
    # Who wrote when wabox did not keep it yet wrote before the conversation last changed.
    opened = window.opened(message, session.updated_at if session.opened_at is None else session.opened_at)
    closes = window.closes(opened)
    return Occasion(
        now=now,
        customer=message.channel == "whatsapp" and message.type not in QUIET,
        reachable=closes is not None and now < closes,
        timer=str(name) if due is not None and due == (payload.get("due_at"), payload.get("armed")) else None,
    )
