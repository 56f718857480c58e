"""``wabox templates``: those at WhatsApp, and what differs from ``templates.yaml``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wabox.core.template import StoredTemplate

group = typer.Typer(
    help="Templates at WhatsApp, and how templates.yaml differs.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)

Data = Annotated[Path | None, typer.Option(help="Where everything is kept. Default: data/.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


@group.command("list")
def list_(as_json: Json = False, data: Data = None) -> None:
    """The account's templates as wabox knows them. Status, category, quality.

    Works without a network: what is shown was asked with wabox templates sync, and changed by webhooks since.

    Example:  wabox templates list
    """
    from wabox.cli.looking import looking, settings_for

    with looking(settings_for(data)) as glance:
        found = glance.templates()
    _show(found, as_json)
    if not found and not as_json:
        typer.echo("none is known: wabox templates sync asks WhatsApp")


@group.command()
def sync(as_json: Json = False, data: Data = None) -> None:
    """Ask WhatsApp for the account's templates. They are kept, and you are told what changed.

    Needs the account's id: WABOX_ACCOUNT_ID, or [whatsapp] account_id in wabox.toml.

    Example:  wabox templates sync
    """
    import asyncio

    import msgspec

    from wabox.adapters import graph_of
    from wabox.app import wall_clock
    from wabox.cli.looking import at_hand, settings_for
    from wabox.cli.running import Line
    from wabox.services.outward import templates_of
    from wabox.services.templates import SyncReport

    settings = settings_for(data)

    async def ask() -> SyncReport:
        async with at_hand(settings, shards=False) as there:
            if isinstance(there, Line):
                return msgspec.convert(await there.call("POST", "/api/v1/templates/sync"), SyncReport)
            settings.require_whatsapp()
            graph = graph_of(settings)
            try:
                return await templates_of(settings, there.outgoing, graph, wall_clock).sync()
            finally:
                if graph is not None:
                    await graph.aclose()

    report = asyncio.run(ask())
    _show(report.templates, as_json)
    for change in report.changes:
        line = {"change": change.what, "name": change.name, "language": change.language}
        typer.echo(json.dumps({**line, "before": change.before, "after": change.after}) if as_json else change.sentence)
    if not as_json:
        count = len(report.templates)
        typer.echo(f"WhatsApp has {count or 'no'} template{'' if count == 1 else 's'}")


@group.command()
def check(
    bot: Annotated[
        str | None, typer.Argument(help="A folder in flows/, or a path. Default: every bot in flows/.")
    ] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Compare templates.yaml with what WhatsApp has. What would be refused, and what reads otherwise there.

    Example:  wabox templates check clinic
    """
    from wabox.cli.looking import looking, settings_for
    from wabox.flowfile.bot import load_bot
    from wabox.flowfile.folder import find_bot, find_bots
    from wabox.services.templates import compare

    settings = settings_for(data)
    with looking(settings) as glance:
        stored = glance.templates()
    if not stored:
        from wabox.errors import StorageError

        raise StorageError("WhatsApp was not asked yet, or has none: wabox templates sync")
    folders = [find_bot(bot, settings.root)] if bot else find_bots(settings.root)
    wrong = False
    for folder in folders:
        loaded = load_bot(folder, published=True)
        found = list(compare(loaded.templates, stored))
        for one in found:
            wrong = wrong or one.severity == "error"
            typer.echo(
                json.dumps(_line(loaded.name, one)) if as_json else f"{one.severity}: {one.sentence}\n  fix: {one.fix}"
            )
        if not found and not as_json:
            typer.echo(f"{folder.name}: every template is as WhatsApp has it")
    if wrong:
        raise typer.Exit(1)


def _line(bot: str, one: object) -> dict[str, object]:
    from dataclasses import asdict

    return {"bot": bot, **asdict(one)}  # type: ignore[call-overload]


def _show(found: Sequence[StoredTemplate], as_json: bool) -> None:
    from dataclasses import asdict

    for one in found:
        if as_json:
            typer.echo(json.dumps(asdict(one), ensure_ascii=False))
            continue
        quality = f", quality {one.quality.lower()}" if one.quality not in ("", "UNKNOWN", "GREEN") else ""
        why = f": {one.reason}" if one.reason else ""
        typer.echo(f"{one.name}  {one.language}  {one.category}  {one.status.lower()}{quality}{why}")
