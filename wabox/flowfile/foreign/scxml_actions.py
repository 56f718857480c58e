"""SCXML's executable content and data as our built-in actions; what is code becomes a name with a function to write."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from wabox.core.duration import parse_duration
from wabox.flowfile.document import Steps, storable
from wabox.flowfile.foreign.expression import assignments, reckoned, value_of
from wabox.flowfile.foreign.note import Brought, Note
from wabox.flowfile.foreign.xml import Element

_PATH = re.compile(r"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*")
_SELF = ("", "#_internal", "#_scxml_self")


class Actions:
    def __init__(self, brought: Brought, place: Callable[[str], str | None]) -> None:
        self._brought = brought
        self._place = place
        self._declared: set[str] = set()

    def _note(self, path: Steps, element: Element, sentence: str) -> None:
        self._brought.notes.append(Note(path, sentence, element.mark))

    def named_guard(self, condition: str, path: Steps, element: Element) -> str:
        """The name of a guard to be written."""
        name = _name(self._brought.guards, "guard", condition)
        self._note(path, element, f"the condition {_quoted(condition)} is code: write the guard {name} in actions.py")
        return name

    def _named(self, original: str, path: Steps, element: Element) -> str:
        name = _name(self._brought.actions, "action", original)
        self._note(path, element, f"{_quoted(original)} is code: write the action {name} in actions.py")
        return name

    def data(self, root: Element, path: Steps) -> dict[str, Any]:
        """The variables of every datamodel, in document order."""
        found: dict[str, Any] = {}
        for element in root.walk():
            for item in element.inside("data") if element.name == "datamodel" else ():
                name = item.get("id")
                self._declared.add(name or "")
                if name is not None and name not in found:
                    found[name] = self._initial(item, path)
        return found

    def _initial(self, item: Element, path: Steps) -> Any:
        if item.get("src") is not None:
            self._note(path, item, f"the value of {item.get('id')} is in another file; it begins as nothing")
            return None
        written = item.get("expr") or item.text.strip()
        if not written:
            return None
        found = value_of(written)
        if found is None or not _literal(found[0]):
            self._note(path, item, f"the value of {item.get('id')} is code, {_quoted(written)}; it begins as nothing")
            return None
        return found[0]

    def of(self, block: Element, path: Steps, data: str = "event.data") -> list[Any]:
        """The actions of a block, in order."""
        return [action for element in block.children if element.known for action in self._one(element, path, data)]

    def _one(self, element: Element, path: Steps, data: str) -> list[Any]:
        match element.name:
            case "raise":
                return [{"raise": element.get("event") or ""}]
            case "assign":
                expression = element.get("expr") or element.text.strip()
                return [self._assign(element, element.get("location") or "", expression, path, data)]
            case "script":
                several = assignments(element.text)
                if several is not None and element.get("src") is None:
                    return [self._assign(element, variable, right, path, data) for variable, right in several]
                return [self._named(_source(element), path, element)]
            case "send":
                return [self._send(element, path, data)]
            case "cancel":
                identity = self._text(element, "sendid")
                return [self._named(_source(element), path, element) if identity is None else {"cancel": _id(identity)}]
            case "log":
                return [self._log(element, data)]
            case "if" | "foreach":
                return [self._named(_source(element), path, element)]
        self._note(path, element, f"<{element.name}> is no action that is known; it is left out")
        return []

    def _assign(self, element: Element, location: str, expression: str, path: Steps, data: str) -> Any:
        if _PATH.fullmatch(location) and not location.startswith("_"):
            if location.partition(".")[0] not in self._declared:
                self._note(
                    path, element, f"{location} is in no datamodel: SCXML fails here, a chart begins the variable"
                )
            step = reckoned(expression, location)
            if step is not None:
                by = {} if step == ("increment", 1) else {"by": step[1]}
                return {step[0]: {"path": location, **by}}
            found = value_of(expression, data)
            if found is not None and (_literal(found[0]) or isinstance(found[0], Mapping)):
                return {"assign": {location: found[0]}}
        return self._named(f"{location} = {expression}", path, element)

    def _log(self, element: Element, data: str) -> Any:
        found = value_of(element.get("expr") or "''", data)
        said = element.get("expr") if found is None else found[0]
        if isinstance(said, Mapping):
            said = "{" + said["from"].removeprefix("context.") + "}"
        label = element.get("label")
        return {"log": {"message": "" if said is None else str(said), **({"label": label} if label else {})}}

    def _send(self, element: Element, path: Steps, data: str) -> Any:
        event, target, delay = (self._text(element, name) for name in ("event", "target", "delay"))
        kind = element.get("type") or ""
        elsewhere = target not in _SELF or not (kind in ("", "scxml") or kind.endswith("SCXMLEventProcessor"))
        unknown = any(name in element.attributes for name in ("typeexpr", "idlocation"))
        if event is None or len(event.split()) != 1 or elsewhere or unknown or delay is None:
            return self._named(_source(element), path, element)
        written: dict[str, Any] = {"event": event}
        payload = self.payload(element, path, data)
        if payload is not None:
            written["data"] = payload if isinstance(payload, Mapping) and "from" not in payload else {"data": payload}
        if target == "#_internal":
            return {"raise": written if len(written) > 1 else event}
        try:
            written["delay"] = delay if delay and parse_duration(delay) else 0
        except ValueError:
            return self._named(_source(element), path, element)
        if element.get("id") is not None:
            written["id"] = _id(element.get("id") or "")
        return {"raise": written}

    @staticmethod
    def _text(element: Element, attribute: str) -> str | None:
        """The attribute, or its ``…expr`` when that is a literal; empty when it has neither, None when it is code."""
        written = element.get(f"{attribute}expr")
        if written is None:
            return element.get(attribute) or ""
        found = value_of(written)
        return str(found[0]) if found is not None and isinstance(found[0], str | int) else None

    def payload(self, element: Element, path: Steps, data: str = "event.data") -> Any | None:
        """The data that a send or a final state gives along; None when there is none."""
        found: dict[str, Any] = {}
        for name in (element.get("namelist") or "").split():
            found[name] = {"from": name}
        for param in element.inside("param"):
            written = param.get("expr") or param.get("location") or ""
            item = value_of(written, data)
            if item is None:
                self._note(
                    path, param, f"the parameter {param.get('name')} is code, {_quoted(written)}; it is left out"
                )
            elif param.get("name") is not None:
                found[str(param.get("name"))] = item[0]
        content = next(element.inside("content"), None)
        if content is None:
            return found or None
        if content.get("expr") is None:
            words = " ".join(content.text.split())
            inner = value_of(words)
            whole = words if inner is None or not _literal(inner[0]) else inner[0]
            return None if content.children else whole
        written = content.get("expr") or ""
        item = value_of(written, data)
        if item is None:
            self._note(path, content, f"the content {_quoted(written)} is code; it is left out")
        return None if item is None else item[0]


def _name(known: dict[str, str], kind: str, original: str) -> str:
    """The name for a piece of code: the same piece has one name."""
    for name, other in known.items():
        if other == original:
            return name
    name = f"{kind}_{len(known) + 1}"
    known[name] = original
    return name


def _id(written: str) -> str:
    return written.replace(":", "_")


def _literal(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "from" not in value and all(map(_literal, value.values()))
    if isinstance(value, list):
        return all(map(_literal, value))
    return not isinstance(value, int | float) or storable(value)


def _source(element: Element) -> str:
    """The element as a person would recognise it, on one line."""
    attributes = "".join(f' {key}="{value}"' for key, value in element.attributes.items())
    inner = "".join(map(_source, element.children)) or " ".join(element.text.split())
    return inner if element.name == "script" and inner else f"<{element.name}{attributes}>{inner}"


def _quoted(text: str) -> str:
    shown = " ".join(text.split())
    return f"“{shown if len(shown) <= 80 else shown[:79] + '…'}”"
