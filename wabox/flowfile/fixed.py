"""Messages that are the same for every customer: those without placeholders are made once per language.

Most of what a bot says is. A message costs 30 µs to make, a look here less than one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from wabox.engine.say import SayTemplate
from wabox.engine.text import PLACEHOLDER
from wabox.flowfile.texts import Texts

MOST = 4096
"""Messages in languages; more are made each time. What an action makes up is among them, so they must not grow for ever."""

T = TypeVar("T")


class Fixed(Generic[T]):
    """What was made of messages, by message and language."""

    def __init__(self) -> None:
        # By identity: to compare a message costs as much as to make it. It is kept with it, so that the identity stays its own.
        self._made: dict[tuple[int, str], tuple[SayTemplate, T | None]] = {}

    def get(self, template: SayTemplate, language: str, texts: Texts, make: Callable[[], T]) -> T:
        """What ``make`` made of it, or makes now."""
        key = (id(template), language)
        found = self._made.get(key)
        if found is not None and found[1] is not None:
            return found[1]
        made = make()
        if found is None and len(self._made) < MOST:
            self._made[key] = template, made if is_fixed(template, texts, language) else None
        return made


def is_fixed(template: SayTemplate, texts: Texts, language: str) -> bool:
    """Whether nothing in it depends on the customer: words and options only, and no placeholder in them."""
    if template.media is not None or template.kind is not None or template.outside is not None:
        return False
    references = [template.text, template.header, template.footer]
    if template.list is not None:
        references += [template.list.button, *(section.title for section in template.list.sections)]
    for option in template.options:
        references += [option.title, option.description]
    return not any(PLACEHOLDER.search(texts.get(one, language)) for one in references if one is not None)
