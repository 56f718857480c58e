"""``wabox webhook``: what Meta posts, by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wabox.settings import Secret

group = typer.Typer(help="Look into a webhook, sign one, post one.", no_args_is_help=True, rich_markup_mode=None)

SECRET = typer.Option(
    "--secret-file", help="File with the app secret. Default: WABOX_APP_SECRET, or what wabox.toml names."
)


@group.command()
def parse(
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines; there is no other form.")] = True,
    with_raw: Annotated[bool, typer.Option("--raw/--no-raw", help="Repeat each element as it came.")] = True,
) -> None:
    """Show what wabox understands of a webhook. The body on stdin, JSON lines out.

    One line for each element, "kind" tells which: message, status, event (every other field), dead_letter (what nobody
    can read, with the reason). Several bodies may follow each other, one a line or not; so may the samples of the app
    dashboard, {"field": ..., "value": ...}. Nothing is stored or sent, and no account is needed. Exit code 1 when there
    was nothing to read or nothing of it could be understood.

    Example:  wabox webhook parse < webhook.json
    """
    import sys
    import time

    import msgspec

    from wabox.whatsapp.lines import UNKNOWN_NUMBER, lines
    from wabox.whatsapp.samples import bodies
    from wabox.whatsapp.webhook import parse as read

    encode = msgspec.json.Encoder().encode
    understood = shown = 0
    now = int(time.time() * 1000)
    for body in bodies(_stdin()):
        for line in lines(read(body, now, number_id=UNKNOWN_NUMBER)):
            shown += 1
            understood += line["kind"] != "dead_letter"
            if not with_raw and line["kind"] != "dead_letter":
                line.pop("raw")
            sys.stdout.buffer.write(encode(line) + b"\n")
    sys.stdout.buffer.flush()
    if not shown:
        typer.echo("wabox: there was nothing on stdin; give it the body of a webhook: < webhook.json", err=True)
    if not understood:
        raise typer.Exit(1)


@group.command()
def sign(secret_file: Annotated[Path | None, SECRET] = None) -> None:
    """Sign a body on stdin as Meta would. Prints the value of X-Hub-Signature-256.

    The bytes count: the body that is posted must be the very same, to the last line break.

    Example:  wabox webhook sign < webhook.json
    """
    from wabox.whatsapp.signature import sign as signature

    typer.echo(signature(_stdin(), _secret(secret_file).reveal().encode()))


@group.command()
def send(
    url: Annotated[str, typer.Argument(help="Where your wabox listens, such as https://your.host/webhook.")],
    secret_file: Annotated[Path | None, SECRET] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each body.")] = False,
) -> None:
    """Post a body on stdin to a webhook, signed as Meta signs it. Prints the answer.

    Several bodies are posted one after another. Exit code 0 when every answer is 200, which is what Meta wants to see:
    anything else makes it bring the webhook again. A bot answers what you post, so mind whose number stands in it.

    Example:  wabox webhook send http://127.0.0.1:8080/webhook < webhook.json
    """
    from wabox.whatsapp.samples import bodies
    from wabox.whatsapp.trial import post

    if not url.startswith(("http://", "https://")):
        raise typer.BadParameter("it must begin with https:// or http://", param_hint="URL")
    secret = _secret(secret_file).reveal().encode()
    posts = list(bodies(_stdin()))
    if not posts:
        typer.echo("wabox: there was nothing on stdin; give it the body of a webhook: < webhook.json", err=True)
        raise typer.Exit(1)
    good = True
    for body in posts:
        answer = post(url, body, secret)
        good &= answer.status == 200
        if as_json:
            shown = {"status": answer.status, "body": answer.body, "ms": answer.milliseconds}
            typer.echo(json.dumps(shown, ensure_ascii=False))
        elif answer.status:
            typer.echo(f"{answer.status} in {answer.milliseconds} ms  {answer.body[:2000]}".rstrip())
        else:
            typer.echo(f"wabox: no answer from {url}: {answer.body}. Does it listen there?", err=True)
    if not good:
        raise typer.Exit(1)


def _stdin() -> bytes:
    import sys

    if sys.stdin.isatty():
        typer.echo("wabox: reading the body from the keyboard; Ctrl-D ends it", err=True)
    return sys.stdin.buffer.read()


def _secret(file: Path | None) -> Secret:
    from wabox.errors import SettingsError
    from wabox.settings import app_secret

    secret = app_secret(Path.cwd(), file)
    if secret is None:
        raise SettingsError(
            "the app secret is missing: set WABOX_APP_SECRET or name a file with --secret-file "
            "(Meta's app dashboard, Settings, Basic)"
        )
    return secret
