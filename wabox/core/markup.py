"""Markdown, as people write it, becomes WhatsApp's own formatting; what others wrote stays as it is.

Only the owner's words are read as Markdown (:func:`formatted`). What fills a placeholder is literal (:func:`literal`): a
customer called ``*Ana*`` or a product ``5*4*3`` must not turn half a sentence bold. WhatsApp has no escape character, so
where two marks would make a pair that nobody wrote, a hair space keeps them apart (:func:`settled`): a mark beside a blank
neither opens nor closes anything, on every phone.

====================================  ==============================
written                               sent
====================================  ==============================
``**bold**``, ``__bold__``            ``*bold*``
``_italic_``, ``***both***``          ``_italic_``, ``*_both_*``
``~~struck~~``                        ``~struck~``
`` `code` ``, fenced blocks           the same; the block without the name of its language
``# Heading``                         ``*Heading*``
``* item``, ``+ item``                ``- item``
``[words](address)``                  ``words: address``
``\\*``                                ``*``, never a mark
====================================  ==============================

WhatsApp's own ``*bold*`` and ``~struck~`` stay what they are, so a text that was written for WhatsApp goes through unchanged.
Nothing is formatted in the middle of a word, as WhatsApp would not: ``snake_case`` is no italics. Addresses and placeholders
are never touched. Source: Meta, "How to format your messages" (2026).
"""

from __future__ import annotations

import re
from typing import Final

THIN: Final = "\u200a"
"""A hair space: a blank for whoever looks for marks, nearly nothing for whoever reads."""
_LITERAL: Final = str.maketrans("*_~`>", "\ufdd0\ufdd1\ufdd2\ufdd3\ufdd4")
"""Noncharacters stand for marks that must not become any, until the text is whole. No message brings them."""
_MARKS: Final = {"\ufdd0": "*", "\ufdd1": "_", "\ufdd2": "~", "\ufdd3": "`", "\ufdd4": ">"}
_ANY_MARK: Final = re.compile(r"[*_~`>]")
_ANY_LITERAL: Final = re.compile("[\ufdd0-\ufdd4]")

_FORMATTING: Final = re.compile(r"[*_~`#\\\]<]|^\s*\+ |  $", re.MULTILINE)
"""A text without any of these is as good as it is."""
_ADDRESS: Final = r"(?:https?://|www\.)(?:\{\w+(?:\.\w+)*\}|[^\s<>{}])*(?:\{\w+(?:\.\w+)*\}|[^\s<>{}\]).,;:!?'\"*_~…])"
_PLACEHOLDER: Final = r"\{\{|\}\}|\{[A-Za-z_]\w*(?:\.\w+)*(?::[a-z]+)?\}"
_FENCE: Final = re.compile(r"```([^\n`]*)\n(.*?)\n?[ \t]*```", re.DOTALL)
_LINK: Final = re.compile(r"!?\[([^\[\]\n]+)\]\(<?((?:[^\s()<>]|\([^\s()]*\))+)>?(?:\s+\"[^\"\n]*\")?\)")
_KEPT: Final = re.compile(
    rf"<https?://[^\s<>]+>|```.*?```|`[^`\n]+`|\\[\\*_~`#\[\]()>+-]|{_ADDRESS}|{_PLACEHOLDER}", re.DOTALL
)
_HEADING: Final = re.compile(r"^ {0,3}#{1,6}[ \t]+(\S.*?)[ \t]*#*[ \t]*$", re.MULTILINE)
_ITEM: Final = re.compile(r"^([ \t]*)[*+] (?=[ \t]*\S)", re.MULTILINE)
_BREAK: Final = re.compile(r"(?: {2,}|\\)$", re.MULTILINE)
_BOTH: Final = re.compile(r"\*\*\*(?=[^\s*])([^\n]+?)(?<=[^\s*])\*\*\*(?!\*)")
_BOLD: Final = re.compile(r"\*\*(?=[^\s*])((?:[^\n*]|\*(?!\*))+?)(?<=[^\s*])\*\*(?!\*)")
_UNDER: Final = re.compile(r"(?<!\w)__(?=[^\s_])([^\n]+?)(?<=[^\s_])__(?!\w)")
_STRUCK: Final = re.compile(r"~~(?=[^\s~])([^\n]+?)(?<=[^\s~])~~(?!~)")
_INNER: Final = re.compile(r"(?<![\w*])\*(?=[^\s*])([^\n*]+?)(?<=[^\s*])\*(?![\w*])")
_SHIELD: Final = 0xF0000
"""Private characters from here on stand for what is kept while the rest is rewritten."""
_HELD: Final = re.compile("[\U000f0000-\U000ffffd]")
_CODE: Final = re.compile(rf"```.*?```|`[^`\n]+`|{_ADDRESS}", re.DOTALL)


