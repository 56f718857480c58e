"""Whether a server is ready: ``/readyz``, asked again and again."""

from __future__ import annotations

from collections.abc import Callable

import httpx

EVERY = 0.25
"""s between two questions."""


def wait_until_ready(
    url: str, patience: float, clock: Callable[[], float], sleep: Callable[[float], None]
) -> str | None:
    """None: it is; else what it answered last. ``patience``: s."""
    end, last = clock() + patience, "no answer"
    with httpx.Client(timeout=5.0, trust_env=False) as client:
        while True:
            try:
                answer = client.get(f"{url}/readyz")
                if answer.status_code == 200:
                    return None
                last = f"/readyz answered {answer.status_code}: {answer.text[:300]}"
            except httpx.HTTPError as error:
                last = f"no answer at {url}: {error}"
            if clock() >= end:
                return last
            sleep(EVERY)
