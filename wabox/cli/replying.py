"""A reply on its way out: its file goes first, a canned answer becomes its words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from wabox.cli.running import Line
from wabox.errors import WaboxError


async def said(line: Line, case: str, body: Mapping[str, Any], canned: str | None, attach: Path | None) -> Any:
    """The case afterwards. Raises WaboxError with what to do; then nothing was sent."""
    body = dict(body)
    if canned is not None:
        body["text"] = await _canned(line, case, canned, str(body["by"]))
    if attach is not None:
        body["file"] = (await line.send_file(f"/api/v1/handoffs/{quote(case, safe='')}/files", attach))["id"]
    return await line.call("POST", f"/api/v1/handoffs/{quote(case, safe='')}/reply", body)


async def _canned(line: Line, case: str, name: str, by: str) -> str:
    found = await line.call("GET", f"/api/v1/canned?{urlencode({'case': case, 'by': by})}")
    answer = next((one for one in found if one["name"] == name), None)
    if answer is None:
        known = ", ".join(one["name"] for one in found) or "none"
        raise WaboxError(f"there is no canned answer {name!r} for this case; there is: {known}")
    if answer["missing"]:
        raise WaboxError(
            f"the conversation does not know {', '.join(answer['missing'])}: write the answer yourself. "
            f"It would be: {answer['text']}"
        )
    return str(answer["text"])
