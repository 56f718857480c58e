"""The API as it describes itself: what may go wrong is written at every call, and headers that say what to do arrive."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.doors import TOKEN, House, house
from wabox.web.described import PROBLEMS


@pytest.fixture
async def doors(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, throttle=(1, 60_000)) as found:
        await found.people()
        yield found


async def test_every_call_says_what_may_go_wrong(doors: House) -> None:
    """Each operation names the statuses of refusals, with the shape that they have; bodies of bytes are described too."""
    async with doors.client() as client:
        described = (await client.get("/api/schema/openapi.json")).json()
    for path, methods in described["paths"].items():
        if not path.startswith("/api/v1/"):
            continue
        for method, operation in methods.items():
            assert set(map(str, PROBLEMS)) <= operation["responses"].keys(), (method, path)
            shape = operation["responses"]["409"]["content"]["application/json"]["schema"]
            assert shape == {"$ref": "#/components/schemas/Problem"}
    paths = described["paths"]
    body = paths["/api/v1/handoffs/{case}/files"]["post"]["requestBody"]["content"]
    assert body["application/octet-stream"]["schema"]["format"] == "binary"
    assert "text/event-stream" in paths["/api/v1/events"]["get"]["responses"]["200"]["content"]


async def test_headers_of_refusals_arrive(doors: House) -> None:
    """405 says what is allowed, 429 when to go on."""
    async with doors.client() as client:
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        refused = await client.delete("/api/v1/handoffs")
        assert refused.status_code == 405
        assert "GET" in refused.headers["Allow"]
        client.headers["Authorization"] = f"Bearer {doors.tokens['agent']}"
        assert (await client.get("/api/v1/handoffs")).status_code == 200
        too_many = await client.get("/api/v1/handoffs")
        assert too_many.status_code == 429
        assert int(too_many.headers["Retry-After"]) > 0


async def test_what_would_overflow_is_refused(doors: House) -> None:
    """Numbers that no clock has are the caller's mistake, not ours."""
    async with doors.client() as client:
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        call = {"map": [], "days": 42608852758693980235890688}
        assert (await client.post("/api/v1/learn", json=call)).status_code == 400
        assert (await client.get("/api/v1/learn", params={"days": 10**20})).status_code == 400
