"""Templates of an account: asked for at the Graph API, and what webhooks say about them.

Shapes: Meta, "WhatsApp Business Account > Message templates" and the fields ``message_template_*`` and ``template_*``
(Oct 2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from wabox.core.message import OtherChange
from wabox.core.template import StoredTemplate
from wabox.whatsapp.fields import FIELDS, details
from wabox.whatsapp.fields.template import (
    Template,
    TemplateCategory,
    TemplateComponents,
    TemplateQuality,
    TemplateStatus,
)
from wabox.whatsapp.graph import GraphClient

FIELDS_WANTED: Final = "id,name,language,status,category,parameter_format,quality_score,rejected_reason,components"
PAGE: Final = "50"
ABOUT: Final = frozenset(field for field, kind in FIELDS.items() if issubclass(kind, Template))
"""Webhook fields about templates."""
_EVENT: Final = {"REINSTATED": "APPROVED", "UNARCHIVED": "APPROVED"}
"""Events after which the status has another name."""
_REASONLESS: Final = frozenset({"", "NONE"})


async def fetch(graph: GraphClient, account_id: str, now: int) -> list[StoredTemplate]:
    """Every template of the account. Raises GraphRefused."""
    path = f"{quote(account_id, safe='')}/message_templates"
    params = {"fields": FIELDS_WANTED, "limit": PAGE}
    found = [read(one, now) async for one in graph.each(path, params)]
    return [one for one in found if one is not None]


def read(raw: Mapping[str, Any], now: int) -> StoredTemplate | None:
    """One template of the list; None when it has no name or language."""
    name, language = _text(raw, "name"), _text(raw, "language")
    if not name or not language:
        return None
    components = raw.get("components")
    score = raw.get("quality_score")
    reason = _text(raw, "rejected_reason")
    written = tuple(one for one in components if isinstance(one, dict)) if isinstance(components, list) else ()
    return StoredTemplate(
        name=name,
        language=language,
        status=_text(raw, "status").upper(),
        category=_text(raw, "category").lower(),
        id=_text(raw, "id"),
        parameters=_text(raw, "parameter_format").lower() or "positional",
        quality=_text(score, "score").upper() if isinstance(score, dict) else "",
        reason="" if reason.upper() in _REASONLESS else reason,
        components=written,
        asked_at=now,
    )


def told(change: OtherChange, known: Mapping[tuple[str, str], StoredTemplate], now: int) -> StoredTemplate | None:
    """The template as a webhook leaves it; None when it says nothing about one that could be named."""
    found = details(change)
    if not isinstance(found, Template) or not found.message_template_name or not found.message_template_language:
        return None
    name, language = found.message_template_name, found.message_template_language
    before = known.get((name, language))
    if before is None:
        if not isinstance(found, TemplateStatus):
            return None  # too little is known of it; the next look at the account brings it
        before = StoredTemplate(
            name=name, language=language, status="", category="", id=str(found.message_template_id or "")
        )
    before = replace(before, changed_at=now)
    match found:
        case TemplateStatus():
            event = str(found.event or before.status)
            reason = (found.rejection_info.reason if found.rejection_info else None) or found.reason or ""
            title = found.other_info.description if found.other_info else None
            category = str(found.message_template_category or before.category).lower()
            return replace(
                before,
                status=_EVENT.get(event, event),
                category=category,
                reason=title or ("" if reason.upper() in _REASONLESS else reason),
            )
        case TemplateQuality():
            return replace(before, quality=str(found.new_quality_score or before.quality))
        case TemplateCategory():
            # `correct_category` is Meta's opinion; it becomes the category when `new_category` says so.
            return replace(before, category=str(found.new_category or before.category).lower())
        case TemplateComponents():
            return replace(before, components=_amended(before, found))
    return before


def _amended(before: StoredTemplate, found: TemplateComponents) -> tuple[Mapping[str, Any], ...]:
    said = {
        "HEADER": found.message_template_title,
        "BODY": found.message_template_element,
        "FOOTER": found.message_template_footer,
    }
    return tuple(
        {**one, "text": said[str(one.get("type"))]} if said.get(str(one.get("type"))) and "text" in one else one
        for one in before.components
    )


def _text(raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key)
    return value if isinstance(value, str) else ""
