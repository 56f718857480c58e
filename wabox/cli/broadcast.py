"""``wabox broadcast``: one template to the people in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from wabox.services.planning import BroadcastRequest
    from wabox.settings import Settings
    from wabox.sqlite.store import SqliteStore

Data = Annotated[Path | None, typer.Option(help="Where everything is kept. Default: data/.")]
Server = Annotated[
    str | None, typer.Option(metavar="URL", help="A server elsewhere; of a cluster a web process. Default: as set.")
]
Pairs = list[str] | None


def broadcast(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV: a line of column names, then a customer a line.")],
    template: Annotated[str, typer.Argument(metavar="TEMPLATE", help="Its name.")],
    name: Annotated[str | None, typer.Option(help="What to call it. Default: the file's name.")] = None,
    to: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Phone numbers or user ids. Default: phone, to, number …")
    ] = None,
    column: Annotated[
        Pairs, typer.Option("--map", metavar="VAR=COLUMN", help="Which column fills a variable: 1=first_name.")
    ] = None,
    fixed: Annotated[Pairs, typer.Option("--set", metavar="VAR=TEXT", help="What fills it in every message.")] = None,
    language: Annotated[
        str | None, typer.Option(help="Of rows without one in a column of that name. Default: the bot's first.")
    ] = None,
    rate: Annotated[float, typer.Option(help="Messages a minute.")] = 60.0,
    daily: Annotated[
        int | None, typer.Option(min=1, help="People in 24 hours at most. Default: WhatsApp's limit for the number.")
    ] = None,
    max_failures: Annotated[float, typer.Option(help="Pause when more per cent fail.")] = 10.0,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Send to the others when rows are bad.")] = False,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="NUMBER_ID", help="The business number. Default: the only one.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check every row and say what it costs; send nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before sending.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Do not wait for the end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object; asks nothing.")] = False,
    server: Server = None,
    data: Data = None,
) -> None:
    """Send one template to everybody in a file. The running server does it.

    Columns fill the variables of the same name. Nothing is sent before every row is good: a number that is none, the
    same customer twice, a missing value, no consent to marketing. It goes on when this command ends or the server
    restarts, and pauses by itself when customers block or report the number.

    Example:  wabox broadcast spring.csv spring_sale --map 1=first_name --dry-run
    """
    import asyncio
    import logging

    from wabox.cli import logs
    from wabox.cli.looking import settings_for
    from wabox.cli.send import pairs
    from wabox.errors import WaboxError
    from wabox.services.planning import BroadcastRequest
    from wabox.services.sheet import LARGEST

    logs.configure(terminal=True, level=logging.WARNING)
    try:
        if file.stat().st_size > LARGEST:
            raise WaboxError(f"{file} is larger than {LARGEST >> 20} MiB: send it in parts")
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise WaboxError(f"{file} is not UTF-8: save it as CSV UTF-8") from error
    except OSError as error:
        raise WaboxError(f"{file} cannot be read: {error.strerror}") from error
    request = BroadcastRequest(
        name=name or file.stem,
        csv=text,
        template=template,
        to=to,
        columns=pairs(column or (), "--map", "1=first_name"),
        fixed=pairs(fixed or (), "--set", "2=Monday"),
        language=language,
        rate=rate,
        daily=daily,
        max_failures=max_failures,
        skip_bad=skip_bad,
        number_id=from_,
    )
    done = asyncio.run(
        _broadcast(
            settings_for(data),
            request,
            server,
            dry_run=dry_run,
            ask=not (yes or as_json),
            detach=detach,
            as_json=as_json,
        )
    )
    if not done:
        raise typer.Exit(1)


async def _broadcast(
    settings: Settings,
    request: BroadcastRequest,
    server: str | None,
    *,
    dry_run: bool,
    ask: bool,
    detach: bool,
    as_json: bool,
) -> bool:
    from dataclasses import asdict

    from wabox.cli.running import Line, begun_at
    from wabox.errors import StorageError

    async with begun_at(settings, server) as there:
        wanted = {"request": asdict(request), "dry_run": True}
        plan: dict[str, Any]
        if isinstance(there, Line):
            plan = await there.call("POST", "/api/v1/broadcasts", wanted)
        elif dry_run:
            plan = await _planned(settings, there, request)
        else:
            raise StorageError("no server is running that could send it: start wabox serve, then say this again")
        bad = bool(plan["problems"]) and not request.skip_bad
        if not as_json:
            _show(plan, bad=bad)
        refused = bad or not plan["recipients"]
        if isinstance(there, Line) and not (dry_run or refused):
            if ask and not typer.confirm(f"\nSend to {plan['recipients']:,} customers?"):
                return False
            plan = await there.call("POST", "/api/v1/broadcasts", {**wanted, "dry_run": False})
        if as_json:
            typer.echo(json.dumps(plan, ensure_ascii=False))
            return not refused
        if refused or dry_run:
            typer.echo("Nothing was sent.")
            return not refused
        if not plan["started"]:
            typer.echo("The file or a consent has changed meanwhile: nothing was sent. Say it again")
            return False
        typer.echo(f"{request.name} has started; wabox broadcast pause {request.name} pauses it")
        return detach or await _watch(there, request.name)


async def _planned(settings: Settings, store: SqliteStore, request: BroadcastRequest) -> dict[str, Any]:
    """Without a server: WhatsApp is asked about the number all the same, if there is an account."""
    from dataclasses import asdict

    from wabox.adapters import graph_of, kept_of
    from wabox.app import wall_clock
    from wabox.cli.serve import load_for
    from wabox.services.outward import outward_of

    bot, graph = load_for(settings), graph_of(settings)
    try:
        outward = outward_of(settings, kept_of(store), graph, wall_clock, lambda: bot)
        return asdict(await outward.broadcasts.plan(request))
    finally:
        if graph is not None:
            await graph.aclose()


async def _watch(there: Any, name: str) -> bool:
    """Show how far it is until it ends or pauses; whether it ended."""
    import asyncio

    from wabox.cli.progress import Bar

    with Bar() as bar:
        while True:
            report = await there.call("GET", f"/api/v1/broadcasts/{_quoted(name)}")
            status, counts = report["broadcast"]["status"], report["progress"]["statuses"]
            total, waiting = sum(counts.values()), counts.get("waiting", 0)
            if status not in ("running", "loading"):
                break
            bar(_line(report), (total - waiting) / max(total, 1))
            await asyncio.sleep(1.0)
    typer.echo(_line(report))
    return bool(status == "done")


def _show(plan: dict[str, Any], *, bad: bool) -> None:
    broadcast, cost = plan["broadcast"], plan["cost"]
    for warning in plan["warnings"]:
        typer.echo(f"wabox: {warning}", err=True)
    for line, sentence in plan["shown"]:
        typer.echo(f"line {line}: {sentence}")
    if plan["problems"] > len(plan["shown"]):
        typer.echo(f"… and {plan['problems'] - len(plan['shown']):,} more")
    if bad:
        count = plan["problems"]
        typer.echo(f"\n{count:,} row{'' if count == 1 else 's'} cannot be sent: mend the file, or add --skip-bad")
    if plan["recipients"]:
        typer.echo(f"\n{broadcast['template']} ({broadcast['category']}) to {plan['recipients']:,} customers")
        typer.echo(f"  the first reads:  {plan['example']}")
        limit = f", {broadcast['daily']:,} people in 24 hours at most" if broadcast["daily"] else ""
        typer.echo(f"  takes:            {_minutes(plan['minutes'])} at {broadcast['rate']:g} a minute{limit}")
        typer.echo(f"  costs:            {_cost(cost, plan['recipients'])}")


def _cost(cost: dict[str, Any], recipients: int) -> str:
    if cost["unknown"] == recipients:
        return "unknown: nobody gave a price; set [prices] in wabox.toml"
    unknown = f", and {cost['unknown']:,} whose price is unknown" if cost["unknown"] else ""
    return f"at most {cost['amount']:,.2f} {cost['currency']}{unknown} ({cost['as_of']})"


def _minutes(minutes: float) -> str:
    if minutes < 1:
        return "less than a minute"
    if minutes < 120:
        return f"{minutes:.0f} minutes"
    return f"{minutes / 60:.0f} hours" if minutes < 48 * 60 else f"{minutes / 1440:.0f} days"


def _line(report: dict[str, Any]) -> str:
    broadcast, counts = report["broadcast"], report["progress"]["statuses"]
    said = ", ".join(f"{count:,} {status}" for status, count in sorted(counts.items(), key=lambda one: -one[1]))
    reason = f": {broadcast['reason']}" if broadcast["reason"] else ""
    return f"{broadcast['name']}  {broadcast['status']}{reason}  {said}"


def _quoted(name: str) -> str:
    from urllib.parse import quote

    return quote(name, safe="")


def list_(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False, data: Data = None
) -> None:
    """Every broadcast, the newest first, and how far it is.

    Works while the server runs and while it does not.

    Example:  wabox broadcast list
    """
    from dataclasses import asdict

    from wabox.cli.looking import looking, settings_for

    with looking(settings_for(data)) as glance:
        found = [(one, glance.progress(key)) for key, _, one in glance.broadcasts()]
    for broadcast, progress in found:
        report = {"broadcast": asdict(broadcast), "progress": asdict(progress)}
        typer.echo(json.dumps(report, ensure_ascii=False) if as_json else _line(report))
    if not found and not as_json:
        typer.echo("there is none")


def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As wabox broadcast list names it.")],
    status: Annotated[
        str | None, typer.Option(help="Only such recipients: waiting, sent, delivered, read, failed, skipped …")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many recipients at most.")] = 1000,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a recipient.")] = False,
    data: Data = None,
) -> None:
    """One broadcast and what became of each recipient. With the line of the file and the reason.

    Example:  wabox broadcast show spring --status failed
    """
    from dataclasses import asdict

    from wabox.cli.looking import looking, settings_for
    from wabox.errors import WaboxError

    with looking(settings_for(data)) as glance:
        row = next((one for one in glance.broadcasts() if one.broadcast.name == name), None)
        if row is None:
            raise WaboxError(f"there is no broadcast {name!r}; wabox broadcast list names them")
        progress = glance.progress(row.key)
        outcomes = glance.recipients(row.key, limit, status)
    if not as_json:
        typer.echo(_line({"broadcast": asdict(row.broadcast), "progress": asdict(progress)}))
    for one in outcomes:
        if as_json:
            typer.echo(json.dumps(asdict(one), ensure_ascii=False))
        else:
            why = f": {one.reason}" if one.reason else ""
            typer.echo(f"  line {one.line}  {one.to}  {one.status}{why}")


def pause(name: Annotated[str, typer.Argument(metavar="NAME")], server: Server = None, data: Data = None) -> None:
    """Write to nobody more until it is resumed.

    Example:  wabox broadcast pause spring
    """
    _change("pause", name, server, data)


def resume(name: Annotated[str, typer.Argument(metavar="NAME")], server: Server = None, data: Data = None) -> None:
    """Go on with one that was paused, by hand or by itself.

    Example:  wabox broadcast resume spring
    """
    _change("resume", name, server, data)


def stop(name: Annotated[str, typer.Argument(metavar="NAME")], server: Server = None, data: Data = None) -> None:
    """End it for good. Nobody more is written to, and what waits in the outbox is taken out.

    Example:  wabox broadcast stop spring
    """
    _change("stop", name, server, data)


def _change(what: str, name: str, server: str | None, data: Path | None) -> None:
    import asyncio

    async def change() -> Any:
        from wabox.cli.looking import settings_for
        from wabox.cli.running import Line, begun_at
        from wabox.errors import StorageError

        async with begun_at(settings_for(data), server) as there:
            if not isinstance(there, Line):
                raise StorageError("no server is running, so nothing is being sent: start wabox serve first")
            return await there.call("POST", f"/api/v1/broadcasts/{_quoted(name)}/{what}")

    typer.echo(_line(asyncio.run(change())))
