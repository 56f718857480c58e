"""``wabox test record``: a test out of a real conversation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wabox.core.conversation import ConversationSummary
    from wabox.flowfile.bot import Bot


def record(
    conversation: Annotated[
        str, typer.Argument(help="The conversation: its id, or a part of that or of the customer's name.")
    ],
    bot: Annotated[str | None, typer.Option(help="A folder in flows/, or a path. Default: the only one.")] = None,
    data: Annotated[Path | None, typer.Option(help="The data folder. Default: data/.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The file to write. Default: tests/recorded_1.yaml of the bot.")
    ] = None,
    whole: Annotated[bool, typer.Option("--all", help="All that the customer ever wrote, not the last time.")] = False,
) -> None:
    """Make a test out of a real conversation.

    What the customer did becomes the steps, what the bot said and where it stood the expectations. Names, numbers,
    e-mail and postal addresses are replaced, each by the same wherever it stands. Then the test is played, and what goes
    differently with today's flow is shown. The server may be running.

    Example:  wabox test record 15550001234 --data /srv/bakery/data
    """
    import sys
    import time
    from dataclasses import replace

    from wabox.cli.looking import looking, settings_for
    from wabox.cli.serve import load_for
    from wabox.errors import FlowError
    from wabox.flowfile.findings import render
    from wabox.flowfile.folder import shown
    from wabox.flowfile.known import Known
    from wabox.flowfile.tests import FOLDER, read_test
    from wabox.simulator import report
    from wabox.simulator.moment import moments, newest
    from wabox.simulator.recording import record as made_of
    from wabox.simulator.runner import Runner

    settings = settings_for(data)
    loaded = load_for(replace(settings, bot=bot or settings.bot))
    with looking(settings) as glance:
        found = _choose(glance.conversations(), conversation)
        said = moments(glance.transcript(found.conversation_id))
    made = made_of(loaded, found.contact, said if whole else newest(said))
    path = out or _free(loaded, FOLDER)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(made.text)
    except FileExistsError:
        raise FlowError(
            f"{shown(path)} is there already; choose another name with --out, nothing was written"
        ) from None
    except OSError as error:
        raise FlowError(f"cannot write {shown(path)}: {error.strerror}") from error
    typer.echo(f"wrote {shown(path)}: {made.steps} steps; replaced: {made.replaced or 'nothing'}")
    typer.echo("Look through it before you share it: not everything personal has a shape.\n")
    test = read_test(path, path.stem, Known.of(loaded), lambda finding: typer.echo(render(finding) + "\n"))
    if test is None:
        typer.echo("Today's flow has changed too much for it to be played; mend the file or the flow.")
        return
    result = Runner(loaded, time.perf_counter).play(test, test.languages[0])
    if result.passed:
        typer.echo(f"{report.painter(sys.stdout.isatty())('✓', 'good')} It goes today as it went then.")
    else:
        typer.echo(report.failure(result, report.painter(sys.stdout.isatty())))
        typer.echo("\nThis is what goes differently today, the first of it. Change the flow, or what the file expects.")


def _choose(known: list[ConversationSummary], wanted: str) -> ConversationSummary:
    """The conversation that is meant; StorageError with what there is when that is none, or several."""
    from wabox.errors import StorageError

    exact = [one for one in known if one.conversation_id == wanted or one.contact.key == wanted]
    word = wanted.casefold().lstrip("+")
    part = [one for one in known if word in one.conversation_id.casefold() or word in _about(one).casefold()]
    found = exact or part
    if len(found) == 1:
        return found[0]
    listed = "".join(f"\n  {one.conversation_id}  {one.contact.name or ''}" for one in (found or known)[:10])
    if found:
        raise StorageError(f"{wanted} may be {len(found)} conversations; say which:{listed}")
    if known:
        raise StorageError(f"there is no conversation {wanted}; the newest are:{listed}")
    raise StorageError("nobody has written yet: there is no conversation in this data folder")


def _about(one: ConversationSummary) -> str:
    return " ".join(filter(None, (one.contact.name, one.contact.wa_id, one.contact.username)))


def _free(bot: Bot, folder: str) -> Path:
    """The first name that is not taken."""
    number = 1
    while (path := bot.folder / folder / f"recorded_{number}.yaml").exists():
        number += 1
    return path