def formatted(text: str) -> str:
    """The owner's Markdown in WhatsApp's formatting; placeholders are still to be filled, see :func:`settled`."""
    if _FORMATTING.search(text) is None:
        return text
    kept: list[str] = []

    def keep(piece: str) -> str:
        kept.append(piece)
        return chr(_SHIELD + len(kept) - 1)

    def shield(match: re.Match[str]) -> str:
        piece = match[0]
        if piece[0] == "<":
            return keep(piece[1:-1])
        return keep(piece[1:].translate(_LITERAL) if piece[0] == "\\" else piece)

    def link(match: re.Match[str]) -> str:
        words, address = match[1], match[2]
        return keep(address) if words.strip() == address else f"{words}: {keep(address)}"

    text = _FENCE.sub(lambda match: keep(f"```{match[2]}```"), text)
    text = _KEPT.sub(shield, _LINK.sub(link, text))
    text = _BREAK.sub("", text)
    text = _HEADING.sub(lambda match: f"*{_without(match[1])}*", text)
    text = _ITEM.sub(r"\1- ", text)
    text = _BOTH.sub(lambda match: _around(match, "*_", "_*"), text)
    text = _BOLD.sub(lambda match: _around(match, "*", "*"), text)
    text = _UNDER.sub(lambda match: _around(match, "*", "*"), text)
    text = _STRUCK.sub(lambda match: _around(match, "~", "~"), text)
    while _HELD.search(text):  # what is kept may stand in what is kept: a placeholder in the address of a link
        text = _HELD.sub(lambda match: kept[ord(match[0]) - _SHIELD], text)
    return text


def bare(text: str) -> str:
    """The owner's words for a place where WhatsApp shows no formatting: the marks of bold, italics and headings are gone."""
    if _FORMATTING.search(text) is None:
        return text
    pieces, last = [], 0
    marked = formatted(text)
    for match in _CODE.finditer(marked):
        pieces += [_unmarked(marked[last : match.start()]), match[0]]
        last = match.end()
    return settled("".join((*pieces, _unmarked(marked[last:]))))


def _unmarked(text: str) -> str:
    for pair in (r"\*", "~", "_"):
        pattern = rf"(?<![\w{pair}]){pair}(?=[^\s{pair}])([^\n]+?)(?<=[^\s{pair}]){pair}(?![\w{pair}])"
        text = re.sub(pattern, r"\1", text)
    return text


def literal(value: str) -> str:
    """Somebody else's words, as they are put into a text that :func:`settled` ends."""
    return value if _ANY_MARK.search(value) is None else value.translate(_LITERAL)


def settled(text: str) -> str:
    """The whole text: every literal mark is itself again, and none of them makes a pair."""
    if _ANY_LITERAL.search(text) is None:
        return text
    plain = _ANY_LITERAL.sub(lambda match: _MARKS[match[0]], text)
    # Where marks mean nothing: in the owner's code, and in addresses.
    quiet = [match.span() for match in _CODE.finditer(text)]
    pieces, last = [], 0
    for match in _ANY_LITERAL.finditer(text):
        at = match.start()
        meant = not any(start <= at < end for start, end in quiet)
        pieces += [plain[last:at], _apart(plain, at) if meant else plain[at]]
        last = at + 1
    return "".join((*pieces, plain[last:]))


def _apart(text: str, at: int) -> str:
    """The mark as it is, or with a hair space on a side where it would open or close something."""
    mark = text[at]
    begin, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
    if mark == ">":
        return mark if text[begin:at].strip() else THIN + mark
    if mark == "`":
        begin, end = 0, len(text)
    elif end < 0:
        end = len(text)
    opens = _opens(text, at) and any(_closes(text, other) for other in _others(text, mark, at + 2, end))
    closes = _closes(text, at) and any(_opens(text, other) for other in _others(text, mark, begin, at - 1))
    return THIN * closes + mark + THIN * opens


def _others(text: str, mark: str, begin: int, end: int) -> list[int]:
    return [at for at in range(begin, end) if text[at] == mark]


def _opens(text: str, at: int) -> bool:
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    return not before.isalnum() and bool(after) and not after.isspace()


def _closes(text: str, at: int) -> bool:
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    return bool(before) and not before.isspace() and not after.isalnum()


def _around(match: re.Match[str], before: str, after: str) -> str:
    """What the match holds between WhatsApp's marks; without any in the middle of a word, where WhatsApp has none."""
    inner, text = match[1], match.string
    left, right = text[: match.start()][-1:], text[match.end() : match.end() + 1]
    if left.isdigit() and right.isdigit():
        return match[0]  # a sum, a size
    if left.isalnum() or right.isalnum():
        return inner
    return before + (_INNER.sub(r"_\1_", inner) if "*" in before else inner) + after


def _without(text: str) -> str:
    """A heading's words, which are bold as a whole."""
    return re.sub(r"\*{1,3}(?=\S)([^*\n]+?)(?<=\S)\*{1,3}|(?<!\w)__(?=\S)(.+?)(?<=\S)__(?!\w)", r"\1\2", text)
