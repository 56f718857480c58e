"""What the inbox asks for on a screen of its own: a line, or one of several."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from wabox.cli.inbox.view import HELP


class Ask(ModalScreen[str | None]):
    """A line; None when they went back. ``typed`` is told of every letter, so that nothing is lost with Escape."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "back")]

    def __init__(
        self,
        title: str,
        *,
        before: str = "",
        typed: Callable[[str], None] = lambda text: None,
        suggester: Suggester | None = None,
    ) -> None:
        super().__init__()
        self._title, self._before, self._typed, self._suggester = title, before, typed, suggester

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Static(self._title, markup=False)
            yield Input(self._before, suggester=self._suggester, select_on_focus=False)

    def on_input_changed(self, event: Input.Changed) -> None:
        self._typed(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())


class Choose(ModalScreen[int | None]):
    """One of several lines, by its place."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "back")]

    def __init__(self, title: str, lines: Sequence[str]) -> None:
        super().__init__()
        self._title, self._lines = title, lines

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Static(self._title, markup=False)
            yield OptionList(*(Option(line) for line in self._lines), markup=False)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_index)


class Help(ModalScreen[None]):
    """Every key, and what the signs mean."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,enter", "dismiss(None)", "back")]

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Static(HELP, markup=False)


class Paths(Suggester):
    """The rest of a file's name."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        return await asyncio.to_thread(_completed, value)


def _completed(value: str) -> str | None:
    folder, _, begun = value.rpartition("/")
    place = Path(folder or ("/" if value.startswith("/") else ".")).expanduser()
    try:
        names = sorted(one.name + ("/" if one.is_dir() else "") for one in place.iterdir())
    except OSError:
        return None
    found = next((name for name in names if begun and name.startswith(begun)), None)
    return None if found is None else value[: len(value) - len(begun)] + found
