"""A case as text: one line of a list, one line of a transcript, all of it. Readable at 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

WIDTH: Final = 80
JOINERS: Final = "\u200c\u200d"
"""Invisible, but emoji and some scripts are spelled with them."""
_TICKS: Final = {
    "queued": "… waits",
    "sending": "… leaves",
    "unknown": "? perhaps sent",
    "sent": "✓ sent",
    "delivered": "✓✓ delivered",
    "read": "✓✓ read",
    "played": "✓✓ played",
}
_WHO: Final = {"customer": "they", "bot": "bot", "agent": "", "note": "note", "event": "·"}


def duration(ms: int) -> str:
    """``45 s``, ``12 min``, ``3 h 20 min``, ``2 d``."""
    seconds = ms // 1000
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} d"


def plain(text: str) -> str:
    """On one line, without what would steer a terminal: customers write it."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable() or letter in JOINERS)


def row(case: Mapping[str, Any]) -> str:
    """One line of a list."""
    if case["status"] == "waiting":
        state = f"waits {duration(case['waiting_ms'] or 0)}" + (", nobody told" if case.get("told") is False else "")
        state += offered(case)
    elif case["status"] == "claimed":
        since = case["waiting_ms"]
        state = f"{case['agent_name']} has it" + (f", they wait {duration(since)}" if since is not None else "")
    else:
        stars = f", rated {case['rating']} of 5" if case["rating"] else ""
        state = f"closed: {case['outcome']}{stars}"
    urgent = f" !{case['priority']}" if case["priority"] else ""
    return f"{case['id'][:10]}  {case['queue']}{urgent}  {plain(case['customer'])}  {state}  ({case['reason'] or 'no reason'})"


def offered(case: Mapping[str, Any], passed: float = 0) -> str:
    """Whose it is to take, and for how long still; nothing when it is anybody's. ``passed``: ms since it was told."""
    if not case.get("offered"):
        return ""
    return f", offered to {plain(case['offered_name'])} for {duration(max(0, int(case['offered_ms'] - passed)))}"


def said(line: Mapping[str, Any]) -> str:
    """One line of a transcript."""
    who = _WHO[line["who"]] or line["by"] or "agent"
    if line["who"] in ("note", "event") and line["by"]:
        who = f"{line['by']}, {who}" if line["who"] == "note" else f"{line['by']}:"
    failed = f"  [did not arrive: {line['status']}]" if line["status"] else ""
    tick = "" if failed or line["who"] != "agent" else tick_of(line)
    return f"{clock(line['at'])} {who:>6}  {plain(line['text'])}{tick}{failed}"


def tick_of(line: Mapping[str, Any]) -> str:
    """How far what we said has come, as WhatsApp shows it, and in a word."""
    sign = _TICKS.get(line.get("delivery") or "")
    return f"  {sign}" if sign else ""


def understood(heard: Mapping[str, Any]) -> str:
    """What the bot made of a message, and how sure it was of that: ``refund 82 %``."""
    if heard["intent"]:
        return f"{heard['intent']} {round(heard['confidence'] * 100)} %"
    return {"structured": "a button", "type": "no text"}.get(heard["tier"], "nothing for sure")


def offer(answer: Mapping[str, Any]) -> str:
    """A canned answer."""
    title = "" if answer["title"] == answer["name"] else f" ({plain(answer['title'])})"
    queues = f", queue {', '.join(answer['queues'])}" if answer["queues"] else ""
    lacks = f"  [not known: {', '.join(answer['missing'])}]" if answer["missing"] else ""
    words = textwrap.wrap(
        plain(answer["text"]) + lacks, WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
    )
    return "\n".join([f"{answer['name']}{title}, {answer['language']}{queues}", *words])


def brief(found: Mapping[str, Any], lines: int) -> str:
    """The case in a line and the ``lines`` that were said last."""
    last = found["transcript"][-lines:] if lines else ()
    told = [(row(found["case"]), "  "), *(("  " + said(one), " " * 16) for one in last)]
    return "\n".join(
        line
        for text, indent in told
        for line in textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False)
    )


def whole(found: Mapping[str, Any], lines: int, width: int = WIDTH) -> str:
    return "\n".join(_whole(found, lines, width))


def _whole(found: Mapping[str, Any], lines: int, width: int) -> Iterator[str]:
    case = found["case"]
    yield from _wrap(row(case), width)
    yield ""
    for sentence in found["summary"]:
        yield from _wrap(sentence, width)
    if case.get("brief"):
        yield from _wrap(f"Summary by a language model, may be wrong: {plain(case['brief'])}", width)
    yield ""
    facts = {
        "case": case["id"],
        "asked": _day(case["opened_at"]),
        "language": found["language"],
        "stands in": f"{found['flow']}: {', '.join(found['states'])}" if found["flow"] else None,
        "suspended": "; ".join(found["stack"]) or None,
        "came by": " → ".join(found["path"]) or None,
        "knows": "; ".join(f"{name}: {value}" for name, value in found["slots"].items()) or None,
        "understood": "; ".join(map(understood, found["heard"])) or None,
        "on the phone": f"until {_day(found['quiet_until'])}, then the bot again" if found["quiet_until"] else None,
        "write until": f"{_day(found['closes_at'])}; then a template" if found["closes_at"] else "now: a template only",
    }
    for name, value in facts.items():
        if value:
            yield from _wrap(f"{name:11} {value}", width, 12)
    for alert in found["alerts"]:
        why = f": {alert['reason']}" if alert["reason"] else ""
        if alert["status"] != "stale" and (alert["to"] != "console" or alert["status"] == "accepted"):
            yield from _wrap(f"{'told':11} {alert['to']}, {clock(alert['at'])}, {alert['status']}{why}", width, 12)
    for problem in found["problems"]:
        yield from _wrap(f"{'not arrived':11} {problem}", width, 12)
    for one in found["earlier"][:3]:
        yield from _wrap(
            f"{'earlier':11} {_day(one['opened_at'])} {one['reason']}: {one['outcome'] or one['status']}", width, 12
        )
    shown = found["transcript"][-lines:] if lines else []
    if shown:
        more = len(found["transcript"]) > len(shown) or found["first"] is not None
        yield ""
        yield f"── what was said{f' (and more before: --lines {lines * 5})' if more else ''} ──"
        for line in shown:
            yield from _wrap(said(line), width, 14)


def _wrap(text: str, width: int = WIDTH, indent: int = 2) -> list[str]:
    return textwrap.wrap(plain(text), width, subsequent_indent=" " * indent, break_on_hyphens=False) or [""]


def clock(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000).astimezone().strftime("%H:%M")


def _day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M")
