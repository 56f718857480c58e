"""Making a version of a bot live, and knowing beforehand what that does to the conversations under way (promise P6).

The copy is on the disk before anything else happens (:mod:`wabox.flowfile.published`); then one commit makes it live; then this
process serves it. Killed before the commit, the old version is live; after it, the new one.

On a cluster the copy and its model are also where every machine finds them, before that commit
(:class:`~wabox.services.stock.SharedStock`); the other processes take it over (:mod:`wabox.services.following`).
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
from wabox.flowfile.published import Shelf, SpoiltCopy, identity, read_files
from wabox.services.draining import RELEASED, release, reported, retained
from wabox.services.models import Models
from wabox.services.stock import LocalStock, Stock
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
        stock: Stock | None = None,
    ) -> None:
        """``warm`` loads what a bot's first answers need (and is told the time, ms); None where nobody will answer. ``stock``:
        where others find the copies; None: there are no others."""
        self.bot = bot
        self.shelf = shelf
        self.stock = stock or LocalStock(shelf, models)
        self._store = store
        self._load = load
        self._clock = clock
        self._models = models
        self._warm = warm
        self._lock = asyncio.Lock()
        self._over: list[str] = []
        """Conversations whose pin is over, and that have not had their occasion to leave yet."""
        self._surveyed = 0
        self._lost: set[str] = set()
        """Ids of versions that conversations need and that could not be loaded."""
        self.versions: Versions | None = None
        """None until there is a live version."""

    async def begin(self, folder: Path, say: Callable[[str], None], *, older: bool = True) -> None:
        """Serve what is published; the first time publish the folder. ``older``: as :meth:`open` says.

        Raises FlowError, SpoiltCopy, StorageError.
        """
        live = live_of(await self._store.versions(self.bot))
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
            try:
                made = await self.publish(id_, "keep", first=True)
            except Refused:
                live = live_of(await self._store.versions(self.bot))
                if live is None:
                    raise
                # Another process of the cluster was faster.
            else:
                say(f"published {shown(folder)} as version {made.number} ({id_})")
                return
        try:
            await self.open(older=older)
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

    async def open(self, *, older: bool = True) -> bool:
        """Load the live version, and (``older``) those that conversations still need; whether there is a live one.

        Raises SpoiltCopy or BrokenBot when the live one cannot be loaded. A conversation whose own version cannot be loaded
        is treated by what its snapshot says.
        """
        rows = await self._store.versions(self.bot)
        live = live_of(rows)
        if live is None:
            return False
        now = await self._served(live)
        survey = Survey()
        if older and len(rows) > 1:
            await self._store.scan(survey.look)
        others: list[Served] = []
        wanted = [charts for charts in survey.charts() if not has(now.bot, charts)]
        for row in sorted(rows, key=lambda row: -row.live_from):
            if row is live or not any(set(charts) <= set(row.charts) for charts in wanted):
                continue
            try:
                others.append(await self._served(row))
            except WaboxError as error:
                self._lose(row, error)
        self._hold(now, others)
        return True

    async def follow(self, rows: Sequence[Version]) -> bool:
        """Serve the live one of these, which another process may have published; whether it is another one than before.

        Raises what :meth:`open` raises, and then everything is as it was.
        """
        async with self._lock:
            live, on = live_of(rows), self.versions
            if live is None:
                return False
            before = () if on is None else (on.live, *on.older)
            now = next((one for one in before[:1] if _which(one.version) == _which(live)), None)
            fresh = now is None
            if now is None:
                now = await self._served(live)
                if self._warm is not None:
                    await asyncio.to_thread(self._warm, now.bot, self._clock())
            there = {row.id: row for row in rows if row.id != live.id}
            others = [
                replace(one, version=there[one.version.id])
                for one in before
                if one.version is not None and one.version.id in there
            ]
            after = (replace(now, version=live), *others)
            if [one.version for one in after] != [one.version for one in before]:
                self._hold(after[0], others)
            return fresh

    async def load(self, row: Version) -> None:
        """Serve an older one, too. Raises what :meth:`open` raises."""
        async with self._lock:
            await self._add(row)

    async def _add(self, row: Version) -> None:
        on = self.versions
        if on is None or any(one.version is not None and one.version.id == row.id for one in (on.live, *on.older)):
            return
        others = [*on.older, await self._served(row)]
        on.replace(on.live, sorted(others, key=lambda one: -(one.version.live_from if one.version else 0)))

    def _lose(self, row: Version, error: WaboxError) -> None:
        self._lost.add(row.id)
        log.error("version.lost", version=row.number, error=str(error))

    async def bring(self, version: Version) -> None:
        """See that the copy is on this machine. Raises SpoiltCopy, Unavailable."""
        await self.stock.bring(version)

    async def rows(self) -> Sequence[Version]:
        """Every version, by number."""
        return await self._store.versions(self.bot)

    async def forecast(self, id_: str) -> Forecast:
        """What publishing the copy would do. Raises SpoiltCopy or BrokenBot."""
        return (await self._forecast(id_))[1]

    async def publish(
        self,
        id_: str,
        choice: Choice | None = None,
        *,
        expected: str | None = None,
        dry_run: bool = False,
        first: bool = False,
    ) -> Forecast:
        """Make the copy live. Raises Refused, SpoiltCopy, BrokenBot.

        ``expected``: the live version when the owner decided; another one now is a reason to refuse. ``first``: so is any.
        """
        async with self._lock:
            bot, forecast = await self._forecast(id_)
            if dry_run:
                return forecast
            if (first or expected is not None) and expected != forecast.live:
                raise Refused("somebody published another version meanwhile; look at it, then publish again", forecast)
            if not forecast.changed:
                return forecast
            if forecast.stranded and choice is None and forecast.settled is None:
                raise Refused(stranded(forecast), forecast)
            charts = bot.charts.live
            refs = (charts[bot.main].ref, *(chart.ref for chart in charts.values() if chart.id != bot.main))
            model = await self._model(id_, bot, await self._store.versions(self.bot))
            wanted = Version(
                bot=self.bot,
                id=id_,
                number=forecast.number,
                charts=refs,
                live_from=self._clock(),
                choice=choice or forecast.settled,
                model=model,
            )
            if self._warm is not None:
                # In a thread, and before: no customer of any version waits for the tables of the new one.
                await asyncio.to_thread(self._warm, bot, self._clock())
            await self.stock.keep(wanted, bot, self.versions.live if self.versions is not None else None)
            row = await self._store.make_live(wanted, forecast.live)
            if row is None:
                raise Refused("somebody published another version meanwhile; look at it, then publish again", forecast)
            self._serve(served(bot, row, self._models, self.stock.kept(row)))
            log.info("version.live", bot=self.bot, number=row.number, id=row.id)
            return replace(forecast, number=row.number, settled=row.choice, published=True)

    async def _model(self, id_: str, bot: Bot, rows: Sequence[Version]) -> str:
        return await self.stock.model(id_, bot, next((row for row in rows if row.id == id_), None), live_of(rows))

    def _serve(self, live: Served) -> None:
        """From the next turn on."""
        assert live.version is not None  # noqa: S101 - it was just stored
        older = []
        for one in () if self.versions is None else (self.versions.live, *self.versions.older):
            if one.version is not None and one.version.id != live.version.id:
                until = one.version.live_until or live.version.live_from
                older.append(replace(one, version=replace(one.version, live_until=until)))
        self._hold(live, older)

    def _hold(self, live: Served, older: Sequence[Served]) -> None:
        if self.versions is None:
            self.versions = Versions(live, older)
        else:
            self.versions.replace(live, older)

    async def _served(self, row: Version) -> Served:
        await self.stock.bring(row)
        return await asyncio.to_thread(self._loaded, row)

    def _loaded(self, row: Version) -> Served:
        return served(self._load(row.id, True), row, self._models, self.stock.kept(row))

    async def _forecast(self, id_: str) -> tuple[Bot, Forecast]:
        rows = await self._store.versions(self.bot)
        live = live_of(rows)
        known = next((row for row in rows if row.id == id_), None)
        on = self.versions
        if on is not None and on.live.version is not None and on.live.version.id == id_:
            bot = on.live.bot
        else:
            if known is not None:
                await self.stock.bring(known)
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
            retrained=known is not None and known is live and await self._model(id_, bot, rows) != live.model,
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
        return reported(rows, standings, _pin(on), now)

    async def prune(self) -> None:
        """Let go of conversations whose pin is over, and of versions that nobody needs."""
        async with self._lock:
            on = self.versions
            if on is None or on.live.version is None:
                return
            now = self._clock()
            rows = await self._store.versions(self.bot)
            if on.live.version.id not in {row.id for row in rows if row.live_until is None}:
                return  # of a cluster: this process is behind, and must not judge what is needed
            past = [row for row in rows if row.live_until is not None]
            survey = Survey(ids=True)
            if past:
                await self._store.scan(survey.look)
                await self._need(past, survey, on)
                self._over = list(survey.over(on, now - _pin(on)))
                self._surveyed = now
                await self._batch(on)
            running, needed = retained(past, survey, on, now)
            on.replace(on.live, [one for one in on.older if one.version is not None and one.version.id in running])
            for row in past:
                if row.id not in needed:
                    await self._store.forget_version(self.bot, row.id)
            await self.stock.sweep(now)
            gone = await self.stock.tidy(needed | {on.live.version.id}, now)
            if gone:
                log.info("version.deleted", bot=self.bot, copies=gone)

    async def _need(self, past: Sequence[Version], survey: Survey, on: Versions) -> None:
        """Load those that conversations are on and that this process has not met: it is about to say who may leave them."""
        for row in past:
            if row.id not in self._lost and any(
                set(charts) <= set(row.charts) for charts in survey.charts() if not on.knows(charts)
            ):
                try:
                    await self._add(row)
                except WaboxError as error:
                    self._lose(row, error)

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


def live_of(rows: Sequence[Version]) -> Version | None:
    """The live one."""
    return next((row for row in rows if row.live_until is None), None)


def _which(version: Version | None) -> tuple[str, str] | None:
    return None if version is None else (version.id, version.model)


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
