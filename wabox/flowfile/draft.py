"""A bot's folder as far as it could be read: everything the checks look at, and what was found on the way.

Reading never stops at the first mistake. What is broken is left out and reported; what depends on it is not reported again.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from wabox.actions import ActionInput, GuardInput, Registered
from wabox.core.intent import Intent
from wabox.engine.chart import Chart, ChartError, Problem, compile_chart
from wabox.flowfile import intents as intents_file
from wabox.flowfile import library, repairs
from wabox.flowfile.actions import FILE as ACTIONS
from wabox.flowfile.actions import load_actions
from wabox.flowfile.canned import CannedAnswers, CannedFile, read_canned
from wabox.flowfile.document import START, Document, Source, Steps
from wabox.flowfile.faq import Faq, read_faq
from wabox.flowfile.files import Files, find_files
from wabox.flowfile.findings import Finding
from wabox.flowfile.folder import FLOW_FILES, shown
from wabox.flowfile.intents import IntentFile, read_intents
from wabox.flowfile.reader import read
from wabox.flowfile.templates import TemplateFile, Templates, read_templates
from wabox.flowfile.texts import FILE as TEXTS
from wabox.flowfile.texts import TextFile, Texts, read_texts
from wabox.flowfile.words import listed, quoted

SUFFIXES = (".yaml", ".yml", ".json")
NOT_CHARTS = ("intents", "faq", "templates", "canned")
ENGLISH = "en"


@dataclass(slots=True)
class Draft:
    """What was read of one folder."""

    folder: Path
    findings: list[Finding] = field(default_factory=list)
    main: str = ""
    """The id of the main chart."""
    documents: dict[str, Document] = field(default_factory=dict)
    """The charts' files by id, the main one first."""
    charts: dict[str, Chart] = field(default_factory=dict)
    """Those that compile, FAQ answers included; by id, the main one first."""
    repaired: dict[str, Chart] = field(default_factory=dict)
    """What is left of those that do not: good enough to look for wrong names and messages."""
    registered: Registered | None = None
    text_files: dict[str, TextFile] = field(default_factory=dict)
    texts: Texts = field(default_factory=lambda: Texts.of((ENGLISH,), ENGLISH, {}, keyed=False))
    intent_file: IntentFile | None = None
    faq: Faq | None = None
    intents: tuple[Intent, ...] = ()
    template_file: TemplateFile | None = None
    canned_file: CannedFile | None = None
    files: Files = field(default_factory=dict)
    """What messages can send from this folder."""

    @property
    def templates(self) -> Templates:
        return self.template_file.templates if self.template_file else {}

    @property
    def canned(self) -> CannedAnswers:
        return self.canned_file.answers if self.canned_file else {}

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity == "error"]

    @property
    def readable(self) -> dict[str, Chart]:
        """All charts, the repaired ones too."""
        return {**self.repaired, **self.charts}

    def source(self, chart: str) -> Source:
        """The file of a chart; an answer's is the FAQ."""
        document = self.documents.get(chart) or (self.faq.document if self.faq else None)
        return document.source if document else Source(self.folder, shown(self.folder))

    def at(
        self, chart: str, steps: Steps, code: str, sentence: str, fix: str, *, key: bool = False, **more: Any
    ) -> None:
        """Add a finding at a place in a chart's definition."""
        document = self.documents.get(chart)
        mark = document.mark(steps, key=key) if document else START
        self.findings.append(self.source(chart).finding(mark, code, sentence, fix, **more))


