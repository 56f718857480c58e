"""Regular expressions that authors write: what is wrong with one, and what it may cost.

Python's ``re`` cannot be told to give up, and ``\\w+ ?\\w+ ?\\w+ order`` takes minutes on one long word. So a pattern is
looked at first. The worst are refused. On a text that is so short that it is provably quick, it runs on ``re``, which is the
fastest; on a longer one, on a library that gives up after a time.
"""

from __future__ import annotations

import itertools
import re
import warnings
from collections.abc import Iterable
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

LONGEST_PATTERN = 500
SEEN = 500
"""Characters of a message that patterns are searched in."""
STEPS = 300_000
"""What a search may take on ``re``: a few milliseconds."""
FEW = 30
"""A repetition of so many counts as so many ways; of more, as one of any length."""

_NESTED = re.compile(
    r"\((?:[^()\\]|\\.)*(?:[+*]|\{\d+,\d*\})(?:[^()\\]|\\.)*\)(?:[+*]|\{\d+,\d*\})"  # (a+)+
    r"|\((?:[^()\\]|\\.)*\|(?:[^()\\]|\\.)*\)(?:[+*]|\{\d+,\d*\})"  # (a|a)*
    r"|\\[1-9]"
)
"""A repeated group with a repetition or a choice in it, or a back reference: the time they take may double with each letter."""


class Trouble(NamedTuple):
    sentence: str
    fix: str
    is_slow: bool = False


def trouble_of(pattern: str, *, searched: bool = False) -> Trouble | None:
    """What is wrong with a pattern; None when it is good. ``searched``: it is looked for in a message; else it must be the
    whole answer."""
    if len(pattern) > LONGEST_PATTERN:
        fix = "make several of it" if searched else "make it shorter"
        return Trouble(f"the pattern has more than {LONGEST_PATTERN} characters", fix)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            compiled = re.compile(pattern, re.IGNORECASE)
    except (re.error, RecursionError, OverflowError, Warning) as error:
        return Trouble(f"the pattern is not a regular expression: {error}", "correct it")
    if _NESTED.search(pattern):
        what = "messages" if searched else "answers"
        sentence = f"the pattern repeats a repetition or a choice, which can take for ever on some {what}"
        return Trouble(sentence, "write (a+)+ as a+, and (a|b)* as [ab]*", is_slow=True)
    if searched and compiled.search(""):
        sentence = "the pattern fits every message, even an empty one"
        return Trouble(sentence, "leave something in it that must be there")
    if not searched and compiled.fullmatch(""):
        return Trouble("the pattern fits an empty answer", "leave something in it that must be there")
    return None


class _Cost(NamedTuple):
    """At most ``n ** degree * ways`` ways to go through it from one place in n characters."""

    degree: int = 0
    ways: int = 1

    @property
    def is_fixed(self) -> bool:
        return self == _FIXED


_FIXED = _Cost()


class _Unknown(Exception):
    """Nothing is proved."""


def quick_up_to(pattern: str) -> int:
    """So many characters are searched in few steps, provably, whatever they are; :data:`SEEN` at most, 0 when nothing is
    proved."""
    try:
        tree = parser.parse(pattern, re.IGNORECASE)
        degree, ways = _sequence(tree)
    except (_Unknown, re.error, RecursionError, OverflowError):
        return 0
    first = tree[0] if len(tree) else None
    starts = (op.AT_BEGINNING, op.AT_BEGINNING_STRING)
    anchored = first is not None and first[0] is op.AT and first[1] in starts and not tree.state.flags & re.MULTILINE
    power = degree if anchored else degree + 1  # a search begins at every character
    if power == 0:
        return SEEN if ways <= STEPS else 0
    return min(SEEN, int((STEPS / ways) ** (1 / power)))


def _sequence(items: Iterable[Any]) -> _Cost:
    degree, ways = 0, 1
    for item in items:
        cost = _cost(*item)
        degree, ways = degree + cost.degree, min(ways * cost.ways, STEPS + 1)
    return _Cost(degree, ways)


_SINGLE = frozenset({op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN, op.AT})


def _cost(kind: Any, given: Any) -> _Cost:
    if kind in _SINGLE:
        return _FIXED
    if kind is op.SUBPATTERN:
        return _sequence(given[3])
    if kind in (op.ASSERT, op.ASSERT_NOT):
        return _sequence(given[1])
    if kind is op.BRANCH:
        costs = [_sequence(one) for one in given[1]]
        if all(cost.is_fixed for cost in costs) and _exclude_each_other(given[1]):
            return _FIXED
        return _Cost(max(cost.degree for cost in costs), sum(cost.ways for cost in costs))
    if kind in (op.MAX_REPEAT, op.MIN_REPEAT):
        return _repeated(*given)
    raise _Unknown


def _repeated(least: int, most: int, body: Iterable[Any]) -> _Cost:
    inner = _sequence(body)
    if most == 1 and least == 0:
        return _Cost(inner.degree, inner.ways + 1)
    if most == least == 1:
        return inner
    if not inner.is_fixed:
        if inner.degree or most > FEW:
            raise _Unknown  # a choice in a repetition: the ways multiply each time
        return _Cost(0, min((inner.ways + 1) ** most, STEPS + 1))
    if most == least:
        return _FIXED
    return _Cost(0, most - least + 1) if most - least <= FEW else _Cost(1, 1)


def _exclude_each_other(branches: Iterable[Iterable[Any]]) -> bool:
    """Whether all are plain words, none the beginning of another: then one of them at most fits in a place."""
    words = []
    for branch in branches:
        items = list(branch)
        if not items or any(kind is not op.LITERAL for kind, _ in items):
            return False
        words.append("".join(chr(given) for _, given in items).casefold())
    words.sort()
    return not any(after.startswith(before) for before, after in itertools.pairwise(words))
