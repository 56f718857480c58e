"""A bot, ready to run: its charts, its intents, its words.

:func:`load_bot` is the only way to one, and it refuses a folder with errors, so what runs has passed ``wabox check``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wabox.core.action import Task
from wabox.core.content import Content
from wabox.core.fit import fit
from wabox.core.intent import Choice, Intent
from wabox.core.kind import TemplateUse
from wabox.core.slot import Slot
from wabox.engine.chart import Charts, SayTemplate
from wabox.engine.check import check_charts
from wabox.engine.text import fill
from wabox.errors import FlowError
from wabox.flowfile import library, repairs
from wabox.flowfile.actions import may_set
from wabox.flowfile.canned import CannedAnswers, check_canned
from wabox.flowfile.draft import Draft, read_folder
from wabox.flowfile.files import Files, placed
from wabox.flowfile.findings import Finding, render_all
from wabox.flowfile.fixed import Fixed
from wabox.flowfile.folder import shown
from wabox.flowfile.formats import in_language
from wabox.flowfile.messages import check_messages, content, is_offered
from wabox.flowfile.names import check_names
from wabox.flowfile.spoken import Spoken, coverage
from wabox.flowfile.templates import Templates
from wabox.flowfile.texts import Texts, filled
from wabox.flowfile.usage import check_usage
from wabox.flowfile.variables import Variables
from wabox.settings import PLAIN, Manners

_CANNOT_READ = "wabox.cannot_read."


class BrokenBot(FlowError):
    """A folder that cannot be loaded; ``findings`` has all errors, the message shows them."""

    def __init__(self, folder: Path, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(f"the bot in {shown(folder)} cannot be loaded\n\n{render_all(findings)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """Everything about one bot that conversations need; never changed."""

    name: str
    """The folder's name."""
    folder: Path
    charts: Charts
    main: str
    """The id of the chart that conversations begin in."""
    intents: tuple[Intent, ...]
    texts: Texts
    templates: Templates = field(default_factory=dict)
    """By name."""
    canned: CannedAnswers = field(default_factory=dict)
    """What agents say often, by name."""
    context: Mapping[str, Any] = field(default_factory=dict)
    """Settings laid over the main chart's context when a conversation begins."""
    tasks: Mapping[str, Task] = field(default_factory=dict)
    """Functions of ``actions.py`` that flows invoke, by name."""
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """Actions of ``actions.py``, by name."""
    warnings: tuple[Finding, ...] = ()
    manners: Manners = PLAIN
    """How the owner wants it to behave."""
    files: Files = field(default_factory=dict)
    """What its messages can send from its folder, by path."""
    _rendered: Fixed[Content] = field(default_factory=Fixed, repr=False, compare=False)
    _offered: Fixed[tuple[Choice, ...]] = field(default_factory=Fixed, repr=False, compare=False)

    @property
    def title(self) -> str:
        """What customers know it as: ``meta: {title: …}`` of the main chart, else the folder's name."""
        title = self.charts[self.main].root.meta.get("title")
        return title if isinstance(title, str) and title else self.name.replace("_", " ").title()

    @property
    def languages(self) -> tuple[str, ...]:
        """Language codes, the default first."""
        return self.texts.languages

    @property
    def default_language(self) -> str:
        return self.texts.default

    def text(self, reference: str, language: str) -> str:
        """The words behind a key (or the words themselves), placeholders still in them."""
        return self.texts.get(reference, language)

    def words(self, reference: str, language: str, values: Mapping[str, Any] | None = None) -> str:
        """The same, formatted and filled."""
        return filled(self.texts.formatted(reference, language), values or {})

    def render(self, template: SayTemplate, context: Mapping[str, Any], language: str) -> Content:
        """The message as this customer gets it; what a placeholder made too long for WhatsApp is cut."""
        return self._rendered.get(
            template,
            language,
            self.texts,
            lambda: fit(placed(content(template, self.texts, language, context, self.templates), self.files)),
        )

    def choices(self, template: SayTemplate, context: Mapping[str, Any], language: str) -> tuple[Choice, ...]:
        """Event and title of every option of a message, in reading order."""
        return self._offered.get(
            template, language, self.texts, lambda: tuple(self._choices(template, context, language))
        )

    def _choices(self, template: SayTemplate, context: Mapping[str, Any], language: str) -> Iterator[Choice]:
        options: Iterable[tuple[str, str]] = template.buttons
        if template.list is not None:
            options = ((row.event, row.title) for section in template.list.sections for row in section.rows)
        elif isinstance(template.kind, TemplateUse):
            options = self.templates[template.kind.name].replies(template.kind.language or language)
        for event, reference in options:
            written = self.texts.get(reference, language)
            title = fill(written, context, in_language(language))
            if is_offered(written, title):
                yield Choice(event=event, title=title)

    @property
    def borrowed(self) -> frozenset[str]:
        """The ids of charts that are as they come with wabox."""
        ours = repairs.for_bot(())
        return frozenset(
            name
            for name, chart in self.charts.live.items()
            if (name in ours and chart.definition == ours[name]) or library.is_ours(name, chart.definition)
        )

    @property
    def collects(self) -> bool:
        """Whether any of its charts fills a slot."""
        return any(chart.slots for chart in self.charts.live.values())

    def slot_choices(self, slot: Slot, context: Mapping[str, Any], language: str) -> tuple[Choice, ...]:
        """The options of a slot, their titles as this customer reads them."""
        return tuple(
            Choice(event=value, title=fill(self.texts.get(title, language), context)) for value, title in slot.options
        )

    def intent_title(self, name: str, language: str) -> str:
        """What customers know an intent by: its title in their language or the bot's, or what its name says."""
        intent = next((one for one in self.intents if one.name == name), None)
        by_language = intent.words if intent is not None else {}
        for spoken in (language, *self.languages):
            words = by_language.get(spoken)
            if words is not None and words.title:
                return words.title
        words = by_language.get(language)
        if name.startswith("faq.") and words is not None and words.examples:
            return words.examples[0]
        return " ".join(re.split(r"[._-]+", name.removeprefix("faq."))).capitalize()

    def cannot_read(self, kind: str) -> str:
        """The key of what to say about a message of a type that nothing was made of."""
        key = _CANNOT_READ + kind
        return key if key in self.texts.keys else _CANNOT_READ + "other"


