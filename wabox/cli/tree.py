"""The commands as they are: for the shells' completion, and for the man page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Option:
    names: tuple[str, ...]
    value: str
    """What follows it, as the help shows it; empty: nothing does."""
    help: str


@dataclass(frozen=True, slots=True)
class Node:
    path: tuple[str, ...]
    """Words after ``wabox``; empty: wabox itself."""
    help: str
    arguments: tuple[str, ...]
    """As the usage line shows them."""
    options: tuple[Option, ...]
    group: bool
    """It only has commands below it."""

    @property
    def brief(self) -> str:
        """The first sentence, in one line."""
        first = " ".join(self.help.split("\n\n")[0].split())
        return first.split(". ")[0].rstrip(".")


def nodes() -> Iterator[Node]:
    """Every command, in the order of the help; ``backup`` before ``backup list``."""
    from typer.main import get_command

    from wabox.cli.main import app

    yield from _walked(get_command(app), ())


def _walked(command: Any, path: tuple[str, ...]) -> Iterator[Node]:
    from typer import Context

    if command.hidden:
        return
    below = getattr(command, "commands", {})
    context = Context(command, info_name=" ".join(("wabox", *path)))
    options, arguments = [], []
    for one in command.params:
        if one.hidden:
            continue
        if one.param_type_name == "argument":
            arguments += one.get_usage_pieces(context)
        elif record := one.get_help_record(context):
            options.append(Option((*one.opts, *one.secondary_opts), *_split(*record)))
    yield Node(path, (command.help or "").strip(), tuple(arguments), tuple(options), bool(below))
    for name, inner in below.items():
        yield from _walked(inner, (*path, *name.split(" ")))


def _split(written: str, help: str) -> tuple[str, str]:
    """``--keep TEXT`` → what follows the names, and the sentence."""
    value = " ".join(word for word in written.replace(",", " ").replace("/", " ").split() if not word.startswith("-"))
    return value, " ".join(help.split())
