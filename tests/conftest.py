"""What holds for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog

from wabox.cli import logs


@pytest.fixture(autouse=True)
def fresh_logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command that is tried in this process sets up the log; the next test must not depend on how."""
    monkeypatch.setattr(logs, "KEPT", False)
    yield
    structlog.reset_defaults()
