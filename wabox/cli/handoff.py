"""``wabox handoff``: who waits for a person, and answering them from the shell, through the running server's API."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from wabox.cli.running import Line
    from wabox.settings import Settings

group = typer.Typer(
    help="Who waits for a person; answer them from here. Alone, on a terminal: an inbox.",
    invoke_without_command=True,
    rich_markup_mode=None,
    add_completion=False,
)

Data = Annotated[Path | None, typer.Option(help="The server's data folder. Default: data/.")]
At = Annotated[str | None, typer.Option("--server", metavar="URL", help="The server, if it is not this folder's.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Case = Annotated[str, typer.Argument(metavar="CASE", help="As wabox handoff list names it; its first letters do.")]
As = Annotated[str | None, typer.Option("--as", metavar="NAME", help="Who you are. Default: your user name.")]
Take = Annotated[bool, typer.Option("--take", help="Also from an agent who has it.")]


@group.callback()
def inbox(
    ctx: typer.Context,
    queue: Annotated[str | None, typer.Option(help="Of this queue only.")] = None,
    as_: As = None,
    data: Data = None,
    server: At = None,
) -> None:
    """Who waits for a person; answer them from here. Alone, on a terminal: an inbox.

    Example:  wabox handoff --as Marta
    """
    import sys

    if ctx.invoked_subcommand is not None:
        return
    if sys.stdin.isatty() and sys.stdout.isatty():
        _inbox(data, server, queue, as_ or _user())
    else:
        list_(queue=queue, closed=False, limit=50, as_json=False, data=data, server=server)


@group.command("list")
def list_(
    queue: Annotated[str | None, typer.Option(help="Of this queue only.")] = None,
    closed: Annotated[bool, typer.Option("--closed", help="Closed ones, the newest first.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    as_json: Json = False,
    data: Data = None,
    server: At = None,
) -> None:
    """Open cases. Those that wait by urgency, then those that an agent has.

    Example:  wabox handoff list --queue support
    """
    from wabox.cli.caseview import row

    status = "&status=closed" if closed else ""
    wanted = f"&queue={queue}" if queue else ""
    found = _call(data, server, "GET", f"/api/v1/handoffs?limit={limit}{status}{wanted}")
    for one in found:
        typer.echo(json.dumps(one, ensure_ascii=False) if as_json else row(one))
    if not found and not as_json:
        typer.echo("no case was closed yet" if closed else "nobody waits")


@group.command()
def show(
    case: Case,
    lines: Annotated[int, typer.Option(min=0, help="Lines of the transcript.")] = 20,
    as_json: Json = False,
    data: Data = None,
    server: At = None,
) -> None:
    """A case: why, how long, where the bot stands. What it knows, what was said.

    Example:  wabox handoff show h-1f3a
    """
    from wabox.cli.casepages import told

    _print(_with_line(data, server, lambda line: told(line, case, lines)), as_json, lines)


@group.command()
def claim(
    case: Case, take: Take = False, as_: As = None, as_json: Json = False, data: Data = None, server: At = None
) -> None:
    """Take a case. The bot is silent, and what the customer writes is yours.

    Example:  wabox handoff claim h-1f3a
    """
    _act("claim", case, {"take": take}, as_, as_json, data, server, lines=6)


@group.command()
def decline(case: Case, as_: As = None, as_json: Json = False, data: Data = None, server: At = None) -> None:
    """Leave a case that is offered to you to the next agent.

    Example:  wabox handoff decline h-1f3a
    """
    _act("decline", case, {}, as_, as_json, data, server, lines=0)


@group.command("next")
def next_(
    queue: Annotated[str | None, typer.Option(help="Of this queue only.")] = None,
    as_: As = None,
    as_json: Json = False,
    data: Data = None,
    server: At = None,
) -> None:
    """Take the most urgent case that waits and that you may take.

    Example:  wabox handoff next --queue support
    """
    _act("", "next", {"queue": queue}, as_, as_json, data, server, lines=6)


@group.command()
def take(
    conversation: Annotated[str, typer.Argument(help="As wabox conversations list names it.")],
    take: Take = False,
    as_: As = None,
    as_json: Json = False,
    data: Data = None,
    server: At = None,
) -> None:
    """Step into a conversation that nobody gave you. The bot is silent until you close the case.

    Example:  wabox handoff take 1055:5215550002222
    """
    from urllib.parse import quote

    path = f"/api/v1/conversations/{quote(conversation, safe='')}/take"
    _print(_call(data, server, "POST", path, {"take": take, **_signed(as_)}), as_json, 6, brief=True)


@group.command()
def reply(
    case: Case,
    text: Annotated[str | None, typer.Argument(help="The words. - reads them from the input.")] = None,
    attach: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file; the words then stand below it.", show_default=False)
    ] = None,
    canned: Annotated[
        str | None, typer.Option(metavar="NAME", help="A canned answer: wabox handoff canned names them.")
    ] = None,
    template: Annotated[str | None, typer.Option(help="A template: when the customer wrote over 24 hours ago.")] = None,
    value: Annotated[
        list[str] | None, typer.Option("--value", "-v", metavar="VAR=TEXT", help="What its variables stand for: 1=Ana.")
    ] = None,
    language: Annotated[str | None, typer.Option(help="The template's, such as es_MX.")] = None,
    claim: Annotated[bool, typer.Option("--claim", help="Take the case first, if nobody has it.")] = False,
    as_: As = None,
    as_json: Json = False,
    data: Data = None,
    server: At = None,
) -> None:
    """Answer the customer, on WhatsApp.

    Example:  wabox handoff reply h-1f3a "Your parcel leaves today" --claim
    """
    import secrets
    import sys

    from wabox.cli.replying import said
    from wabox.cli.send import pairs
    from wabox.errors import WaboxError

    if text == "-":
        text = sys.stdin.read().strip()
    if sum(one is not None for one in (text, canned, template)) != 1 and not (
        text is None and canned is None and attach
    ):
        raise WaboxError("say one of: a text, --canned, --template; or --attach a file")
    if template is not None and attach is not None:
        raise WaboxError("a template has no attachment: send one of them")
    who = as_ or _user()
    values = pairs(value or (), "--value", "1=Ana")
    body = {"text": text, "template": template, "language": language, "values": values, "claim": claim}
    body |= {"agent": who, "by": who, "id": secrets.token_hex(12)}
    _print(_with_line(data, server, lambda line: said(line, case, body, canned, attach)), as_json, 4, brief=True)


@group.command("canned")
def canned_(
    case: Annotated[str | None, typer.Argument(metavar="CASE", help="Filled for it.")] = None,
    as_: As = None,
    as_json: Json = False,
    data: Data = None,
    server: At = None,
) -> None:
    """Canned answers, of the bot's canned.yaml. All of them, or those for a case, filled.

    Example:  wabox handoff canned h-1f3a
    """
    from urllib.parse import urlencode

    from wabox.cli.caseview import offer

    asked = urlencode({"case": case, "by": as_ or _user()} if case else {})
    found = _call(data, server, "GET", f"/api/v1/canned?{asked}")
    for one in found:
        typer.echo(json.dumps(one, ensure_ascii=False) if as_json else offer(one))
    if not found and not as_json:
        typer.echo("no canned answers: write them in canned.yaml, in the bot's folder (wabox help handoff)")


@group.command()
def note(case: Case, text: str, as_: As = None, as_json: Json = False, data: Data = None, server: At = None) -> None:
    """Note something for colleagues; the customer does not see it.

    Example:  wabox handoff note h-1f3a "called, no answer"
    """
    _act("note", case, {"text": text}, as_, as_json, data, server, lines=2)


@group.command()
def transfer(
    case: Case,
    queue: Annotated[str | None, typer.Option(help="Into this queue.")] = None,
    to: Annotated[str | None, typer.Option(metavar="NAME", help="To this agent.")] = None,
    text: Annotated[str | None, typer.Option("--note", help="Why.")] = None,
    take: Take = False,
    as_: As = None,
    as_json: Json = False,
    data: Data = None,
    server: At = None,
) -> None:
    """Give a case to another queue or another agent.

    Example:  wabox handoff transfer h-1f3a --queue refunds --note "wants it back"
    """
    _act("transfer", case, {"queue": queue, "to": to, "text": text, "take": take}, as_, as_json, data, server, lines=2)


@group.command()
def close(
    case: Case,
    outcome: Annotated[str | None, typer.Argument(help="How it ended; the customer does not see it.")] = None,
    take: Take = False,
    as_: As = None,
    as_json: Json = False,
    data: Data = None,
    server: At = None,
) -> None:
    """Close a case: the bot goes on where its flow says, at once.

    Example:  wabox handoff close h-1f3a "parcel found"
    """
    _act("close", case, {"text": outcome, "take": take}, as_, as_json, data, server, lines=4)


@group.command()
def watch(as_json: Json = False, data: Data = None, server: At = None) -> None:
    """Say when a case is opened, claimed or closed. And when a customer writes; until Ctrl-C.

    Example:  wabox handoff watch
    """
    import asyncio

    asyncio.run(_watch(_settings(data), server, as_json))


async def _watch(settings: Settings, server: str | None, as_json: bool) -> None:
    from wabox.cli.caseview import brief
    from wabox.cli.running import line_to

    async with line_to(settings, server) as line:
        for one in await line.call("GET", "/api/v1/handoffs"):
            told = brief({"case": one, "transcript": ()}, 0)
            typer.echo(json.dumps(one, ensure_ascii=False) if as_json else told)
        async for change in line.events():
            case = change.get("case_id")
            if not case or not {"case", "message"} & set(change["kinds"]):
                continue
            found = await line.call("GET", f"/api/v1/handoffs/{case}?lines=20")
            told = brief(found, int("message" in change["kinds"]))
            typer.echo(json.dumps(found["case"] | change, ensure_ascii=False) if as_json else told)


def _inbox(data: Path | None, server: str | None, queue: str | None, who: str) -> None:
    """Until they leave. Raises WaboxError when there is no server to begin with."""
    import time

    from wabox.cli.inbox.desk import Desk
    from wabox.cli.inbox.screen import InboxApp
    from wabox.cli.running import line_to

    _call(data, server, "GET", "/api/v1/queues")
    settings = _settings(data)
    desk = Desk(lambda: line_to(settings, server), who, lambda: time.time() * 1000, queue)
    InboxApp(desk).run()


def _act(
    what: str,
    case: str,
    body: Mapping[str, Any],
    as_: str | None,
    as_json: bool,
    data: Path | None,
    server: str | None,
    *,
    lines: int,
) -> None:
    path = "/".join(filter(None, ("/api/v1/handoffs", case, what)))
    _print(_call(data, server, "POST", path, {**body, **_signed(as_)}), as_json, lines, brief=True)


def _signed(as_: str | None) -> dict[str, str]:
    """Who does it, and an id of its own: the same call twice is done once."""
    import secrets

    who = as_ or _user()
    return {"agent": who, "by": who, "id": secrets.token_hex(12)}


def _print(found: dict[str, Any], as_json: bool, lines: int, *, brief: bool = False) -> None:
    from wabox.cli.caseview import brief as last
    from wabox.cli.caseview import whole

    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    elif brief:
        typer.echo(last(found, lines))
    else:
        typer.echo(whole(found, lines))


def _call(data: Path | None, server: str | None, method: str, path: str, body: Any = None) -> Any:
    return _with_line(data, server, lambda line: line.call(method, path, body))


def _with_line(data: Path | None, server: str | None, do: Callable[[Line], Awaitable[Any]]) -> Any:
    import asyncio
    import logging

    from wabox.cli import logs
    from wabox.cli.running import line_to

    logs.configure(terminal=True, level=logging.WARNING)

    async def call() -> Any:
        async with line_to(_settings(data), server) as line:
            return await do(line)

    return asyncio.run(call())


def _settings(data: Path | None) -> Settings:
    from wabox.cli.looking import settings_for

    return settings_for(data)


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "shell"
