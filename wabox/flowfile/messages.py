"""Every message of a bot, in every language, as WhatsApp would get it: are its texts there, and does it fit?

A placeholder is filled with the longest text that the flow itself ever puts there (defaults of the context, literals that are
assigned); what only a customer or an action can put there counts as one character here, and is cut to fit when it is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from wabox.core.breach import LimitBreach
from wabox.core.bubbles import is_plain, spread
from wabox.core.content import Content, Option, OptionList, Section
from wabox.core.kind import Carousel, Change, Contacts, Kind, Role, TemplateMessage, TemplateUse, Written, rewritten
from wabox.core.kind import texts as texts_of
from wabox.core.limits import breaches
from wabox.core.media import TYPES
from wabox.engine.chart import Chart, SayTemplate
from wabox.engine.said import Said, said_in
from wabox.engine.text import fill, placeholders, written
from wabox.engine.value import look_up, put_in
from wabox.flowfile.document import Mark, Source, Steps
from wabox.flowfile.draft import Draft
from wabox.flowfile.files import Files, fitting, placed
from wabox.flowfile.formats import in_language
from wabox.flowfile.templates import Templates, message_of
from wabox.flowfile.texts import Texts, filled

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One text of a message."""

    place: Path
    """In the content: ``("buttons", 1, "title")``."""
    reference: str
    written: tuple[Steps, ...]
    """Where in the message's definition it may stand, the likeliest first: there are short forms."""
    role: Role = "words"


def parts(template: SayTemplate) -> Iterator[Part]:
    """Every text of a message, in reading order."""
    media = template.media
    if media is not None:
        yield Part((media.type,), media.link, ((media.type, "link"), (media.type,), ()), "link")
    for name in ("header", "text", "footer"):
        reference = getattr(template, name)
        if reference is not None:
            yield Part((name,), reference, ((name,), ()))
    if media is not None and media.filename is not None:
        yield Part((media.type, "filename"), media.filename, ((media.type, "filename"),))
    if template.kind is not None:
        key = template.kind.KEY
        for path, reference, role in texts_of(template.kind):
            # Cards stand below their key at once, a single contact also without a list.
            path = path[1:] if isinstance(template.kind, Contacts | Carousel) else path
            yield Part((key, *path), reference, ((key, *path), (key, *path[1:]), (key,)), role)
    if template.outside is not None:
        for path, reference, role in texts_of(template.outside):
            yield Part(("outside", *path), reference, (("outside", *path), ("outside", *path[1:]), ("outside",)), role)
    for place, button in enumerate(template.buttons):
        yield from _option(("buttons", place), button.event, button.title, None, (("buttons",),), place)
    if template.list is None:
        return
    yield Part(("list", "button"), template.list.button, (("list", "button"),))
    for number, section in enumerate(template.list.sections):
        here: Path = ("list", "sections", number)
        if section.title is not None:
            yield Part((*here, "title"), section.title, ((*here, "title"),))
        for place, row in enumerate(section.rows):
            around = ((*here, "rows"), ("list", "rows"))
            yield from _option((*here, "rows", place), row.event, row.title, row.description, around, place)


def _option(
    place: Path, event: str, title: str, description: str | None, around: tuple[Steps, ...], number: int
) -> Iterator[Part]:
    named = tuple((*steps, key) for steps in around for key in (event, number))
    short = (*named, *((*steps, number, event) for steps in around))
    yield Part((*place, "title"), title, (*((*steps, "title") for steps in named), *reversed(short)))
    if description is not None:
        yield Part((*place, "description"), description, tuple((*steps, "description") for steps in named))


