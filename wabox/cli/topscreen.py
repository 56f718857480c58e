"""``wabox top`` on a terminal: the frame of :mod:`wabox.cli.top`, again and again; the server may come and go."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from wabox.cli.top import frame
from wabox.errors import WaboxError

Samples = Sequence[Mapping[str, Any]]


class TopApp(App[None]):
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,escape", "quit", "leave"), Binding("ctrl+c", "quit", "leave")]

    def __init__(self, look: Callable[[], Awaitable[Samples]], every: float) -> None:
        super().__init__()
        self._look, self._every = look, every
        self._before: tuple[float, Samples] | None = None

    def compose(self) -> ComposeResult:
        yield Static("one moment …", id="frame", markup=False)
        yield Static("", id="trouble", markup=False)

    def on_mount(self) -> None:
        self.set_interval(self._every, self._again)
        self._again()

    def _again(self) -> None:
        self.run_worker(self.show(), exclusive=True)

    async def show(self) -> None:
        """One look. What was seen last stays while the server is away, and that is said."""
        try:
            found = await self._look()
        except WaboxError as error:
            self.query_one("#trouble", Static).update(f"✗ {error}; trying again")
            self._before = None
            return
        now = time.monotonic()
        before, seconds = (None, 0.0) if self._before is None else (self._before[1], now - self._before[0])
        self.query_one("#frame", Static).update("\n".join(frame(found, before, max(seconds, 0.1))))
        self.query_one("#trouble", Static).update("")
        self._before = (now, found)
