"""``wabox publish``: what customers meet from now on, and what that does to those who are in the middle of it."""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from wabox.cli.running import Desk
    from wabox.core.version import Choice, Forecast, Standing
    from wabox.settings import Settings

SHOWN = 12
"""Lines per outcome."""
CHOICES = {
    "keep": "they stay on their version; at their hard timeout or after max_pin, a person",
    "move": "with their next message they go to the failure target, by default a person",
    "restart": "with their next message they begin anew",
    "expire": "they stay on their version until it is over, and nothing more is said",
}


def publish(
    bot: Annotated[str | None, typer.Argument(help="A folder in flows/, or a path. Default: the only one.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Who would be stranded stays on their version.")] = False,
    move: Annotated[bool, typer.Option("--move", help="… goes to the failure target, by default a person.")] = False,
    restart: Annotated[bool, typer.Option("--restart", help="… begins anew with the next message.")] = False,
    expire: Annotated[bool, typer.Option("--expire", help="… stays, and ends without a word.")] = False,
    rollback: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Make an earlier version live again: number or hash.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and do nothing.")] = False,
    no_test: Annotated[bool, typer.Option("--no-test", help="Do not play the bot's tests first.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    data: Annotated[Path | None, typer.Option(help="Where everything is kept. Default: data/.")] = None,
) -> None:
    """Make the bot's folder live. It is checked and tested, and you are told what happens to the conversations under way.

    A conversation moves to the new version with its next message if all it uses is still there, or a migration in the
    flow says where to. Otherwise it would be stranded, and you decide: --keep, --move, --restart or --expire. A running
    server takes the new version over at once and drops nothing; on a cluster all processes do, within seconds.

    Example:  wabox publish shop --dry-run

    Example:  wabox publish --rollback 3
    """
    import asyncio
    import logging
    import sys
    from dataclasses import replace

    from wabox.cli import logs
    from wabox.cli.looking import settings_here
    from wabox.flowfile.folder import find_bot
    from wabox.flowfile.published import Shelf, read_files

    logs.configure(terminal=True, level=logging.WARNING)
    chosen = [name for name, given in zip(CHOICES, (keep, move, restart, expire), strict=True) if given]
    if len(chosen) > 1:
        raise typer.BadParameter(f"--{chosen[0]} and --{chosen[1]} exclude each other")
    settings = settings_here(data)
    settings = replace(settings, bot=bot or settings.bot)
    folder = find_bot(settings.bot, settings.root).resolve()
    wanted: str | None = None
    if rollback is None:
        _check(folder, settings, quiet=as_json)
        # The tests are played on what customers will get, not on a folder that may have more, or is being edited.
        shelf = Shelf(settings.data, folder.name)
        wanted = shelf.keep(read_files(folder))
        if not no_test:
            _test(folder, shelf.check(wanted), settings)
    order = _Order(
        bot=folder.name,
        id=wanted,
        rollback=rollback,
        choice=chosen[0] if chosen else None,  # type: ignore[arg-type]
        dry_run=dry_run,
        json=as_json,
        asks=sys.stdin.isatty() and sys.stdout.isatty() and not as_json,
    )
    asyncio.run(_publish(settings, order))


def _check(folder: Path, settings: Settings, *, quiet: bool) -> None:
    from wabox.flowfile.bot import load_bot

    loaded = load_bot(folder, language=settings.language, context=settings.context)
    if loaded.warnings and not quiet:
        typer.echo(f"warnings: {len(loaded.warnings)}; wabox check shows them", err=True)


def _test(folder: Path, copy: Path, settings: Settings) -> None:
    from wabox.cli.test import failures
    from wabox.errors import FlowError

    failed, played = failures(folder, settings, copy)
    if failed:
        raise FlowError(f"{failed} of {played} tests fail; wabox test shows them, --no-test publishes all the same")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """What was asked for."""

    bot: str
    id: str | None
    """None for a rollback."""
    rollback: str | None
    choice: Choice | None
    dry_run: bool
    json: bool
    asks: bool
    """Somebody is there to answer."""


async def _publish(settings: Settings, order: _Order) -> None:
    from wabox.cli.running import desk
    from wabox.services.publishing import Refused, stranded

    async with desk(settings, order.bot) as at:
        id_ = order.id or await _earlier(at, order)
        forecast = await at.publish(id_, dry_run=True)
        if not order.json:
            typer.echo(told(forecast))
        choice = order.choice
        if order.dry_run or not forecast.changed:
            _say(order, forecast)
            return
        if forecast.stranded and choice is None and forecast.settled is None:
            if not order.asks:
                sentence = stranded(forecast)
                if order.json:
                    _say(order, forecast, refused=sentence)
                    raise typer.Exit(1)
                raise Refused(sentence, forecast)
            choice = _ask()
        try:
            done = await at.publish(id_, choice, expected=forecast.live)
        except Refused as error:
            if not order.json:
                raise
            _say(order, error.forecast or forecast, refused=str(error))
            raise typer.Exit(1) from error
        _say(order, done)


async def _earlier(at: Desk, order: _Order) -> str:
    from wabox.cli.versions import found
    from wabox.errors import FlowError

    reports = await at.reports()
    wanted = found(reports, order.rollback or "")
    if wanted is None:
        there = ", ".join(f"{one.version.number} ({one.version.id})" for one in reports) or "none yet"
        raise FlowError(f"there is no version {order.rollback!r} of {order.bot}; there are: {there}")
    return wanted.version.id


def _ask() -> Choice:
    """The owner's decision; Ctrl-C publishes nothing."""
    typer.echo("\nWhat becomes of those that would be stranded?")
    for name, meaning in CHOICES.items():
        typer.echo(f"  {name:8} {meaning}")
    while True:
        answer: Choice = typer.prompt("Your choice", default="keep").strip().lower()
        if answer in CHOICES:
            return answer
        typer.echo(f"write {', '.join(CHOICES)}, or press Ctrl-C to publish nothing")


def _say(order: _Order, forecast: Forecast, *, refused: str | None = None) -> None:
    if order.json:
        from dataclasses import asdict

        body: dict[str, Any] = {**asdict(forecast), "changed": forecast.changed}
        typer.echo(json.dumps({**body, "refused": refused} if refused else body, ensure_ascii=False))
    elif forecast.published:
        model = ", with the model as it is trained now" if forecast.retrained else ""
        typer.echo(f"version {forecast.number} ({forecast.id}) of {forecast.bot} is live{model}")
    elif not forecast.changed:
        typer.echo(f"version {forecast.number} ({forecast.id}) of {forecast.bot} is live already; nothing to do")
    else:
        typer.echo("nothing was published")


def told(forecast: Forecast) -> str:
    """The forecast as a person reads it."""
    lines = [f"{forecast.bot}, version {forecast.number} ({forecast.id})"]
    for outcome, count, meaning in (
        ("stay", forecast.stay, "where they are"),
        ("move", forecast.move, "to it with their next message"),
        ("stranded", forecast.stranded, ""),
    ):
        if not count:
            continue
        verb = outcome if outcome != "stranded" else "would be stranded"
        if count == 1:
            verb = {"stay": "stays", "move": "moves"}.get(outcome, verb)
        lines.append(f"{count:>7} {'conversation' if count == 1 else 'conversations'} {verb} {meaning}".rstrip())
        those = [one for one in forecast.standings if one.outcome == outcome]
        lines += [_line(one) for one in those[:SHOWN]]
        if len(those) > SHOWN:
            rest = sum(one.conversations for one in those[SHOWN:])
            lines.append(f"          {rest:>6} in {len(those) - SHOWN} other places (--json names them)")
    if not forecast.standings:
        lines.append("  no conversation is under way")
    if forecast.stranded and forecast.settled:
        lines.append(f"        the flow decides about them: {CHOICES[forecast.settled]}")
    return "\n".join(lines)


def _line(one: Standing) -> str:
    version = "an unknown version" if one.version is None else f"version {one.version}"
    line = f"          {one.conversations:>6} on {version}, in {where(one)}: {one.reason}"
    return textwrap.fill(line, 80, subsequent_indent=" " * 19, break_long_words=False, break_on_hyphens=False)


def where(one: Standing) -> str:
    """The states, as ``shop@0123… checkout.confirm``; suspended charts first."""
    return " > ".join(f"{ref} {' + '.join(leaves)}" for ref, *leaves in one.frames)
