"""What an unpacked backup must be before it is called good.

Its bytes are those of the manifest (the archive's reader saw to that), every page and index of the database is in order, its
tables have the rows that they had, every conversation can be read, the published versions are whole, and a sample of the
conversations is taken up by the engine: each on its own version, with a message that is handled and forgotten.

What is wrong with the copy makes it worthless. What is wrong with what was copied (a conversation that cannot be read, a
version that is missing) is said: no other backup would be better.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wabox.core.backup import Manifest
from wabox.core.contact import Contact
from wabox.core.conversation import Session
from wabox.core.message import InboundMessage
from wabox.engine.snapshot import Snapshot, decode, encode
from wabox.errors import ConversationError, StorageError, WaboxError
from wabox.flowfile.bot import Bot, load_bot
from wabox.flowfile.published import Shelf, SpoiltCopy
from wabox.nlu.resolver import Resolver
from wabox.services.conversations import advance
from wabox.sqlite import databasecopy
from wabox.sqlite.connection import DATABASE
from wabox.sqlite.databasecopy import Progress, quiet

SAMPLE = 20
"""Conversations that the engine takes up."""

Load = Callable[[Path, str], Bot]
"""A published copy and its bot's name → the bot."""


def load(folder: Path, name: str) -> Bot:
    return load_bot(folder, name=name, published=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    conversations: int
    """Under way, and readable."""
    replayed: int
    """Of those, taken up by the engine."""
    warnings: tuple[str, ...] = ()
    """What was wrong already when it was copied."""


def prove(folder: Path, manifest: Manifest, progress: Progress = quiet, *, load: Load = load) -> Proof:
    """Look at an unpacked backup. Raises StorageError when it is not what was backed up."""
    database = folder / DATABASE
    contents = databasecopy.examine(database, progress)
    if contents.schema != manifest.schema or contents.counts != dict(manifest.counts):
        raise StorageError(
            f"the database in the backup is not the one that its manifest tells of (schema {contents.schema}, "
            f"{sum(contents.counts.values())} rows; it should be {manifest.schema}, {sum(manifest.counts.values())})"
        )
    warnings: list[str] = []
    sample = _Sample()
    databasecopy.snapshots(database, sample.look)
    if sample.unreadable:
        warnings.append(f"conversations that cannot be read, here and in the original: {sample.unreadable}")
    replayed = 0
    if manifest.whole:
        versions = _Versions(folder, databasecopy.published(database), load)
        warnings += versions.warnings
        for number, (id_, snapshot) in enumerate(chosen := sample.chosen):
            progress("taking conversations up", number / len(chosen))
            found = versions.of(snapshot)
            if found is None:
                continue
            trouble = _taken_up(found, id_, snapshot, manifest.made_at)
            if trouble is None:
                replayed += 1
            else:
                warnings.append(f"the conversation {id_} cannot be taken up, here or in the original: {trouble}")
    return Proof(conversations=sample.read, replayed=replayed, warnings=tuple(warnings))


class _Sample:
    """Some of all conversations, evenly spread, without keeping them all: when there are too many, every other one goes."""

    def __init__(self) -> None:
        self.read = self.unreadable = 0
        self._every = 1
        self._kept: list[tuple[str, bytes]] = []

    def look(self, id_: str, data: bytes) -> None:
        try:
            decode(data)
        except ConversationError:
            self.unreadable += 1
            return
        if self.read % self._every == 0:
            self._kept.append((id_, data))
            if len(self._kept) >= 2 * SAMPLE:
                self._kept = self._kept[::2]
                self._every *= 2
        self.read += 1

    @property
    def chosen(self) -> list[tuple[str, Snapshot]]:
        return [(id_, decode(data)) for id_, data in self._kept[:SAMPLE]]


class _Versions:
    """The published versions in the backup, each loaded when a conversation needs it."""

    def __init__(self, folder: Path, rows: list[tuple[str, str, tuple[str, ...]]], load: Load) -> None:
        self.warnings: list[str] = []
        self._load = load
        self._whole: list[tuple[str, Path, frozenset[str]]] = []
        self._loaded: dict[Path, tuple[Bot, Resolver] | None] = {}
        for bot, id_, charts in rows:
            try:
                self._whole.append((bot, Shelf(folder, bot).check(id_), frozenset(charts)))
            except SpoiltCopy:
                self.warnings.append(f"version {id_} of {bot} is not whole, here and in the original")

    def of(self, snapshot: Snapshot) -> tuple[Bot, Resolver] | None:
        """The newest version that has the conversation's charts."""
        for name, path, charts in self._whole:
            if set(snapshot.charts) <= charts:
                if path not in self._loaded:
                    self._loaded[path] = self._read(path, name)
                return self._loaded[path]
        return None

    def _read(self, path: Path, name: str) -> tuple[Bot, Resolver] | None:
        try:
            bot = self._load(path, name)
        except WaboxError as error:
            self.warnings.append(f"version {path.name} of {name} cannot be loaded, here or in the original: {error}")
            return None
        return bot, Resolver(bot.intents, bot.languages)


def _taken_up(found: tuple[Bot, Resolver], id_: str, snapshot: Snapshot, now: int) -> str | None:
    """Why the engine cannot go on with it; None when it can."""
    number, _, handle = id_.partition(":")
    contact = Contact(user_id=handle)
    session = Session(conversation_id=id_, sequence=snapshot.seq, snapshot=encode(snapshot), contact=contact)
    message = InboundMessage(
        message_id="wamid.PROOF",
        number_id=number,
        conversation_id=id_,
        timestamp=now,
        type="text",
        text="?",
        contact=contact,
    )
    try:
        advance(*found, session, message, now)
    except Exception as error:  # noqa: BLE001 - whatever it is, the operator wants to know and the backup is none the worse
        return f"{type(error).__name__}: {error}"
    return None