def read_folder(folder: Path, language: str | None = None, name: str | None = None) -> Draft:
    """Read everything in the folder; ``language`` is the default one if the flow names none, ``name`` what the bot is called
    if not like the folder."""
    draft = Draft(folder, files=find_files(folder))
    add = draft.findings.append
    charts: dict[str, Document] = {}
    others: dict[str, Path] = {}
    for path in _files(folder, draft):
        stem = path.stem
        if TEXTS.match(path.name):
            text_file = read_texts(path, shown(path), add)
            if text_file is not None:
                _keep_texts(draft, text_file)
        elif stem.partition(".")[0] == "texts":
            fix = "call it texts.en.yaml, with the language's code"
            add(Source(path, shown(path)).finding(START, "file-name", f"{quoted(path.name)} names no language", fix))
        elif stem in others or stem in charts:
            sentence = f"there is another file for {quoted(stem)} in this folder"
            add(Source(path, shown(path)).finding(START, "file-name", sentence, "keep one of them"))
        elif stem in NOT_CHARTS:
            others[stem] = path
        else:
            document = read(path, shown(path), add)
            if document is not None:
                charts[stem] = document
    _order_charts(draft, charts, name or folder.absolute().name)
    _texts(draft, others.get("faq"), language)
    if "intents" in others:
        draft.intent_file = read_intents(others["intents"], shown(others["intents"]), draft.texts.languages, add)
    if "templates" in others:
        draft.template_file = read_templates(others["templates"], shown(others["templates"]), add)
    if "canned" in others:
        draft.canned_file = read_canned(others["canned"], shown(others["canned"]), draft.texts.default, add)
    own = draft.intent_file.intents if draft.intent_file else {}
    draft.intents = intents_file.merged(own, intents_file.built_in(), draft.faq.intents if draft.faq else {})
    actions = folder / ACTIONS
    draft.registered = load_actions(actions, shown(actions), add)
    _compile(draft)
    return draft


def _files(folder: Path, draft: Draft) -> Iterator[Path]:
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and path.is_file())
    except OSError as error:
        sentence = f"the folder cannot be read: {error.strerror or error}"
        draft.findings.append(Source(folder, shown(folder)).finding(START, "unreadable", sentence, "check the path"))
        return
    yield from (path for path in found if not path.name.startswith("."))


def _keep_texts(draft: Draft, text_file: TextFile) -> None:
    if text_file.language in draft.text_files:
        source = text_file.document.source
        sentence = f"there is another file for the language {text_file.language!r}"
        draft.findings.append(source.finding(START, "file-name", sentence, "keep one of them"))
    else:
        draft.text_files[text_file.language] = text_file


def _order_charts(draft: Draft, charts: dict[str, Document], bot: str) -> None:
    main = charts.pop("flow", None)
    if main is None:
        path = draft.folder / FLOW_FILES[0]
        if not any(finding.file == shown(draft.folder / name) for name in FLOW_FILES for finding in draft.findings):
            source = Source(path, shown(path))
            draft.findings.append(source.finding(START, "no-flow", "the bot has no main chart", "write flow.yaml"))
        draft.documents = charts
        return
    named = main.root.get("id")
    draft.main = named.value if named is not None and isinstance(named.value, str) and named.value else bot
    for name, document in charts.items():
        own = document.root.get("id")
        if name == draft.main:
            sentence = f"this chart and the main chart are both called {quoted(name)}"
            draft.findings.append(document.source.finding(START, "file-name", sentence, "rename this file"))
        if own is not None and own.value != name:
            sentence = (
                f"the chart of {document.source.path.name} is called {quoted(name)}, not {quoted(str(own.value))}"
            )
            fix = "rename the file, or take the id out"
            draft.findings.append(document.source.finding(own.mark, "chart-id", sentence, fix))
    draft.documents = {draft.main: main, **{name: document for name, document in charts.items() if name != draft.main}}


def _texts(draft: Draft, faq: Path | None, language: str | None) -> None:
    """Decide which languages the bot speaks, and put its texts together."""
    spoken = sorted(draft.text_files)
    main = draft.documents.get(draft.main)
    chosen = main.root.get("language") if main is not None else None
    default = language
    if main is not None and chosen is not None:
        if isinstance(chosen.value, str) and (not spoken or chosen.value in spoken):
            default = chosen.value
        else:
            sentence = f"there are no texts in the language {quoted(str(chosen.value))}"
            fix = f"there are texts in {listed(spoken)}" if spoken else "write a code such as en"
            draft.findings.append(main.source.finding(chosen.mark, "unknown-language", sentence, fix))
    if default is None or (spoken and default not in spoken):
        default = ENGLISH if ENGLISH in spoken or not spoken else spoken[0]
    languages = (default, *(name for name in spoken if name != default))
    if faq is not None:
        draft.faq = read_faq(faq, shown(faq), languages, draft.findings.append)
    own: dict[str, dict[str, str]] = {name: {} for name in languages}
    for name in languages:
        if draft.faq is not None:
            own[name].update(draft.faq.answers.get(name, {}))
        if name in draft.text_files:
            own[name].update(draft.text_files[name].texts)
    meta = main.root.get("meta") if main is not None else None
    plain = meta.get("markdown") if meta is not None else None
    markdown = plain is None or plain.value is not False
    draft.texts = Texts.of(languages, default, own, keyed=bool(spoken), markdown=markdown)


