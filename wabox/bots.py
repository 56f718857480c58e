"""Bots out of settings: their published versions, their models, what teaches them. For the composition root and commands."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import structlog

from wabox.core.ports import Bundles, Clock
from wabox.flowfile.bot import Bot, load_bot
from wabox.flowfile.published import Shelf
from wabox.services.following import Following, Leads
from wabox.services.learning import Learning
from wabox.services.models import Models
from wabox.services.publishing import Publishing, Store
from wabox.services.rating import MARKS
from wabox.services.stock import SharedStock
from wabox.settings import QueueSettings, Settings

log = structlog.get_logger(__name__)

Warm = Callable[[Bot, int], None]


def publishing_of(
    settings: Settings,
    bot: str,
    store: Store,
    clock: Clock,
    *,
    warm: Callable[[Bot, int], None] | None = None,
    bundles: Bundles | None = None,
) -> Publishing:
    """What publishes the bot of this name; ``warm`` gets ready a version that this process will serve. ``bundles``: where the
    machines of a cluster find what was published."""
    shelf = Shelf(settings.data, bot)

    def load(id_: str, known: bool) -> Bot:
        return _loaded(settings, shelf.check(id_), bot, published=known)

    if bundles is not None:
        stock = SharedStock(shelf, bundles, settings.root / "models" / bot, clock)
        # What this machine has in models/ is not what was published: there is nothing to look for beside the version's own.
        models = Models(shelf.folder / "none")
        return Publishing(bot, store=store, shelf=shelf, load=load, clock=clock, models=models, warm=warm, stock=stock)
    models = models_of(settings, bot)
    return Publishing(bot, store=store, shelf=shelf, load=load, clock=clock, models=models, warm=warm)


def following_of(
    settings: Settings, bot: str, store: Store, bundles: Bundles, clock: Clock, *, warm: Warm, leads: Leads
) -> Following:
    """What a process of a cluster serves."""
    publishing = publishing_of(settings, bot, store, clock, warm=warm, bundles=bundles)
    return Following(publishing, clock, settings.data / "published" / f"{bot}.json", leads=leads)


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
    bot = load_bot(
        folder,
        language=settings.language,
        context=settings.context,
        name=name,
        published=published,
        manners=settings.manners,
    )
    for queue in settings.manners.queues.values():
        if (wrong := _no_rating(bot, queue)) is not None:
            log.warning("settings.rating_template", queue=queue.name, template=queue.rating_template, problem=wrong)
    return bot


def _no_rating(bot: Bot, queue: QueueSettings) -> str | None:
    """Why customers cannot be asked with the queue's ``rating_template``; None: they can, or are not to be."""
    if not queue.rating or not queue.rating_template:
        return None
    template = bot.templates.get(queue.rating_template)
    if template is None:
        return f"templates.yaml has no such template; it has {', '.join(sorted(bot.templates)) or 'none'}"
    taps = {reply.event for reply in template.replies(bot.texts.default)}
    return None if taps & set(MARKS) else f"it has no quick reply called {', '.join(MARKS)}"


def models_of(settings: Settings, bot: str) -> Models:
    """Where ``wabox train`` puts the model of the bot of this name."""
    return Models(settings.root / "models" / bot)
