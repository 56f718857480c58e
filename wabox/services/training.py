"""Making the model of a bot: from its files to the folder that servers look into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wabox.errors import ModelError
from wabox.flowfile.bot import Bot

if TYPE_CHECKING:
    from wabox.nlu.card import Card
    from wabox.nlu.examples import Example

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Made:
    card: Card
    before: Card | None
    """Of the model that was there."""


def taught(bot: Bot) -> tuple[list[Example], dict[str, str]]:
    """What the bot's classifier learns from: examples, and what people call an intent."""
    from wabox.nlu.examples import of_bot

    titles = {
        intent.name: words.title
        for intent in bot.intents
        if (words := intent.words.get(bot.default_language)) is not None and words.title
    }
    return of_bot(bot.intents), titles


def train_bot(
    bot: Bot,
    folder: Path,
    *,
    trained_at: str,
    force: bool = False,
    progress: Progress = lambda what, share: None,
) -> Made:
    """A model of the bot's examples, written to ``folder``. Raises ModelError when there are too few, or it is worse."""
    from wabox.nlu.modelfile import write_model
    from wabox.nlu.training import train

    examples, titles = taught(bot)
    found = train(examples, trained_at=trained_at, titles=titles, progress=progress)
    before = card_of(folder)
    if not force:
        refuse_worse(found.card, folder)
    return Made(write_model(folder, found.card, found.weights), before)


def card_of(folder: Path) -> Card | None:
    """Of the model in a folder; one that cannot be read is none."""
    from wabox.nlu.modelfile import has_model, read_card

    if not has_model(folder):
        return None
    try:
        return read_card(folder)
    except ModelError:
        return None


def refuse_worse(card: Card, folder: Path) -> None:
    """Raises ModelError when the model there knew the same intents better; one that cannot be read is no loss."""
    old = card_of(folder)
    if old is None or old.scores is None or card.scores is None or set(old.intents) != set(card.intents):
        return
    # Held-out scores of few examples jump about: a loss counts when it is more than one standard error.
    share, count = old.scores.accuracy, max(card.scores.examples, 1)
    if card.scores.accuracy < share - (share * (1 - share) / count) ** 0.5:
        raise ModelError(
            f"the new model is right in {card.scores.accuracy:.1%} of held-out examples, the one in {folder} in "
            f"{share:.1%}. Nothing was changed; look at the examples named above, or use --force"
        )
