"""An ``actions.py`` with a function for every name that a chart calls, for somebody to fill in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

_HEAD = '''"""What the chart calls by name. Every function is yet to be written: guards say no, the others do nothing."""

from __future__ import annotations

'''
_KINDS = (
    ("guard", "GuardInput", "bool", "False"),
    ("action", "ActionInput", "None", "None"),
    ("task", "TaskInput", "None", "None"),
)


def actions_file(guards: Mapping[str, str], actions: Mapping[str, str], tasks: Iterable[str]) -> str | None:
    """The file's text; None when the chart calls nothing. The values say what the original has in that place."""
    wanted: tuple[Mapping[str, str], ...] = (guards, actions, dict.fromkeys(tasks, ""))
    if not any(wanted):
        return None
    names = [name for kind, names in zip(_KINDS, wanted, strict=True) if names for name in kind[:2]]
    taken: set[str] = set(names)
    lines = [f"from wabox.actions import {', '.join(sorted(names))}"]
    for (kind, given, gives, result), several in zip(_KINDS, wanted, strict=True):
        for name, original in several.items():
            lines += ["", "", *_function(kind, given, gives, result, name, original, taken)]
    return _HEAD + "\n".join(lines) + "\n"


def _function(
    kind: str, given: str, gives: str, result: str, name: str, original: str, taken: set[str]
) -> Iterator[str]:
    function = re.sub(r"\W", "_", name, flags=re.ASCII).strip("_") or kind
    if function[0].isdigit() or function in _KEYWORDS:
        function = f"{kind}_{function}"
    while function in taken:
        function += "_"
    taken.add(function)
    yield f"@{kind}" if function == name else f"@{kind}(name={_quoted(name)})"
    yield f"def {function}(given: {given}) -> {gives}:"
    for line in " ".join(original.split()).split("\n") if original else ():
        yield f"    # {''.join(sign if sign.isprintable() else ' ' for sign in line)}"
    yield f"    return {result}"


def _quoted(text: str) -> str:
    return (
        '"'
        + "".join(sign if sign.isprintable() and sign not in '"\\' else f"\\U{ord(sign):08x}" for sign in text)
        + '"'
    )


_KEYWORDS = frozenset(
    [
        *(
            "and",
            "as",
            "assert",
            "async",
            "await",
            "break",
            "class",
            "continue",
            "def",
            "del",
            "elif",
            "else",
            "except",
        ),
        *("finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass"),
        *("raise", "return", "try", "while", "with", "yield", "None", "True", "False"),
    ]
)
