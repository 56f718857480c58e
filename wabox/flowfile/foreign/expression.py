"""The small part of JavaScript that a chart can say without code.

Comparisons of a variable with a literal or another variable, ``In('state')``, ``!``, ``&&``, ``||``, a variable by itself,
``typeof x === 'undefined'``; literals; and ``x + 1`` where it is assigned to ``x``. Everything else is code, and the answer is
None. Nothing is evaluated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

LONGEST = 2_000
DEEPEST = 20

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")|(?P<number>-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
    r"|(?P<path>[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*)|(?P<sign>===|!==|==|!=|<=|>=|&&|\|\||[<>!()+\-*]))"
)
_OPERATIONS = {
    "===": "eq", "==": "eq", "!==": "ne", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge",
}  # fmt: skip
_TURNED = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le"}
_WORDS: Mapping[str, Any] = {"true": True, "false": False, "null": None, "undefined": None}
_FALSY = [None, False, 0, ""]
ALWAYS: Mapping[str, Any] = {"path": "event.name", "op": "exists"}
"""A guard that holds: there is an event, or its name is empty and that is a name too."""


_RESERVED = {
    *("return", "function", "new", "delete", "void", "in", "instanceof", "var", "let", "const", "this", "if", "for"),
    *("while", "do", "throw"),
}


class Token(NamedTuple):
    kind: str
    text: str


class _CodeError(Exception):
    """It is more than can be said without code."""


def guard_of(expression: str, place: Callable[[str], str | None], data: str = "event.data") -> Any | None:
    """The guard that means the same; None when there is none.

    ``place``: a state's id → how a guard names it. ``data``: where the event's data is.
    """
    try:
        reader = _Reader(expression, place, data)
        found = reader.either(0)
        reader.end()
    except _CodeError:
        return None
    return found


def value_of(expression: str, data: str = "event.data") -> tuple[Any] | None:
    """The value: a literal, or ``{from: path}``; in a tuple, since it may be None. None when it is code."""
    try:
        reader = _Reader(expression, lambda state: None, data)
        found = reader.operand()
        reader.end()
    except _CodeError:
        return _json(expression)
    return (found,)


def reckoned(expression: str, variable: str) -> tuple[str, int | float] | None:
    """``("increment", n)`` or ``("multiply", n)`` when ``variable = expression`` does that; None when it does not."""
    try:
        tokens = _tokens(expression)
    except _CodeError:
        return None
    words = [token.text for token in tokens]
    if len(words) == 2 and tokens[1].kind == "number" and words[1].startswith("-"):
        words = [words[0], "-", words[1][1:]]  # x -1
    if len(words) == 3 and words[0] != variable and words[1] in "+*":
        words.reverse()
    if len(words) != 3 or words[0] != variable or words[1] not in "+-*" or not re.fullmatch(r"-?[\d.eE]+", words[2]):
        return None
    number = _number(words[2])
    return ("multiply", number) if words[1] == "*" else ("increment", -number if words[1] == "-" else number)


def assignments(script: str) -> list[tuple[str, str]] | None:
    """``x = 1; y += 2; z++`` as (variable, expression) in order; None when there is anything else."""
    found = []
    for statement in script.strip().rstrip(";").split(";"):
        match = _STATEMENT.fullmatch(statement.strip())
        if match is None:
            return None
        variable, sign, right = match[1], match[2], match[3].strip()
        if sign in ("++", "--"):
            sign, right = sign[0] + "=", right or "1"
        elif not right:
            return None
        found.append((variable, right if sign == "=" else f"{variable} {sign[0]} {right}"))
    return found


_STATEMENT = re.compile(r"([A-Za-z_$][\w$]*)\s*(\+\+|--|\+=|-=|\*=|=(?!=))(.*)", re.DOTALL)


def _tokens(expression: str) -> list[Token]:
    if len(expression) > LONGEST:
        raise _CodeError
    found, at, text = [], 0, expression.rstrip().rstrip(";")
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise _CodeError
        found.append(Token(match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


class _Reader:
    def __init__(self, expression: str, place: Callable[[str], str | None], data: str) -> None:
        self._tokens = _tokens(expression)
        self._place = place
        self._data = data
        self._at = 0

    def _next(self) -> Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else Token("end", "")

    def _take(self, *texts: str) -> bool:
        token = self._next()
        if token.kind == "text" or token.text not in texts:
            return False
        self._at += 1
        return True

    def end(self) -> None:
        if self._next().kind != "end":
            raise _CodeError

    def either(self, depth: int) -> Any:
        parts = [self._both(depth)]
        while self._take("||"):
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else {"or": parts}

    def _both(self, depth: int) -> Any:
        parts = [self._one(depth)]
        while self._take("&&"):
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else {"and": parts}

    def _one(self, depth: int) -> Any:
        if depth > DEEPEST:
            raise _CodeError
        if self._take("!"):
            return {"not": self._one(depth + 1)}
        if self._take("("):
            inner = self.either(depth + 1)
            if not self._take(")"):
                raise _CodeError
            return inner
        if self._take("In"):
            return self._in()
        if self._take("typeof"):
            return self._defined()
        return self._comparison()

    def _in(self) -> Any:
        token = self._tokens[self._at + 1] if self._at + 1 < len(self._tokens) else Token("end", "")
        if not self._take("(") or token.kind not in ("text", "path"):
            raise _CodeError
        self._at += 1
        state = self._place(_text(token.text) if token.kind == "text" else token.text)
        if state is None or not self._take(")"):
            raise _CodeError
        return {"in": state}

    def _defined(self) -> Any:
        path, sign = self.operand(), self._next().text
        self._at += 1
        if not isinstance(path, Mapping) or sign not in ("===", "==", "!==", "!=") or self.operand() != "undefined":
            raise _CodeError
        return {"path": path["from"], "op": "exists", "value": sign.startswith("!")}

    def _comparison(self) -> Any:
        left = self.operand()
        operation = _OPERATIONS.get(self._next().text) if self._next().kind == "sign" else None
        if operation is None:
            if isinstance(left, Mapping):
                return {"not": {"path": left["from"], "op": "in", "value": _FALSY}}
            return dict(ALWAYS) if left else {"not": dict(ALWAYS)}
        self._at += 1
        right = self.operand()
        if not isinstance(left, Mapping):
            left, right, operation = right, left, _TURNED.get(operation, operation)
        if not isinstance(left, Mapping):
            raise _CodeError
        return {"path": left["from"], "op": operation, "value": right}

    def operand(self) -> Any:
        """A literal, or ``{from: path}``."""
        token = self._next()
        self._at += 1
        if token.kind == "text":
            return _text(token.text)
        if token.kind == "number":
            return _number(token.text)
        if token.kind != "path":
            raise _CodeError
        if token.text in _WORDS:
            return _WORDS[token.text]
        if self._next().text == "(" or token.text.split(".")[0] in _RESERVED:
            raise _CodeError
        return {"from": self._path(token.text)}

    def _path(self, path: str) -> str:
        first, _, rest = path.partition(".")
        if first != "_event":
            if first.startswith("_") and first in ("_sessionid", "_name", "_ioprocessors", "_x"):
                raise _CodeError
            return f"context.{path}" if first in ("event", "context") else path
        word, _, inner = rest.partition(".")
        if word == "data":
            return f"{self._data}.{inner}" if inner else self._data
        if word != "name" or inner:
            raise _CodeError
        return "event.name"


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError as error:
            raise _CodeError from error


def _text(quoted: str) -> str:
    inner = quoted[1:-1]
    if "\\" in inner:
        inner = re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), inner)
    return inner


def _json(expression: str) -> tuple[Any] | None:
    """Lists and objects; JavaScript's single quotes and bare keys are allowed."""
    text = expression.strip()
    if len(text) > LONGEST or text[:1] not in ("[", "{"):
        return None
    for attempt in (text, re.sub(r"([{,]\s*)([A-Za-z_$][\w$]*)\s*:", r'\1"\2":', text.replace("'", '"'))):
        try:
            return (json.loads(attempt),)
        except (ValueError, RecursionError):
            continue
    return None
