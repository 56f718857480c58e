"""``wabox send``: one template, or a text inside the service window, to one customer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from wabox.services.sends import SendRequest
    from wabox.settings import Settings

WAIT = 10.0
"""s in which WhatsApp's answer is waited for."""


def send(
    to: Annotated[str, typer.Argument(metavar="TO", help="A phone number (+34600111222) or a user id (ES.123).")],
    template: Annotated[str | None, typer.Argument(metavar="TEMPLATE", help="Its name.")] = None,
    value: Annotated[
        list[str] | None, typer.Option("--value", "-v", metavar="VAR=TEXT", help="What a variable stands for: 1=Ana.")
    ] = None,
    header: Annotated[str | None, typer.Option(help="What goes into the header: a text, or a file's address.")] = None,
    button: Annotated[
        list[str] | None, typer.Option("--button", metavar="KEY=TEXT", help="What goes into a button: page=a1.")
    ] = None,
    language: Annotated[str | None, typer.Option(help="As WhatsApp writes it, such as es_MX.")] = None,
    text: Annotated[
        str | None, typer.Option(help="Words instead of a template: within 24 hours of the customer's last.")
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="NUMBER_ID", help="The business number. Default: the only one.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent, and send nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    data: Annotated[Path | None, typer.Option(help="Where everything is kept. Default: data/.")] = None,
    server: Annotated[
        str | None, typer.Option("--server", metavar="URL", help="The server, if it is not this folder's.")
    ] = None,
) -> None:
    """Send one message, through the running server.

    It waits its turn in the customer's conversation, and does not leave when the customer said STOP, when it is marketing
    and they did not agree to that, or when it talks over a person.

    Example:  wabox send +34600111222 visit_reminder -v 1=Ana -v 2=Monday -v 3=16:15

    Example:  wabox send +34600111222 --text "Your parcel is here" --dry-run
    """
    import asyncio
    import logging

    from wabox.cli import logs
    from wabox.cli.looking import settings_for
    from wabox.services.sends import SendRequest

    logs.configure(terminal=True, level=logging.WARNING)
    settings = settings_for(data)
    request = SendRequest(
        to=to,
        template=template,
        language=language,
        values=pairs(value or (), "--value", "1=Ana"),
        header=header,
        buttons=pairs(button or (), "--button", "page=a1"),
        text=text,
        number_id=from_,
    )
    failed = asyncio.run(_send(settings, request, server, dry_run=dry_run, as_json=as_json))
    if failed:
        raise typer.Exit(1)


def pairs(written: Sequence[str], option: str, example: str) -> dict[str, str]:
    """``1=Ana`` → {"1": "Ana"}."""
    found = {}
    for one in written:
        name, equals, value = one.partition("=")
        if not equals or not name.strip():
            raise typer.BadParameter(f"{one!r} is not like {example}", param_hint=option)
        found[name.strip()] = value
    return found


async def _send(settings: Settings, request: SendRequest, server: str | None, *, dry_run: bool, as_json: bool) -> bool:
    """Whether it did not leave, or would not."""
    import secrets
    from dataclasses import asdict

    from wabox.adapters import kept_of
    from wabox.app import wall_clock
    from wabox.cli.running import Line, begun_at
    from wabox.cli.serve import load_for
    from wabox.errors import StorageError
    from wabox.services.outward import outward_of
    from wabox.sqlite.connection import DATABASE

    if settings.cluster is None and server is None and not (settings.data / DATABASE).is_file():
        raise StorageError(f"There is nothing in {settings.data}: {DATABASE} is not there. Is it the data folder?")
    async with begun_at(settings, server) as there:
        if isinstance(there, Line):
            call = {"request": asdict(request), "id": secrets.token_hex(8), "dry_run": dry_run, "wait": WAIT}
            report = await there.call("POST", "/api/v1/send", call)
        elif dry_run:
            bot = load_for(settings)
            plan = await outward_of(settings, kept_of(there), None, wall_clock, lambda: bot).sends.plan(request)
            report = {"plan": asdict(plan), "delivery": None}
        else:
            raise StorageError("no server is running that could send it: start wabox serve, then say this again")
    plan, delivery = report["plan"], report["delivery"]
    if as_json:
        typer.echo(json.dumps({**plan, "dry_run": dry_run, "delivery": delivery}, ensure_ascii=False))
    else:
        _say(plan, delivery, dry_run=dry_run)
    return plan["refusal"] is not None or (delivery is not None and delivery["status"] == "failed")


def _say(plan: dict[str, Any], delivery: dict[str, Any] | None, *, dry_run: bool) -> None:
    for warning in plan["warnings"]:
        typer.echo(f"wabox: {warning}", err=True)
    what = plan["body"]["template"]["name"] if plan["body"]["type"] == "template" else "text"
    kind = f"{what}, {plan['category']}"
    if dry_run:
        typer.echo(f"Would send to {plan['to']} from number {plan['number_id']} ({kind}):\n\n{plan['text']}\n")
        typer.echo(plan["refusal"] or "Nothing was sent.")
        return
    if delivery is None:
        typer.echo(f"{plan['outbound_id']} waits for its turn in the conversation ({kind})")
        return
    why = f": {delivery['reason']}" if delivery["reason"] else ""
    typer.echo(f"{plan['outbound_id']} to {plan['to']} is {delivery['status']} ({kind}){why}")
