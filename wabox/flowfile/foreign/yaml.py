"""A definition as a YAML file that a person would write: keys in a fixed order, short things on one line, a comment where
something could not be carried."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from wabox.flowfile.document import Steps
from wabox.flowfile.foreign.note import Note
from wabox.flowfile.reader import resolve

WIDTH = 110
ORDER = (
    *(
        "id",
        "description",
        "type",
        "history",
        "target",
        "initial",
        "context",
        "tags",
        "meta",
        "entry",
        "exit",
        "invoke",
    ),
    *("always", "on", "after", "onDone", "output"),
)
"""Everything else comes behind these, ``states`` last."""
_PLAIN = re.compile(r"\.?[^\W\d][\w.\-]*(?: [\w.\-]+)*")


def write(definition: Mapping[str, Any], notes: Iterable[Note] = (), *, origin: str = "") -> str:
    """The file's text. ``origin``: where it comes from, for its first line."""
    comments: dict[Steps, list[str]] = defaultdict(list)
    for note in notes:
        comments[_state_of(note.path)].append(note.sentence)
    lines = [f"# Brought over from {_one_line(origin)} by wabox flows import."] if origin else []
    lines += [f"# not carried: {_one_line(said)}" for said in dict.fromkeys(comments.pop((), []))]
    lines += ["", *_state(definition, "", (), comments)] if lines else _state(definition, "", (), comments)
    return "\n".join(lines or ["{}"]) + "\n"


def _state_of(path: Steps) -> Steps:
    """The way to the state that the place is in."""
    end = 0
    while end + 1 < len(path) and path[end] == "states":
        end += 2
    return path[:end]


def _state(state: Mapping[str, Any], pad: str, path: Steps, comments: Mapping[Steps, list[str]]) -> Iterator[str]:
    place = {key: number for number, key in enumerate(ORDER)}
    for key in sorted(state, key=lambda key: (key == "states", place.get(key, len(ORDER)))):
        if key != "states" or not isinstance(state[key], Mapping):
            yield from _entry(f"{pad}{_scalar(key)}:", state[key], pad)
            continue
        yield f"{pad}states:"
        for number, (name, inner) in enumerate(state[key].items()):
            here = (*path, "states", name)
            if number and not pad:
                yield ""
            said = dict.fromkeys(comments.get(here, []))
            nested = bool(said) or (isinstance(inner, Mapping) and ("states" in inner))
            begin = f"{pad}  {_scalar(name)}:"
            if not nested and (short := _short(begin, inner)) is not None:
                yield short
                continue
            yield begin if isinstance(inner, Mapping) and inner else f"{begin} {_flow(inner)}"
            yield from (f"{pad}    # not carried: {_one_line(sentence)}" for sentence in said)
            if isinstance(inner, Mapping):
                yield from _state(inner, pad + "    ", here, comments)


def _entry(begin: str, value: Any, pad: str) -> Iterator[str]:
    short = _short(begin, value)
    if short is not None:
        yield short
    elif isinstance(value, Mapping):
        yield begin
        for key, inner in value.items():
            yield from _entry(f"{pad}  {_scalar(str(key))}:", inner, pad + "  ")
    else:
        yield begin
        for item in value:
            yield from _item(item, pad + "  ")


def _item(item: Any, pad: str) -> Iterator[str]:
    short = _short(f"{pad}-", item)
    if short is not None or not isinstance(item, Mapping):
        yield short if short is not None else f"{pad}- {_flow(item)}"
        return
    first = True
    for key, inner in item.items():
        for line in _entry(f"{pad}  {_scalar(str(key))}:", inner, pad + "  "):
            yield f"{pad}- {line[len(pad) + 2 :]}" if first else line
            first = False


def _short(begin: str, value: Any) -> str | None:
    """On one line, if it fits or cannot be broken."""
    line = f"{begin} {_flow(value)}"
    breakable = bool(value) and isinstance(value, Mapping | list | tuple)
    return line if len(line) <= WIDTH or not breakable else None


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(str(key))}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value) if isinstance(value, str) else json.dumps(value)


def _scalar(text: str) -> str:
    """A text that is read as the same text."""
    if _PLAIN.fullmatch(text) and isinstance(resolve(text), str):
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(sign: str) -> str:
    if sign in '"\\':
        return "\\" + sign
    if sign.isprintable():
        return sign
    if sign == "\n":
        return "\\n"
    return f"\\u{ord(sign):04X}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08X}"


def _one_line(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
