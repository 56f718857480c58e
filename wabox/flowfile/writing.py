"""YAML that people would write: what wabox itself puts into a bot's folder. Reading it back gives the same values."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from wabox.flowfile.reader import resolve

_PLAIN = re.compile(r"[^\W_](?:[\w ()'’.,!?¿¡/%+*=;&@€$-]|:(?! |$))*\Z")
"""Begins with a letter or digit and holds nothing that means something to YAML."""
_HIDDEN = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""What JSON leaves as it is and YAML does not take, or nobody sees."""


def scalar(value: Any, *, nested: bool = False) -> str:
    """A text, number, truth value or nothing; ``nested``: within ``[…]`` or ``{…}``."""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    plain = _PLAIN.match(value) and value == value.strip() and " #" not in value
    if plain and not (nested and re.search(r"[,\[\]{}]", value)) and _is_word(value):
        return value
    return _quoted(value)


def flow(value: Any) -> str:
    """The value on one line: ``{text: Hello, buttons: [a, b]}``."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)}: {flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value, nested=True)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z_][\w.]*", key, re.ASCII) else _quoted(key)


def _quoted(text: str) -> str:
    return _HIDDEN.sub(lambda sign: f"\\u{ord(sign[0]):04x}", json.dumps(text, ensure_ascii=False))


def _is_word(text: str) -> bool:
    """Whether it is read as a text, not as a number or a truth value."""
    try:
        return resolve(text) == text
    except ValueError:
        return False
