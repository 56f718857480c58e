"""The bot: does its folder load, is what customers meet whole, does its model fit."""

from __future__ import annotations

from pathlib import Path

from wabox.core.checkup import Finding, Notes
from wabox.errors import FlowError, WaboxError
from wabox.flowfile.bot import Bot, BrokenBot, load_bot
from wabox.flowfile.folder import find_bot, find_bots, shown
from wabox.flowfile.published import Shelf
from wabox.nlu.examples import trainable
from wabox.services.keptmodels import CARD
from wabox.services.models import Models


def look(
    root: Path, name: str | None, data: Path, models: Path, live: dict[str, str] | None
) -> tuple[list[Finding], Bot | None]:
    """``live``: bot → published version; None: a cluster has them, and their models.

    Also the bot that the folder has, if it loads."""
    notes = Notes("bot")
    try:
        folder = find_bot(name, root)
    except FlowError as error:
        there = names(root)
        notes.fail("flows", str(error), _choose(there[0]) if there else "make one: wabox new bakery")
        return notes.made, None
    bot = _load(notes, folder)
    if live is not None:
        _published(notes, folder, data, live.get(folder.name))
        if bot is not None:
            _model(notes, bot, models / bot.name)
    return notes.made, bot


def names(root: Path) -> list[str]:
    """The bots that are there."""
    try:
        return [folder.name for folder in find_bots(root)]
    except FlowError:
        return []


def _choose(name: str) -> str:
    return f'say it in wabox.toml under [bot], such as name = "{name}", or: export WABOX_BOT={name}'


def _load(notes: Notes, folder: Path) -> Bot | None:
    try:
        bot = load_bot(folder)
    except BrokenBot as error:
        count = len(error.findings)
        what = f"{shown(folder)} has {count} mistake{'' if count == 1 else 's'}: {error.findings[0].sentence}"
        notes.fail("flows", what, f"wabox check {folder.name}")
        return None
    except WaboxError as error:
        notes.fail("flows", str(error), f"wabox check {folder.name}")
        return None
    if bot.warnings:
        many = f"{len(bot.warnings)} warning{'' if len(bot.warnings) == 1 else 's'}"
        notes.warn("flows", f"{shown(folder)} loads, with {many}", f"wabox check {folder.name}")
    else:
        notes.ok("flows", f"{shown(folder)} loads")
    return bot


def _published(notes: Notes, folder: Path, data: Path, live: str | None) -> None:
    if live is None:
        notes.ok("published", "nothing yet; the first start publishes the folder")
        return
    try:
        load_bot(Shelf(data, folder.name).check(live), name=folder.name, published=True)
    except WaboxError as error:
        notes.fail("published", str(error).splitlines()[0], f"publish it again: wabox publish {folder.name}")
    else:
        notes.ok("published", f"version {live} is live and whole")


def _model(notes: Notes, bot: Bot, folder: Path) -> None:
    said: list[str] = []
    found = Models(folder, say=said.append).of(bot.intents)()
    train = f"wabox train {bot.name}"
    if said:
        notes.warn("model", said[0], train)
    elif found is not None:
        notes.ok("model", f"{shown(folder)} fits the bot's {len(found.intents)} intents")
    elif (folder / CARD).is_file():
        notes.warn("model", f"{shown(folder)} was not loaded", train)
    elif trainable(bot.intents):
        notes.warn("model", "there is none: only exact words are understood", train)
    else:
        notes.ok("model", "none, and the bot has no examples to train one from")
