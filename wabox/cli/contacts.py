"""``wabox contacts``: who writes to you, what they agreed to, everything that is kept about one, and how they are forgotten."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from wabox.cli.running import Line
    from wabox.cluster.store import ClusterStore
    from wabox.core.person import Certificate, Person
    from wabox.services.people import OptIn, Wish
    from wabox.settings import Settings
    from wabox.sqlite.store import SqliteStore

    There = Line | SqliteStore | ClusterStore

T = TypeVar("T")

group = typer.Typer(
    help="Customers: consent, what is kept, forgetting.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)

Data = Annotated[Path | None, typer.Option(help="Where everything is kept. Default: data/.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Who = Annotated[str, typer.Argument(metavar="WHO", help="A phone number, a user id, or a part of the name.")]
Words = Annotated[str, typer.Option(help="What they said, quoted: the ledger keeps it.")]
By = Annotated[str | None, typer.Option(help="Who enters it. Default: your user name.")]


@group.command("list")
def list_(
    stopped: Annotated[bool, typer.Option("--stopped", help="Who wants no messages, or no marketing.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 100,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Customers, the newest first, and what they agreed to.

    Example:  wabox contacts list --stopped
    """
    from wabox.cli.looking import looking, settings_for

    with looking(settings_for(data)) as glance:
        found = glance.people(limit, stopped=stopped)
    for person in found:
        typer.echo(_json(person) if as_json else _line(person))
    if not found and not as_json:
        typer.echo("nobody" if stopped else "nobody has written yet")


@group.command()
def show(who: Who, as_json: Json = False, data: Data = None) -> None:
    """One customer: ids, conversations, and what they agreed to.

    Example:  wabox contacts show +34600111222
    """
    from dataclasses import asdict

    from wabox.cli.looking import looking, settings_for

    with looking(settings_for(data)) as glance:
        person = _one(glance.find(who), who)
        ledger = glance.ledger(person)
    if as_json:
        typer.echo(json.dumps({**asdict(person), "ledger": [asdict(one) for one in ledger]}, ensure_ascii=False))
        return
    typer.echo(_line(person))
    for one in person.identities:
        until = f", until {_time(one.replaced_at)}" if one.replaced_at else ""
        typer.echo(f"  {one.kind:8} {one.value}  since {_time(one.first_seen)}{until}")
    for conversation in person.conversations:
        typer.echo(f"  talks in {conversation}")
    for entry in ledger:
        told = f"  {entry.words!r}" if entry.words else ""
        by = f" by {entry.by}" if entry.by else ""
        typer.echo(_folded(f"  {_time(entry.at)}  {entry.what.replace('_', '-')}, {entry.channel}{by}{told}"))


@group.command()
def export(
    who: Who,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The folder to make. Default: contact-KEY.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Only the JSON, on standard output.")] = False,
    data: Data = None,
) -> None:
    """Everything that is kept about a customer. A page to read, the JSON, the files.

    Example:  wabox contacts export +34600111222 -o ana
    """
    from wabox.cli.looking import looking, settings_for
    from wabox.cli.portrait import write

    settings = settings_for(data)
    with looking(settings) as glance:
        person = _one(glance.find(who), who)
        found = glance.export(person)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    out = out or Path(f"contact-{person.key}")
    files = write(found, settings.data, out)
    typer.echo(f"{out / 'index.html'}: {_many(len(found['conversations']), 'conversation')}, {_many(files, 'file')}")


