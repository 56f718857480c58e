"""What the fake Cloud API says about its WhatsApp business account: the templates that were approved.

Shapes: Meta, "WhatsApp Business Account > Message templates" (Oct 2026).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any, Final

from wabox.demo.approved import VARIABLE, Templates

JSON = dict[str, Any]
_BUTTONS: Final = {"quick_reply": "QUICK_REPLY", "url": "URL", "phone": "PHONE_NUMBER", "copy_code": "COPY_CODE"}
_PLACES: Final = {"url": "url", "phone": "phone_number"}


def page(templates: Templates, asked: Mapping[str, str], url: str) -> JSON:
    """One page of the list, ``limit`` long, from the cursor ``after`` on; only the ``fields`` that were asked for."""
    every = [listed(name, code, text) for name, languages in templates.items() for code, text in languages.items()]
    fields = {"id", *(asked.get("fields") or "name,language,status,category,components").split(",")}
    limit = int(asked.get("limit", "25"))
    begin = _place(asked.get("after"))
    shown = [{key: value for key, value in one.items() if key in fields} for one in every[begin : begin + limit]]
    end = begin + len(shown)
    paging: JSON = {"cursors": {"before": _cursor(begin), "after": _cursor(end)}}
    if end < len(every):
        paging["next"] = f"{url}?limit={limit}&after={_cursor(end)}"
    return {"data": shown, "paging": paging} if shown else {"data": []}


def listed(name: str, code: str, text: Mapping[str, Any]) -> JSON:
    """One template in one language, as Meta lists it."""
    header, components = text.get("header"), []
    if header:
        kind, value = next(iter(header.items()))
        said = {"format": "TEXT", "text": value} if kind == "text" else {"format": kind.upper()}
        components.append({"type": "HEADER", **said})
    components.append({"type": "BODY", "text": text["body"]})
    if text.get("footer"):
        components.append({"type": "FOOTER", "text": text["footer"]})
    if text.get("buttons"):
        components.append({"type": "BUTTONS", "buttons": [_button(one) for one in text["buttons"]]})
    named = any(not found.isdigit() for found in VARIABLE.findall(text["body"]))
    return {
        "name": name,
        "parameter_format": "NAMED" if named else "POSITIONAL",
        "components": components,
        "language": code,
        "status": text.get("status", "APPROVED"),
        "category": str(text.get("category", "utility")).upper(),
        "quality_score": {"score": text.get("quality", "GREEN"), "date": 1795300000},
        "rejected_reason": "NONE",
        "id": str(int.from_bytes(f"{name}/{code}".encode()[-6:]) + 10**15),
    }


def _button(one: Mapping[str, Any]) -> JSON:
    where = _PLACES.get(one["type"])
    return {"type": _BUTTONS[one["type"]], "text": one["title"], **({where: one["value"]} if where else {})}


def _cursor(place: int) -> str:
    return base64.urlsafe_b64encode(f"place:{place}".encode()).decode()


def _place(cursor: str | None) -> int:
    try:
        found = re.fullmatch(r"place:(\d+)", base64.urlsafe_b64decode(cursor or "").decode())
    except (ValueError, UnicodeDecodeError):
        return 0
    return int(found[1]) if found else 0