def load_bot(
    folder: Path,
    *,
    language: str | None = None,
    context: Mapping[str, Any] | None = None,
    name: str | None = None,
    published: bool = False,
    manners: Manners = PLAIN,
) -> Bot:
    """The bot in a folder. Raises :class:`BrokenBot` (a FlowError) when it has errors.

    ``language`` is the default one when the flow names none; ``context`` is laid over the main chart's; ``name`` is the
    bot's, by default the folder's. ``published``: the folder was checked when it was published. A newer wabox may check
    more, and what it finds is no reason to stop what runs; only what cannot run at all is.
    """
    draft = _checked(folder, language, name)
    errors = _sorted(draft.errors)
    runs = draft.main in draft.charts and draft.registered is not None
    if errors and not (published and runs):
        raise BrokenBot(folder, errors)
    return Bot(
        name=name or folder.absolute().name,
        folder=folder,
        charts=Charts(draft.charts.values()),
        main=draft.main,
        intents=draft.intents,
        texts=draft.texts,
        templates=draft.templates,
        canned=draft.canned,
        context=dict(context or {}),
        tasks=draft.registered.tasks if draft.registered else {},
        functions=draft.registered.actions if draft.registered else {},
        warnings=tuple(_sorted(draft.findings)),
        manners=manners,
        files=draft.files,
    )


def check_bot(folder: Path, *, language: str | None = None) -> list[Finding]:
    """Everything to repair or to look at in a folder, file by file, in the order of the lines. Never raises."""
    return look_at_bot(folder, language=language)[0]


def look_at_bot(folder: Path, *, language: str | None = None) -> tuple[list[Finding], tuple[Spoken, ...]]:
    """The same, and how much there is in each language. Never raises."""
    draft = _checked(folder, language)
    return _sorted(draft.findings), tuple(coverage(draft))


def _checked(folder: Path, language: str | None, name: str | None = None) -> Draft:
    draft = read_folder(folder, language, name)
    broken = set(draft.documents) - set(draft.charts)
    functions = draft.registered.actions if draft.registered else {}

    def words(reference: str) -> Iterable[str]:
        texts = draft.texts
        return {texts.get(reference, name) for name in texts.languages} if texts.is_key(reference) else (reference,)

    def writes(action: str) -> frozenset[str] | None:
        return may_set(functions[action]) if action in functions else None

    for fault in check_charts(draft.charts, draft.main, broken, writes=writes, words=words):
        draft.at(fault.chart, fault.path, fault.code, fault.sentence, fault.fix, severity=fault.severity)
    check_names(draft)
    check_usage(draft)
    check_messages(draft)
    if draft.canned_file is not None:
        check_canned(
            draft.canned_file, Variables.among(list(draft.readable.values()), functions, {}), draft.findings.append
        )
    return draft


def _sorted(findings: Sequence[Finding]) -> list[Finding]:
    """File by file (the main chart's first), line by line; the same finding once."""
    order = {finding.file: not Path(finding.file).name.startswith("flow.") for finding in findings}
    unique = dict.fromkeys(findings)
    return sorted(unique, key=lambda one: (order[one.file], one.file, one.line, one.column, one.code, one.sentence))
