"""What holds for every test."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
import structlog

from wabox.cli import logs
from wabox.sqlite import store
from wabox.sqlite.admission import Limits


@pytest.fixture(autouse=True)
def fresh_logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command that is tried in this process sets up the log; the next test must not depend on how."""
    monkeypatch.setattr(logs, "KEPT", False)
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def patient_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that stalls for a second must not turn a test's webhook away; whoever tests the limits names them."""
    monkeypatch.setattr(store, "Limits", partial(Limits, age=60.0))