@group.command()
def forget(
    who: Who,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write the certificate here, too.")] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Erase a customer for good, and print a certificate.

    Gone are their messages, files, cases and ids, also from the file's free space. A list of keyed hashes keeps restored
    backups from bringing them back.

    Example:  wabox contacts forget +34600111222 --yes -o certificate.json
    """
    import msgspec

    from wabox.cli.looking import looking, settings_for
    from wabox.cli.running import Line
    from wabox.core.person import Certificate
    from wabox.errors import WaboxError
    from wabox.services import people

    settings = settings_for(data)
    with looking(settings) as glance:
        person = _one(glance.find(who), who)
    if not yes:
        typer.echo(_line(person), err=True)
        if not typer.confirm("Erase this customer for good?", err=True):
            raise WaboxError("nobody was forgotten")

    async def ask(there: There) -> Certificate:
        if isinstance(there, Line):
            answer = await there.call("POST", "/api/v1/contacts/forget", {"who": person.handle})
            return msgspec.convert(answer, Certificate)
        return await people.forget(there.register, person.handle)

    certificate = _asked(settings, ask)
    written = _json(certificate)
    if out is not None:
        out.write_text(written + "\n", encoding="utf-8")
    typer.echo(written if as_json else _certificate(certificate, cluster=settings.cluster is not None))


@group.command()
def optout(
    who: Who,
    words: Words = "",
    marketing: Annotated[bool, typer.Option("--marketing", help="No marketing; the bot goes on answering.")] = False,
    by: By = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """A customer told you elsewhere to stop. Nothing from the bot any more.

    Example:  wabox contacts optout +34600111222 --words "called, wants no messages"
    """
    _wish(who, "optout" if marketing else "stop", words, by, as_json, data)


@group.command()
def optin(who: Who, words: Words = "", by: By = None, as_json: Json = False, data: Data = None) -> None:
    """A customer told you elsewhere that they want marketing messages.

    It undoes an optout that you entered, but not what the customer wrote: that takes their START.

    Example:  wabox contacts optin +34600111222 --words "ticked 'news by WhatsApp'"
    """
    _wish(who, "optin", words, by, as_json, data)


@group.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="CSV", help="Columns: who, and when, words.")],
    words: Annotated[str, typer.Option(help="What they agreed to, where the file does not say.")] = "",
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Opt-ins to marketing that you collected elsewhere, as CSV.

    The first line names the columns: who (a phone number with country code, or a user id), when (2026-11-22, default:
    today), words. Nobody who said no, or stop, or asked to be forgotten is overruled.

    Example:  wabox contacts import newsletter.csv --words "the form in the shop"
    """
    from dataclasses import asdict

    import msgspec

    from wabox.cli.looking import settings_for
    from wabox.cli.optins import read
    from wabox.cli.running import Line
    from wabox.services import people

    given: list[OptIn] = read(file, words)
    by = f"{_user()}: {file.name}"

    async def ask(there: There) -> list[str]:
        if isinstance(there, Line):
            told: list[str] = []
            for start in range(0, len(given), IMPORTED_AT_ONCE):
                some = [asdict(one) for one in given[start : start + IMPORTED_AT_ONCE]]
                answer = await there.call("POST", "/api/v1/contacts/import", {"people": some, "by": by})
                told += msgspec.convert(answer, list[str])
            return told
        return await people.bring(there.register, given, by)

    told = _asked(settings_for(data), ask)
    refused = 0
    for number, (line, became) in enumerate(zip(given, told, strict=True), 2):
        if as_json:
            typer.echo(json.dumps({"line": number, "who": line.who, "result": became}, ensure_ascii=False))
        elif became not in ("added", "known"):
            typer.echo(f"{file.name}:{number}: {line.who}: {became}", err=True)
        refused += became not in ("added", "known")
    if not as_json:
        typer.echo(f"{told.count('added')} added, {told.count('known')} known before, {refused} left out")
    if refused:
        raise typer.Exit(1)


IMPORTED_AT_ONCE = 1000
"""Lines sent to the server at a time."""


def _wish(who: str, wanted: Wish, words: str, by: str | None, as_json: bool, data: Path | None) -> None:
    import msgspec

    from wabox.app import wall_clock
    from wabox.cli.looking import settings_for
    from wabox.cli.running import Line
    from wabox.core.person import Person
    from wabox.services import people

    async def ask(there: There) -> Person:
        entered = by or _user()
        if isinstance(there, Line):
            call = {"who": who, "wish": wanted, "words": words, "by": entered}
            return msgspec.convert(await there.call("POST", "/api/v1/contacts/wish", call), Person)
        return await people.wish(there.register, wall_clock, who, wanted, words, entered)

    person = _asked(settings_for(data), ask)
    typer.echo(_json(person) if as_json else _line(person))


def _asked(settings: Settings, ask: Callable[[There], Awaitable[T]]) -> T:
    """What the running server answers, or the data folder itself when none runs; or the cluster."""
    import asyncio
    import logging

    from wabox.cli import logs
    from wabox.cli.looking import at_hand
    from wabox.errors import StorageError
    from wabox.sqlite.connection import DATABASE

    logs.configure(terminal=True, level=logging.WARNING)
    if settings.cluster is None and not (settings.data / DATABASE).is_file():
        raise StorageError(f"There are no contacts in {settings.data}: {DATABASE} is not there. Is it the data folder?")

    async def run() -> T:
        async with at_hand(settings) as there:
            return await ask(there)

    return asyncio.run(run())


def _one(found: list[Person], who: str) -> Person:
    from wabox.services.people import chosen

    return chosen(found, who)


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "command line"


def _json(value: Any) -> str:
    from dataclasses import asdict

    return json.dumps(asdict(value), ensure_ascii=False)


def _line(person: Person) -> str:
    consent = person.consent
    asked = {None: "never asked about marketing", True: "wants marketing", False: "no marketing"}[consent.marketing]
    state = "STOPPED" if consent.stopped else asked
    since = f" since {_time(consent.since)}" if consent.since else ""
    return _folded(
        f"{person.name or '?'}  {' '.join(person.ids) or person.handle}  {state}{since}  seen {_time(person.last_seen)}"
    )


def _folded(line: str) -> str:
    """In 80 columns; what does not fit follows below, further in. Ids stay whole: they are copied."""
    import textwrap

    return textwrap.fill(line, 80, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def _certificate(certificate: Certificate, *, cluster: bool) -> str:
    rows = "\n".join(f"  {table:14} {count:7}" for table, count in certificate.rows.items())
    where, times = (
        ("PostgreSQL", "rows still have an id of theirs")
        if cluster
        else (
            "the database file",
            "times an id of theirs still stands in it",
        )
    )
    left = (
        f"No id of theirs is left in {where}."
        if not certificate.left
        else f"Looked through {where}: {certificate.left} {times}, in what others wrote, or the number is somebody else's now."
    )
    kept = (
        "A restored backup will not bring them back (PostgreSQL keeps a list of hashes, and so does each backup)."
        if cluster
        else "A restored backup will not bring them back (forgotten.jsonl: keep it with your backups)."
    )
    lines = (
        f"Certificate of erasure, {_time(certificate.at)} UTC",
        f"person (keyed hashes): {', '.join(certificate.ids)}",
        "rows erased:",
        rows,
        f"files erased: {certificate.files}",
        left,
        kept,
        "Not in reach: the customer's own phone, WhatsApp, logs that your system keeps, and copies you made yourself.",
        f"digest: {certificate.digest}",
    )
    return "\n".join(line if line is rows else _folded(line) for line in lines)


def _time(ms: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