def content(
    template: SayTemplate, texts: Texts, language: str, context: Mapping[str, Any], templates: Templates
) -> Content:
    """The message in one language, placeholders filled. Formatted where WhatsApp formats: in text, caption and footer."""
    show = in_language(language)

    def text(reference: str | None) -> str | None:
        return None if reference is None else words(reference)

    def body(reference: str | None) -> str | None:
        return None if reference is None else filled(texts.formatted(reference, language), context, show)

    def words(reference: str) -> str:
        return fill(texts.get(reference, language), context, show)

    def changed(reference: str, role: Role) -> str:
        if role == "body":
            return body(reference) or ""
        if role == "value":
            return filled(texts.get(reference, language), context, show)
        return fill(reference if role == "data" else texts.get(reference, language), context, show)

    listed: OptionList | None = None
    if template.list is not None:
        sections = tuple(
            Section(
                title=text(section.title),
                rows=tuple(
                    Option(event=row.event, title=words(row.title), description=text(row.description) or None)
                    for row in section.rows
                    if is_offered(texts.get(row.title, language), words(row.title))
                ),
            )
            for section in template.list.sections
        )
        offered = tuple(section for section in sections if section.rows)
        listed = OptionList(button=words(template.list.button), sections=offered) if offered else None
    return Content(
        text=body(template.text),
        header=None if template.header is None else fill(texts.bare(template.header, language), context, show),
        footer=body(template.footer),
        buttons=tuple(
            Option(event=event, title=words(title))
            for event, title in template.buttons
            if is_offered(texts.get(title, language), words(title))
        ),
        list=listed,
        media=rewritten(template.media, changed) if template.media is not None else None,
        kind=_said(rewritten(template.kind, changed), language, texts.default, templates) if template.kind else None,
        outside=_late(template.outside, changed, language, texts.default, templates),
        quote=template.quote,
        preview=template.preview,
        merge=template.merge,
        once=template.once,
    )


def is_offered(written: str, title: str) -> bool:
    """Whether an option is there: one that is all placeholder, and nothing fills it, is not. So a flow writes ten rows
    (``{times.0}``, ``{times.1}`` …) and offers as many as were found."""
    return bool(title.strip()) or not placeholders(written)


def _late(
    use: TemplateUse | None, changed: Change, language: str, default: str, templates: Templates
) -> TemplateMessage | None:
    if use is None:
        return None
    filled = rewritten(use, changed)
    return message_of(filled, templates[filled.name], language, default)


def _said(kind: Written, language: str, default: str, templates: Templates) -> Kind:
    """A kind with its words filled in as it is said: a template becomes what is to be sent."""
    if not isinstance(kind, TemplateUse):
        return kind
    return message_of(kind, templates[kind.name], language, default)


def check_messages(draft: Draft) -> None:
    """Add a finding for everything that WhatsApp would refuse."""
    longest = _Longest(draft.readable, draft.files)
    told: set[tuple[str, Mark, str]] = set()
    for chart in draft.readable.values():
        for state in chart.states.values():
            for said in said_in(state):
                for language in draft.texts.languages:
                    filled = longest.for_message(said, draft.texts, language)
                    message = placed(
                        content(said.template, draft.texts, language, filled, draft.templates), draft.files
                    )
                    late = () if message.outside is None else breaches(Content(kind=message.outside))
                    for breach in (
                        *breaches(message),
                        *(replace(one, path=("outside", *one.path[1:])) for one in late),
                    ):
                        source, mark, where = _where(draft, chart, said, breach, language)
                        if (source.shown, mark, breach.what) in told:
                            continue
                        told.add((source.shown, mark, breach.what))
                        if breach.path == ("text",) and breach.actual > breach.limit and is_plain(message):
                            count = len(tuple(spread(message)))
                            sentence = f"this leaves as {count} messages: {breach.sentence}{where}"
                            fix = "say it in fewer words, or where it may be cut with an empty line"
                            found = source.finding(mark, "long-text", sentence, fix, severity="warning")
                            draft.findings.append(found)
                            continue
                        sentence = f"WhatsApp would refuse this: {breach.sentence}{where}"
                        draft.findings.append(source.finding(mark, "whatsapp-limit", sentence, breach.fix))


def place_of(draft: Draft, chart: Chart, said: Said, part: Part) -> Mark:
    """Where a part stands in its chart's file."""
    document = draft.documents.get(chart.id)
    if document is None:
        return Mark(1, 1)
    for steps in part.written:
        if document.node((*said.path, *steps)) is not None:
            return document.mark((*said.path, *steps))
    return document.mark(said.path)


