"""``wabox flows step``: the bare engine in JSON lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from wabox.engine.player import Moment, Player


def step(
    chart: Annotated[Path, typer.Argument(help="A chart's file: YAML, or JSON as XState writes it.")],
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines in and out; there is no other form.")] = True,
    round_trip: Annotated[
        bool, typer.Option("--round-trip", help="Store the conversation as JSON between any two events.")
    ] = False,
) -> None:
    """Play one chart by hand, event by event.

    The engine of wabox serve and nothing around it: nothing is said, nobody is nudged, time stands still until told.
    Each line in is {"event": name, "data": {...}} or {"after": "10s"}; {} asks where the chart stands. The first line out
    tells where it begins, then comes one for each line in: {"configuration": [leaf states in document order],
    "actions": [names run], "context": {...}}, with "unhandled", "failed" and "done" where there is anything to say.

    Example:  echo '{"event": "t"}' | wabox flows step chart.yaml --json
    """
    import sys

    from wabox.engine.player import Player
    from wabox.errors import WaboxError
    from wabox.flowfile.single import load_chart

    player = Player(load_chart(chart), round_trip=round_trip)
    _print(player.begun)
    for number, line in enumerate(sys.stdin, 1):
        if not line.strip():
            continue
        try:
            moment = _play(player, json.loads(line))
        except (ValueError, RecursionError, WaboxError) as error:
            typer.echo(json.dumps({"error": str(error), "line": number}, ensure_ascii=False))
            typer.echo(f"wabox: line {number}: {error}", err=True)
            raise typer.Exit(1) from error
        _print(moment)


def _play(player: Player, line: object) -> Moment:
    """``after`` and then ``event`` when a line has both. ValueError says what a line may be."""
    from wabox.core.duration import parse_duration

    if not isinstance(line, dict) or line.keys() - {"event", "data", "after", "start"}:
        raise ValueError('each line is {"event": name, "data": {...}}, {"after": "10s"} or {}')
    waited = player.wait(parse_duration(line.get("after") or 0))
    event = line.get("event")
    if event is None:
        return waited
    data = line.get("data")
    if isinstance(event, Mapping):
        # As XState writes it, {type: name, …data}, or as SCXML's does, {name, data}.
        name = event.get("type", event.get("name"))
        rest = {key: value for key, value in event.items() if key not in ("type", "name", "data")}
        data, event = event.get("data", rest) if data is None else data, name
    if not isinstance(event, str) or not event:
        raise ValueError(f"an event is named by a text, not {json.dumps(event)}")
    sent = player.send(event, _data(data))
    return sent if not waited.actions else _joined(waited, sent)


def _data(data: object) -> dict[str, Any]:
    """What is no mapping is found under ``event.data``."""
    return {} if data is None else data if isinstance(data, dict) else {"data": data}


def _joined(first: Moment, second: Moment) -> Moment:
    from dataclasses import replace

    return replace(
        second,
        actions=first.actions + second.actions,
        unhandled=first.unhandled + second.unhandled,
        failed=first.failed + second.failed,
    )


def _print(moment: Moment) -> None:
    line: dict[str, Any] = {
        "configuration": moment.configuration,
        "actions": moment.actions,
        "context": moment.context,
    }
    if moment.unhandled:
        line["unhandled"] = moment.unhandled
    if moment.failed:
        line["failed"] = [{"where": failure.where, "error": failure.error} for failure in moment.failed]
    if moment.done:
        line["done"] = True
    typer.echo(json.dumps(line, ensure_ascii=False))
