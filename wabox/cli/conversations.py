"""``wabox conversations``: where each one stands, and what to do when one is stuck. No database edit."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wabox.cli.looking import at_hand, looking, settings_for

if TYPE_CHECKING:
    from wabox.cli.looking import ClusterGlance
    from wabox.core.conversation import ConversationSummary
    from wabox.settings import Settings
    from wabox.sqlite.glance import Glance

group = typer.Typer(
    help="Where each conversation stands; move, reset or end one.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)

Data = Annotated[Path | None, typer.Option(help="Where everything is kept. Default: data/.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Which = Annotated[str, typer.Argument(metavar="WHICH", help="Its id, a phone number, or a part of the name.")]


@group.command("list")
def list_(
    state: Annotated[str | None, typer.Option(help="Only those in this state, or inside it.")] = None,
    idle: Annotated[str | None, typer.Option(help="Only those where nothing has happened for so long: 6h.")] = None,
    over: Annotated[bool, typer.Option("--over", help="Also those that are over.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 100,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Conversations and their states, the most recently active first.

    Example:  wabox conversations list --state checkout --idle 6h
    """
    from wabox.app import wall_clock
    from wabox.cli.standing import described, line, stands_in
    from wabox.core.duration import parse_duration

    try:
        before = wall_clock() - parse_duration(idle) if idle else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--idle") from error
    with looking(settings_for(data)) as glance:
        found = [
            one
            for one in glance.conversations()
            if (over or one.snapshot is not None)
            and (state is None or stands_in(one, state))
            and (before is None or one.updated_at <= before)
        ][:limit]
    for one in found:
        typer.echo(json.dumps(described(one), ensure_ascii=False) if as_json else line(one, wall_clock()))
    if not found and not as_json:
        typer.echo("none")


@group.command()
def show(which: Which, as_json: Json = False, data: Data = None) -> None:
    """One conversation: where it stands and how it came there. What it knows, its timers, its last words.

    Example:  wabox conversations show 34600111222
    """
    from wabox.app import wall_clock
    from wabox.cli.standing import described, page

    with looking(settings_for(data)) as glance:
        one = _one(glance, which)
        lines = glance.transcript(one.conversation_id, 20)
    if as_json:
        typer.echo(json.dumps(described(one), ensure_ascii=False))
        return
    for text in page(one, lines, wall_clock()):
        typer.echo(text)


@group.command()
def export(
    which: Which,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The file to write. Default: standard output.")
    ] = None,
    data: Data = None,
) -> None:
    """The whole transcript and the stored state, as JSON.

    Example:  wabox conversations export 34600111222 -o ana.json
    """
    from wabox.cli.standing import described

    with looking(settings_for(data)) as glance:
        one = _one(glance, which)
        lines = glance.transcript(one.conversation_id)
    records = [{"at": line.at, "kind": line.kind, "ref": line.ref, "body": line.body} for line in lines]
    text = json.dumps({**described(one), "transcript": records}, ensure_ascii=False, indent=1)
    if out is None:
        typer.echo(text)
    else:
        out.write_text(text + "\n", encoding="utf-8")
        typer.echo(f"{out}: {len(records)} lines")


@group.command()
def move(
    which: Which,
    state: Annotated[str, typer.Argument(help="A state of the live flow: checkout.confirm_items.")],
    chart: Annotated[str | None, typer.Option(help="Another chart than the main one.")] = None,
    silent: Annotated[bool, typer.Option("--silent", help="Do not ask the customer what that state asks.")] = False,
    data: Data = None,
) -> None:
    """Put a conversation into a state, with what it knows. The customer is asked what that state asks.

    It waits its turn behind what is being handled. Without a running server it is done when the server starts.

    Example:  wabox conversations move 34600111222 checkout.confirm_items
    """
    _act(which, "move", {"state": state, "chart": chart, "silent": silent}, data)


@group.command()
def reset(which: Which, data: Data = None) -> None:
    """End a conversation; the customer's next message begins anew.

    Example:  wabox conversations reset 34600111222
    """
    _act(which, "reset", {}, data)


@group.command()
def end(which: Which, data: Data = None) -> None:
    """End a conversation as its hard timeout would. Whoever comes back in time can go on.

    Example:  wabox conversations end 34600111222
    """
    _act(which, "end", {}, data)


def _act(which: str, act: str, payload: dict[str, Any], data: Path | None) -> None:
    import asyncio
    import logging

    from wabox.cli import logs

    logs.configure(terminal=True, level=logging.WARNING)
    settings = settings_for(data)
    with looking(settings) as glance:
        one = _one(glance, which)
    typer.echo(asyncio.run(_acted(settings, one.conversation_id, act, payload)))


async def _acted(settings: Settings, conversation_id: str, act: str, payload: dict[str, Any]) -> str:
    from urllib.parse import quote

    from wabox.app import wall_clock
    from wabox.cli.running import Line
    from wabox.cli.serve import load_for
    from wabox.core.message import Arrival
    from wabox.services import hand

    done = {"move": "moved", "reset": "ended; the next message begins anew", "end": "ended"}[act]
    id_ = uuid.uuid4().hex
    async with at_hand(settings) as there:
        if isinstance(there, Line):
            path = f"/api/v1/conversations/{quote(conversation_id, safe='')}/{act}"
            await there.call("POST", path, {"id": id_, **payload})
            return f"{conversation_id}: {done}"
        if act == "move":
            hand.check(load_for(settings), payload["chart"], payload["state"])
        message = hand.wish(await there.open(conversation_id), act, payload, id_, wall_clock())
        await there.put(Arrival(messages=(message,)))
        when = "when the server starts" if settings.cluster is None else "when its worker comes to it"
        return f"{conversation_id}: will be {done} ({when})"


def _one(glance: Glance | ClusterGlance, which: str) -> ConversationSummary:
    """The conversation that is meant. WaboxError when there is none, or several."""
    from wabox.errors import WaboxError

    known = glance.conversations()
    exact = [one for one in known if one.conversation_id == which]
    theirs = {id_ for person in ([] if exact else glance.find(which)) for id_ in person.conversations}
    found = exact or [one for one in known if one.conversation_id in theirs or _is_named(one, which)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise WaboxError(f"there is no conversation of {which!r}; see: wabox conversations list --over")
    names = ", ".join(one.conversation_id for one in found[:5])
    raise WaboxError(f"{which!r} may be several: {names}; give one of these ids")


def _is_named(one: ConversationSummary, which: str) -> bool:
    return which in (one.contact.wa_id, one.contact.user_id) or which.lower() in (one.contact.name or "").lower()
