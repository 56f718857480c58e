"""Making a version of a bot live, and knowing beforehand what that does to the conversations under way (promise P6).

The copy is on the disk before anything else happens (:mod:`wabox.flowfile.published`); then one commit makes it live; then this
process serves it. Killed before the commit, the old version is live; after it, the new one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import structlog

from wabox.core.ports import Clock, Ingress, Records, Sessions
from wabox.core.ports import Versions as Rows
from wabox.core.version import Choice, Forecast, Version, VersionReport
from wabox.errors import FlowError, WaboxError
from wabox.flowfile.bot import Bot
from wabox.flowfile.folder import shown
from wabox.flowfile.published import MODEL, Shelf, SpoiltCopy, identity, read_files
from wabox.services.draining import RELEASED, drained, release, retained
from wabox.services.keptmodels import KeptModel
from wabox.services.models import Models
from wabox.services.survey import Survey, summed
from wabox.services.versions import Served, Versions, has, served

log = structlog.get_logger(__name__)


class Refused(FlowError):
    """Publishing would strand conversations and nobody decided what becomes of them, or somebody else was faster."""

    def __init__(self, sentence: str, forecast: Forecast | None = None) -> None:
        self.forecast = forecast
        super().__init__(sentence)


class Store(Rows, Records, Ingress, Sessions, Protocol):
    """What publishing needs of the storage."""


class Publishing:
    """Publishes one bot.

    ``load`` makes a bot of the copy with an id; the second argument says that it was published before. It may take a while,
    and runs in a thread.
    """

    def __init__(
        self,
        bot: str,
        *,
        store: Store,
        shelf: Shelf,
        load: Callable[[str, bool], Bot],
        clock: Clock,
        models: Models | None = None,
        warm: Callable[[Bot, int], None] | None = None,
    ) -> None:
        """``warm`` loads what a bot's first answers need (and is told the time, ms); None where nobody will answer."""
        self.bot = bot
        self.shelf = shelf
        self._store = store
        self._load = load
        self._clock = clock
        self._models = models
        self._warm = warm
        self._lock = asyncio.Lock()
        self._over: list[str] = []
        """Conversations whose pin is over, and that have not had their occasion to leave yet."""
        self._surveyed = 0
        self.versions: Versions | None = None
        """None until there is a live version."""

    async def begin(self, folder: Path, say: Callable[[str], None]) -> None:
        """Serve what is published; the first time publish the folder. Raises FlowError, SpoiltCopy, StorageError."""
        live = next((row for row in await self._store.versions(self.bot) if row.live_until is None), None)
        try:
            files = await asyncio.to_thread(read_files, folder)
        except FlowError as error:
            if live is None:
                raise
            # What is wrong with the folder is wrong with the next version, not with the one that is served.
            say(str(error))
            files = {}
        id_ = identity(files)
        if live is None or live.id == id_:
            await asyncio.to_thread(self.shelf.keep, files)
        if live is None:
            made = await self.publish(id_, "keep")
            say(f"published {shown(folder)} as version {made.number} ({id_})")
            return
        try:
            await self.open()
        except (SpoiltCopy, FlowError) as error:
            raise SpoiltCopy(
                f"version {live.number} is live and cannot be loaded: {error}. "
                f"Restore it from a backup, or publish {shown(folder)} as it is now: wabox publish"
            ) from error
        if live.id != id_:
            say(
                f"serves version {live.number} ({live.id}); {shown(folder)} has changed since. "
                "wabox publish --dry-run shows what publishing it would do"
            )

    async def open(self) -> bool:
        """Load the live version, and those that conversations still need; whether there is a live one.

        Raises SpoiltCopy or BrokenBot when the live one cannot be loaded. A conversation whose own version cannot be loaded
        is treated by what its snapshot says.
        """
        rows = await self._store.versions(self.bot)
        live = next((row for row in rows if row.live_until is None), None)
        if live is None:
            return False
        now = await self._served(live)
        survey = Survey()
        if len(rows) > 1:
            await self._store.scan(survey.look)
        older: list[Served] = []
        wanted = [charts for charts in survey.charts() if not has(now.bot, charts)]
        for row in sorted(rows, key=lambda row: -row.live_from):
            if row is live or not any(set(charts) <= set(row.charts) for charts in wanted):
                continue
            try:
                older.append(await self._served(row))
            except WaboxError as error:
                log.error("version.lost", version=row.number, error=str(error))
        self.versions = Versions(now, older)
        return True

    async def forecast(self, id_: str) -> Forecast:
        """What publishing the copy would do. Raises SpoiltCopy or BrokenBot."""
        return (await self._forecast(id_))[1]

    async def publish(
        self, id_: str, choice: Choice | None = None, *, expected: str | None = None, dry_run: bool = False
    ) -> Forecast:
        """Make the copy live. Raises Refused, SpoiltCopy, BrokenBot.

        ``expected``: the version that was live when the owner decided; another one now is a reason to refuse.
        """
        async with self._lock:
            bot, forecast = await self._forecast(id_)
            if dry_run:
                return forecast
            if expected is not None and expected != forecast.live:
                raise Refused("somebody published another version meanwhile; look at it, then publish again", forecast)
            if not forecast.changed:
                return forecast
            if forecast.stranded and choice is None and forecast.settled is None:
                raise Refused(stranded(forecast), forecast)
            charts = bot.charts.live
            refs = (charts[bot.main].ref, *(chart.ref for chart in charts.values() if chart.id != bot.main))
            wanted = Version(
                bot=self.bot,
                id=id_,
                number=forecast.number,
                charts=refs,
                live_from=self._clock(),
                choice=choice or forecast.settled,
            )
            if self._warm is not None:
                # In a thread, and before: no customer of any version waits for the tables of the new one.
                await asyncio.to_thread(self._warm, bot, self._clock())
            await asyncio.to_thread(self._keep_models, id_, bot)
            row = await self._store.make_live(wanted, forecast.live)
            if row is None:
                raise Refused("somebody published another version meanwhile; look at it, then publish again", forecast)
            self._serve(served(bot, row, self._models, self._kept(id_)))
            log.info("version.live", bot=self.bot, number=row.number, id=row.id)
            return replace(forecast, number=row.number, settled=row.choice, published=True)

    def _kept(self, id_: str) -> KeptModel:
        return KeptModel(self.shelf.folder / f"{id_}{MODEL}")

    def _keep_models(self, id_: str, bot: Bot) -> None:
        """The version that goes keeps what was trained for it meanwhile, the one that comes takes what is its own."""
        if self._models is None:
            return
        before = self.versions.live if self.versions is not None else None
        if before is not None and before.version is not None:
            self._models.keep(self._kept(before.version.id), before.bot.intents, live=True)
        self._models.keep(self._kept(id_), bot.intents, live=False)

    def _serve(self, live: Served) -> None:
        """From the next turn on."""
        if self.versions is None:
            self.versions = Versions(live)
            return
        before = self.versions.live
        assert live.version is not None  # noqa: S101 - it was just stored
        if before.version is not None:
            before = replace(before, version=replace(before.version, live_until=live.version.live_from))
        older = [one for one in (before, *self.versions.older) if one.version and one.version.id != live.version.id]
        self.versions.replace(live, older)

    async def _served(self, row: Version) -> Served:
        bot = await asyncio.to_thread(self._load, row.id, True)
        return served(bot, row, self._models, self._kept(row.id))

    async def _forecast(self, id_: str) -> tuple[Bot, Forecast]:
        rows = await self._store.versions(self.bot)
        live = next((row for row in rows if row.live_until is None), None)
        known = next((row for row in rows if row.id == id_), None)
        on = self.versions
        if on is not None and on.live.version is not None and on.live.version.id == id_:
            bot = on.live.bot
        else:
            bot = await asyncio.to_thread(self._load, id_, known is not None)
        survey = Survey()
        await self._store.scan(survey.look)
        standings = await asyncio.to_thread(survey.standings, bot, on, self._clock())
        stay, moving, lost = summed(standings)
        policy = bot.charts[bot.main].versioning.policy
        settled: Choice | None = {"auto": "move", "drain": "keep"}.get(policy)  # type: ignore[assignment]
        return bot, Forecast(
            bot=self.bot,
            id=id_,
            live=live.id if live else None,
            number=known.number if known else max((row.number for row in rows), default=0) + 1,
            standings=standings,
            stay=stay,
            move=moving,
            stranded=lost,
            settled=settled,
        )

    async def reports(self) -> Sequence[VersionReport]:
        """Every version, the newest first, with the conversations on it."""
        rows = await self._store.versions(self.bot)
        survey = Survey()
        await self._store.scan(survey.look)
        on = self.versions
        if on is None:
            return [VersionReport(version=row, status="live" if row.live_until is None else "retired") for row in rows]
        now = self._clock()
        standings = await asyncio.to_thread(survey.standings, on.live.bot, on, now)
        pin = _pin(on)
        reports = []
        for row in reversed(rows):
            own = tuple(one for one in standings if one.version == row.number)
            count = sum(one.conversations for one in own)
            reports.append(
                VersionReport(
                    version=row,
                    status="live" if row.live_until is None else "draining" if count else "retired",
                    standings=own,
                    conversations=count,
                    until=drained(count, max(row.live_until + pin, now))
                    if row.live_until is not None and count
                    else None,
                )
            )
        return reports

    async def prune(self) -> None:
        """Let go of conversations whose pin is over, and of versions that nobody needs."""
        async with self._lock:
            on = self.versions
            if on is None or on.live.version is None:
                return
            now = self._clock()
            past = [row for row in await self._store.versions(self.bot) if row.live_until is not None]
            survey = Survey(ids=True)
            if past:
                await self._store.scan(survey.look)
                self._over = list(survey.over(on, now - _pin(on)))
                self._surveyed = now
                await self._batch(on)
            running, needed = retained(past, survey, on, now)
            on.replace(on.live, [one for one in on.older if one.version is not None and one.version.id in running])
            for row in past:
                if row.id not in needed:
                    await self._store.forget_version(self.bot, row.id)
            gone = await asyncio.to_thread(self.shelf.tidy, needed | {on.live.version.id}, now / 1000)
            if gone:
                log.info("version.deleted", bot=self.bot, copies=gone)

    async def release(self) -> None:
        """Let go of a batch of those whose pin is over; call it every ``draining.EVERY``."""
        on = self.versions
        if on is None:
            return
        if self._over:
            await self._batch(on)
            return
        ends = [one.version.live_until + _pin(on) for one in on.older if one.version and one.version.live_until]
        if any(self._surveyed < end <= self._clock() for end in ends):
            await self.prune()

    async def _batch(self, on: Versions) -> None:
        batch, self._over = self._over[:RELEASED], self._over[RELEASED:]
        await release(self._store, on, batch, self._clock())


def _pin(on: Versions) -> int:
    return on.live.bot.charts[on.live.bot.main].versioning.max_pin


def stranded(forecast: Forecast) -> str:
    """The refusal."""
    gone = sorted({state for one in forecast.standings if one.outcome == "stranded" for state in one.gone})
    one = forecast.stranded == 1
    where = f" (removed: {', '.join(gone)})" if gone else ""
    return (
        f"{forecast.stranded} conversation{'' if one else 's'} would be stranded{where}. "
        "Add migrations: to the flow, or decide: --keep, --move, --restart or --expire"
    )
