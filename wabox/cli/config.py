"""``wabox config``: what is set, where it comes from, and whether it can be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from wabox.settings.keys import Key
    from wabox.settings.sources import Sources

group = typer.Typer(
    help="Settings: what holds, and where it comes from.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)


@group.command()
def show(
    given: Annotated[bool, typer.Option("--given", help="Only what somebody set.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Every setting, its value and its origin. That is wabox.toml, an environment variable, a file, or the default.

    Secrets are said to be set, and not shown. What a running server takes up on SIGHUP is marked with a star.

    Example:  wabox config show --given
    """
    import os

    from wabox.settings import settings_of
    from wabox.settings.sources import Sources

    sources = Sources(Path.cwd(), os.environ)
    settings_of(sources)
    section, starred = "", False
    for key in _keys(sources):
        value, origin = _found(sources, key)
        if given and origin == "default":
            continue
        if as_json:
            line = {"section": key.section, "name": key.name, "value": value, "origin": origin}
            typer.echo(json.dumps({**line, "variable": key.variable, "live": key.live}, ensure_ascii=False))
            continue
        starred = starred or key.live
        if key.section != section:
            typer.echo(f"{chr(10) if section else ''}[{key.section}]")
            section = key.section
        shown = "-" if value is None else json.dumps(value, ensure_ascii=False)
        shown = shown if len(shown) <= 40 else f"{shown[:39]}…"
        typer.echo(f"{'*' if key.live else ' '} {key.name:<16} {shown}{'' if origin == 'default' else f'  ({origin})'}")
    if starred:
        typer.echo("\n* a running server takes it up on SIGHUP; the others when it starts")


@group.command()
def check() -> None:
    """Whether the settings can be used. Those of wabox.toml, the environment, files with secrets.

    Exit code 1 when they cannot; a variable that is no setting is only told.

    Example:  wabox config check
    """
    import os

    from wabox.settings import settings_of
    from wabox.settings.sources import FILE, Sources

    sources = Sources(Path.cwd(), os.environ)
    settings = settings_of(sources)
    for sentence in sources.unknown():
        typer.echo(f"wabox: {sentence}", err=True)
    count = sum(_found(sources, key)[1] != "default" for key in _keys(sources))
    where = FILE if sources.path.is_file() else f"no {FILE} here"
    typer.echo(f"the settings are fine: {where}, {count} given")
    if settings.missing:
        typer.echo(f"for wabox serve set {', '.join(settings.missing)}")


def _keys(sources: Sources) -> Iterator[Key]:
    from wabox.settings.keys import KEYS

    yield from KEYS
    yield from sources.free()


def _found(sources: Sources, key: Key) -> tuple[Any, str]:
    """Value and origin."""
    from wabox.settings.cluster import without_password

    if key.kind in ("secret", "address"):
        found = sources.secret(key.as_secret)
        if found is not None or key.kind == "secret":
            return ("(set)", found[1]) if found is not None else (None, "default")
    section = sources.section(key.section)
    value = section.get(key.name, key.default)
    return without_password(value) if key.kind == "address" else value, section.origin(key.name)
