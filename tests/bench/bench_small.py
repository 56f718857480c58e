"""How a small bot understands its customers: ``python -m tests.bench small``.

The example bots, trained in this run, get messages where the menu stands. No model is trained on them. Thresholds were
chosen with those of ``data/customers.tsv`` in view, so these figures flatter; those of ``data/unseen.tsv`` (its business) and
``data/strangers.tsv`` (nobody's, the same for both bots) were written before any figure on them was seen.

*right*: acted on what was meant; *asked*: one question, what was meant among its two buttons; *asked wrongly*: neither button
is it, or nobody's business; *lost*: asked to say it again, rightly so when it is nobody's business; *wrong*: acted on
something else.
Held out: what cross-validation says, in the model's own words.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from tests.bench import machine
from wabox.core.contact import Contact
from wabox.core.intent import OUT_OF_SCOPE, Expected
from wabox.core.message import InboundMessage
from wabox.engine.begin import begin_at
from wabox.flowfile.bot import load_bot
from wabox.nlu.classifier import LinearClassifier
from wabox.nlu.resolver import Resolver
from wabox.nlu.training import Trained, train
from wabox.services.awaiting import awaited
from wabox.services.training import taught

HERE = Path(__file__).parent
KINDS = ("right", "asked", "asked wrongly", "lost", "wrong")


def rows(file: str) -> list[list[str]]:
    lines = (HERE / "data" / f"{file}.tsv").read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def customers(bot: str) -> list[tuple[str, str]]:
    """What is meant, and the text."""
    return [(intent, text) for name, intent, text in rows("customers") if name == bot]


def unseen(bot: str) -> list[tuple[str, str]]:
    """The same, of the messages that nothing was chosen with."""
    own = [(intent, text) for name, intent, text in rows("unseen") if name == bot]
    return own + [(OUT_OF_SCOPE, text) for _, text in rows("strangers")]


def outcome(resolver: Resolver, expected: Expected, intent: str, text: str) -> tuple[str, str]:
    """Which kind, and the tier."""
    message = InboundMessage(
        message_id="1", number_id="1", conversation_id="1", timestamp=0, type="text", text=text, contact=Contact()
    )
    found = resolver.resolve(message, expected, None)
    if found.event == intent:
        return "right", found.tier
    if found.event != "fallback":
        return "wrong", found.tier
    if found.ask:
        return ("asked" if intent in found.ask else "asked wrongly"), "asked"
    return "lost", found.tier


def held_out(trained: Trained) -> str:
    scores = trained.card.scores
    if scores is None:
        return "too few examples to hold some out"
    return (
        f"held out: {100 * scores.accuracy:.0f} % best guess, {100 * scores.accepted:.0f} % sure "
        f"({100 * scores.right_when_sure:.0f} % of them right), {100 * scores.asked:.0f} % asked, "
        f"ECE {scores.calibration_error:.3f}, strangers AUROC {scores.stranger_auroc or 0:.2f}"
    )


def show(bot: str, verbose: bool) -> None:
    made = load_bot(HERE.parents[1] / "flows" / bot)
    examples, titles = taught(made)
    trained = train(examples, titles=titles, trained_at="")
    classifier = LinearClassifier(trained.card, trained.weights)
    expected = awaited(made, begin_at(made.charts, made.name, ["menu"], {}, 0), made.default_language)
    print(f"{bot}: {held_out(trained)}")
    alone = Resolver(made.intents, made.languages)
    both = Resolver(made.intents, made.languages, lambda: classifier)
    for name, resolver in (("rules alone", alone), ("with the model", both)):
        for seen, messages in (("seen  ", customers(bot)), ("unseen", unseen(bot))):
            for inside in (True, False):
                asked = [row for row in messages if (row[0] != OUT_OF_SCOPE) == inside]
                found = [(outcome(resolver, expected, *row), row) for row in asked]
                kinds = Counter(kind for (kind, _), _ in found)
                shares = "  ".join(f"{kind} {100 * kinds[kind] / len(asked):.0f} %" for kind in KINDS)
                who = "its business" if inside else "nobody's    "
                print(f"  {name:14} {seen} {who} ({len(asked):3})  {shares}")
                for (kind, tier), row in found if verbose and resolver is both and seen == "seen  " else ():
                    if kind not in ("right", "lost" if not inside else "right"):
                        print(f"      {kind:14} {tier:10} {row[0]:18} {row[1]}")


def main() -> None:
    noise = machine.Noise()
    for bot in ("shop", "clinic"):
        show(bot, "-v" in sys.argv)
    print(f"(others: {noise.cores():.2f} cores)")


if __name__ == "__main__":
    main()
