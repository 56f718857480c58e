"""``wabox train`` and ``wabox classify``: the classifier, made and asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from wabox.core.intent import Verdict
    from wabox.nlu.card import Card
    from wabox.nlu.examples import Example


def train(
    bot: Annotated[str | None, typer.Argument(help="A folder in flows/, or a path. Default: the only one.")] = None,
    tsv: Annotated[Path | None, typer.Option(metavar="FILE", help="Train on plain data: text TAB intent.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the model goes. Default: models/BOT.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the model's card as JSON.")] = False,
) -> None:
    """Train the classifier of a bot from its examples.

    It understands what keywords do not: wabox serve, chat and test use it after the rules. The examples and keywords of
    intents.yaml and the questions of faq.yaml are what it learns from. With --tsv it learns from a file instead; the intent
    "oos" there means out of scope.

    Example:  wabox train shop

    Example:  wabox train --tsv intents.tsv --out model
    """
    from wabox.cli.progress import Bar
    from wabox.nlu.modelfile import write_model
    from wabox.nlu.training import train as trained

    if tsv is not None and (bot is not None or out is None):
        raise typer.BadParameter("goes with --out DIR and without a bot", param_hint="--tsv")
    examples, folder = _of_tsv(tsv, out) if tsv is not None and out is not None else _of_bot(bot, out)
    with Bar() as bar:
        found = trained(examples, trained_at=_now(), progress=bar)
    card = write_model(folder, found.card, found.weights)
    if as_json:
        import msgspec

        typer.echo(msgspec.json.encode(card).decode())
    else:
        _summary(card, folder)


def classify(
    bot: Annotated[str | None, typer.Argument(help="A folder in flows/, or a path. Default: the only one.")] = None,
    model: Annotated[Path | None, typer.Option(metavar="DIR", help="A folder that wabox train wrote.")] = None,
) -> None:
    """Ask the classifier: a text a line in, a JSON line out for each.

    Out comes {"text", "intent", "confidence", "tier", "language", "candidates": [{"intent", "confidence"}, ...]}, the best
    candidate first. The intent is null and the tier "fallback" when the classifier does not know. With a bot, its
    keywords and patterns are asked first (tier "rules"), as wabox serve does where nothing special is expected.

    Example:  echo "where is my stuff" | wabox classify shop

    Example:  wabox classify --model model < sentences.txt
    """
    import sys

    from wabox.nlu.modelfile import read_model

    if model is not None and bot is not None:
        raise typer.BadParameter("goes without a bot", param_hint="--model")
    if model is None:
        raise typer.BadParameter("say which model: --model DIR", param_hint="--model")
    classifier = read_model(model)
    for line in sys.stdin:
        text = line.rstrip("\r\n")
        print(json.dumps(_answer(text, classifier.classify(text)), ensure_ascii=False), flush=True)  # noqa: T201


def _answer(text: str, verdict: Verdict) -> dict[str, Any]:
    return {
        "text": text,
        "intent": verdict.intent,
        "confidence": round(verdict.confidence, 4),
        "tier": "classifier" if verdict.intent is not None else "fallback",
        "language": None,
        "candidates": [{"intent": one.intent, "confidence": round(one.confidence, 4)} for one in verdict.candidates],
    }


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="seconds")


def _of_tsv(tsv: Path, out: Path) -> tuple[list[Example], Path]:
    from wabox.nlu.examples import of_tsv

    return of_tsv(tsv), out


def _of_bot(name: str | None, out: Path | None) -> tuple[list[Example], Path]:
    from wabox.cli.serve import load_for
    from wabox.nlu.examples import of_bot
    from wabox.settings import Settings, load

    settings = load(Path.cwd(), {})
    bot = load_for(Settings(root=settings.root, bot=name or settings.bot, language=settings.language))
    return of_bot(bot.intents), out or settings.root / "models" / bot.name


def _summary(card: Card, folder: Path) -> None:
    from wabox.flowfile.folder import shown

    typer.echo(f"{card.examples} examples of {len(card.intents)} intents → {shown(folder)}")
    scores = card.scores
    if scores is None:
        typer.echo("Too few examples to hold some out, so nothing is known about how good it is.")
        return
    typer.echo(f"Held out: {scores.accuracy:.1%} right.")
    typer.echo(f"Sure of {scores.accepted:.1%}, and of those {scores.right_when_sure:.1%} right.")
