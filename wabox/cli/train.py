"""``wabox train`` and ``wabox classify``: the classifier, made and asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from wabox.core.intent import Verdict
    from wabox.core.ports import Classifier
    from wabox.flowfile.bot import Bot
    from wabox.nlu.card import Card
    from wabox.nlu.examples import Example


def train(
    bot: Annotated[str | None, typer.Argument(help="A folder in flows/, or a path. Default: the only one.")] = None,
    tsv: Annotated[Path | None, typer.Option(metavar="FILE", help="Train on plain data: text TAB intent.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the model goes. Default: models/BOT.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a model that was better.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the model's card as JSON.")] = False,
) -> None:
    """Train the classifier of a bot from its examples.

    It understands what keywords do not: wabox serve, chat and test use it after the rules, a running server takes a new one
    up by itself. The examples and keywords of intents.yaml and the questions of faq.yaml are what it learns from. With --tsv
    it learns from a file instead; the intent "oos" there means out of scope.

    What it says of itself is measured on examples that were held out. A model that is worse than the one it would replace
    is not kept, unless --force says so. Exit code 0: trained, 1: refused.

    The bot's folder documents/ (Markdown, HTML, text, PDF) is indexed too, so that what the classifier does not know is
    looked up there.

    Example:  wabox train shop

    Example:  wabox train --tsv intents.tsv --out model
    """
    from wabox.cli.progress import Bar
    from wabox.flowfile.folder import shown
    from wabox.nlu.modelfile import write_model
    from wabox.nlu.training import train as trained
    from wabox.services.training import refuse_worse, taught

    if tsv is not None and (bot is not None or out is None):
        raise typer.BadParameter("goes with --out DIR and without a bot", param_hint="--tsv")
    if tsv is not None and out is not None:
        examples, titles, folder = _of_tsv(tsv, out)
    else:
        loaded, folder = _bot(bot, out)
        examples, titles = taught(loaded)
        if index(loaded, folder, quiet=as_json) and len({example.intent for example in examples}) < 2:
            typer.echo("There are no examples for a classifier.", err=as_json)
            return
    with Bar() as bar:
        found = trained(examples, trained_at=_now(), titles=titles, progress=bar)
    if not as_json:
        _report(found.card)
    if not force:
        refuse_worse(found.card, folder)
    card = write_model(folder, found.card, found.weights)
    if as_json:
        import msgspec

        typer.echo(msgspec.json.encode(card).decode())
    else:
        typer.echo(f"Written to {shown(folder)}.")


def classify(
    bot: Annotated[str | None, typer.Argument(help="A folder in flows/, or a path. Default: the only one.")] = None,
    model: Annotated[Path | None, typer.Option(metavar="DIR", help="A folder that wabox train wrote.")] = None,
) -> None:
    """Ask the classifier. A text a line in, a JSON line out for each.

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
    ask = _asker(bot) if model is None else _reader(read_model(model))
    if sys.stdin.isatty():
        typer.echo("A text a line; Ctrl-D ends.", err=True)
    for line in sys.stdin:
        typer.echo(json.dumps(ask(line.rstrip("\r\n")), ensure_ascii=False))


def _asker(name: str | None) -> Callable[[str], dict[str, Any]]:
    """What a bot understands when nothing special is expected and every intent is welcome."""
    from dataclasses import replace

    from wabox.cli.serve import load_for
    from wabox.core.contact import Contact
    from wabox.core.intent import Expected
    from wabox.core.message import InboundMessage
    from wabox.nlu.modelfile import has_model, read_model
    from wabox.nlu.resolver import Resolver
    from wabox.services.models import fits
    from wabox.settings import load

    settings = load(Path.cwd(), {})
    bot = load_for(replace(settings, bot=name or settings.bot))
    folder = settings.root / "models" / bot.name
    classifier = None
    if has_model(folder):
        classifier = read_model(folder)
        fits(classifier, bot.intents, folder)
    else:
        typer.echo(
            f"wabox: there is no model for {bot.name}; only its rules are asked. wabox train makes one", err=True
        )
    resolver = Resolver(bot.intents, bot.languages, lambda: classifier)
    anything = Expected(accepts=frozenset(intent.name for intent in bot.intents))

    def ask(text: str) -> dict[str, Any]:
        message = InboundMessage(
            message_id="", number_id="", conversation_id="", timestamp=0, type="text", text=text, contact=Contact()
        )
        found = resolver.resolve(message, anything)
        candidates = [{"intent": one.intent, "confidence": round(one.confidence, 4)} for one in found.candidates]
        if not candidates and found.intent is not None:
            candidates = [{"intent": found.intent, "confidence": 1.0}]
        return {
            "text": text,
            "intent": found.intent,
            "confidence": round(found.confidence, 4),
            "tier": found.tier,
            "language": found.language,
            "candidates": candidates,
        }

    return ask


def _reader(classifier: Classifier) -> Callable[[str], dict[str, Any]]:
    """What a model by itself makes of a text."""

    def ask(text: str) -> dict[str, Any]:
        verdict = classifier.classify(text)
        return _answer(text, verdict)

    return ask


def _answer(text: str, verdict: Verdict) -> dict[str, Any]:
    from wabox.nlu.language import KNOWN, detect

    return {
        "text": text,
        "intent": verdict.intent,
        "confidence": round(verdict.confidence, 4),
        "tier": "classifier" if verdict.intent is not None else "fallback",
        "language": detect(text, KNOWN),
        "candidates": [{"intent": one.intent, "confidence": round(one.confidence, 4)} for one in verdict.candidates],
    }


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="seconds")


def _of_tsv(tsv: Path, out: Path) -> tuple[list[Example], dict[str, str], Path]:
    from wabox.nlu.examples import of_tsv

    return of_tsv(tsv), {}, out


def _bot(name: str | None, out: Path | None) -> tuple[Bot, Path]:
    """The bot, and where its model goes."""
    from dataclasses import replace

    from wabox.cli.serve import load_for
    from wabox.settings import load

    settings = load(Path.cwd(), {})
    bot = load_for(replace(settings, bot=name or settings.bot))
    return bot, out or settings.root / "models" / bot.name


def index(bot: Bot, folder: Path, *, quiet: bool = False) -> bool:
    """Index the bot's documents into ``folder``; whether there are any. What could not be read is said, and left out."""
    from wabox.cli.progress import Bar
    from wabox.nlu.documents.files import FOLDER, read_documents
    from wabox.nlu.documents.indexfile import has_index, remove_index, write_index
    from wabox.nlu.documents.indexing import index_of

    found = read_documents(bot.folder, bot.languages)
    for trouble in found.troubles:
        typer.echo(f"wabox: {FOLDER}/{trouble.file}: {trouble.sentence}", err=True)
    if not found.passages:
        if has_index(folder):
            remove_index(folder)
        return False
    with Bar() as bar:
        made, held = index_of(found.passages, bar)
    write_index(folder, made, held=held, trained_at=_now(), documents_hash=found.hash, files=found.files)
    if not quiet:
        read = found.files - sum(trouble.whole for trouble in found.troubles)
        typer.echo(
            f"{len(found.passages)} passages of {read} documents; answers from a score of {made.threshold:.2f} on"
        )
    return True


def _report(card: Card) -> None:
    """What an owner wants to know, 80 columns wide."""
    from wabox.cli.modelcard import lines

    for line in lines(card):
        typer.echo(line)
