"""The templates that were approved, and whether a message fits one of them.

The demo's Meta has approved whatever the bot's ``templates.yaml`` says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from wabox.demo.refusal import Refused, bad, inner, missing, only, param, string

Templates: TypeAlias = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""By name and language: ``{"header": {"text": …} | null, "body": …, "footer": …, "buttons": [{"type", "title", "value"}]}``."""

VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def template(part: Mapping[str, Any], approved: Templates | None) -> None:
    """Raises Refused for a ``template`` object that Meta would refuse."""
    only(part, {"name", "language", "components"}, "template")
    string(part, "name", "template['name']", 1, 512)
    language = inner(part, "language", "template")
    string(language, "code", "template['language']['code']", 2, 16)
    components = part.get("components", [])
    if not isinstance(components, list) or not all(isinstance(one, dict) for one in components):
        raise param("template['components']", "must be an array of objects.")
    values: dict[str, list[Any]] = {}
    for place, component in enumerate(components):
        where = f"template['components'][{place}]"
        parameters = component.get("parameters", [])
        if component.get("type") not in ("header", "body", "button") or not isinstance(parameters, list):
            raise param(f"{where}['type']", "must be one of {header, body, button}.")
        if component["type"] == "button" and "index" not in component:
            raise missing(f"{where}['index']")
        for parameter in parameters:
            _value(parameter, where)
        values[f"{component['type']}{component.get('index', '')}"] = parameters
    if approved is not None:
        _fits(part["name"], language["code"], values, approved)


def _value(parameter: Any, where: str) -> None:
    if not isinstance(parameter, dict) or not isinstance(parameter.get("type"), str):
        raise param(f"{where}['parameters']", "must be objects with a type.")
    text = parameter.get("text")
    if parameter["type"] == "text":
        if not isinstance(text, str) or not text.strip():
            raise bad(132012, f"{where}: the text of a parameter is empty")
        if re.search(r"[\n\t]| {5}", text):
            raise bad(132012, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces")


def _fits(name: str, code: str, values: Mapping[str, list[Any]], approved: Templates) -> None:
    known = approved.get(name, {}).get(code)
    if known is None:
        raise _missing(name, code)
    header = known["header"] or {}
    wanted = {"body": len(set(VARIABLE.findall(known["body"])))}
    wanted["header"] = len(VARIABLE.findall(header["text"])) if "text" in header else len(header)
    for place, button in enumerate(known["buttons"]):
        if button["type"] == "url":
            wanted[f"button{place}"] = min(1, len(VARIABLE.findall(button["value"])))
        elif button["type"] == "copy_code":
            wanted[f"button{place}"] = 1
    for key, count in wanted.items():
        given = len(values.get(key, []))
        if given != count:
            raise bad(
                132000, f"{key}: number of localizable_params ({given}) does not match the expected number ({count})"
            )
    body = known["body"]
    for parameter in values.get("body", []):
        text = str(parameter.get("text", "")).replace("\\", "")
        body = VARIABLE.sub(text, body, count=1)
    if len(body) > 1024:
        raise bad(132005, "The translated text of the body is longer than 1024 characters")


def _missing(name: str, code: str) -> Refused:
    return bad(132001, f"template name ({name}) does not exist in {code}")
