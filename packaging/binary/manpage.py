"""``wabox.1``, from the commands as they are."""

from __future__ import annotations

import time

from wabox import __version__
from wabox.cli.tree import Node, nodes


def page(at: int) -> str:
    """The whole man page. ``at``: the day in its footer, seconds since the epoch."""
    every = list(nodes())
    day = time.strftime("%Y-%m-%d", time.gmtime(at))
    lines = [
        f'.TH WABOX 1 "{day}" "wabox {__version__}" "User Commands"',
        ".SH NAME",
        r"wabox \- a WhatsApp bot in a box",
        ".SH SYNOPSIS",
        ".B wabox",
        r"\fICOMMAND\fR [\fIOPTION\fR]... [\fIARGUMENT\fR]...",
        ".SH DESCRIPTION",
        *_text(
            "One process answers WhatsApp: conversations are statecharts in YAML, and whatever was acknowledged is on disk."
        ),
        *_text("The manual is in the program: wabox help, wabox help TOPIC."),
        ".SH COMMANDS",
    ]
    for node in every:
        if node.path and not node.group:
            lines += _command(node)
    lines += [
        ".SH EXIT STATUS",
        *_text("0: done. 1: refused or failed, with a sentence. 2: wrong usage."),
        ".SH FILES",
        ".TP",
        r"\fIwabox.toml\fR",
        *_text("The settings, in the folder where wabox is started: wabox help settings."),
        ".TP",
        r"\fIdata/\fR",
        *_text("Everything that is kept, beside it."),
        ".SH ENVIRONMENT",
        *_text("Every setting has a variable, which wins over the file: wabox config show."),
        ".SH SEE ALSO",
        r".BR systemctl (1),",
        r".BR journalctl (1)",
    ]
    return "\n".join(lines) + "\n"


def _command(node: Node) -> list[str]:
    usage = " ".join(("wabox", *node.path))
    lines = [f".SS {_escaped(' '.join((usage, *node.arguments)))}"]
    for paragraph in node.help.split("\n\n"):
        if paragraph.strip().startswith("Example:"):
            for line in paragraph.strip().splitlines():
                lines += [".PP", ".nf", ".RS", _escaped(line.replace("Example:", "").strip()), ".RE", ".fi"]
        else:
            lines += _text(" ".join(paragraph.split()))
    for option in node.options:
        names = ", ".join(rf"\fB{_escaped(name)}\fR" for name in option.names)
        lines += [".TP", f"{names} \\fI{_escaped(option.value)}\\fR" if option.value else names]
        lines += [_escaped(option.help) or r"\&"]
    return lines


def _text(words: str) -> list[str]:
    return [".PP", _escaped(words)]


def _escaped(words: str) -> str:
    """Nothing of it is a request of roff, and a hyphen stays one that can be copied."""
    found = words.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{found}" if found.startswith((".", "'")) else found
