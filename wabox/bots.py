"""Bots out of settings: their published versions, their models, what teaches them. For the composition root and commands."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from wabox.core.ports import Clock
from wabox.flowfile.bot import Bot, load_bot
from wabox.flowfile.published import Shelf
from wabox.services.learning import Learning
from wabox.services.models import Models
from wabox.services.publishing import Publishing
from wabox.settings import Settings
from wabox.sqlite.store import SqliteStore


def publishing_of(
    settings: Settings,
    bot: str,
    store: SqliteStore,
    clock: Clock,
    *,
    warm: Callable[[Bot, int], None] | None = None,
) -> Publishing:
    """What publishes the bot of this name; ``warm`` gets ready a version that this process will serve."""
    shelf = Shelf(settings.data, bot)

    def load(id_: str, known: bool) -> Bot:
        return _loaded(settings, shelf.check(id_), bot, published=known)

    models = models_of(settings, bot)
    return Publishing(bot, store=store, shelf=shelf, load=load, clock=clock, models=models, warm=warm)


def learning_of(settings: Settings, folder: Path) -> Learning:
    """What teaches the bot in ``folder`` (absolute), which people edit; not a published copy of it."""
    name = folder.name

    def plays(bot: Bot, path: Path) -> str | None:
        from wabox.flowfile.known import Known
        from wabox.flowfile.tests import read_test
        from wabox.simulator.runner import Runner

        wrong: list[str] = []
        test = read_test(path, path.stem, Known.of(bot), lambda finding: wrong.append(finding.sentence))
        if test is None or wrong:
            return wrong[0] if wrong else "it cannot be read"
        result = Runner(bot, time.perf_counter).play(test, test.languages[0])
        return result.differences[0].sentence if result.differences else None

    return Learning(
        load=lambda: _loaded(settings, folder, name),
        model=settings.root / "models" / name,
        memory=settings.data / "learned" / f"{name}.json",
        plays=plays,
        now=lambda: datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _loaded(settings: Settings, folder: Path, name: str, *, published: bool = False) -> Bot:
    return load_bot(
        folder,
        language=settings.language,
        context=settings.context,
        name=name,
        published=published,
        manners=settings.manners,
    )


def models_of(settings: Settings, bot: str) -> Models:
    """Where ``wabox train`` puts the model of the bot of this name."""
    return Models(settings.root / "models" / bot)
