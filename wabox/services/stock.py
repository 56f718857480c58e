"""Where the copies of published versions and their models are kept: on the disk of this machine, or also where every machine of
a cluster finds them.

Of a cluster's version the model is part: what lies in ``models/`` on some machine is nobody's word. It is taken there once, by
whoever publishes.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from wabox.core.ports import Bundles, Clock
from wabox.core.version import Version
from wabox.errors import StorageError
from wabox.flowfile.bot import Bot
from wabox.flowfile.bundle import pack, unpack
from wabox.flowfile.published import MODEL, WORKING, Shelf, SpoiltCopy, identity, read_files
from wabox.services.draining import REST
from wabox.services.keptmodels import CARD, OVER, KeptModel
from wabox.services.models import Models
from wabox.services.versions import Served


class Stock(Protocol):
    async def bring(self, version: Version) -> None:
        """See that the copy of a version that was published is on this machine. Raises SpoiltCopy, Unavailable."""

    def kept(self, version: Version) -> KeptModel:
        """The model that it was published with."""

    async def model(self, id_: str, bot: Bot, known: Version | None, live: Version | None) -> str:
        """Which model the copy would be published with (``Version.model``). ``known``: it as it was published before."""

    async def keep(self, version: Version, bot: Bot, live: Served | None) -> None:
        """All that it needs is where it must be before it is live. Raises StorageError."""

    async def tidy(self, needed: set[str], now: int) -> list[str]:
        """Delete what nobody needs on this machine; ids."""

    async def sweep(self, now: int) -> None:
        """Delete what no version names where all machines find it."""


class LocalStock:
    """One machine: the copy is where it was made, and the model beside it."""

    def __init__(self, shelf: Shelf, models: Models | None) -> None:
        self._shelf = shelf
        self._models = models

    async def bring(self, version: Version) -> None:
        """It is here, or nowhere."""

    def kept(self, version: Version) -> KeptModel:
        return KeptModel(self._shelf.folder / f"{version.id}{MODEL}")

    async def model(self, id_: str, bot: Bot, known: Version | None, live: Version | None) -> str:
        return ""

    async def keep(self, version: Version, bot: Bot, live: Served | None) -> None:
        await asyncio.to_thread(self._keep, version, bot, live)

    def _keep(self, version: Version, bot: Bot, live: Served | None) -> None:
        """The version that goes keeps what was trained for it meanwhile, the one that comes takes what is its own."""
        if self._models is None:
            return
        if live is not None and live.version is not None:
            self._models.keep(self.kept(live.version), live.bot.intents, live=True)
        self._models.keep(self.kept(version), bot.intents, live=False)

    async def tidy(self, needed: set[str], now: int) -> list[str]:
        return await asyncio.to_thread(self._shelf.tidy, needed, now / 1000)

    async def sweep(self, now: int) -> None:
        """Nobody else has anything."""


class SharedStock:
    """A cluster: what is missing here is fetched."""

    def __init__(self, shelf: Shelf, bundles: Bundles, trained: Path, clock: Clock) -> None:
        """``trained``: where ``wabox train`` puts models on this machine, if it does."""
        self._shelf = shelf
        self._bundles = bundles
        self._trained = trained
        self._clock = clock

    async def bring(self, version: Version) -> None:
        if await asyncio.to_thread(self._whole, version):
            return
        bundle = await self._bundles.fetch(self._shelf.bot, version.id, version.model)
        if bundle is None:
            raise SpoiltCopy(
                f"version {version.number} ({version.id}) of the bot {self._shelf.bot!r} is neither in PostgreSQL nor in "
                f"{self._shelf.folder}: publish it again, or another one"
            )
        await asyncio.to_thread(self._unpack, version, bundle)

    def kept(self, version: Version) -> KeptModel:
        return KeptModel(self._place(version.id, version.model))

    async def model(self, id_: str, bot: Bot, known: Version | None, live: Version | None) -> str:
        return await asyncio.to_thread(self._take, id_, bot, known, live)

    async def keep(self, version: Version, bot: Bot, live: Served | None) -> None:
        bundle = await asyncio.to_thread(self._packed, version)
        await self._bundles.keep(version.bot, version.id, version.model, bundle, self._clock())

    async def give(self, version: Version, kept: KeptModel) -> Version:
        """Bring a copy of one machine, with the model beside it, to where all find it; how it is called there."""
        files = await asyncio.to_thread(_files, kept.folder)
        model = identity(files) if files else ""
        if files:
            await asyncio.to_thread(self._put, version.id, files)
        there = replace(version, model=model)
        bundle = await asyncio.to_thread(self._packed, there)
        await self._bundles.keep(version.bot, version.id, model, bundle, self._clock())
        return there

    async def take(self, version: Version) -> Version:
        """Bring it to where one machine looks for it; how it is called there. Raises SpoiltCopy, Unavailable."""
        await self.bring(version)
        if version.model:
            files = await asyncio.to_thread(_files, self.kept(version).folder)
            await asyncio.to_thread(self._put, version.id, files, self._shelf.folder / f"{version.id}{MODEL}")
        return replace(version, model="")

    async def tidy(self, needed: set[str], now: int) -> list[str]:
        return await asyncio.to_thread(self._shelf.tidy, needed, now / 1000)

    async def sweep(self, now: int) -> None:
        await self._bundles.tidy(self._shelf.bot, now - REST)

    def _place(self, id_: str, model: str) -> Path:
        return self._shelf.folder / (f"{id_}.{model}{MODEL}" if model else f"{id_}{MODEL}")

    def _whole(self, version: Version) -> bool:
        try:
            self._shelf.check(version.id)
        except SpoiltCopy:
            return False
        return not version.model or _identity(self._place(version.id, version.model)) == version.model

    def _unpack(self, version: Version, bundle: bytes) -> None:
        files, model = unpack(bundle)
        if identity(files) != version.id or (identity(model) if model else "") != version.model:
            raise SpoiltCopy(f"what PostgreSQL has as version {version.number} ({version.id}) is something else")
        self._shelf.keep(files)
        if model:
            self._put(version.id, model)

    def _packed(self, version: Version) -> bytes:
        files = read_files(self._shelf.check(version.id))
        return pack(files, _files(self._place(version.id, version.model)) if version.model else {})

    def _take(self, id_: str, bot: Bot, known: Version | None, live: Version | None) -> str:
        """Choose the model and put it beside the copy; which it is. A version that is published again keeps its own unless
        another was trained of the same examples. Where nothing is trained, the live one's is better than none."""
        with tempfile.TemporaryDirectory(prefix=WORKING, dir=self._shelf.folder) as working:
            chosen = KeptModel(Path(working) / "model")
            chosen.folder.mkdir()
            if known is not None and known.model:
                for name, data in _files(self.kept(known).folder).items():
                    (chosen.folder / name).write_bytes(data)
            chosen.keep(self._trained, bot.intents, live=False)
            if live is not None and live.model and not chosen.has(CARD):
                chosen.keep(self.kept(live).folder, bot.intents, live=False)
            files = _files(chosen.folder)
        if not files:
            return ""
        self._put(id_, files)
        return identity(files)

    def _put(self, id_: str, model: Mapping[str, bytes], target: Path | None = None) -> None:
        """On the disk, whole or not at all."""
        which = identity(model)
        target = target or self._place(id_, which)
        if _identity(target) == which:
            os.utime(target)
            return
        try:
            working = Path(tempfile.mkdtemp(prefix=WORKING, dir=self._shelf.folder))
            inner = working / target.name
            inner.mkdir()
            for name, data in model.items():
                with (inner / name).open("xb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
            if target.exists():  # somebody changed it: its name says what it has to be
                target.rename(working / "spoilt")
            try:
                inner.rename(target)
            except OSError:
                if _identity(target) != which:
                    raise
                # Another process was faster with the same.
            shutil.rmtree(working, ignore_errors=True)
        except OSError as error:
            raise StorageError(
                f"{error.filename or target} cannot be written: {error.strerror or error}. Is the disk full?"
            ) from error


def _files(folder: Path) -> dict[str, bytes]:
    """Of a kept model. What lay in ``models/`` at that moment (``over.json``) is of the machine, and is not part of it."""
    try:
        return {
            path.name: path.read_bytes()
            for path in sorted(folder.iterdir())
            if path.is_file() and path.name != OVER and not path.name.startswith(".")
        }
    except OSError:
        return {}


def _identity(folder: Path) -> str | None:
    files = _files(folder)
    return identity(files) if files else None
