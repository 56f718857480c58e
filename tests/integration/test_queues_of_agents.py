"""Agents of some queues see what is theirs: whatever call they try, a case of another queue does not exist for them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes import FakeMessenger
from tests.integration.doors import PASSWORD, House, house
from tests.integration.test_roles import routes
from tests.integration.world import World
from wabox.services.accounts import NewAgent

FLOW = """
initial: hello
states:
  hello: {ask: {text: Hello, buttons: {a: A, b: B}}, on: {a: first, b: second}}
  first: {handoff: {queue: orders}, on: {handoff.closed: hello}}
  second: {handoff: {queue: refunds}, on: {handoff.closed: hello}}
"""
TALKS = {"orders": "200:MX.1", "refunds": "200:MX.2", "nobody": "200:MX.3"}


@pytest.fixture
async def doors(tmp_path: Path) -> AsyncIterator[House]:
    """Three customers: one waits for orders, one for refunds, one talks to the bot; Ola answers orders, Rea refunds."""
    async with house(tmp_path, flow=FLOW) as found:
        await found.people()
        for who, queue in (("ola", "orders"), ("rea", "refunds")):
            await found.app.accounts.add(NewAgent(id=who, queues=[queue], password=PASSWORD))
            found.tokens[who] = await found.app.accounts.token(who, "default")  # type: ignore[index]
        world = World(found.app, FakeMessenger(), found.clock)
        for number, tap in enumerate(("a", "b", None), 1):
            who = {"from": f"521555000000{number}", "from_user_id": f"MX.{number}"}
            await world.hear(**who)
            if tap:
                reply = {"type": "button_reply", "button_reply": {"id": tap, "title": tap}}
                await world.hear(**who, type="interactive", interactive=reply)
        yield found


def as_(doors: House, who: Any) -> httpx.AsyncClient:
    return doors.client(headers={"Authorization": f"Bearer {doors.tokens[who]}"})


async def cases(doors: House) -> dict[str, str]:
    return {one.queue: one.id for one in await doors.app.handoffs.lines()}


async def test_lists_name_what_is_theirs(doors: House) -> None:
    """Cases and conversations of other queues are in no list; owner, and agents without queues, see all."""
    async with as_(doors, "ola") as client:
        assert [one["queue"] for one in (await client.get("/api/v1/handoffs")).json()] == ["orders"]
        assert (await client.get("/api/v1/handoffs", params={"queue": "refunds"})).json() == []
        board = (await client.get("/api/v1/conversations")).json()
        assert [one["conversation_id"] for one in board] == [TALKS["orders"]]
    for who in ("owner", "agent", "viewer"):
        async with as_(doors, who) as client:
            assert len((await client.get("/api/v1/handoffs")).json()) == 2
            assert len((await client.get("/api/v1/conversations")).json()) == 3


async def test_whatever_they_call_another_queues_case_is_not_there(doors: House) -> None:
    """Every route with a case or a conversation in it, and those that are about all customers, are tried by whoever answers
    another queue."""
    case, talk = (await cases(doors))["refunds"], TALKS["refunds"]
    before = await doors.app.handoffs.case(case)
    everybody = set()
    async with as_(doors, "ola") as client:
        for method, path, opt in routes(doors):
            if opt.get("everybody"):
                everybody.add(path)
                assert (await client.request(method, path)).status_code == 403, path
            if "agent" not in opt.get("roles", ()) or not ("{case}" in path or "{conversation_id}" in path):
                continue
            asked = path.replace("{case}", case).replace("{conversation_id}", talk)
            body = {"text": "x", "queue": "orders", "claim": True, "take": True}
            answer = await client.request(method, asked, json=body, params={"name": "a.txt"})
            assert answer.status_code in (404, 409), (method, path, answer.text)
            assert "MX.2" not in answer.text.replace(talk, ""), path
        assert (await client.get("/api/v1/canned", params={"case": case})).status_code == 404
        wish = {"who": "MX.2", "wish": "stop", "words": "stop", "by": "ola"}
        assert (await client.post("/api/v1/contacts/wish", json=wish)).status_code == 403
        assert (await client.post(f"/api/v1/conversations/{TALKS['nobody']}/take", json={})).status_code == 404
    assert everybody == {"/api/v1/contacts", "/api/v1/outbox", "/api/v1/send"}
    assert (await doors.app.handoffs.case(case)).transcript == before.transcript


async def test_what_is_theirs_they_work_on(doors: House) -> None:
    """Claim, reply, note, transfer away; after that it is not theirs, and the same call again is still done."""
    mine = (await cases(doors))["orders"]
    async with as_(doors, "ola") as client:
        for act, body in (("claim", {}), ("reply", {"text": "Hello"}), ("note", {"text": "VIP"})):
            assert (await client.post(f"/api/v1/handoffs/{mine}/{act}", json=body)).status_code == 200, act
        wish = {"who": "MX.1", "wish": "optout", "words": "no ads", "by": "ola"}
        assert (await client.post("/api/v1/contacts/wish", json=wish)).status_code == 200
        away = {"queue": "refunds", "id": "once"}
        for _ in range(2):
            assert (await client.post(f"/api/v1/handoffs/{mine}/transfer", json=away)).status_code == 200
        assert (await client.get(f"/api/v1/handoffs/{mine}")).status_code == 404
    async with as_(doors, "rea") as client:
        assert (await client.get(f"/api/v1/handoffs/{mine}")).status_code == 200
        assert (await client.post(f"/api/v1/handoffs/{mine}/transfer", json={**away, "id": "other"})).status_code == 200


async def test_next_and_take(doors: House) -> None:
    """The next case is of their queues; who may take a conversation without a case steps into it, under their own name."""
    async with as_(doors, "rea") as client:
        found = await client.post("/api/v1/handoffs/next", json={"id": "n1"})
        assert (found.status_code, found.json()["case"]["queue"], found.json()["case"]["agent"]) == (
            200,
            "refunds",
            "rea",
        )
        assert (await client.post("/api/v1/handoffs/next", json={"id": "n2"})).status_code == 404
        assert (await client.post("/api/v1/handoffs/next", json={"queue": "orders"})).status_code == 404
    async with as_(doors, "agent") as client:
        path = f"/api/v1/conversations/{TALKS['nobody']}/take"
        first, second = [await client.post(path, json={"id": "t1"}) for _ in range(2)]
        assert (first.status_code, second.status_code) == (200, 200)
        assert first.json()["case"]["id"] == second.json()["case"]["id"]
        assert (first.json()["case"]["agent"], first.json()["holder"]) == ("agent", "agent")
        assert (await client.post("/api/v1/conversations/200:none/take", json={})).status_code == 404
    async with as_(doors, "owner") as client:
        refused = await client.post(path, json={"id": "t2"})
        assert refused.status_code == 409
        assert "agent has this case" in refused.json()["error"]
        taken = await client.post(path, json={"id": "t3", "take": True})
        assert (taken.status_code, taken.json()["case"]["agent"]) == (200, "owner")
    async with as_(doors, "viewer") as client:
        assert (await client.post(path, json={})).status_code == 403
        assert (await client.post("/api/v1/handoffs/next", json={})).status_code == 403


async def test_they_hear_of_what_is_theirs(doors: House) -> None:
    """The stream names no conversation of another queue; that a case changed which may have been theirs it says."""
    account = doors.app.accounts.find("ola")
    assert account is not None
    stream = doors.app.changes.stream("ola", heartbeat=9, sees=account.sees)
    await anext(stream)
    known = await cases(doors)
    async with as_(doors, "rea") as client:
        await client.post(f"/api/v1/handoffs/{known['refunds']}/claim", json={})
    async with as_(doors, "ola") as client:
        await client.post(f"/api/v1/handoffs/{known['orders']}/claim", json={})
    heard = []
    while not any(one["conversation_id"] for one in heard):
        piece = await asyncio.wait_for(anext(stream), 5)
        heard.append(json.loads(piece.removeprefix(b"data: ")))
        if heard[-1].get("outbound_id"):
            heard.pop()
    await stream.aclose()
    assert [(one["conversation_id"], one["case_id"]) for one in heard] == [
        ("", known["refunds"]),
        (TALKS["orders"], known["orders"]),
    ]
