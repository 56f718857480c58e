"""What became of the tests, for a person at a terminal: 80 columns, coloured on request.

A test that failed is told as a conversation, up to the step that went wrong, and then what differs::

    ✗ how_many

      customer  a t-shirt
           bot  *👕 Sol* T-shirt · 22 €
                How many would you like?
                [Add 1] [Add 2] [Add 3]
    > customer  4
                (understood as quantity.said (rules))
           bot  🛒 *Your cart*
                4 × 👕 Sol · 88 €

      flows/shop/tests/how_many.yaml:9:8: the bot says something else
        expected  4 × 👕 Sol · 80 €
             got  4 × 👕 Sol · 88 €
                               ^^
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence

from wabox.flowfile.findings import columns
from wabox.simulator.bubble import Bubble
from wabox.simulator.coverage import Count, Coverage
from wabox.simulator.expectation import Difference
from wabox.simulator.runner import Played, Result

WIDTH = 80
STEPS = 4
"""How much of the conversation is shown before the step that went wrong."""
BUBBLE = 8
"""Lines of a bubble."""
NAMED = 12
"""What is not covered, unless all of it is asked for."""

_COLOURS = {"bad": "1;31", "good": "32", "strong": "1", "dim": "2", "got": "31"}
_WHO = {"agent": "agent", "user": "customer", "tap": "customer", "message": "customer"}

Paint = Callable[[str, str], str]


def painter(colour: bool) -> Paint:
    """Colours a text by its role, or not."""
    return lambda text, role: f"\x1b[{_COLOURS[role]}m{text}\x1b[0m" if colour else text


def failure(result: Result, paint: Paint, *, whole: bool = False) -> str:
    """A test that failed; ``whole``: with all of the conversation."""
    lines = [paint(f"✗ {result.name}", "bad")]
    if result.test.title != result.test.name:
        lines += _wrap(result.test.title, "  ", "  ")
    lines.append("")
    played = result.played if whole else result.played[-STEPS - 1 :]
    if left_out := len(result.played) - len(played):
        steps = "step" if left_out == 1 else "steps"
        lines.append(paint(f"  … {left_out} {steps} before; -v shows all of it", "dim"))
    for place, step in enumerate(played, 1):
        lines += _played(step, paint, last=place == len(played))
    for difference in result.differences:
        lines += ["", *_difference(result.test.source.shown, difference, paint)]
    return "\n".join(lines)


def _played(played: Played, paint: Paint, *, last: bool) -> Iterator[str]:
    who = _WHO.get(played.step.input, "")
    sign = paint(">", "bad") if last else " "
    for place, line in enumerate(_wrap(played.did, "", "", WIDTH - 12)):
        yield f"{sign if not place else ' '} {who if not place else '':>8}  {line}"
    for line in _wrap(f"({played.why})", "", "", WIDTH - 12) if last and played.why else ():
        yield paint(f"{'':12}{line}", "dim")
    for bubble in played.said:
        for place, line in enumerate(_short(bubble)):
            yield paint(f"  {'bot' if not place else '':>8}  ", "dim") + line


def _short(bubble: Bubble) -> list[str]:
    words = [line for part in bubble.words for line in part.split("\n")]
    lines = [line for part in words for line in _wrap(part, "", "", WIDTH - 12)]
    if len(lines) > BUBBLE:
        lines = [*lines[: BUBBLE - 1], "…"]
    if bubble.options:
        options = " ".join(f"[{title.partition(' · ')[0]}]" for title in bubble.options)
        lines += _wrap(options, "", "", WIDTH - 12)
    return lines


def _difference(file: str, difference: Difference, paint: Paint) -> Iterator[str]:
    place = f"{file}:{difference.mark.line}:{difference.mark.column}:"
    sentence = difference.sentence or f"{difference.key} is not as expected"
    yield from _painted(_wrap(f"{place} {sentence}", "  ", "    "), place, paint, "strong")
    expected, got = _block("expected", difference.expected), _block("got", difference.got)
    for line in expected:
        yield paint(line, "good")
    for line in got:
        yield paint(line, "got")
    if len(expected) == len(got) == 1 and (under := _marks(difference.expected[0], difference.got[0])):
        yield paint(" " * 14 + under, "got")


def _block(label: str, texts: Sequence[str]) -> list[str]:
    lines = [line for text in texts for part in text.split("\n") for line in _wrap(part, "", "", WIDTH - 14)]
    if len(lines) > BUBBLE * 2:
        lines = [*lines[: BUBBLE * 2 - 1], "…"]
    return [f"  {label if not place else '':>10}  {line}" for place, line in enumerate(lines)]


def _marks(expected: str, got: str) -> str:
    """Carets under what differs in ``got``; nothing when they have little in common."""
    matcher = difflib.SequenceMatcher(None, expected, got, autojunk=False)
    if matcher.ratio() < 0.6:
        return ""
    under = ""
    for kind, _, _, start, end in matcher.get_opcodes():
        width = columns(got[start:end])
        under += (" " if kind == "equal" else "^") * width
        if kind == "delete":
            under = under[:-1] + "^" if under.endswith(" ") else under
    return under.rstrip()


def verdict(name: str, passed: int, failed: int, broken: int, seconds: float, paint: Paint) -> str:
    """``shop: 16 passed, 1 failed in 0.3 s``."""
    parts = [f"{passed} passed"]
    if failed:
        parts.append(paint(f"{failed} failed", "bad"))
    if broken:
        parts.append(paint(f"{broken} {'mistake' if broken == 1 else 'mistakes'} in test files", "bad"))
    return f"{paint(name, 'strong')}: {', '.join(parts)} in {seconds:.1f} s"


def coverage(found: Coverage, paint: Paint, *, everything: bool = False) -> str:
    """A table by chart, and what is not covered."""
    rows = [(chart.chart, chart.states, chart.transitions) for chart in found.charts()]
    name = max(columns(row[0]) for row in rows)
    lines = [paint(f"{'':{name}}  {'states':>18}  {'transitions':>18}", "dim")]
    lines += [f"{_padded(chart, name)}  {_count(states)}  {_count(transitions)}" for chart, states, transitions in rows]
    answers = found.answers()
    if answers.total:
        lines.append(paint(f"{answers.covered} of the {answers.total} answers of faq.yaml were given", "dim"))
    missing = found.uncovered()
    shown = missing if everything else missing[:NAMED]
    if shown:
        lines.append("not covered:")
    for one in shown:
        words = f"{one.kind} {one.what}" if one.kind in ("state", "transition") else one.what
        lines += _painted(_wrap(f"{one.place}: {words}", "  ", "      "), f"{one.place}:", paint, "strong")
    if len(missing) > len(shown):
        lines.append(paint(f"  … and {len(missing) - len(shown)} more: --cover names them all", "dim"))
    return "\n".join(lines)


def _count(count: Count) -> str:
    # 99.6 % is not 100 %.
    return f"{count.covered:4} of {count.total:<4} {int(count.percent):3} %"


def _padded(text: str, width: int) -> str:
    return text + " " * (width - columns(text))


def _painted(lines: Iterable[str], words: str, paint: Paint, role: str) -> list[str]:
    return "\n".join(lines).replace(words, paint(words, role), 1).split("\n")


def _wrap(text: str, first: str, rest: str, width: int = WIDTH) -> list[str]:
    """Lines of at most ``width`` terminal columns; a word that is longer stays whole, unless it is longer than a line."""
    lines: list[str] = []
    line, empty = first, True
    for word in text.split(" "):
        wider = line + ("" if empty else " ") + word
        if empty or columns(wider) <= width:
            line, empty = wider, False
        else:
            lines.append(line)
            line = rest + word
        while columns(line) > width and " " not in line[len(rest) :]:
            cut = width
            while columns(line[:cut]) > width:
                cut -= 1
            lines.append(line[:cut])
            line = rest + line[cut:]
    return [*lines, line]
