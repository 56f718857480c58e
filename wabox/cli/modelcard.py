"""A model's card as people read it, 80 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from wabox.nlu.card import Card

WIDTH = 80
MOST_PAIRS, MOST_DOUBTS = 5, 5


def lines(card: Card) -> Iterator[str]:
    """The scores, then what to do about them."""
    yield f"{card.examples} examples of {len(card.intents)} intents"
    scores = card.scores
    if scores is None:
        yield "Too few examples to hold some out: how good it is, nobody knows. Write more."
        return
    yield ""
    yield f"held out in turns: {scores.examples} examples, {scores.folds} parts"
    yield f"  {scores.accuracy:6.1%}  best guess right"
    # Of none sure no share is right.
    right = f", and of those {scores.right_when_sure:.1%} right" if scores.accepted else ""
    yield f"  {scores.accepted:6.1%}  sure{right}"
    yield f'  {scores.asked:6.1%}  not quite sure: asks "did you mean ...?"'
    if scores.stranger_auroc is not None:
        yield f"  {scores.stranger_auroc:6.1%}  of intents that it was not shown, told from its own"
    yield f"  {scores.calibration_error:6.1%}  error of its confidence"
    if card.confusions:
        yield ""
        yield "Confused most:"
        for pair in card.confusions[:MOST_PAIRS]:
            yield from _item(f"{pair.intent}, taken for {pair.taken_for}: {pair.times}×")
            for text in pair.texts[:3]:
                yield from _item(f"“{text}”", indent=6)
    if card.close:
        yield ""
        yield "Too close to each other; join them, or give each examples of what differs:"
        for pair_ in card.close[:MOST_PAIRS]:
            yield from _item(" and ".join(pair_))
    if card.doubts:
        yield ""
        yield "Perhaps under the wrong intent:"
        for doubt in card.doubts[:MOST_DOUBTS]:
            yield from _item(f"“{doubt.text}” is {doubt.intent}; rather {doubt.rather}?")
    if card.twice:
        yield ""
        yield "The same example in two intents, so it means neither:"
        for text in card.twice[:MOST_DOUBTS]:
            yield from _item(f"“{text}”")
    if card.thin:
        yield ""
        yield "Few examples; ten or more each make a good model:"
        yield from _item(", ".join(card.thin[:20]) + (" …" if len(card.thin) > 20 else ""))
    yield ""


def _item(text: str, indent: int = 2) -> list[str]:
    return textwrap.wrap(
        textwrap.shorten(text, 200, placeholder=" …"),
        WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 2),
    )
