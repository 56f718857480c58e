"""Templates: ``templates.yaml``, word for word as they were approved at WhatsApp.

::

    appointment_reminder:
      category: utility                       # or marketing, authentication
      en:                                     # or en_US: as the template's language is called at WhatsApp
        header: Your appointment              # a text, or {image: "https://…"} with an example; video and document too
        body: "Hi {{1}}, see you on {{2}}."
        footer: Luna Clinic
        buttons: {confirm: I will come, move: {title: Another day}, page: {title: Open, url: "https://example.com/{{1}}"}}
        examples: {1: Ana, 2: Monday}         # WhatsApp wants one of each variable

A button with a title alone is a quick reply: its tap *is* that event. ``{{1}}`` are filled by ``values:`` of the message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from wabox.core import limits
from wabox.core.kind import VARIABLE, Media, QuickReply, TemplateMessage, TemplateUse, TemplateValue, variables
from wabox.core.kind import TemplateButton as SentButton
from wabox.flowfile.document import Document, Mark, Node
from wabox.flowfile.findings import Finding, did_you_mean
from wabox.flowfile.reader import read
from wabox.flowfile.words import listed, quoted

Category: TypeAlias = Literal["marketing", "utility", "authentication"]
ButtonType: TypeAlias = Literal["quick_reply", "url", "phone", "copy_code"]
HeaderType: TypeAlias = Literal["text", "image", "video", "document"]

NAME = re.compile(r"[a-z0-9_]{1,512}\Z")
LANGUAGE = re.compile(r"[a-z]{2,3}(?:[_-][A-Za-z]{2,4})?\Z")
_TEXT_KEYS = ("header", "body", "footer", "buttons", "examples")
_MEDIA = ("image", "video", "document")
_MOST: Mapping[str, int] = {"url": 2, "phone": 1, "copy_code": 1}

Add = Callable[[Finding], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateButton:
    key: str
    """Of a quick reply: its event."""
    type: ButtonType
    title: str
    value: str = ""
    """Its address, number or example code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateText:
    """A template in one language."""

    language: str
    body: str
    header: str | None = None
    """A text, or the address of an example."""
    header_type: HeaderType = "text"
    footer: str | None = None
    buttons: tuple[TemplateButton, ...] = ()
    examples: Mapping[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> tuple[str, ...]:
        """Those of the body: numbers in order, or names."""
        return variables(self.body)

    def to_json(self) -> dict[str, Any]:
        """As the demo's phone needs it to show what was sent."""
        return {
            "header": {self.header_type: self.header} if self.header else None,
            "body": self.body,
            "footer": self.footer,
            "buttons": [{"type": one.type, "title": one.title, "value": one.value} for one in self.buttons],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    name: str
    category: Category
    languages: Mapping[str, TemplateText]
    mark: Mark

    def text(self, *wanted: str) -> TemplateText:
        """The template in the first of these languages that it has, exactly or nearly; else in its first one."""
        for language in wanted:
            exact = next((one for code, one in self.languages.items() if _same(code) == _same(language)), None)
            short = _same(language).partition("-")[0]
            near = (one for code, one in self.languages.items() if _same(code).partition("-")[0] == short)
            found = exact or next(near, None)
            if found is not None:
                return found
        return next(iter(self.languages.values()))

    def speaks(self, language: str) -> bool:
        """Whether there is an edition for customers who write it."""
        short = _same(language).partition("-")[0]
        return any(_same(code).partition("-")[0] == short for code in self.languages)

    def replies(self, language: str) -> tuple[QuickReply, ...]:
        return tuple(QuickReply(one.key, one.title) for one in self.text(language).buttons if one.type == "quick_reply")


Templates: TypeAlias = Mapping[str, Template]


@dataclass(frozen=True, slots=True)
class TemplateFile:
    document: Document
    templates: Mapping[str, Template]


def message_of(use: TemplateUse, template: Template, language: str, default: str) -> TemplateMessage:
    """The template to send, its values filled in already; in the language that the flow wants, or the customer's."""
    text = template.text(*([use.language] if use.language else ()), language, default)
    values = tuple(TemplateValue(text=use.values.get(name, ""), name=_name(name)) for name in text.variables)
    header: Media | TemplateValue | None = None
    if text.header is not None and text.header_type != "text":
        header = Media(type=text.header_type, link=use.header or text.header)
    elif text.header is not None and variables(text.header):
        header = TemplateValue(text=use.header or "", name=_name(variables(text.header)[0]))
    buttons: list[SentButton] = []
    for index, button in enumerate(text.buttons):
        if button.type == "quick_reply":
            buttons.append(SentButton(type="quick_reply", index=index, value=button.key))
        elif button.type == "url" and variables(button.value):
            buttons.append(SentButton(type="url", index=index, value=use.buttons.get(button.key, "")))
        elif button.type == "copy_code":
            buttons.append(SentButton(type="copy_code", index=index, value=use.buttons.get(button.key, "")))
    return TemplateMessage(
        name=template.name,
        language=text.language,
        header=header,
        values=values,
        buttons=tuple(buttons),
        body=text.body,
        options=tuple(QuickReply(one.key, one.title) for one in text.buttons if one.type == "quick_reply"),
    )


def _name(variable: str) -> str | None:
    return None if variable.isdigit() else variable


def _same(language: str) -> str:
    return language.replace("_", "-").lower()


def read_templates(path: Path, shown: str, add: Add) -> TemplateFile | None:
    """The file; None when it cannot be read at all."""
    document = read(path, shown, add)
    if document is None:
        return None
    root, finding = document.root, document.source.finding
    if root.value is not None and not isinstance(root.value, dict):
        fix = "write the template's name, a colon, and category: and a language below it"
        add(finding(root.mark, "bad-value", f"templates are a mapping of names, here stands {root.kind}", fix))
    templates: dict[str, Template] = {}
    for name, node in root.items():
        mark = root.keys[name]
        if not NAME.match(name):
            fix = "use lower-case letters, digits and _, as WhatsApp does"
            add(finding(mark, "bad-name", f"{quoted(name)} cannot be a template's name", fix))
        elif not isinstance(node.value, dict):
            sentence = f"a template has a category and languages, here stands {node.kind}"
            add(finding(mark, "bad-value", sentence, "write category: and a language, such as en:, below it"))
        else:
            template = _template(document, name, node, mark, add)
            if template is not None:
                templates[name] = template
    return TemplateFile(document, templates)


def _template(document: Document, name: str, node: Node, mark: Mark, add: Add) -> Template | None:
    finding = document.source.finding
    category = node.get("category")
    known: tuple[Category, ...] = get_args(Category)
    chosen = next((one for one in known if category is not None and str(category.value).lower() == one), None)
    if chosen is None:
        shown = "has no category" if category is None else f"cannot have the category {quoted(str(category.value))}"
        fix = f"write category: {listed(list(known), 'or')}"
        add(finding(category.mark if category else mark, "bad-template", f"the template {quoted(name)} {shown}", fix))
    languages: dict[str, TemplateText] = {}
    for key, below in node.items():
        if key == "category":
            continue
        if not LANGUAGE.match(key):
            fix = did_you_mean(key, ["category"], "write category: or the code of a language, such as en or es_MX")
            add(finding(node.keys[key], "unknown-key", f"{quoted(key)} is not part of a template", fix))
        elif not isinstance(below.value, dict):
            sentence = f"the words of a template are header, body, footer and buttons, here stands {below.kind}"
            add(finding(below.mark, "bad-value", sentence, "write body: below it"))
        else:
            text = _TextReader(document, below, node.keys[key], add).read(key)
            if text is not None:
                languages[key] = text
    if not languages:
        if not any(LANGUAGE.match(key) for key, _ in node.items()):
            fix = "add en: {body: …}"
            add(finding(mark, "bad-template", f"the template {quoted(name)} is in no language", fix))
        return None
    return Template(name=name, category=chosen or "utility", languages=languages, mark=mark)


class _TextReader:
    """Reads a template in one language."""

    def __init__(self, document: Document, node: Node, mark: Mark, add: Add) -> None:
        self.finding = document.source.finding
        self.node = node
        self.mark = mark
        self.add = add

    def read(self, language: str) -> TemplateText | None:
        node = self.node
        for key in node.value if isinstance(node.value, dict) else ():
            if key not in _TEXT_KEYS:
                sentence = f"{quoted(key)} is not part of a template"
                self.add(self.finding(node.keys[key], "unknown-key", sentence, did_you_mean(key, _TEXT_KEYS)))
        body = self._text("body")
        if body is None:
            if node.get("body") is None:
                self._wrong(self.mark, "missing-key", "body: is missing here", "add body:, as it was approved")
            return None
        header_type, header = self._header()
        text = TemplateText(
            language=language,
            body=body,
            header=header,
            header_type=header_type,
            footer=self._text("footer"),
            buttons=tuple(self._buttons()),
            examples={key: str(below.value) for key, below in self._below("examples").items()},
        )
        self._check(text)
        return text

    def _wrong(self, mark: Mark, code: str, sentence: str, fix: str, **more: Any) -> None:
        self.add(self.finding(mark, code, sentence, fix, **more))

    def _below(self, key: str) -> Node:
        below = self.node.get(key)
        if below is None or below.value is None:
            return Node({}, self.mark)
        if not isinstance(below.value, dict):
            self._wrong(below.mark, "bad-value", f"{key}: is a mapping, here stands {below.kind}", "write key: value")
            return Node({}, self.mark)
        return below

    def _text(self, key: str, node: Node | None = None) -> str | None:
        below = (node or self.node).get(key)
        if below is None or below.value is None:
            return None
        if isinstance(below.value, str | int | float) and not isinstance(below.value, bool):
            return str(below.value)
        self._wrong(below.mark, "bad-value", f"{key}: is a text, here stands {below.kind}", "write a text, in quotes")
        return None

    def _header(self) -> tuple[HeaderType, str | None]:
        below = self.node.get("header")
        if below is None or not isinstance(below.value, dict):
            return "text", self._text("header")
        kinds = [kind for kind in ("image", "video", "document") if below.get(kind) is not None]
        if len(below.value) != 1 or not kinds:
            fix = "write header: a text, or header: {image: https://…}"
            self._wrong(below.mark, "bad-value", "a header is a text, an image, a video or a document", fix)
            return "text", None
        kind: HeaderType = "image" if kinds[0] == "image" else "video" if kinds[0] == "video" else "document"
        return kind, self._text(kind, below)

    def _buttons(self) -> Iterator[TemplateButton]:
        below = self._below("buttons")
        for key, node in below.items():
            if isinstance(node.value, dict):
                types = [one for one in ("url", "phone", "copy_code") if node.get(one) is not None]
                strange = next((one for one in node.value if one not in ("title", "url", "phone", "copy_code")), None)
                title = self._text("title", node)
                if strange is not None or len(types) > 1 or title is None:
                    where = node.keys[strange] if strange is not None else below.keys[key]
                    fix = "write event: title, or {title, url}, {title, phone}, {title, copy_code}"
                    self._wrong(where, "bad-value", f"{quoted(key)} is no button of a template", fix)
                    continue
                chosen: ButtonType = "quick_reply"
                if types:
                    chosen = "url" if types[0] == "url" else "phone" if types[0] == "phone" else "copy_code"
                value = self._text(types[0], node) if types else None
                yield TemplateButton(key=key, type=chosen, title=title, value=value or "")
            else:
                title = self._text(key, below)
                if title is not None:
                    yield TemplateButton(key=key, type="quick_reply", title=title)

    # What WhatsApp says to it when it is handed in.

    def _check(self, text: TemplateText) -> None:
        for key, value, most in (
            ("header", text.header if text.header_type == "text" else None, limits.HEADER),
            ("body", text.body, limits.TEMPLATE_BODY),
            ("footer", text.footer, limits.FOOTER),
        ):
            filled = None if value is None else VARIABLE.sub(lambda one: text.examples.get(one[1], "x"), value)
            if filled is not None and not 0 < len(filled.strip()) <= most:
                sentence = f"the {key} of a template has 1 to {most} characters, here are {len(filled)}"
                self._wrong(self._at(key), "whatsapp-limit", sentence, f"say it in {most} characters or fewer")
        self._check_variables(text)
        self._check_buttons(text)

    def _at(self, key: str) -> Mark:
        below = self.node.get(key)
        return self.mark if below is None else self.node.keys[key] if isinstance(below.value, dict) else below.mark

    def _check_variables(self, text: TemplateText) -> None:
        found = text.variables
        numbers = [name for name in found if name.isdigit()]
        where = self._at("body")
        if numbers and numbers != [str(place) for place in range(1, len(found) + 1)]:
            sentence = f"the variables are {listed(['{{' + name + '}}' for name in found])}"
            self._wrong(where, "bad-template", sentence, "number them {{1}}, {{2}} … without a gap, or name them all")
        elif body := VARIABLE.fullmatch(text.body.strip()) or VARIABLE.match(text.body.strip()):
            sentence = f"the body begins with {body[0]}, which WhatsApp does not approve"
            self._wrong(where, "bad-template", sentence, "put a word before it")
        elif found and text.body.rstrip().endswith("}}"):
            self._wrong(
                where,
                "bad-template",
                "the body ends with a variable, which WhatsApp does not approve",
                "add a full stop",
            )
        if text.footer and VARIABLE.search(text.footer):
            self._wrong(self._at("footer"), "bad-template", "a footer has no variables", "say it in the body")
        if text.header and text.header_type == "text" and len(variables(text.header)) > 1:
            self._wrong(self._at("header"), "bad-template", "a header has one variable at most", "say it in the body")
        lacking = [name for name in found if name not in text.examples]
        if lacking:
            has = "has no example" if len(lacking) == 1 else "have no examples"
            sentence = f"{listed(['{{' + name + '}}' for name in lacking])} {has}, and WhatsApp asks for one"
            fix = "add examples: {" + ", ".join(f"{name}: …" for name in lacking) + "}"
            self._wrong(where, "template-example", sentence, fix, severity="warning")

    def _check_buttons(self, text: TemplateText) -> None:
        where, buttons = self._at("buttons"), text.buttons
        if len(buttons) > limits.TEMPLATE_BUTTONS:
            sentence = f"a template has {limits.TEMPLATE_BUTTONS} buttons at most, here are {len(buttons)}"
            self._wrong(where, "whatsapp-limit", sentence, "take some away")
        node = self._below("buttons")
        for button in buttons:
            if not 0 < len(button.title.strip()) <= limits.TEMPLATE_BUTTON_TITLE:
                most = limits.TEMPLATE_BUTTON_TITLE
                sentence = f"the title of a template's button has 1 to {most} characters, here are {len(button.title)}"
                self._wrong(node.keys[button.key], "whatsapp-limit", sentence, f"say it in {most} characters or fewer")
            if button.type == "url" and not button.value.startswith(("https://", "http://")):
                fix = "give a whole address, beginning with https://"
                self._wrong(node.keys[button.key], "bad-template", "this is no address that WhatsApp opens", fix)
        for kind, most in _MOST.items():
            if sum(button.type == kind for button in buttons) > most:
                sentence = f"a template has {most} button{'s' if most > 1 else ''} with {kind} at most"
                self._wrong(where, "whatsapp-limit", sentence, "take some away")
