"""Pages of the manual that are lists of what the code has: ``python -m tests.reference`` writes them anew.

``tests/test_docs.py`` fails when a page is not what the code says.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from wabox.flowfile.rules import rules
from wabox.whatsapp import errors

PAGE = Path(__file__).parents[1] / "wabox" / "manual" / "errors.md"
KINDS = {
    errors.Kind.RETRY: "tried again",
    errors.Kind.AMBIGUOUS: "it may have left: its delivery status decides",
    errors.Kind.DELAY: "tried again much later",
    errors.Kind.WINDOW: "the 24 hours are over: a template, or nothing",
    errors.Kind.CONTACT: "not to this customer",
    errors.Kind.NUMBER: "nothing leaves from this number until somebody acts; nothing is lost",
    errors.Kind.PERMANENT: "not this message",
}


def lines() -> Iterator[str]:
    yield "# Every error: of a flow, and of WhatsApp"
    yield ""
    yield "## What `wabox check` finds"
    yield ""
    yield "`wabox check --explain CODE` shows an example that breaks the rule, and the same mended. Errors keep a flow from"
    yield "being published; warnings do not."
    yield ""
    yield "| code | | what it asks |"
    yield "|---|---|---|"
    for rule in rules().values():
        yield f"| `{rule.code}` | {rule.severity} | {_cell(rule.sentence)} |"
    yield ""
    yield "## What WhatsApp says of a message"
    yield ""
    yield "The code stands in the log, in `wabox outbox list` and in the event `delivery.failed`. What wabox does with it:"
    yield ""
    for kind, what in KINDS.items():
        yield f"- **{kind}**: {what}."
    yield ""
    yield "| code | | what happened | what to do |"
    yield "|---|---|---|---|"
    table = [(str(code), meaning) for code, meaning in sorted(errors._TABLE.items())]
    table += [(f"{codes.start}–{codes.stop - 1}", meaning) for codes, meaning in errors._RANGES]
    for code, meaning in table:
        yield f"| {code} | {meaning.kind} | {_cell(meaning.sentence)} | {_cell(meaning.advice)} |"


def page() -> str:
    return "\n".join(lines()) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").strip()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
