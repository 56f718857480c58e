"""Templates: those of ``templates.yaml``, those at WhatsApp, and what differs.

WhatsApp refuses a message that does not fit what it approved (132000, 132001), and nobody hears of it before a customer should
have. So the account is asked (:meth:`Templates.sync`), its webhooks are heard, and the answers are kept; what a bot's folder
says is compared with them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import structlog

from wabox.core.kind import variables
from wabox.core.message import OtherChange
from wabox.core.ports import Clock
from wabox.core.template import APPROVED, StoredTemplate, TemplateChange, changes
from wabox.errors import SettingsError, WaboxError
from wabox.flowfile.document import START
from wabox.flowfile.templates import Category, HeaderType, Template, TemplateButton, TemplateText
from wabox.whatsapp.templates import ABOUT, told

log = structlog.get_logger(__name__)

DAY = 86_400_000

Fetch = Callable[[], Awaitable[Sequence[StoredTemplate]]]
"""Every template of the account, from WhatsApp. Raises WaboxError."""


class Shelf(Protocol):
    """Where templates are kept."""

    async def templates(self, name: str | None = None) -> Sequence[StoredTemplate]: ...

    async def save_templates(self, changed: Sequence[StoredTemplate]) -> None: ...

    async def replace_templates(self, every: Sequence[StoredTemplate]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Between what a bot's folder says and what WhatsApp has."""

    template: str
    language: str | None
    severity: Literal["error", "warning"]
    """``error``: WhatsApp would refuse the message."""
    sentence: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReport:
    templates: Sequence[StoredTemplate]
    changes: Sequence[TemplateChange]
    """Since the account was last asked."""


class Templates:
    def __init__(self, shelf: Shelf, clock: Clock, fetch: Fetch) -> None:
        self._shelf = shelf
        self._clock = clock
        self._fetch = fetch

    async def known(self) -> Sequence[StoredTemplate]:
        """As WhatsApp said last."""
        return await self._shelf.templates()

    async def sync(self) -> SyncReport:
        """Ask WhatsApp, and keep the answer. Raises WaboxError."""
        before = {one.key: one for one in await self._shelf.templates()}
        found = {one.key: one for one in await self._fetch()}
        await self._shelf.replace_templates(list(found.values()))
        different = [change for key in sorted({*before, *found}) for change in changes(before.get(key), found.get(key))]
        if before:
            _tell(different)
        return SyncReport(templates=sorted(found.values(), key=lambda one: one.key), changes=different)

    async def refresh(self) -> None:
        """Ask again when the last answer is a day old; when WhatsApp does not answer, what is known stays."""
        known = await self._shelf.templates()
        if max((one.asked_at for one in known), default=0) > self._clock() - DAY:
            return
        try:
            await self.sync()
        except SettingsError:
            return  # nobody said whose templates they are
        except WaboxError as error:
            log.warning("templates.unknown", error=str(error))

    async def hear(self, others: Sequence[OtherChange]) -> None:
        """What webhooks say about templates."""
        about = [change for change in others if change.field in ABOUT]
        if not about:
            return
        known = {one.key: one for one in await self._shelf.templates()}
        changed: dict[tuple[str, str], StoredTemplate] = {}
        for change in about:
            after = told(change, {**known, **changed}, self._clock())
            if after is not None:
                _tell(changes(changed.get(after.key) or known.get(after.key), after))
                changed[after.key] = after
        await self._shelf.save_templates(list(changed.values()))


def _tell(different: Sequence[TemplateChange]) -> None:
    for change in different:
        bad = change.after in ("PAUSED", "DISABLED", "REJECTED", "FLAGGED", "RED") or change.what in (
            "gone",
            "category",
        )
        (log.warning if bad else log.info)("template.changed", what=change.sentence)


def of_whatsapp(name: str, stored: Sequence[StoredTemplate]) -> Template:
    """One that only WhatsApp knows, as if ``templates.yaml`` had it. The event of a quick reply is its title, in lower case."""
    languages = {one.language: text_of(one) for one in stored}
    return Template(name=name, category=_category(stored[0].category), languages=languages, mark=START)


def _category(word: str) -> Category:
    # One that Meta invents is treated as the strictest.
    return "utility" if word == "utility" else "authentication" if word == "authentication" else "marketing"


def text_of(stored: StoredTemplate) -> TemplateText:
    """Its words in one language."""
    parts = {str(one.get("type")).upper(): one for one in stored.components}
    header, header_type = parts.get("HEADER"), _header_type(parts.get("HEADER"))
    buttons = parts.get("BUTTONS", {}).get("buttons")
    return TemplateText(
        language=stored.language,
        body=str(parts.get("BODY", {}).get("text") or ""),
        header=None if header is None else str(header.get("text") or "") or ("" if header_type != "text" else None),
        header_type=header_type,
        footer=str(parts["FOOTER"]["text"]) if parts.get("FOOTER", {}).get("text") else None,
        buttons=tuple(_buttons(buttons if isinstance(buttons, list) else [])),
    )


def _header_type(header: Mapping[str, Any] | None) -> HeaderType:
    match str((header or {}).get("format", "TEXT")).upper():
        case "IMAGE":
            return "image"
        case "VIDEO":
            return "video"
        case "DOCUMENT":
            return "document"
    return "text"


