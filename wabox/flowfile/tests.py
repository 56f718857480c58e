"""Conversations that must keep working: the files in ``tests/`` of a bot's folder.

A file is one test: a list of steps, or a mapping with ``steps`` and where the conversation begins::

    name: a card that is declined     # default: the file's name
    language: [en, es]                # the one it begins in; several: the whole test once in each
    start: {state: checkout.payment.method, context: {cart.count: 2}}
    contact: {name: Ana}
    at: 2026-11-22T10:00              # when, UTC
    stub: {charge: {error: declined}}
    steps:
      - tap: pay.card
        bot: {en: Your card was declined, es: La tarjeta fue rechazada}
        state: checkout.payment.method

A step is one input (:data:`INPUTS`) and what must come of it (:data:`EXPECTATIONS`). Where the customer or the bot speaks,
``{en: …, es: …}`` says it in each language. All mistakes are findings, as in flows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from wabox.flowfile.bot import Bot
from wabox.flowfile.document import START, Node, Source
from wabox.flowfile.findings import Finding
from wabox.flowfile.folder import shown
from wabox.flowfile.known import Known
from wabox.flowfile.reader import read
from wabox.flowfile.script import Expectation, ScriptReader, ScriptStep
from wabox.flowfile.words import quoted

__all__ = ["ConversationTest", "Expectation", "ScriptStep", "Start", "read_test", "read_tests"]

FOLDER = "tests"
SUFFIXES = (".yaml", ".yml", ".json")
KEYS = ("name", "language", "start", "contact", "at", "stub", "steps")
START_KEYS = ("state", "chart", "context")
CONTACT_KEYS = ("name", "wa_id", "user_id", "username")

Add = Callable[[Finding], None]


class Start(NamedTuple):
    """Where a test begins, if not at the beginning."""

    chart: str
    states: tuple[str, ...]
    context: Mapping[str, Any]
    """Laid over the chart's own variables; keys may be dotted paths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationTest:
    """One file of ``tests/``, checked against its bot."""

    name: str
    """The file's path below ``tests/`` without its ending."""
    title: str
    """``name:`` of the file, else the same."""
    source: Source
    steps: tuple[ScriptStep, ...]
    languages: tuple[str, ...]
    """One run for each. Never empty."""
    start: Start | None = None
    contact: Mapping[str, str] = field(default_factory=dict)
    at: int | None = None
    """ms since the epoch."""
    stubs: Mapping[str, Any] = field(default_factory=dict)


def read_tests(bot: Bot, add: Add) -> list[ConversationTest]:
    """Every test of the bot that is whole, by name; what is wrong with the others goes to ``add``."""
    folder = bot.folder / FOLDER
    known = Known.of(bot)
    found = []
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        inside = path.relative_to(folder)
        if path.suffix in SUFFIXES and path.is_file() and not any(part.startswith(".") for part in inside.parts):
            test = read_test(path, inside.with_suffix("").as_posix(), known, add)
            if test is not None:
                found.append(test)
    return found


def read_test(path: Path, name: str, known: Known, add: Add) -> ConversationTest | None:
    """One file; None when it has a mistake."""
    findings: list[Finding] = []
    document = read(path, shown(path), findings.append)
    test = None
    if document is not None:
        test = _Reader(document.source, known, findings.append).test(document.root, name)
    for finding in sorted(findings, key=lambda one: (one.line, one.column)):
        add(finding)
    return None if findings else test


class _Reader(ScriptReader):
    def test(self, root: Node, name: str) -> ConversationTest | None:
        if isinstance(root.value, list):
            steps, languages = root, self._languages(None)
            return ConversationTest(
                name=name, title=name, source=self.source, steps=self.steps(steps, languages), languages=languages
            )
        if not isinstance(root.value, dict):
            fix = 'write "- user: hi" in its first line'
            self.wrong(root.mark, "bad-value", f"a test is a list of steps; here stands {root.kind}", fix)
            return None
        self.only(root, KEYS, "a test")
        listed = root.get("steps")
        if listed is None or not isinstance(listed.value, list):
            mark = START if listed is None else root.keys["steps"]
            self.wrong(mark, "no-steps", "a test needs a list of steps", "write steps: and below it - user: hi")
            return None
        languages = self._languages(root.get("language"))
        stubs = root.get("stub")
        start = self._start(root)
        self.begun = start.context if start is not None else {}
        return ConversationTest(
            name=name,
            title=self.text(root.get("name"), "a name") or name,
            source=self.source,
            steps=self.steps(listed, languages),
            languages=languages,
            start=start,
            contact=self._contact(root.get("contact")),
            at=self._at(root.get("at")),
            stubs={} if stubs is None else self.stubs(stubs),
        )

    def _languages(self, node: Node | None) -> tuple[str, ...]:
        spoken = self.known.languages
        if node is None:
            return spoken[:1]
        found: list[str] = []
        for one in self.listed(node):
            word = self.text(one, "a language")
            if word in spoken:
                found.append(word)
            elif word is not None:
                sentence, otherwise = f"the bot does not speak {quoted(word)}", f"the bot speaks {', '.join(spoken)}"
                self.unknown(one.mark, "unknown-language", sentence, word, spoken, otherwise)
        return tuple(dict.fromkeys(found)) or spoken[:1]

    def _start(self, root: Node) -> Start | None:
        node = root.get("start")
        if node is None:
            return None
        state: Node | None = node
        chart = context = None
        if isinstance(node.value, dict):
            self.only(node, START_KEYS, "start")
            state, chart, context = node.get("state"), node.get("chart"), node.get("context")
        elif not isinstance(node.value, str):
            fix = "write start: {state: checkout, context: {…}}"
            self.wrong(node.mark, "bad-value", f"start is a mapping, here stands {node.kind}", fix)
            return None
        where = self.known.main
        if chart is not None:
            where = self.text(chart, "a chart") or where
            if where not in self.known.states:
                charts = list(self.known.states)
                self.unknown(chart.mark, "unknown-chart", f"there is no chart {quoted(where)}", where, charts)
                return None
        states = tuple(self.state(one, (where,)) or "" for one in self.listed(state)) if state is not None else ()
        if "" not in states and (trouble := self.known.cannot_begin(where, states)):
            self.wrong((state or node).mark, "bad-start", trouble, "begin in a state where the conversation waits")
        plain = {} if context is None else self.mapping(context, "a context")
        return Start(where, states, plain)

    def _contact(self, node: Node | None) -> dict[str, str]:
        if node is None:
            return {}
        self.mapping(node, "a contact")
        self.only(node, CONTACT_KEYS, "a contact")
        found = {
            key: self.text(child, f"a contact's {key}") or "" for key, child in node.items() if key in CONTACT_KEYS
        }
        number = node.get("wa_id")
        if number is not None and not (found["wa_id"].isascii() and found["wa_id"].isdecimal()):
            self.wrong(number.mark, "bad-value", "a wa_id is a phone number in digits", 'write "15550002222"')
        return found

    def _at(self, node: Node | None) -> int | None:
        written = self.text(node, "a time")
        if node is None or written is None:
            return None
        try:
            moment = datetime.fromisoformat(written)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return round(moment.timestamp() * 1000)
        except (ValueError, OverflowError):
            self.wrong(node.mark, "bad-time", f"{quoted(written)} is not a time", "write 2026-11-22T10:00")
            return None
