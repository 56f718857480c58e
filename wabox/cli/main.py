"""``wabox``: every command, and what its exit code means: 0 done, 1 refused or failed, 2 wrong usage."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from wabox import __version__
from wabox.cli import (
    agents,
    backup,
    broadcast,
    chat,
    cluster,
    completion,
    config,
    contacts,
    conversations,
    demo,
    doctor,
    fake,
    flows,
    handoff,
    help,
    learn,
    meter,
    migrate,
    new,
    outbox,
    publish,
    record,
    replay,
    selftest,
    send,
    serve,
    stats,
    templates,
    test,
    top,
    totp,
    train,
    upgrade,
    webhook,
)
from wabox.cli.onemachine import refuse
from wabox.errors import WaboxError


class Commands(TyperGroup):
    """Also commands of two words beside one that is the first of them: ``test`` and ``test record``."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        refuse(args)
        both = " ".join(args[:2])
        return (both, self.commands[both], args[2:]) if both in self.commands else super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Ctrl-C at a question ends like Ctrl-C anywhere else: a line of its own, and 130."""
        try:
            return super().invoke(ctx)
        except typer.Abort as error:
            if not isinstance(error.__context__, KeyboardInterrupt):
                raise
            typer.echo(err=True)
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=Commands,
    name="wabox",
    help="A WhatsApp bot in a box.\n\nNew here? Run: wabox demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(demo.demo)
app.command()(new.new)
app.command()(chat.chat)
app.command()(flows.check)
app.command("test")(test.play)
app.command("test record")(record.record)
app.command()(replay.replay)
app.command()(publish.publish)
app.command()(train.train)
app.command()(train.classify)
app.command()(learn.learn)
app.command()(serve.serve)
app.command()(doctor.doctor)
app.command()(selftest.selftest)
app.command()(completion.completion)
app.command()(fake.fake)
app.command("help")(help.show)
app.command()(send.send)
app.command()(broadcast.broadcast)
app.command("broadcast list")(broadcast.list_)
app.command("broadcast show")(broadcast.show)
app.command("broadcast pause")(broadcast.pause)
app.command("broadcast resume")(broadcast.resume)
app.command("broadcast stop")(broadcast.stop)
app.command()(meter.meter)
app.command()(backup.backup)
app.command("backup list")(backup.list_)
app.command("backup verify")(backup.verify)
app.command()(backup.restore)
app.command()(migrate.migrate)
app.command()(upgrade.upgrade)
app.add_typer(config.group, name="config")
agents.group.command("totp")(totp.totp)
app.add_typer(agents.group, name="agents")
app.add_typer(cluster.group, name="cluster")
app.command()(stats.stats)
app.command()(top.top)
app.add_typer(contacts.group, name="contacts")
app.add_typer(flows.group, name="flows")
app.add_typer(conversations.group, name="conversations")
app.add_typer(handoff.group, name="handoff")
app.add_typer(outbox.group, name="outbox")
app.add_typer(templates.group, name="templates")
app.add_typer(webhook.group, name="webhook")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"wabox {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """A WhatsApp bot in a box."""


def wrapped(sentence: str) -> str:
    """At most 80 columns, unless it has lines of its own already."""
    import textwrap

    return sentence if "\n" in sentence else textwrap.fill(sentence, 80, break_long_words=False, break_on_hyphens=False)


def main() -> None:
    """The entry point; an error meant for a person is one sentence, not a traceback."""
    try:
        app()
    except WaboxError as error:
        typer.echo(wrapped(f"wabox: {error}"), err=True)
        sys.exit(1)
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] not in cluster.PARTS:
            raise
        typer.echo(wrapped(f"wabox: {cluster.not_installed([str(error.name)])}"), err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
