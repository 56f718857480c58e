"""``wabox agents``: the people who answer customers, how they sign in, and what was done by whom."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from wabox.cli.running import Line
    from wabox.core.agent import AgentLine
    from wabox.services.accounts import Accounts
    from wabox.settings import Settings

T = TypeVar("T")

group = typer.Typer(
    help="Your people: accounts, roles, tokens, and who did what.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)

Data = Annotated[Path | None, typer.Option(help="Where everything is kept. Default: data/.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="What they sign in with: small letters, digits, dots, dashes.")]
FromFile = Annotated[
    typer.FileText | None,
    typer.Option("--password-file", help="Read the password from this file, - for standard input. Default: ask."),
]


@group.command()
def add(
    id_: Id,
    name: Annotated[str, typer.Option(help="As colleagues and customers read it. Default: the ID.")] = "",
    role: Annotated[
        list[str] | None, typer.Option(metavar="ROLE", help="owner, agent or viewer; may be repeated. Default: agent.")
    ] = None,
    queue: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Cases of this queue only; may be repeated.")
    ] = None,
    skill: Annotated[list[str] | None, typer.Option(metavar="NAME", help="What they know; may be repeated.")] = None,
    language: Annotated[
        str | None,
        typer.Option(metavar="CODE", help="Of the cards they get about cases: es. Default: the bot's first."),
    ] = None,
    no_password: Annotated[bool, typer.Option("--no-password", help="For a program: it gets a token.")] = False,
    password_file: FromFile = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Make an account. A viewer looks, an agent also answers customers, an owner may do everything.

    Example:  wabox agents add ana --name "Ana López" --role owner
    """
    from wabox.cli.running import Line
    from wabox.services.accounts import NewAgent

    new = NewAgent(
        id=id_,
        name=name,
        roles=tuple(role or ["agent"]),
        queues=tuple(queue or ()),
        skills=tuple(skill or ()),
        password=None if no_password else _password(password_file),
        language=language,
    )

    async def ask(there: Line | Accounts) -> AgentLine:
        return await (_line(there, "POST", "", new) if isinstance(there, Line) else there.add(new))

    made = asked(settings_of(data), ask)
    typer.echo(_json(made) if as_json else _told(made))


@group.command("list")
def list_(as_json: Json = False, data: Data = None) -> None:
    """Every account: roles, how they get in, when last seen.

    Example:  wabox agents list
    """
    from wabox.cli.running import Line

    async def ask(there: Line | Accounts) -> Sequence[AgentLine]:
        return await _lines(there) if isinstance(there, Line) else await there.lines()

    settings = settings_of(data)
    _there(settings)
    found = asked(settings, ask)
    for line in found:
        typer.echo(_json(line) if as_json else _told(line))
    if not found and not as_json:
        typer.echo("nobody yet: wabox agents add ID --role owner")


@group.command()
def disable(id_: Id, as_json: Json = False, data: Data = None) -> None:
    """Close an account, and end its sessions at once. Nothing that it did is lost.

    Example:  wabox agents disable ana
    """
    _switch(id_, True, as_json, data)


@group.command()
def enable(id_: Id, as_json: Json = False, data: Data = None) -> None:
    """Open a closed account again.

    Example:  wabox agents enable ana
    """
    _switch(id_, False, as_json, data)


@group.command()
def passwd(id_: Id, password_file: FromFile = None, as_json: Json = False, data: Data = None) -> None:
    """Give an account a new password, and sign it out everywhere.

    Example:  wabox agents passwd ana
    """
    from wabox.cli.running import Line

    password = _password(password_file)

    async def ask(there: Line | Accounts) -> AgentLine:
        if isinstance(there, Line):
            return await _line(there, "POST", f"/{id_}/passwd", {"password": password})
        return await there.passwd(id_, password)

    made = asked(settings_of(data), ask)
    typer.echo(_json(made) if as_json else _told(made))


