"""Published versions from one machine to a cluster and back, with copies and models: conversations go on where they are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import structlog

from wabox.core.ports import Bundles, Clock
from wabox.core.version import Version
from wabox.errors import FlowError
from wabox.flowfile.bot import load_bot
from wabox.flowfile.published import MODEL, Shelf, SpoiltCopy
from wabox.services.keptmodels import KeptModel
from wabox.services.stock import SharedStock

log = structlog.get_logger(__name__)


async def give(rows: Sequence[Version], data: Path, models: Path, bundles: Bundles, clock: Clock) -> list[Version]:
    """Put what these versions of a data folder consist of where every machine finds it; as they are called there.

    ``models``: where ``wabox train`` puts them. One that is not whole stays behind. Raises Unavailable.
    """
    given = []
    for row in rows:
        shelf = Shelf(data, row.bot)
        kept = KeptModel(shelf.folder / f"{row.id}{MODEL}")
        try:
            copy = await asyncio.to_thread(shelf.check, row.id)
            if row.live_until is None:  # what was trained since it was published is what customers meet now
                await asyncio.to_thread(_keep, kept, copy, models / row.bot, row.bot)
            given.append(await SharedStock(shelf, bundles, models / row.bot, clock).give(row, kept))
        except (SpoiltCopy, FlowError) as error:
            log.error("version.left_behind", version=row.number, error=str(error))
    return given


def _keep(kept: KeptModel, copy: Path, trained: Path, bot: str) -> None:
    kept.keep(trained, load_bot(copy, name=bot, published=True).intents, live=True)


async def take(rows: Sequence[Version], data: Path, bundles: Bundles, clock: Clock) -> list[Version]:
    """The other way round: into a data folder."""
    taken = []
    for row in rows:
        shelf = Shelf(data, row.bot)
        try:
            taken.append(await SharedStock(shelf, bundles, shelf.folder / "none", clock).take(row))
        except SpoiltCopy as error:
            log.error("version.left_behind", version=row.number, error=str(error))
    return taken
