"""What the inbox writes, as text: legible without colour, and nothing of a customer's that would steer the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from wabox.cli.caseview import clock, duration, offered, plain, tick_of, understood

_WHO: Final = {"customer": "they", "bot": "bot", "event": "·"}

HELP: Final = """\
 In the list                        In the line below
 Enter or r   answer                Enter        send
 c, D         claim, or decline     Ctrl+J       a new line
 C            take it over          Escape       back to the list
 n            note for colleagues
 t            transfer              Signs in the list
 x            close: the bot goes   !  waits     ?  offered to you
              on                    *  yours     ·  a colleague's
 k            canned answers        +  wrote again
 a            attach a file         ✎  typed, not sent
 p            template (after 24 h)
 d            drop the attachment   Signs behind your words
 i            everything known      …  not gone yet   ✓ sent
 o            what was said before  ✓✓ arrived
 q            leave

 What is typed stays with its case until the server has taken it,
 also while the server restarts. A reply to a case that nobody has
 claims it."""


def row(case: Mapping[str, Any], passed: float, who: str, marks: str, width: int) -> str:
    """One line of the list: whose, who, and how long they wait. ``passed``: ms since it was told.

    ``marks`` begins with one for the open case: without colours nothing else shows it.
    """
    mine = case["status"] == "waiting" and case.get("offered") == who
    sign = "?" if mine else "!" if case["status"] == "waiting" else "*" if case["agent"] == who else "·"
    waits = "" if case["waiting_ms"] is None else duration(int(case["waiting_ms"] + max(0.0, passed)))
    room = width - 3 - cell_len(marks) - len(waits)
    urgent = "!" * min(int(case["priority"]), 3)
    name = set_cell_size(f"{plain(case['customer'])} {urgent}".rstrip(), max(1, room))
    return f"{marks[:1]}{sign}{marks[1:]} {name} {waits}"


def head(report: Mapping[str, Any], passed: float, width: int) -> Text:
    """Who, why, where the bot stands, how sure it was of what they said."""
    case = report["case"]
    text = Text(no_wrap=True, overflow="ellipsis")
    state = {"waiting": "nobody has it", "closed": f"closed: {plain(case['outcome'] or '')}"}.get(
        case["status"], f"{case['agent_name']} has it"
    )
    waits = "" if case["waiting_ms"] is None else f", waits {duration(int(case['waiting_ms'] + max(0.0, passed)))}"
    text.append(f"{plain(case['customer'])}", style="bold")
    text.append(f"  {case['queue']}  {state}{waits}{offered(case, passed)}\n")
    text.append(f"{plain(case['reason'] or 'no reason')}", style="italic")
    language = f"  [{report['language']}]" if report["language"] else ""
    text.append(f"{language}{'' if _open(report) else '  24 h are over: a template only (p)'}\n")
    stands = f"{report['flow']}: {', '.join(report['states'])}" if report["flow"] else "the bot is at its beginning"
    stack = f"  (then {'; '.join(report['stack'])})" if report["stack"] else ""
    text.append(f"{stands}{stack}  by {' → '.join(report['path'][-4:]) or '–'}\n")
    heard = "; ".join(map(understood, report["heard"][-3:]))
    text.append(f"understood {heard or 'nothing yet'}", style="dim")
    return text


def _open(report: Mapping[str, Any]) -> bool:
    return report["closes_at"] is not None


def transcript(report: Mapping[str, Any]) -> Text:
    """What was said, the newest last, and beside the customer's words what the bot made of them."""
    heard = {(one["at"], one["text"]): one for one in report["heard"]}
    text = Text()
    lines: Sequence[Mapping[str, Any]] = report["transcript"]
    if report["first"] is not None:
        text.append("… more was said before: o\n", style="dim")
    for place, line in enumerate(lines):
        if place:
            text.append("\n")
        _said(text, line, heard.get((line["at"], line["text"])))
    return text


def _said(text: Text, line: Mapping[str, Any], heard: Mapping[str, Any] | None) -> None:
    by = plain(line["by"] or "")
    who = {"agent": by or "agent", "note": f"({by})", "event": f"· {by}".rstrip()}.get(
        line["who"], _WHO.get(line["who"], "")
    )
    text.append(f"{clock(line['at'])} ", style="dim")
    text.append(f"{who}  ", style="" if line["who"] == "bot" else "bold")
    kind = "" if line["type"] in ("text", "interactive", "template") else f"[{line['type']}] "
    words = "" if kind and plain(line["text"]) in (line["type"], f"[{line['type']}]") else plain(line["text"])
    text.append(f"{kind}{words}", style="italic" if line["who"] in ("note", "event") else "")
    if heard is not None:
        text.append(f"  ‹{understood(heard)}›", style="dim")
    if line["status"]:
        text.append(f"  ✗ did not arrive: {plain(line['status'])}", style="bold red")
    elif line["who"] == "agent":
        text.append(tick_of(line).replace("  ", " ", 1), style="dim")


def known(report: Mapping[str, Any], width: int) -> Text:
    """All that ``wabox handoff show`` says, but for the transcript."""
    from wabox.cli.caseview import whole

    return Text(whole(report, 0, width))


def offers(canned: Sequence[Mapping[str, Any]], width: int) -> Iterator[str]:
    """One line of a choice each."""
    for one in canned:
        lacks = f" [not known: {', '.join(one['missing'])}]" if one["missing"] else ""
        yield shortened(f"{plain(one['title'])}: {plain(one['text'])}{lacks}", width)


def shortened(text: str, width: int) -> str:
    return text if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"
