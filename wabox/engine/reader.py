"""Reads the values of a definition and collects everything that is wrong with them, so an author sees all of it at once."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from wabox.core.duration import parse_duration
from wabox.core.kind import QuickReply
from wabox.engine.problem import Path, Problem


class Reader:
    def __init__(self, templates: Mapping[str, Sequence[QuickReply]] | None = None) -> None:
        self.problems: list[Problem] = []
        self.templates = templates
        """The quick replies of every template that there is, by its name; None when that is not known."""

    def wrong(self, path: Path, code: str, sentence: str, fix: str) -> None:
        self.problems.append(Problem(path, code, sentence, fix))

    @staticmethod
    def show(value: object) -> str:
        """The value in a sentence: as JSON, at most 60 characters."""
        try:
            shown = json.dumps(value, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError):
            shown = f"a {type(value).__name__}"
        return shown if len(shown) <= 60 else shown[:57] + "..."

    @staticmethod
    def instead(word: str, known: Iterable[str], otherwise: str, cutoff: float = 0.7) -> str:
        """The fix for a name that does not exist: the nearest one that does, if any is near."""
        near = difflib.get_close_matches(word, [str(name) for name in known], n=1, cutoff=cutoff)
        return f"did you mean {near[0]!r}?" if near else otherwise

    def only(self, written: Mapping[str, Any], path: Path, known: Collection[str], where: str) -> None:
        """Report keys that mean nothing here."""
        for key in written:
            if key not in known:
                # Keys are few and short: two letters changed about ("aks") are a slip.
                fix = self.instead(str(key), known, f"{where} knows {', '.join(known)}", cutoff=0.6)
                self.wrong((*path, key), "unknown-key", f"{where} has no key {self.show(key)}", fix)

    def mapping(self, written: object, path: Path, where: str) -> Mapping[str, Any]:
        """A mapping with text keys; nothing at all is an empty one."""
        if written is None:
            return {}
        if not isinstance(written, Mapping):
            self.wrong(path, "bad-value", f"{where} cannot be {self.show(written)}", "write a mapping, key: value")
            return {}
        return {str(key): value for key, value in written.items()}

    def list(self, written: object) -> list[Any]:
        """One thing or several."""
        if written is None:
            return []
        return list(written) if isinstance(written, list | tuple) else [written]

    def text(self, written: object, path: Path, where: str) -> str | None:
        """Text; a number is read as its digits."""
        if isinstance(written, str):
            return written
        if isinstance(written, int | float) and not isinstance(written, bool):
            return str(written)
        self.wrong(path, "bad-value", f"{where} cannot be {self.show(written)}", "write text, in quotes if need be")
        return None

    def texts(self, written: object, path: Path, where: str) -> tuple[str, ...]:
        found = [self.text(item, (*path, place), where) for place, item in enumerate(self.list(written))]
        return tuple(item for item in found if item is not None)

    def flag(self, written: object, path: Path) -> bool:
        """``true``, ``false`` or nothing."""
        if written is not None and not isinstance(written, bool):
            self.wrong(path, "bad-value", f"this cannot be {self.show(written)}", "write true or false")
        return written is True

    def duration(self, written: object, path: Path) -> int | None:
        """ms."""
        try:
            return parse_duration(written)
        except ValueError as error:
            sentence, _, fix = str(error).partition("; ")
            self.wrong(path, "bad-duration", sentence, fix)
            return None