def _compile(draft: Draft) -> None:
    answers = draft.faq.charts() if draft.faq else {}
    ours = {**repairs.for_bot(draft.documents), **library.for_bot(draft.folder, draft.documents)}
    for name, document in draft.documents.items():
        definition = document.root.plain()
        if _is_empty(draft, document, definition):
            continue
        if name == draft.main and isinstance(definition, dict):
            own = definition.get("detours")
            if own is None or isinstance(own, dict):
                lent = {**repairs.detours(definition, draft.documents), **library.detours(draft.folder)}
                definition["detours"] = {**lent, **(own or {}), **{answer: answer for answer in answers}}
        chart, problems = _attempt(draft, name, definition)
        if chart is not None and not problems:
            draft.charts[name] = chart
            continue
        for problem in problems:
            key = problem.code == "unknown-key"
            draft.at(name, problem.path, problem.code, problem.sentence, problem.fix, key=key)
        for _ in range(_ROUNDS):
            if chart is None:
                _cut_out(definition, problems)
                chart, problems = _attempt(draft, name, definition)
        if chart is not None:
            draft.repaired[name] = chart
    for name, definition in {**answers, **ours}.items():
        chart, _ = _attempt(draft, name, definition)
        if chart is not None:
            draft.charts[name] = chart


def _is_empty(draft: Draft, document: Document, definition: Any) -> bool:
    """Whether there is no chart at all, which is told once and not as everything that such a chart lacks."""
    if definition is not None and not (isinstance(definition, dict) and not definition.get("states")):
        return False
    keys = [str(key) for key in definition or {}]
    mistyped = difflib.get_close_matches("states", keys, n=1, cutoff=0.7)
    if mistyped and mistyped[0] != "states":
        return False  # which its compiler tells better
    sentence = "the file is empty" if definition is None else "the chart has no states"
    fix = "write states: with what the bot says, such as states: {hello: {ask: Hello!}}"
    draft.findings.append(document.source.finding(START, "no-states", sentence, fix))
    return True


_ROUNDS = 3
"""What is wrong is cut out and the rest compiled again, so that an author sees more than the first kind of mistake."""


def _attempt(draft: Draft, name: str, definition: Any) -> tuple[Chart | None, tuple[Problem, ...]]:
    # When actions.py could not be loaded, that was said already; every name of it may be right.
    known = draft.registered or Registered(_AnyName(_never), _AnyName(_nothing))
    try:
        replies = {name: template.replies(draft.texts.default) for name, template in draft.templates.items()}
        return compile_chart(name, definition, guards=known.guards, actions=known.actions, templates=replies), ()
    except ChartError as error:
        return None, error.problems


_Function = TypeVar("_Function")


class _AnyName(Mapping[str, _Function]):
    """Knows every name, and lists none."""

    def __init__(self, function: _Function) -> None:
        self._function = function

    def __getitem__(self, key: str) -> _Function:
        return self._function

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _never(given: GuardInput) -> bool:
    return False


def _nothing(given: ActionInput) -> None:
    return None


def _cut_out(definition: Any, problems: tuple[Problem, ...]) -> None:
    for problem in problems:
        inner = definition
        for step in problem.path[:-1]:
            below = inner.get(step) if isinstance(inner, dict) else inner[step] if _in(inner, step) else None
            if not isinstance(below, (dict, list)):
                break
            inner = below
        step = problem.path[-1] if problem.path else ""
        if isinstance(inner, dict):
            inner.pop(step, None)
        elif _in(inner, step):
            inner[step] = {}  # taking it out would move its neighbours


def _in(listed: Any, step: str | int) -> bool:
    return isinstance(listed, list) and isinstance(step, int) and 0 <= step < len(listed)
