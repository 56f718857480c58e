"""What WhatsApp refuses in a carousel. Source: Meta, "Interactive media carousel messages" (May 2026)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from wabox.core.breach import LimitBreach, Path, length, rule
from wabox.core.kind import Carousel, Media

FEWEST, MOST = 2, 10
TEXT = 160
LINES = 3
"""Two line breaks."""
TITLE = 20


def in_carousel(carousel: Carousel, sendable: Callable[[Media], bool]) -> Iterator[LimitBreach]:
    """Everything, in reading order. ``sendable``: whether WhatsApp can get a picture and takes it."""
    count = len(carousel.cards)
    if not FEWEST <= count <= MOST:
        sentence = f"has {count} cards, WhatsApp shows {FEWEST} to {MOST}"
        fix = "say it as a picture with a link" if count < FEWEST else "keep the best ten"
        yield rule(("carousel",), "the carousel", MOST, count, sentence, fix)
    if len({card.type for card in carousel.cards}) > 1:
        yield rule(("carousel",), "the carousel", 1, 2, "has images and videos", "keep to one kind of them")
    for place, card in enumerate(carousel.cards):
        here: Path = ("carousel", place)
        what = f"card {place + 1}"
        if not sendable(card.media):
            fix = "give an address that begins with https://, or a file of the bot's folder that WhatsApp takes"
            yield rule((*here, card.type), f"the {card.type} of {what}", 0, 0, "cannot be fetched by WhatsApp", fix)
        if card.text is not None:
            yield from length((*here, "text"), f"the text of {what}", card.text, TEXT)
            lines = card.text.count("\n") + 1
            if lines > LINES:
                sentence = f"has {lines} lines, WhatsApp takes {LINES}"
                yield rule((*here, "text"), f"the text of {what}", LINES, lines, sentence, "join some of them")
        yield from length((*here, "title"), f"the button of {what}", card.title, TITLE)
        if not card.url.startswith(("https://", "http://")) or any(sign.isspace() for sign in card.url):
            fix = "give a whole address, beginning with https://"
            yield rule((*here, "url"), f"the link of {what}", 0, 0, "is no address that WhatsApp opens", fix)
