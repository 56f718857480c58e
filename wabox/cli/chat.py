"""``wabox chat``: talk to a bot in the terminal, or drive it with JSON lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from wabox.flowfile.bot import Bot
    from wabox.simulator import Simulator

HELP = """\
Write what a customer would write, or:
  /tap EVENT    press a button          /agent TEXT   answer as a person
  /wait 31m     let time pass           /close        end the hand-off
  /state        where the bot stands    /why          how it understood
  /quit"""


def chat(
    bot: Annotated[str | None, typer.Argument(help="A folder in flows/, a path, or an example such as shop.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines in, JSON lines out, for scripts.")] = False,
    stub: Annotated[Path | None, typer.Option(help="YAML or JSON: what calls (invoke) return, {name: result}.")] = None,
) -> None:
    """Talk to a bot in the terminal. No network, and the clock is simulated.

    The engine and the renderer are those of wabox serve. With --json each line in is one of {"user": text},
    {"tap": event}, {"message": {Cloud API message}}, {"wait": "31m"}, {"agent": text}, {"close": true}; each line out
    says what was sent and where the conversation stands. Nobody is called: what a call (invoke) returns is its stub: in
    the flow, or comes from --stub.

    Example:  wabox chat shop

    Example:  echo '{"user": "hi"}' | wabox chat shop --json
    """
    from dataclasses import replace

    from wabox.cli.serve import load_for
    from wabox.nlu.resolver import Resolver
    from wabox.services.models import Models
    from wabox.settings import load
    from wabox.simulator import Simulator

    settings = load(Path.cwd(), {})
    loaded = load_for(replace(settings, bot=bot or settings.bot))
    models = Models(
        settings.root / "models" / loaded.name, say=lambda sentence: typer.echo(f"wabox: {sentence}", err=True)
    )
    if warning := models.outdated(loaded.folder):
        typer.echo(f"wabox: {warning}", err=True)
    classifier = models.of(loaded.intents)
    classifier()
    resolver = Resolver(loaded.intents, loaded.languages, classifier, models.library)
    simulator = Simulator(loaded, stubs=_stubs(stub), resolver=resolver)
    if as_json:
        _json_lines(simulator)
    else:
        typer.echo(f"This is {loaded.title}.\n{HELP}\n")
        _talk(simulator, loaded)


def _stubs(path: Path | None) -> dict[str, Any]:
    """The results in a file. Raises FlowError when it cannot be read."""
    from wabox.errors import FlowError
    from wabox.flowfile.findings import Finding, render_all
    from wabox.flowfile.reader import read

    if path is None:
        return {}
    findings: list[Finding] = []
    document = read(path, str(path), findings.append)
    if document is None or findings:
        raise FlowError(f"the results in {path} cannot be read\n\n{render_all(findings)}")
    results = document.root.plain()
    if not isinstance(results, dict):
        raise FlowError(f"{path}: write results by the name of their call, {{check_stock: {{free: 3}}}}")
    return results


def _json_lines(simulator: Simulator) -> None:
    import sys

    from wabox.errors import WaboxError
    from wabox.simulator import InputError

    for number, line in enumerate(sys.stdin, 1):
        if not line.strip():
            continue
        try:
            try:
                wanted = json.loads(line)
            except ValueError as error:
                raise InputError(f"this is no JSON ({error})") from None
            if not isinstance(wanted, dict):
                raise InputError('each line is an object, such as {"user": "hi"}')
            answer = simulator.play(wanted)
        except WaboxError as error:
            # One answer per input, so that a script can keep count; then stop, because what follows would mean nothing.
            typer.echo(json.dumps({"error": str(error), "line": number}, ensure_ascii=False))
            typer.echo(f"wabox: line {number}: {error}", err=True)
            raise typer.Exit(1) from error
        typer.echo(json.dumps(answer, ensure_ascii=False))


def _why(last: Mapping[str, Any]) -> str:
    """How the last message was understood."""
    if not last.get("tier"):
        return "Nothing was said yet."
    lines = [
        f"{last['tier']}: {last['intent'] or 'no intent'} {last['confidence']:.2f}, {last['language']}, {last['ms']} ms"
    ]
    lines.append(f"  {last['why']}")
    lines += [f"  {name} = {json.dumps(value, ensure_ascii=False)}" for name, value in last["entities"].items()]
    lines += [f"  {one['confidence']:.2f} {one['intent']}" for one in last["candidates"]]
    return "\n".join(lines)


def _over(wanted: Mapping[str, Any]) -> str:
    """What ran out of time is remembered for a while (``timeouts: {remember: …}``)."""
    if "wait" in wanted:
        return "the conversation timed out; the next message takes it up again, or begins a new one"
    return "the conversation is over; the next message begins a new one"


def _talk(simulator: Simulator, bot: Bot) -> None:
    from wabox.cli.bubble import bubble
    from wabox.errors import WaboxError

    last: dict[str, Any] = {}
    understood: dict[str, Any] = {}
    while True:
        try:
            line = input("you › ").strip()
        except (EOFError, KeyboardInterrupt):
            typer.echo("")
            return
        command, _, rest = line.partition(" ")
        match command:
            case "":
                continue
            case "/quit" | "/q":
                return
            case "/state":
                typer.echo(
                    json.dumps(
                        {key: last.get(key) for key in ("states", "stack", "context")}, indent=2, ensure_ascii=False
                    )
                )
                continue
            case "/why":
                typer.echo(_why(understood))
                continue
            case "/tap" | "/wait" | "/agent":
                wanted: dict[str, Any] = {command[1:]: rest.strip()}
            case "/close":
                wanted = {"close": True}
            case _ if command.startswith("/"):
                typer.echo(HELP if command == "/help" else f"There is no {command}.\n{HELP}")
                continue
            case _:
                wanted = {"user": line}
        try:
            last = simulator.play(wanted)
        except WaboxError as error:
            typer.secho(f"wabox: {error}", err=True, fg="red")
            continue
        if last.get("tier"):  # not of a button, nor of time that passed
            understood = last
        for body in last["sent"]:
            typer.echo(bubble(body, bot.templates))
        if not last["states"]:
            typer.echo(f"  ({_over(wanted)})\n")
        for failure in last["failed"]:
            typer.secho(f"  {failure['where']}: {failure['error']}", fg="red")
