"""The list of commands is read on 80 columns: a sentence that is cut tells nobody anything."""

from __future__ import annotations

from collections.abc import Iterator

import typer
from typer.core import TyperGroup

from wabox.cli.main import app


def cut(group: TyperGroup, path: str = "wabox") -> Iterator[str]:
    """Commands whose first sentence does not fit beside their names; click keeps two columns free, and six for itself."""
    room = 78 - 6 - max(map(len, group.commands))
    for name, command in group.commands.items():
        if not command.hidden and command.get_short_help_str(room).endswith("..."):
            yield f"{path} {name}"
        if isinstance(command, TyperGroup):
            yield from cut(command, f"{path} {name}")


def test_no_sentence_is_cut() -> None:
    """The rest of what there is to say stands in the sentences after the first."""
    main = typer.main.get_command(app)
    assert isinstance(main, TyperGroup)
    assert list(cut(main)) == []
