"""Everything that is kept about a customer, as a folder to hand over: a page to read, the same as JSON, the files they sent.

All of it is data: what the customer wrote is escaped, and no file is named by them.
"""

from __future__ import annotations

import json
import mimetypes
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from wabox.cli.acts import act_of
from wabox.core.conversation import Record
from wabox.core.delivery import words
from wabox.errors import WaboxError
from wabox.files.mediafolder import MediaFolder

STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#1d1d1f;
background:#fff}
h1,h2{line-height:1.2}table{border-collapse:collapse;width:100%}td,th{text-align:start;vertical-align:top;
padding:.25rem .75rem .25rem 0;border-bottom:1px solid #ddd}time{white-space:nowrap;color:#555}.out{color:#0a5}
td{overflow-wrap:anywhere}@media(prefers-color-scheme:dark){body{color:#eee;background:#111}td,th{border-color:#444}time{color:#aaa}
.out{color:#5d9}a{color:#8bf}}"""


def write(found: Mapping[str, Any], data: Path, out: Path) -> int:
    """Make the folder; how many files of the customer are in it. Raises WaboxError."""
    try:
        out.mkdir(mode=0o700, parents=True)
        files = _files(found, MediaFolder(data), out)
        (out / "person.json").write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
        (out / "index.html").write_text(page(found, files), encoding="utf-8")
    except FileExistsError:
        raise WaboxError(f"{out} is there already: name another folder with --out") from None
    except OSError as error:
        raise WaboxError(f"{out} cannot be written: {error}") from error
    return len(set(files.values()))


def _files(found: Mapping[str, Any], folder: MediaFolder, out: Path) -> dict[str, str]:
    """Copy what they sent; message id → path in the folder."""
    files: dict[str, str] = {}
    for media in found["media"]:
        if media["status"] != "stored" or not media["sha256"]:
            continue
        suffix = mimetypes.guess_extension(media["content_type"] or "") or ""
        name = f"files/{media['sha256']}{suffix}"
        (out / "files").mkdir(exist_ok=True)
        shutil.copyfile(folder.path(media["sha256"]), out / name)
        files[media["message_id"]] = name
    return files


def page(found: Mapping[str, Any], files: Mapping[str, str]) -> str:
    """The same for a person, without scripts and without anything from elsewhere."""
    person = found["person"]
    parts = [
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>What is kept about {escape(person['name'] or person['handle'])}</title><style>{STYLE}</style>",
        f"<h1>{escape(person['name'] or person['handle'])}</h1><h2>Who</h2><table>",
        *(_row(one["kind"], one["value"], one["first_seen"]) for one in person["identities"]),
        "</table><h2>What they said about being written to</h2><table>",
        *(_row(f"{one['what']} ({one['channel']})", one["words"], one["at"]) for one in found["consents"]),
        "</table>",
    ]
    for one in found["conversations"]:
        parts += [f"<h2>Conversation {escape(one['id'])}</h2><table>"]
        parts += [_line(line, files) for line in one["transcript"]]
        parts += ["</table>"]
        if one["snapshot"]:
            kept = json.dumps(one["snapshot"].get("context", {}), ensure_ascii=False, indent=1)
            parts += [f"<h3>What the bot remembers</h3><pre>{escape(kept)}</pre>"]
        if one["handoffs"]:
            parts += ["<h3>Cases</h3><table>"]
            parts += [_row(case["status"], case["reason"], case["opened_at"]) for case in one["handoffs"]]
            parts += ["</table>"]
    parts += ['<p>The same, complete: <a href="person.json">person.json</a></p></html>']
    return "\n".join(parts)


def _row(what: object, said: object, at: int) -> str:
    return f"<tr><td>{_time(at)}<td>{escape(str(what))}<td>{escape(str(said or ''))}"


def _line(line: Mapping[str, Any], files: Mapping[str, str]) -> str:
    body = line["body"]
    act = act_of(Record(at=line["at"], kind=line["kind"], ref=line["ref"], body=body))
    if act is not None and act.leaves:
        return ""
    match line["kind"]:
        case "in" if act is not None:
            said, who = escape(act.text), act.who
        case "in":
            said = escape(str(body.get("text") or body.get("type") or ""))
            if name := files.get(line["ref"] or ""):
                said += f' <a href="{escape(name)}">file</a>'
            who = "they"
        case "out":
            said, who = escape(words(body)), "we"
        case _:
            said, who = escape(json.dumps(body, ensure_ascii=False)), line["kind"]
    kind = ' class="out"' if who == "we" else ""
    return f"<tr{kind}><td>{_time(line['at'])}<td>{escape(who)}<td>{said}"


def _time(ms: int) -> str:
    return f"<time>{datetime.fromtimestamp(ms / 1000, UTC).strftime('%Y-%m-%d %H:%M')}</time>"
