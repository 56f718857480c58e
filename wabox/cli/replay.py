"""``wabox replay``: what customers would have been answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from wabox.settings import Settings
    from wabox.simulator.replay import Group, Replay, Reply, Side


def replay(
    bot: Annotated[str | None, typer.Argument(help="A folder in flows/, or a path. Default: the only one.")] = None,
    since: Annotated[str, typer.Option(help="How far back: 24h, 7d.")] = "7d",
    flows: Annotated[
        Path | None, typer.Option(help="The folder of the bot as it would be. Default: its folder as it is now.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="The trained model it would have. Default: the one it has.")
    ] = None,
    allow: Annotated[str, typer.Option(help="How many replies may differ before the exit code is 1: 0, 20, 2%.")] = "0",
    data: Annotated[Path | None, typer.Option(help="The data folder. Default: data/.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show which replies a change would change. What is asked again is what customers really wrote.

    Their messages of the last days are played to the published version and to the folder (or another one, or another
    model), with the clock of then; calls are made to nobody and bring what they brought then. What would be answered
    differently is shown in groups. Nothing leaves this machine and nothing is written, the server may be running; but
    what is shown is what your customers wrote.

    Example:  wabox replay shop --since 7d
    Example:  wabox replay shop --model models/shop.new --allow 2%
    """
    import time

    from wabox.cli.clusterfolder import copied
    from wabox.cli.looking import settings_for
    from wabox.cli.progress import Bar
    from wabox.core.duration import parse_duration
    from wabox.simulator.moment import moments
    from wabox.simulator.replay import compare
    from wabox.sqlite.glance import Glance

    try:
        began = time.time_ns() // 1_000_000 - parse_duration(since)
        limit = float(allow.removesuffix("%"))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    settings = settings_for(data)
    with Bar() as bar, copied(settings, bar) as folder, Glance(folder) as glance:
        current, candidate = _sides(settings, glance, folder, bot or settings.bot, flows, model)
        known = [one for one in glance.conversations() if one.updated_at >= began]
        found = compare(
            current,
            candidate,
            [(one.conversation_id, one.contact) for one in known],
            lambda id_: moments(glance.transcript(id_)),
            began,
            bar,
        )
    most = limit / 100 * found.messages if "%" in allow else limit
    if as_json:
        typer.echo(json.dumps(_json(found, most), ensure_ascii=False))
    else:
        for line in _lines(found):
            typer.echo(line)
    if found.differing > most:
        raise typer.Exit(1)


def _sides(
    settings: Settings, glance: Any, data: Path, bot: str | None, flows: Path | None, model: Path | None
) -> tuple[Side, Side]:
    """The live version, and the folder with the model."""
    from wabox.errors import FlowError
    from wabox.flowfile.bot import load_bot
    from wabox.flowfile.folder import find_bot
    from wabox.flowfile.published import MODEL, Shelf
    from wabox.nlu.resolver import Resolver
    from wabox.services.models import Models
    from wabox.simulator.replay import Side

    folder = find_bot(bot, settings.root)

    def side(path: Path, trained: Path, *, published: bool = False) -> Side:
        loaded = load_bot(
            path,
            language=settings.language,
            context=settings.context,
            name=folder.name,
            published=published,
            manners=settings.manners,
        )
        models = Models(trained, say=lambda sentence: typer.echo(f"wabox: {sentence}", err=True))
        return Side(loaded, Resolver(loaded.intents, loaded.languages, models.of(loaded.intents), models.library))

    trained = settings.root / "models" / folder.name
    live = next((one for one in glance.versions(folder.name) if one.live_until is None), None)
    if live is None and flows is None and model is None:
        raise FlowError(
            f"no version of {folder.name} is published, so there is nothing to compare: name the change, "
            "--flows FOLDER or --model DIR"
        )
    if model is not None and not (model / "card.json").is_file():
        raise FlowError(f"{model} has no trained model: wabox train --tsv FILE --out DIR makes one")
    kept = trained
    if settings.cluster is not None and live is not None:  # there a version goes with its model, whatever lies here
        kept = Shelf(data, folder.name).folder / f"{live.id}{MODEL}"
        trained = trained if (trained / "card.json").is_file() else kept
    shown = folder if live is None else Shelf(data, folder.name).check(live.id)
    wanted = (find_bot(str(flows), Path.cwd()) if flows is not None else folder) if flows or model is None else shown
    return (
        side(shown, kept, published=live is not None),
        side(wanted, model or trained, published=wanted is shown and live is not None),
    )


def _json(found: Replay, most: float) -> dict[str, Any]:
    return {
        "conversations": found.conversations,
        "messages": found.messages,
        "differing": found.differing,
        "allowed": most,
        "not_compared": found.apart,
        "left_out": found.left_out,
        "groups": [
            {
                "kind": group.kind,
                "states": list(group.states),
                "intent": group.intent,
                "becomes": group.becomes,
                "count": group.count,
                "conversations": len(group.conversations),
                "examples": [
                    {
                        "conversation": one.conversation_id,
                        "at": one.at,
                        "user": one.words,
                        "before": _reply(one.before),
                        "after": _reply(one.after),
                    }
                    for one in group.examples
                ],
            }
            for group in found.sorted
        ],
    }


def _reply(reply: Reply) -> dict[str, Any]:
    return {
        "said": list(reply.said),
        "options": list(reply.options),
        "states": list(reply.states),
        "intent": reply.intent,
        "trouble": reply.trouble,
    }


def _lines(found: Replay) -> list[str]:
    if not found.messages:
        return ["Nobody wrote in that time: there is nothing to compare."]
    share = 100 * found.differing / found.messages
    head = f"{found.messages} messages of {found.conversations} conversations: "
    lines = [
        head + (f"{found.differing} ({share:.1f} %) would be answered differently." if share else "no reply differs.")
    ]
    if found.apart:
        lines.append(f"{found.apart} more were not compared: the two had parted before.")
    if found.groups:
        lines.append("These are words of your customers; mind who sees them.")
    for group in found.sorted:
        lines += ["", *_group(group)]
    return lines


TITLES = {
    "failure": "one of the two fails",
    "silence": "one of the two says nothing",
    "understanding": "understood as something else",
    "state": "the conversation goes elsewhere",
    "options": "other buttons",
    "words": "other words",
}


def _group(group: Group) -> list[str]:
    where = ", ".join(group.states) or "the beginning"
    heard = group.intent or "nothing understood"
    if group.becomes != group.intent:
        heard += f" → {group.becomes or 'nothing understood'}"
    lines = [f"{group.count} × in {where} ({heard}): {TITLES[group.kind]}"]
    for one in group.examples:
        lines.append(f"  > {one.words}")
        lines += [f"  - {text}" for text in _told(one.before, one.after)]
        lines += [f"  + {text}" for text in _told(one.after, one.before)]
    return lines


def _told(reply: Reply, other: Reply) -> list[str]:
    """What this one has and the other has not."""
    lines = [line for word in reply.said for line in word.split("\n") if reply.said != other.said]
    if reply.options != other.options:
        lines.append("[" + "] [".join(reply.options) + "]" if reply.options else "no buttons")
    if reply.states != other.states:
        lines.append(f"(stands in {', '.join(reply.states) or 'the end'})")
    if reply.trouble != other.trouble:
        lines.append(f"(fails: {reply.trouble})" if reply.trouble else "(works)")
    return lines or ["(says nothing)"]
