"""A line that says what is being done, on a terminal; elsewhere nothing."""

from __future__ import annotations

import sys
from types import TracebackType

import typer


class Bar:
    """Call it with what is being done and how much of it is; use it as a context, which clears the line at the end."""

    WIDTH = 24

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()

    def __call__(self, what: str, share: float) -> None:
        if self._shown:
            full = round(self.WIDTH * min(max(share, 0.0), 1.0))
            typer.echo(f"\r\x1b[K{'█' * full}{'░' * (self.WIDTH - full)} {what}"[:120], nl=False, err=True)

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._shown:
            typer.echo("\r\x1b[K", nl=False, err=True)