def _buttons(written: Sequence[Any]) -> Iterator[TemplateButton]:
    for one in written:
        if not isinstance(one, dict):
            continue
        title = str(one.get("text") or "")
        key = "_".join(title.lower().split()) or str(one.get("type", "")).lower()
        match str(one.get("type")).upper():
            case "URL":
                yield TemplateButton(key=key, type="url", title=title, value=str(one.get("url") or ""))
            case "QUICK_REPLY":
                yield TemplateButton(key=key, type="quick_reply", title=title)
            case "COPY_CODE":
                yield TemplateButton(key=key, type="copy_code", title=title)
            case _:
                # Nothing is filled in there: a phone number, and whatever else there is.
                yield TemplateButton(key=key, type="phone", title=title, value=str(one.get("phone_number") or ""))


def compare(ours: Mapping[str, Template], stored: Sequence[StoredTemplate]) -> Iterator[Difference]:
    """What a bot's templates would meet at WhatsApp."""
    there: dict[str, dict[str, StoredTemplate]] = {}
    for one in stored:
        there.setdefault(one.name, {})[one.language.replace("-", "_").lower()] = one
    for name, template in ours.items():
        languages = there.get(name)
        if languages is None:
            yield Difference(
                template=name,
                language=None,
                severity="warning",
                sentence=f"WhatsApp has no template {name}",
                fix="hand it in at WhatsApp Manager, or mend its name; then wabox templates sync",
            )
            continue
        for code, text in template.languages.items():
            found = languages.get(code.replace("-", "_").lower())
            if found is None:
                has = ", ".join(sorted(one.language for one in languages.values()))
                yield Difference(
                    template=name,
                    language=code,
                    severity="warning",
                    sentence=f"WhatsApp has the template {name} in {has}, not in {code}",
                    fix=f"hand {code} in at WhatsApp Manager, or write the code of the language as it is there",
                )
                continue
            yield from _compare(template, text, found)


def _compare(template: Template, ours: TemplateText, found: StoredTemplate) -> Iterator[Difference]:
    def difference(severity: Literal["error", "warning"], sentence: str, fix: str) -> Difference:
        return Difference(
            template=template.name,
            language=ours.language,
            severity=severity,
            sentence=f"{template.name} ({found.language}) {sentence}",
            fix=fix,
        )

    theirs = text_of(found)
    if not found.sendable:
        why = f": {found.reason}" if found.reason else ""
        yield difference(
            "warning",
            f"is {found.status.lower() or 'not approved'} at WhatsApp{why}; it cannot be sent",
            "see it in WhatsApp Manager, under Message templates",
        )
    elif found.status != APPROVED:
        yield difference("warning", f"is {found.status.lower()} at WhatsApp", "see it in WhatsApp Manager")
    if found.quality in ("YELLOW", "RED"):
        sentence = f"has {'low' if found.quality == 'RED' else 'medium'} quality: customers block it or report it"
        yield difference("warning", sentence, "write to fewer people, or say it better; WhatsApp pauses it otherwise")
    if found.category != template.category:
        yield difference(
            "warning",
            f"is {found.category} at WhatsApp and {template.category} here",
            f"write category: {found.category}, or appeal at WhatsApp Manager: prices and consent depend on it",
        )
    if ours.variables != theirs.variables:
        said = ", ".join("{{" + one + "}}" for one in theirs.variables) or "none"
        here = ", ".join("{{" + one + "}}" for one in ours.variables) or "none"
        yield difference(
            "error",
            f"has the variables {said} at WhatsApp and {here} here: it would be refused",
            "copy the body from WhatsApp Manager",
        )
    elif _plain(ours.body) != _plain(theirs.body) or (ours.footer or "") != (theirs.footer or ""):
        yield difference("warning", "has other words at WhatsApp", "copy them from WhatsApp Manager")
    mine, others = _header(ours), _header(theirs)
    if mine != others:
        sentence = f"has {others} at WhatsApp and {mine} here: it would be refused"
        yield difference("error", sentence, "write header: as it was approved")
    kinds = [one.type for one in ours.buttons]
    if kinds != [one.type for one in theirs.buttons]:
        said = ", ".join(one.type.replace("_", " ") for one in theirs.buttons) or "none"
        sentence = f"has other buttons at WhatsApp ({said}): it would be refused"
        yield difference("error", sentence, "write buttons: in the same order as there")
    elif [one.title for one in ours.buttons] != [one.title for one in theirs.buttons]:
        said = ", ".join(one.title for one in theirs.buttons)
        yield difference("warning", f"has the buttons {said} at WhatsApp", "write the titles as they are there")


def _plain(text: str) -> str:
    return " ".join(text.replace("{{ ", "{{").replace(" }}", "}}").split())


def _header(text: TemplateText) -> str:
    if text.header is None:
        return "no header"
    if text.header_type != "text":
        return f"a header with {'an image' if text.header_type == 'image' else 'a ' + text.header_type}"
    count = len(variables(text.header))
    return "a header with a variable" if count else "a header of words alone"
