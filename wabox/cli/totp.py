"""``wabox agents totp``: a second proof for signing in, on the phone of whoever it is for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from wabox.cli.agents import Data, Id, Json, asked, settings_of

if TYPE_CHECKING:
    from wabox.cli.running import Line
    from wabox.services.accounts import Accounts
    from wabox.services.secondfactor import Enrolment


def totp(
    id_: Id,
    off: Annotated[
        bool, typer.Option("--off", help="Ask for no code any more: the phone is lost, and the paper.")
    ] = False,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Also ask for a code of the moment when they sign in. Prints what their phone scans, and ten codes for paper, once.

    Again: a new phone. It signs them out everywhere. Programs' tokens are not asked for a code.

    Example:  wabox agents totp ana
    """
    import msgspec

    from wabox.cli.running import Line
    from wabox.services.secondfactor import Enrolment

    async def ask(there: Line | Accounts) -> Enrolment | None:
        if off:
            if isinstance(there, Line):
                await there.call("POST", f"/api/v1/agents/{id_}/totp/off")
            else:
                await there.totp_off(id_)
            return None
        if isinstance(there, Line):
            return msgspec.convert(await there.call("POST", f"/api/v1/agents/{id_}/totp"), Enrolment)
        return await there.totp(id_)

    made = asked(settings_of(data), ask)
    if as_json:
        typer.echo(json.dumps({"agent": id_, "uri": made and made.uri, "recovery": made and list(made.recovery)}))
    elif made is None:
        typer.echo(f"{id_} signs in with the password alone")
    else:
        _shown(made)


def _shown(made: Enrolment) -> None:
    import io

    import segno

    picture = io.StringIO()
    segno.make(made.uri, error="l").terminal(picture, compact=True)
    typer.echo(picture.getvalue())
    typer.echo("Scan it with an app such as Aegis, 2FAS or Google Authenticator, or type:")
    typer.echo(f"  {made.uri.partition('secret=')[2].partition('&')[0]}\n")
    typer.echo("Write these down; each signs in once when the phone is lost:")
    for at in range(0, len(made.recovery), 2):
        typer.echo("  " + "   ".join(made.recovery[at : at + 2]))
    typer.echo(f"\n{made.agent} is asked for a code from now on. Neither is shown again.")
