"""``wabox doctor``: what is wrong, what to do, and the way to a connected number."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wabox.core.checkup import Checkup, Finding
    from wabox.settings import Settings

WIDTH = 80
AREAS = {
    "machine": "This machine",
    "bot": "The bot",
    "cluster": "The cluster",
    "messages": "Messages",
    "meta": "Meta",
    "webhook": "The webhook",
}
SIGNS = {"ok": "ok", "warn": "LOOK", "fail": "FAIL", "unknown": "?"}
COLOURS = {"ok": typer.colors.GREEN, "warn": typer.colors.YELLOW, "fail": typer.colors.RED, "unknown": None}


def doctor(
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The public address of the webhook. Default: the one that Meta has."),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Look at this machine only.")] = False,
    patience: Annotated[float, typer.Option(metavar="SECONDS", help="For the check of the database.")] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    data: Annotated[Path | None, typer.Option(help="Where everything is kept. Default: data/.")] = None,
) -> None:
    """Look at everything that can be wrong. Says what to do.

    The machine, the bot, the database, the account at Meta, the token, the number, the public address. Changes nothing, and
    works with and without a running server, network or account. Without an account it leads to one, step by step. Exit code
    0: connected, and nothing fails; 1: something does.

    Example:  wabox doctor --url https://bot.example.org/webhook
    """
    import asyncio
    import logging
    import os
    import sys
    from dataclasses import replace

    from wabox.cli import logs
    from wabox.settings import secret_files, settings_of
    from wabox.settings.sources import Sources

    logs.configure(terminal=True, level=logging.ERROR)
    sources = Sources(Path.cwd(), os.environ)
    settings = settings_of(sources)
    if data is not None:
        settings = replace(settings, data=data.absolute(), cluster=None)
    found = asyncio.run(_examined(settings, secret_files(sources), url, offline, patience))
    if as_json:
        typer.echo(json.dumps(_json(found), ensure_ascii=False))
    else:
        for line in report(found, colour=sys.stdout.isatty()):
            typer.echo(line)
    if not found.well:
        raise typer.Exit(1)


async def _examined(
    settings: Settings, files: Sequence[Path], url: str | None, offline: bool, patience: float
) -> Checkup:
    from wabox.adapters import graph_of
    from wabox.app import wall_clock
    from wabox.cli.clusterdoctor import looked_at
    from wabox.services.doctor.examination import examine
    from wabox.whatsapp.graph import GraphClient

    graph = graph_of(settings)
    try:
        return await examine(
            settings,
            wall_clock(),
            graph=graph,
            as_app=lambda token: GraphClient(settings.require_whatsapp().api_url, token),
            stopped=None if settings.cluster is not None else await _stopped(settings),
            cluster=None if settings.cluster is None else await looked_at(settings),
            secret_files=files,
            url=url,
            offline=offline,
            patience=patience,
        )
    finally:
        if graph is not None:
            await graph.aclose()


async def _stopped(settings: Settings) -> Mapping[str, str] | None:
    """Numbers from which nothing leaves, as the running server says; None when there is none."""
    from wabox.cli.running import listening
    from wabox.errors import WaboxError

    try:
        async with listening(settings) as line:
            return None if line is None else dict((await line.call("GET", "/api/v1/outbox?limit=1"))["stopped"])
    except WaboxError:
        return None


def report(found: Checkup, *, colour: bool = False) -> Iterator[str]:
    """Lines of at most 80 columns."""
    from wabox.core.checkup import Level

    for area, title in AREAS.items():
        mine = [one for one in found.findings if one.area == area]
        if mine:
            yield title
            for one in mine:
                yield from _finding(one, colour)
            yield ""
    if (step := found.step) is not None:
        yield from _walk(found, step)
        yield ""
    fails = sum(one.level is Level.FAIL for one in found.findings)
    warns = sum(one.level is Level.WARN for one in found.findings)
    yield _verdict(found, fails, warns)


def _verdict(found: Checkup, fails: int, warns: int) -> str:
    if fails or warns:
        parts = [f"{fails} thing{'' if fails == 1 else 's'} to mend"] if fails else []
        parts += [f"{warns} to look at"] if warns else []
        return f"{', '.join(parts)}."
    return "All is well." if found.well else "Nothing is wrong; the next step is above."


def _finding(one: Finding, colour: bool) -> Iterator[str]:
    import textwrap

    sign = f"{SIGNS[one.level]:<4}"
    shown = typer.style(sign, fg=COLOURS[one.level], bold=True) if colour and COLOURS[one.level] else sign
    head, hang = f"  {sign}  {one.check:<14} ", " " * 23
    wrapper = textwrap.TextWrapper(
        WIDTH, initial_indent=head, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False
    )
    lines = wrapper.wrap(one.what)
    yield lines[0].replace(sign, shown, 1)
    yield from lines[1:]
    if one.todo:
        yield from textwrap.wrap(
            one.todo,
            WIDTH,
            initial_indent=f"{' ' * 20}-> ",
            subsequent_indent=hang,
            break_long_words=False,
            break_on_hyphens=False,
        )


def _walk(found: Checkup, now: int) -> Iterator[str]:
    import textwrap

    yield f"The way to a connected number: step {now + 1} of {len(found.steps)}"
    for place, step in enumerate(found.steps):
        sign = "[x]" if step.done else "[>]" if place == now else "[ ]"
        yield f"  {sign} {place + 1}. {step.title}"
        if place != now:
            continue
        for line in step.how:
            if line.startswith("$ "):
                yield f"           {line}"
            else:
                yield from textwrap.wrap(
                    line, WIDTH, initial_indent=" " * 9, subsequent_indent=" " * 9, break_on_hyphens=False
                )


def _json(found: Checkup) -> dict[str, object]:
    from dataclasses import asdict

    return {
        "well": found.well,
        "findings": [asdict(one) for one in found.findings],
        "step": None if found.step is None else found.step + 1,
        "steps": [asdict(one) for one in found.steps],
    }
