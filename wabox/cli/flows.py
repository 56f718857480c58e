"""``wabox check``: a bot's folder, examined; and the group ``wabox flows``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wabox.cli import bring, graph, step, versions

if TYPE_CHECKING:
    from wabox.core.template import StoredTemplate
    from wabox.flowfile.findings import Finding

group = typer.Typer(help="Charts by themselves: draw, play, compare, bring over.", no_args_is_help=True)
group.command()(graph.graph)
group.command("import")(bring.import_)
group.command()(step.step)
group.command()(versions.versions)
group.command()(versions.diff)


def check(
    bot: Annotated[
        str | None, typer.Argument(help="A folder in flows/, or a path. Default: every bot in flows/.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a finding.")] = False,
    sarif_file: Annotated[
        Path | None, typer.Option("--sarif", metavar="FILE", help="Also write SARIF 2.1.0, for editors and CI.")
    ] = None,
    code: Annotated[
        str | None, typer.Option("--explain", metavar="CODE", help="What a finding's code means, with an example.")
    ] = None,
) -> None:
    """Find every mistake before a customer does. In wabox.toml too.

    Each is named with file, line, what is wrong and how to mend it.

    Example:  wabox check shop
    """
    import sys

    if code is not None:
        from wabox.flowfile.rules import explain

        typer.echo(explain(code))
        return
    from wabox.errors import SettingsError
    from wabox.flowfile.bot import look_at_bot
    from wabox.flowfile.findings import render
    from wabox.flowfile.folder import find_bot, find_bots
    from wabox.settings import Settings, load

    errors = 0
    try:
        settings = load(Path.cwd(), {})
    except SettingsError as error:
        # The bots are looked at all the same.
        typer.echo(f"wabox: {error}\n", err=True)
        settings, errors = Settings(root=Path.cwd()), 1
    folders = [find_bot(bot, settings.root)] if bot else find_bots(settings.root)
    stored = _at_whatsapp(settings.data)
    every: list[Finding] = []
    for folder in folders:
        findings, languages = look_at_bot(folder)
        if stored:
            from wabox.flowfile.approved import differences
            from wabox.services.templates import compare

            findings += differences(folder, lambda ours: compare(ours, stored))
        findings += _other_model(folder, settings.root / "models" / folder.name)
        every += findings
        wrong = sum(finding.severity == "error" for finding in findings)
        errors += wrong
        if as_json:
            for finding in findings:
                typer.echo(json.dumps(finding.to_json(), ensure_ascii=False))
            continue
        for finding in findings:
            typer.echo(render(finding, colour=sys.stdout.isatty()) + "\n")
        warnings = len(findings) - wrong
        verdict = "is fine" if not findings else f"has {_count(wrong, 'error')} and {_count(warnings, 'warning')}"
        typer.echo(f"{folder.name} {verdict}")
        for one in languages if len(languages) > 1 else ():
            told = f"{one.texts} of {one.of_texts} texts, words for {one.intents} of {one.of_intents} intents"
            typer.echo(f"  {one.language:<6} {told}, {_count(one.examples, 'example')}")
    if sarif_file is not None:
        _write_sarif(every, sarif_file)
    if errors:
        raise typer.Exit(1)


def _other_model(folder: Path, trained: Path) -> list[Finding]:
    """A model that is there and cannot be used: customers would be understood by exact words only."""
    from wabox.errors import FlowError
    from wabox.flowfile.bot import load_bot
    from wabox.flowfile.othermodel import other_model
    from wabox.services.models import misfit

    if not (trained / "card.json").is_file():
        return []
    try:
        sentence = misfit(load_bot(folder).intents, trained)
    except FlowError:
        return []  # its findings say why
    if sentence is None:
        return []
    return [other_model(folder.name, trained / "card.json", sentence)]


def _at_whatsapp(data: Path) -> Sequence[StoredTemplate]:
    """The account's templates, if WhatsApp was ever asked; nothing is asked now."""
    from wabox.errors import StorageError
    from wabox.sqlite.connection import DATABASE
    from wabox.sqlite.glance import Glance

    if not (data / DATABASE).is_file():
        return []
    try:
        with Glance(data) as glance:
            return glance.templates()
    except StorageError:
        return []


def _write_sarif(findings: list[Finding], file: Path) -> None:
    from wabox.errors import FlowError
    from wabox.flowfile.sarif import sarif

    try:
        file.write_text(json.dumps(sarif(findings), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise FlowError(f"cannot write {file}: {error.strerror or error}; name a file that can be written") from error


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
