"""``wabox outbox``: what waits to be sent, what failed and why; send one again, or take one out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wabox.cli.looking import at_hand, looking, settings_for

if TYPE_CHECKING:
    from wabox.core.delivery import Delivery
    from wabox.settings import Settings

group = typer.Typer(
    help="What waits to be sent, and what failed.", no_args_is_help=True, rich_markup_mode=None, add_completion=False
)

Data = Annotated[Path | None, typer.Option(help="Where everything is kept. Default: data/.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Ids = Annotated[list[str], typer.Argument(help="The messages, as wabox outbox list names them.", metavar="ID...")]


@group.command("list")
def list_(
    failed: Annotated[bool, typer.Option("--failed", help="Those that failed, the newest first.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 100,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Messages that wait to leave, the oldest first, and why. Numbers from which nothing leaves come first.

    Works while the server runs and while it does not; what stops a number only a running server knows.

    Example:  wabox outbox list --failed
    """
    settings = settings_for(data)
    with looking(settings) as glance:
        found = glance.deliveries(limit, failed=failed)
    if not failed:
        for number_id, reason in _stopped(settings).items():
            # Not among the JSON objects: those are messages.
            typer.echo(f"number {number_id}: nothing leaves. {reason}", err=as_json)
    for one in found:
        typer.echo(_json(one) if as_json else _line(one))
    if not found and not as_json:
        typer.echo("nothing failed" if failed else "nothing waits")


@group.command()
def show(
    id_: Annotated[str, typer.Argument(metavar="ID", help="As wabox outbox list names it.")],
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Everything about one message, its words too.

    Example:  wabox outbox show 1f3a9c0d5e7b2a4c6d8e0f1a-0
    """
    from wabox.errors import WaboxError

    with looking(settings_for(data)) as glance:
        found = glance.delivery(id_)
    if found is None:
        raise WaboxError(_unknown(id_))
    typer.echo(_json(found) if as_json else _whole(found))


@group.command()
def retry(ids: Ids, as_json: Json = False, data: Data = None) -> None:
    """Send messages that wait or failed now. What may have left already is left alone.

    With a running server they leave at once, otherwise with its next start.

    Example:  wabox outbox retry 1f3a9c0d5e7b2a4c6d8e0f1a-0
    """
    _change("retry", ids, as_json, data)


@group.command()
def drop(ids: Ids, as_json: Json = False, data: Data = None) -> None:
    """Take messages out that still have to leave. The flow is not told.

    Example:  wabox outbox drop 1f3a9c0d5e7b2a4c6d8e0f1a-0
    """
    _change("drop", ids, as_json, data)


def _stopped(settings: Settings) -> dict[str, str]:
    """Numbers from which nothing leaves, and why, as the running server says; of a cluster, /readyz of each worker does."""
    if settings.cluster is not None:
        return {}
    import asyncio

    from wabox.cli.running import listening
    from wabox.errors import WaboxError

    async def ask() -> dict[str, str]:
        async with listening(settings) as line:
            return {} if line is None else dict((await line.call("GET", "/api/v1/outbox?limit=1"))["stopped"])

    try:
        return asyncio.run(ask())
    except WaboxError as error:
        typer.echo(f"wabox: {error}", err=True)
        return {}


def _change(what: str, ids: list[str], as_json: bool, data: Path | None) -> None:
    import asyncio
    import logging

    from wabox.cli import logs
    from wabox.errors import StorageError
    from wabox.sqlite.connection import DATABASE

    logs.configure(terminal=True, level=logging.WARNING)
    settings = settings_for(data)
    if settings.cluster is None and not (settings.data / DATABASE).is_file():
        raise StorageError(f"There is no outbox in {settings.data}: {DATABASE} is not there. Is it the data folder?")
    refused = asyncio.run(_changed(settings, what, ids, as_json))
    if refused:
        raise typer.Exit(1)


async def _changed(settings: Settings, what: str, ids: list[str], as_json: bool) -> bool:
    """Whether any of them could not be changed."""
    import msgspec

    from wabox.cli.running import Line
    from wabox.core.delivery import Delivery
    from wabox.errors import WaboxError

    refused = False
    async with at_hand(settings) as there:
        for id_ in ids:
            found: Delivery | None
            if isinstance(there, Line):
                try:
                    answer = await there.call("POST", f"/api/v1/outbox/{id_}/{what}")
                except WaboxError as error:
                    typer.echo(f"wabox: {error}", err=True)
                    refused = True
                    continue
                found = msgspec.convert(answer, Delivery)
            else:
                found = await (there.send_again(id_) if what == "retry" else there.drop(id_))
            if found is None:
                typer.echo(f"wabox: {_unknown(id_)}", err=True)
            elif as_json:
                typer.echo(_json(found))
            else:
                typer.echo(_line(found))
            refused = refused or found is None or not _as_wanted(found, what)
    return refused


def _as_wanted(found: Delivery, what: str) -> bool:
    """Whether the message is now what was asked for; one that left meanwhile was not in need of it."""
    if what == "drop":
        done = found.status == "failed"
    else:
        done = found.status not in ("unknown", "failed")
    if not done:
        typer.echo(f"wabox: {found.id} is {found.status.value}: it may have left, so it stays as it is", err=True)
    return done


def _unknown(id_: str) -> str:
    return f"there is no message {id_!r} in the outbox; wabox outbox list names those that wait, --failed those that failed"


def _json(found: Delivery) -> str:
    from dataclasses import asdict

    return json.dumps(asdict(found), ensure_ascii=False)


def _line(found: Delivery) -> str:
    tries = f"{found.attempts} {'try' if found.attempts == 1 else 'tries'}"
    until = f", not before {_time(found.due_at)}" if found.due_at is not None else ""
    why = f"  {found.reason}" if found.reason else ""
    return f"{found.id}  {_time(found.created_at)}  {found.status.value}, {tries}{until}  {found.conversation_id}{why}"


def _whole(found: Delivery) -> str:
    from wabox.core.delivery import words

    facts: dict[str, Any] = {
        "message": found.id,
        "conversation": found.conversation_id,
        "from number": found.number_id,
        "status": found.status.value,
        "tries": found.attempts,
        "said": _time(found.created_at),
        "last try": _time(found.attempted_at) if found.attempted_at else None,
        "not before": _time(found.due_at) if found.due_at else None,
        "at WhatsApp": found.wamid,
        "in doubt": "sent again" if found.policy == "repeat" else "given up",
        "reason": found.reason,
        "words": words(found.body),
    }
    return "\n".join(f"{name:12} {value}" for name, value in facts.items() if value is not None)


def _time(ms: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
