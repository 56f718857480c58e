"""What a server leaves out, and what it keeps: it starts once and runs for months."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def without(name: str) -> Iterator[None]:
    """While the body imports, a package that is not loaded yet cannot be."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


def loaded() -> None:
    """All that is there now stays: the collector need not look at it again and again, 60 ms each time.

    What a message leaves in circles is little, so it looks for that less often too: 3 % of a message's CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20000, 20, 50)
