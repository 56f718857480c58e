"""``wabox flows import``: charts from XState and SCXML."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wabox.flowfile.foreign.bring import Imported


def import_(
    file: Annotated[Path, typer.Argument(help="An XState machine config (JSON, v4 or v5) or an SCXML file.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The bot's folder to make. Default: print the flow.")
    ] = None,
) -> None:
    """Bring a chart over from XState or SCXML.

    States, transitions, history, guards, timers and data come along; what is code gets a function to fill in, in
    actions.py; what has no counterpart is listed with its place, and as a comment in the flow.

    Example:  wabox flows import machine.json -o flows/orders
    """
    from wabox.errors import FlowError
    from wabox.flowfile.findings import Finding, render, render_all
    from wabox.flowfile.folder import shown
    from wabox.flowfile.foreign.bring import bring

    problems: list[Finding] = []
    found = bring(file, problems.append)
    if found is None:
        raise FlowError(f"{shown(file)} cannot be imported\n\n{render_all(problems)}")
    if output is None:
        typer.echo(found.flow.rstrip("\n"))
    else:
        _store(found, output)
    for finding in found.missing:
        typer.echo(render(finding) + "\n", err=True)
    if found.missing:
        typer.echo(
            f"{len(found.missing)} things could not be carried as they are; each is a comment in the flow", err=True
        )
    if output is not None:
        _report(found, output)


def _store(found: Imported, folder: Path) -> None:
    from wabox.errors import FlowError

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FlowError(f"{folder} exists and is not empty; choose another folder, nothing is written over")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "flow.yaml").write_text(found.flow, encoding="utf-8")
        if found.actions is not None:
            (folder / "actions.py").write_text(found.actions, encoding="utf-8")
    except OSError as error:
        raise FlowError(f"{folder} cannot be written: {error.strerror or error}; choose another place") from error


def _report(found: Imported, folder: Path) -> None:
    from wabox.flowfile.bot import check_bot

    files = "flow.yaml" + (" and actions.py" if found.actions is not None else "")
    typer.echo(f"Made {folder}/ with {files}: {found.states} states.")
    counts = Counter(finding.code for finding in check_bot(folder) if finding.severity == "error")
    if counts:
        listed = ", ".join(f"{code} ({count})" if count > 1 else code for code, count in counts.most_common())
        typer.echo(f"A chat needs more than a chart; wabox check {folder} tells what and where: {listed}")