@group.command()
def language(
    id_: Id,
    code: Annotated[str | None, typer.Argument(metavar="[CODE]", help="es, or es-MX: one of wabox's twelve.")] = None,
    off: Annotated[bool, typer.Option("--off", help="The bot's first again.")] = False,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Change the language of the cards that tell somebody of cases.

    Example:  wabox agents language luis es
    """
    from wabox.cli.running import Line

    if (code is None) != off:
        raise typer.BadParameter("a language, or --off for the bot's first")

    async def ask(there: Line | Accounts) -> AgentLine:
        if isinstance(there, Line):
            return await _line(there, "POST", f"/{id_}/language", {"language": code})
        return await there.speak(id_, code)

    made = asked(settings_of(data), ask)
    typer.echo(_json(made) if as_json else _told(made))


@group.command()
def token(
    id_: Id,
    label: Annotated[str, typer.Option(help="A new one takes the place of the one of the same label.")] = "default",
    revoke: Annotated[bool, typer.Option("--revoke", help="Take it away instead.")] = False,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Make a token for a program: Authorization: Bearer …. It is shown once and not kept.

    Example:  wabox agents token crm --label nightly
    """
    from wabox.cli.running import Line

    async def ask(there: Line | Accounts) -> str:
        if isinstance(there, Line):
            path = f"/api/v1/agents/{id_}/{'revoke' if revoke else 'token'}"
            return str((await there.call("POST", path, {"label": label})).get("token", ""))
        if revoke:
            await there.revoke(id_, label)
            return ""
        return await there.token(id_, label)

    made = asked(settings_of(data), ask)
    if as_json:
        typer.echo(json.dumps({"agent": id_, "label": label, "token": made or None}))
    else:
        typer.echo(made or f"{id_}: the token {label!r} is gone")


@group.command()
def audit(
    who: Annotated[str | None, typer.Option(help="An agent's ID; shell: the command line.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 100,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Who did what, on what, when and from where; the newest first. It carries no message.

    Example:  wabox agents audit --who ana
    """
    from urllib.parse import urlencode

    import msgspec

    from wabox.cli.running import Line
    from wabox.core.agent import Act

    async def ask(there: Line | Accounts) -> Sequence[Act]:
        if isinstance(there, Line):
            query = urlencode({"limit": limit, **({"who": who} if who else {})})
            return msgspec.convert(await there.call("GET", f"/api/v1/audit?{query}"), list[Act])
        return await there.acts(limit, who)

    settings = settings_of(data)
    _there(settings)
    found = asked(settings, ask)
    for act in found:
        told = f"{_time(act.at)}  {act.who:12} {act.what} {act.target}".rstrip()
        typer.echo(_json(act) if as_json else f"{told}  {act.outcome}, from {act.address}")
    if not found and not as_json:
        typer.echo("nothing was done yet")


def _switch(id_: str, disabled: bool, as_json: bool, data: Path | None) -> None:
    from wabox.cli.running import Line

    async def ask(there: Line | Accounts) -> AgentLine:
        if isinstance(there, Line):
            return await _line(there, "POST", f"/{id_}/{'disable' if disabled else 'enable'}")
        return await there.disable(id_, disabled)

    made = asked(settings_of(data), ask)
    typer.echo(_json(made) if as_json else _told(made))


async def _line(there: Line, method: str, path: str, body: Any = None) -> AgentLine:
    from dataclasses import asdict, is_dataclass

    import msgspec

    from wabox.core.agent import AgentLine

    sent = asdict(body) if is_dataclass(body) and not isinstance(body, type) else body
    return msgspec.convert(await there.call(method, f"/api/v1/agents{path}", sent), AgentLine)


async def _lines(there: Line) -> Sequence[AgentLine]:
    import msgspec

    from wabox.core.agent import AgentLine

    return msgspec.convert(await there.call("GET", "/api/v1/agents"), list[AgentLine])


def _there(settings: Settings) -> None:
    """Whoever only reads makes no data folder. Raises StorageError when there is none yet."""
    from wabox.errors import StorageError
    from wabox.flowfile.folder import shown
    from wabox.sqlite.connection import DATABASE

    if settings.cluster is None and not (settings.data / DATABASE).is_file():
        raise StorageError(
            f"there is no data in {shown(settings.data)} yet: wabox agents add ID --role owner makes the first account, "
            "--data DIR names another folder"
        )


def asked(settings: Settings, ask: Callable[[Line | Accounts], Awaitable[T]]) -> T:
    """What the running server answers, or the accounts in the data folder when none runs; or a cluster's."""
    import asyncio
    import logging

    from wabox.cli import logs
    from wabox.cli.running import Line

    logs.configure(terminal=True, level=logging.WARNING)

    async def run() -> T:
        async with _registered(settings) as there:
            try:
                return await ask(there)
            finally:
                if not isinstance(there, Line):
                    there.close()

    return asyncio.run(run())


@contextlib.asynccontextmanager
async def _registered(settings: Settings) -> AsyncIterator[Line | Accounts]:
    """On a cluster its accounts, whoever else looks after them at this moment. Raises StorageError."""
    from wabox.adapters import accounts_of
    from wabox.app import wall_clock

    if settings.cluster is None:
        from wabox.cli.running import Line, reached

        async with reached(settings) as there:
            yield there if isinstance(there, Line) else accounts_of(there.accounts, wall_clock)
        return
    from wabox.cli.cluster import cluster_of
    from wabox.cluster.making import agreed
    from wabox.cluster.records.accounts import PostgresAccounts
    from wabox.cluster.records.database import Database

    cluster = cluster_of(settings)
    database = Database(cluster.postgres.reveal(), cluster.name)
    try:
        await agreed(database)
        yield accounts_of(PostgresAccounts(database, wall_clock), wall_clock, here="command line")
    finally:
        await database.aclose()


def _password(file: Any) -> str:
    """Never an argument: other users of the machine see those."""
    if file is not None:
        return str(file.readline()).rstrip("\r\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


def settings_of(data: Path | None) -> Settings:
    from wabox.cli.looking import settings_for

    return settings_for(data)


def _json(value: Any) -> str:
    from dataclasses import asdict

    return json.dumps(asdict(value), ensure_ascii=False)


def _told(line: AgentLine) -> str:
    agent = line.agent
    ways = [
        *(["password and code" if line.code else "password"] if line.password else []),
        *(f"token {label}" for label in line.tokens),
    ]
    parts = [f"{agent.id:12} {agent.name}", "DISABLED" if agent.disabled else ", ".join(agent.roles)]
    if agent.queues:
        parts.append(f"queues {', '.join(agent.queues)}")
    if agent.skills:
        parts.append(f"skills {', '.join(agent.skills)}")
    if agent.language:
        parts.append(f"speaks {agent.language}")
    parts.append(" + ".join(ways) or "no way in yet: wabox agents passwd, or token")
    if line.sessions:
        parts.append(f"signed in {line.sessions}×")
    parts.append(f"seen {_time(line.seen_at)}" if line.seen_at else "never seen")
    return "  ".join(parts)


def _time(ms: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
