"""How many bubbles: texts that may share one do, and a text that is too long for one gets several.

Since October 2026 every delivered free-form message costs money after the first 1,000 a month; each is a notification too, and
counts for Meta's pace per customer. But bubbles that an owner wrote one by one are meant that way, so they are put together
only where he says so: with ``[bot] merge``, or ``merge: true`` on the message. Then two plain texts become paragraphs of one; a
message with buttons or a list takes in the text before it only when it says ``merge: true`` itself. Nothing ever moves past
another message, and what would be over a limit stays apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from wabox.core import limits
from wabox.core.content import Content
from wabox.core.split import split


def bubbles(said: Iterable[Content], *, merge: bool) -> tuple[Content, ...]:
    """What leaves. ``merge`` is the bot's setting; a message's own word counts more."""
    return tuple(piece for content in _merged(said, merge) for piece in spread(content))


def spread(content: Content) -> Iterator[Content]:
    """The message as bubbles that WhatsApp takes: what is too long for the text of one is cut where a reader would pause.

    Buttons, lists and forms stay with the last piece, a picture has the first one as its caption.
    """
    text, limit = content.text, limits.body_limit(content)
    if text is None or len(text) <= limit:
        yield content
        return
    if content.interactive:
        last = split(text, limit)[-1]
        before = text.rstrip()
        if not before.endswith(last):  # the cut fell into a block of code
            *front, last = split(text, limit)
        else:
            front = list(split(before.removesuffix(last).rstrip(), limits.TEXT))
        for piece in front:
            yield Content(text=piece, merge=content.merge, once=content.once)
        yield replace(content, text=last)
        return
    first, *rest = split(text, limit)
    yield replace(content, text=first)
    for piece in rest if content.media is None else _after(text, first):
        yield Content(text=piece, merge=content.merge, once=content.once)


def _after(text: str, first: str) -> Iterator[str]:
    """What does not fit into a caption, in messages that hold more than one."""
    yield from split(text.strip().removeprefix(first).lstrip(), limits.TEXT)


def _merged(said: Iterable[Content], merge: bool) -> Iterator[Content]:
    before: Content | None = None
    for content in said:
        joined = None if before is None else _joined(before, content, merge)
        if joined is not None:
            before = joined
            continue
        if before is not None:
            yield before
        before = content
    if before is not None:
        yield before


def _joined(first: Content, second: Content, merge: bool) -> Content | None:
    """Both in one, or None."""
    wanted = second.merge if second.merge is not None else merge and not second.interactive
    if not wanted or first.merge is False or not is_plain(first) or second.text is None:
        return None
    if not (is_plain(second) or (second.interactive and second.header is None and second.media is None)):
        return None
    if first.outside is not None and second.outside is not None:
        return None
    joined = replace(
        second,
        quote=first.quote or second.quote,
        preview=first.preview or second.preview,
        once=first.once or second.once,
        text=f"{first.text}\n\n{second.text}",
        outside=first.outside or second.outside,
    )
    return None if limits.breaches(joined) else joined


def is_plain(content: Content) -> bool:
    """Words and nothing else."""
    return (
        content.text is not None
        and content.header is None
        and content.footer is None
        and content.media is None
        and content.kind is None
        and not content.interactive
    )
