"""``wabox new``: a bot's folder, begun; at a terminal by five questions, which options answer too."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from wabox.flowfile.firstbot import Wishes

T = TypeVar("T")


def new(
    folder: Annotated[
        Path | None, typer.Argument(help="The folder to make; it must not exist or be empty. Default: the name.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What your business is called.")] = None,
    language: Annotated[
        str | None, typer.Option(help="What your customers write: en, es …; the first is yours.")
    ] = None,
    starter: Annotated[str | None, typer.Option(help="What it begins with: answers, shop or clinic.")] = None,
    hours: Annotated[
        str | None, typer.Option(metavar="HOURS", help='"mon-fri 9-14, 16-19; sat 10-13", or always.')
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Of these hours: Europe/Madrid. Default: this machine's.")
    ] = None,
    person: Annotated[str | None, typer.Option(help="Who answers when the bot cannot: what they sign in with.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Also copy the repair charts (back, cancel …); a bot that exists gets them."),
    ] = False,
) -> None:
    """Make a bot's folder that runs at once.

    At a terminal it asks five questions; Enter takes what stands in brackets. With --yes, with any of the options, or
    without a terminal nothing is asked.

    Example:  wabox new bakery && cd bakery && wabox demo

    Example:  wabox new --name "Ana's Bakery" --language es,en --hours "mon-sat 7-18"

    Example:  wabox new --repair flows/bakery
    """
    from wabox.flowfile import firstbot, repairs
    from wabox.flowfile.folder import is_bot
    from wabox.flowfile.starter import create

    if repair and folder is not None and is_bot(folder):
        copied = repairs.copy(folder)
        typer.echo("\n".join(f"Wrote {path}" for path in copied) or f"{folder} has all of them already")
        return
    given = any(one is not None for one in (name, language, starter, hours, timezone, person))
    asks = not (yes or given or repair) and at_terminal()
    if asks:
        wishes = _asked(folder)
    elif given:
        zone = firstbot.zone(timezone or _here())
        wishes = firstbot.Wishes(
            business=firstbot.business(name or (folder.name if folder else "")),
            languages=firstbot.languages(language or "en"),
            starter=firstbot.starter(starter or "answers"),
            week=firstbot.week(hours or ""),
            timezone=zone,
            person=_id(person or ""),
        )
    else:
        if folder is None:
            raise typer.BadParameter("say which folder to make: wabox new bakery", param_hint="FOLDER")
        wishes = None
    folder = folder or Path(_folder(wishes.business if wishes else ""))
    bot = create(folder) if wishes is None else firstbot.make(folder, wishes)
    if repair:
        repairs.copy(folder / "flows" / bot)
    _told(folder, bot, wishes.person if wishes else "")


def at_terminal() -> bool:
    """Whether somebody is there to be asked."""
    import sys

    return sys.stdin.isatty() and sys.stdout.isatty()


def _asked(folder: Path | None) -> Wishes:
    """Five questions; a wrong answer is told why and asked for again."""
    from wabox.flowfile import firstbot

    typer.echo("Five questions; Enter takes what stands in brackets. All can be changed later.\n")
    called = folder.absolute().name.replace("_", " ").replace("-", " ").title() if folder else "My Bakery"
    business = _ask("1. What is your business called?", called, firstbot.business)
    typer.echo(f"   ({' '.join(firstbot.spoken())})")
    languages = _ask("2. Which languages do your customers write? Yours first", _language(), firstbot.languages)
    for key, what in firstbot.STARTERS.items():
        typer.echo(f"   {key}: {what}")
    starter = _ask("3. What shall it begin with?", "answers", firstbot.starter)
    typer.echo("   (mon-fri 9-14, 16-19; sat 10-13)")
    week = _ask("4. When are you open?", firstbot.ALWAYS, firstbot.week)
    zone = _ask("   By which clock?", _here(), firstbot.zone)
    person = _ask("5. Who answers when the bot cannot? A short name, small letters", "me", _id)
    typer.echo()
    return firstbot.Wishes(
        business=business, languages=languages, starter=starter, week=week, timezone=zone, person=person
    )


def _ask(question: str, default: str, read: Callable[[str], T]) -> T:
    from wabox.errors import WaboxError

    while True:
        try:
            return read(str(typer.prompt(question, default=default)))
        except WaboxError as error:
            typer.echo(f"   {error}")


def _told(folder: Path, bot: str, person: str) -> None:
    typer.echo(f"Made {folder}/ with a first bot, flows/{bot}.\n")
    typer.echo(f"  cd {folder}")
    typer.echo("  wabox chat         talk to it here")
    typer.echo("  wabox demo         talk to it on a phone in the browser")
    typer.echo(f"  wabox check        after every change of flows/{bot}/")
    typer.echo("  wabox test         plays the conversations in its tests/")
    if person:
        typer.echo(f"  wabox agents add {person} --role owner    so that {person} can answer customers")
    typer.echo("  wabox serve        when you have a WhatsApp number: see wabox serve --help")


def _folder(business: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", business.lower()).strip("-") or "bot"


def _id(given: str) -> str:
    from wabox.core.agent import ID
    from wabox.errors import FlowError

    found = given.strip().lower()
    if found and not ID.match(found):
        raise FlowError(f"that is up to 40 small letters, digits, dots and dashes, not {given!r}")
    return found


def _here() -> str:
    """This machine's time zone, as far as it says."""
    link = Path("/etc/localtime")
    _, found, name = str(link.resolve()).partition("/zoneinfo/") if link.is_symlink() else ("", "", "")
    return name if found else "UTC"


def _language() -> str:
    """This terminal's language, if the bot can speak it."""
    import os

    from wabox.flowfile.firstbot import spoken

    language = os.environ.get("LANG", "")[:2].lower()
    return language if language in spoken() else "en"
