"""Loads ``flows/<bot>/actions.py`` by path, and says what is wrong with it in the author's lines.

The file is code and runs: it is trusted as much as wabox itself. Nothing is written beside it (no ``__pycache__``), its
folder is not put on the import path, and it is known to Python under a name of its own, so two bots may both have an
``actions.py``.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

from wabox.actions import Registered, registered
from wabox.errors import FlowError
from wabox.flowfile.deadline import LOADING, bounded, within
from wabox.flowfile.document import START, Mark, Source
from wabox.flowfile.findings import Finding
from wabox.flowfile.words import listed

FILE = "actions.py"

Add = Callable[[Finding], None]


class _Loader(SourceFileLoader):
    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:
        """Keep the compiled code to ourselves."""


def load_actions(path: Path, shown: str, add: Add) -> Registered | None:
    """The guards and actions of the file; None when it cannot be loaded. A bot without the file has none."""
    if not path.is_file():
        return Registered({}, {})
    source = Source(path, shown, _lines(path))
    name = f"wabox_flow_{path.parent.name}_actions"
    spec = importlib.util.spec_from_file_location(name, path, loader=_Loader(name, str(path)))
    assert spec is not None  # noqa: S101 - it has a loader
    loader = spec.loader
    assert loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module  # dataclasses in the file look it up
    try:
        within(LOADING, lambda: loader.exec_module(module), str(path))
        found = registered(vars(module))
        return replace(
            found,
            guards={name: bounded(function) for name, function in found.guards.items()},
            actions={name: bounded(function) for name, function in found.actions.items()},
        )
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001 - whatever the author's code raises, also SystemExit, is a finding
        add(_finding(error, source))
    if before is None:
        del sys.modules[name]
    else:
        sys.modules[name] = before
    return None


def _lines(path: Path) -> tuple[str, ...]:
    try:
        return tuple(path.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError):
        return ()


def _finding(error: BaseException, source: Source) -> Finding:
    if isinstance(error, SyntaxError):
        mark = Mark(error.lineno or 1, error.offset or 1, max(1, (error.end_offset or 0) - (error.offset or 0)))
        return source.finding(mark, "actions", f"this is not valid Python: {error.msg}", "correct the line")
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == source.path]
    last = frames[-1] if frames else None
    mark = START
    if last is not None and last.lineno is not None:
        start = last.colno or 0
        width = (last.end_colno or start + 1) - start if last.end_lineno == last.lineno else 1_000
        mark = Mark(last.lineno, start + 1, width)
    way = [f"line {frame.lineno}" + (f" in {frame.name}" if frame.name != "<module>" else "") for frame in frames[:-1]]
    sentence = f"{type(error).__name__}: {error}" + (f" (called from {listed(way)})" if way else "")
    if isinstance(error, FlowError):
        sentence = str(error)
    return source.finding(mark, "actions", sentence, _fix(error))


def _fix(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.partition(".")[0]
        if getattr(sys, "frozen", False):
            return f"the wabox binary has no {package}: use the standard library, or install wabox with pip beside {package}"
        return f"install {package} where wabox is installed (pip install {package}), or do without it"
    return "correct the file; nothing in it may fail while it is loaded"


def may_set(function: Callable[..., Any]) -> frozenset[str] | None:
    """The context keys that a function may set: every text in its code, and in the functions of its file that it names.
    None, any, when there is none in it."""
    found: set[str] = set()
    todo, seen = [inspect.unwrap(function)], set()
    while todo:
        one = todo.pop()
        code = getattr(one, "__code__", None)
        if not isinstance(code, CodeType) or code in seen:
            continue
        seen.add(code)
        for inner in _inside(code):
            found.update(_texts(inner))
            others = (getattr(one, "__globals__", {}).get(name) for name in inner.co_names)
            todo += [other for other in others if getattr(other, "__module__", None) == one.__module__]
    return frozenset(found) or None


def _inside(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _inside(constant)


def _texts(code: CodeType) -> Iterator[str]:
    for constant in code.co_consts[1:]:  # the first is the docstring
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, tuple):
            yield from (item for item in constant if isinstance(item, str))


def place_of_function(function: Callable[..., Any]) -> tuple[int, str]:
    """Line of a function of the file, and what stands there."""
    plain = inspect.unwrap(function)
    code = getattr(plain, "__code__", None)
    if not isinstance(code, CodeType):
        return 1, ""
    # With decorators a function begins at the first of them.
    lines = _lines(Path(code.co_filename))
    number = code.co_firstlineno
    while number < len(lines) and lines[number - 1].lstrip().startswith("@"):
        number += 1
    return number, lines[number - 1] if number <= len(lines) else ""