def _where(draft: Draft, chart: Chart, said: Said, breach: LimitBreach, language: str) -> tuple[Source, Mark, str]:
    """The place to repair: the text file when the text is in one, else the chart."""
    wanted = breach.path
    part = next((part for part in parts(said.template) if part.place == wanted), None)
    if part is not None and draft.texts.is_key(part.reference):
        used = f" (used in {said.state.id or chart.id!r} of {draft.source(chart.id).path.name})"
        texts = draft.text_files.get(language)
        if texts is not None and part.reference in texts.marks:
            return texts.document.source, texts.marks[part.reference], used
        if draft.faq is not None and (language, part.reference) in draft.faq.marks:
            return draft.faq.document.source, draft.faq.marks[language, part.reference], ""
    document = draft.documents.get(chart.id)
    mark = document.mark(said.path) if document else Mark(1, 1)
    if part is not None:
        mark = place_of(draft, chart, said, part)
    elif document is not None and wanted[-1:] == ("event",):
        option = Part(wanted, "", tuple(parts_of_event(said.template, wanted)))
        mark = place_of(draft, chart, said, option)
    elif document is not None:
        mark = document.mark((*said.path, *wanted))
    return draft.source(chart.id), mark, ""


def parts_of_event(template: SayTemplate, place: Path) -> Iterator[Steps]:
    """Where the option that a content path (``…, "event"``) means may be written."""
    title = (*place[:-1], "title")
    for part in parts(template):
        if part.place == title:
            yield from (steps for steps in part.written if steps[-1] != "title")


_STAND_IN: Mapping[str | int, str] = {"latitude": "0", "longitude": "0"}
"""What stands for a value that only a customer can give, where not any word would do."""


class _Longest:
    """What a flow itself puts into its variables."""

    def __init__(self, charts: Mapping[str, Chart], files: Files) -> None:
        self._files = files
        self._values: list[tuple[tuple[str, ...], Any]] = []
        for chart in charts.values():
            self._values += [((key,), value) for key, value in chart.context.items()]
            for state in chart.states.values():
                actions = [*state.entry, *state.exit]
                for transition in (*state.transitions, *state.always):
                    actions += transition.actions
                for action in actions:
                    if action.label == "assign":
                        self._values += [(_keys(key), value) for key, value in action.params.items()]
        self._known: dict[str, str] = {}

    def for_message(self, said: Said, texts: Texts, language: str) -> dict[str, Any]:
        """A context that has every placeholder of the message, each with its longest value."""
        context: dict[str, Any] = {}
        for part in parts(said.template):
            text = texts.get(part.reference, language)
            # A path with placeholders: that one of the files has such a name is all that can be known here.
            kind = str(part.place[0])
            chosen = part.role == "link" and kind in TYPES and placeholders(text)
            file = fitting(text, kind, self._files) if chosen else None
            for path in placeholders(text):
                value = self._longest(path, 3) if file is None else file[path]
                if not value:
                    value = _STAND_IN.get(part.place[-1], "x")
                    if part.role == "link" and text.startswith("{"):
                        value = "https://example.com"
                context = put_in(context, tuple(path.split(".")), value)
        return context

    def _longest(self, path: str, depth: int) -> str:
        if path not in self._known:
            keys = tuple(path.split("."))
            found = [""]
            for start, value in self._values:
                if start == keys[: len(start)]:
                    value = look_up(value, keys[len(start) :]) if not _is_reference(value) else value
                    if _is_reference(value) and depth:
                        origin = value["from"].removeprefix("context.")
                        rest = ".".join((origin, *keys[len(start) :]))
                        value = self._longest(rest, depth - 1) if not origin.startswith("event.") else ""
                    found.append(written(value))
            self._known[path] = max(found, key=len)
        return self._known[path]


def _keys(path: str) -> tuple[str, ...]:
    return tuple(path.removeprefix("context.").split("."))


def _is_reference(value: Any) -> bool:
    return isinstance(value, Mapping) and len(value) == 1 and isinstance(value.get("from"), str)
