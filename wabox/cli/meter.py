"""``wabox meter``: what was delivered this month, and how much of the free 1,000 is left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wabox.services.meter import MeterReport


def meter(
    month: Annotated[str | None, typer.Option(metavar="2026-11", help="Another month. Default: this one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    data: Annotated[Path | None, typer.Option(help="Where everything is kept. Default: data/.")] = None,
) -> None:
    """Messages delivered this month, and the 1,000 free ones. By number, category and flow.

    Free-form messages count, and are paid for after the first 1,000 of each number; templates are always paid for, except
    where WhatsApp says otherwise. Months are those of [bot] timezone.

    Example:  wabox meter --month 2026-10
    """
    from dataclasses import asdict

    from wabox.app import wall_clock
    from wabox.cli.looking import looking, settings_for
    from wabox.services.meter import month_named, month_of, report

    settings = settings_for(data)
    zone = settings.timezone
    wanted = month_of(wall_clock(), zone) if month is None else month_named(month, zone)
    with looking(settings) as glance:
        found = report(glance.metered(wanted.begin, wanted.end), wanted, zone)
    if as_json:
        warnings = [number.warning for number in found.numbers if number.warning]
        typer.echo(json.dumps({**asdict(found), "warnings": warnings}, ensure_ascii=False))
    else:
        _show(found)


def _show(found: MeterReport) -> None:
    typer.echo(f"{found.month.name} ({found.timezone})")
    if not found.numbers:
        typer.echo("nothing was delivered")
    for number in found.numbers:
        typer.echo(
            f"\nnumber {number.number_id}: {number.used:,} of {number.free:,} free service messages; "
            f"{number.delivered:,} delivered"
        )
        for row in number.rows:
            what = f"{row.source}, template {row.template}" if row.template else row.source
            paid = "" if row.type == "regular" else f" ({row.type.replace('_', ' ')})"
            typer.echo(f"  {row.delivered:>7,}  {row.category}{paid}  {what}")
        if number.warning:
            typer.echo(f"  {number.warning}")
