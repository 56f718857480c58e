"""``wabox flows graph``: a chart as a picture."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wabox.engine.chart import Chart

FILES = (".yaml", ".yml", ".json", ".scxml", ".xml")


class Format(StrEnum):
    svg = "svg"
    mermaid = "mermaid"


def graph(
    bot: Annotated[str, typer.Argument(help="A folder in flows/, a path, an example, or the file of one chart.")],
    chart: Annotated[str | None, typer.Argument(help="One of its charts. Default: the main one.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="A picture, or text for Markdown.")] = Format.svg,
    lit: Annotated[list[str] | None, typer.Option(help="Light this state; may be given several times.")] = None,
    path: Annotated[str, typer.Option(help="Mark the way through these states: A,B,C.")] = "",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write it here, not to the terminal.")] = None,
) -> None:
    """Draw a chart.

    The picture is SVG: nested states, parallel regions, history; light or dark as the reader's screen is. What the whole
    chart handles is listed at the top. Every state has its id in data-state, every line its transitions in
    data-transitions, so that a page can light them.

    Example:  wabox flows graph shop -o shop.svg
    """
    import sys

    from wabox.diagram import mermaid, svg
    from wabox.errors import FlowError
    from wabox.flowfile.findings import did_you_mean

    if output is None and format_ is Format.svg and sys.stdout.isatty():
        raise FlowError(f"a picture does not show in a terminal: add -o {Path(bot).stem}.svg, or --format mermaid")
    drawn = _chart(bot, chart)
    steps = [word.strip() for word in path.split(",") if word.strip()]
    for state in (*(lit or ()), *steps):
        if state not in drawn.states:
            fix = did_you_mean(state, [name for name in drawn.states if name])
            raise FlowError(f"the chart {drawn.id} has no state {state!r}; {fix}")
    text = mermaid(drawn) if format_ is Format.mermaid else svg(drawn, lit=lit or (), path=steps)
    if output is None:
        typer.echo(text.rstrip("\n"))
        return
    try:
        output.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
    except OSError as error:
        raise FlowError(f"{output} cannot be written: {error.strerror or error}; choose another place") from error
    typer.echo(f"{output}: {drawn.id}, {len(drawn.states) - 1} states")


def _chart(bot: str, name: str | None) -> Chart:
    """The chart, as far as it can be read: one with mistakes in it can still be looked at."""
    from wabox.errors import FlowError
    from wabox.flowfile.draft import read_folder
    from wabox.flowfile.findings import did_you_mean
    from wabox.flowfile.folder import find_bot
    from wabox.flowfile.single import load_chart
    from wabox.settings import load

    if bot.endswith(FILES) and Path(bot).is_file() and name is None:
        return load_chart(Path(bot), only_to_look_at=True)
    settings = load(Path.cwd(), {})
    folder = find_bot(bot, settings.root)
    draft = read_folder(folder)
    wanted = name or draft.main
    if wanted in draft.readable:
        return draft.readable[wanted]
    if wanted in draft.documents or not draft.main:
        raise FlowError(f"the chart {wanted!r} cannot be read; `wabox check {bot}` says why")
    raise FlowError(f"{folder.name} has no chart {wanted!r}; {did_you_mean(wanted, draft.readable)}")
