"""``wabox help``: the manual, in the binary. One page a topic, Markdown in ``wabox/manual``; a terminal gets it laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

if TYPE_CHECKING:
    from rich.markdown import Markdown

WIDTH = 80


def show(
    topic: Annotated[str | None, typer.Argument(help="A page of the manual. Default: the list of them.")] = None,
    raw: Annotated[bool, typer.Option("--raw", help="The Markdown as it is written.")] = False,
) -> None:
    """The manual. Writing flows, training, testing, connecting, settings, every command.

    Example:  wabox help flows
    """
    import sys

    from wabox.manual import page, pages

    if topic is None:
        typer.echo("The manual. Read a page with: wabox help TOPIC\n")
        for name, title in pages().items():
            typer.echo(f"  {name:<14} {title}")
        return
    text = page(topic)
    if text is None:
        from wabox.flowfile.findings import did_you_mean

        raise typer.BadParameter(
            f"no page {topic!r}: {did_you_mean(topic, pages(), 'see: wabox help')}", param_hint="TOPIC"
        )
    if raw:
        typer.echo(text, nl=False)
        return
    from rich.console import Console

    laid_out = _laid_out(text)
    if not sys.stdout.isatty():  # a pipe or a file: the same lines, without a pager
        Console(width=WIDTH).print(laid_out)
        return
    console = Console(width=min(WIDTH, Console().width))
    with console.pager(styles=True):
        console.print(laid_out)


def _laid_out(text: str) -> Markdown:
    """Rich cuts what does not fit into a table's column; a name that is cut is none."""
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.markdown import Markdown, TableElement
    from rich.table import Table

    class Whole(TableElement):
        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            for table in super().__rich_console__(console, options):
                for column in table.columns if isinstance(table, Table) else ():
                    column.overflow = "fold"
                    column.no_wrap = not any(" " in str(cell) for cell in column.cells)
                yield table

    class Page(Markdown):
        elements: ClassVar = {**Markdown.elements, "table_open": Whole}

    return Page(text, hyperlinks=False)
