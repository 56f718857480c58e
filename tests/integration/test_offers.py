"""Cases that are offered: to one agent after the other, then to everybody; races, a restart (promises P2, P3)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.fakes import FakeMessenger, VirtualClock
from tests.integration.test_desk import FLOW, Desk
from wabox.app import build
from wabox.flowfile.bot import load_bot
from wabox.services.accounts import NewAgent
from wabox.services.cases import CaseLine
from wabox.services.handoffs import NotDone
from wabox.settings import load

SETTINGS = '[queues.desk]\nassign = "offer"\noffer = "20s"\nskills = ["es"]\ncapacity = 1\nrating = false\n'
SKILLED = ("ana", "ben", "cleo")


class Floor(Desk):
    """A desk whose agents sit at their consoles."""

    def sits(self, *agents: str) -> None:
        for one in agents:
            self.app.changes._there[one] += 1

    async def offers(self) -> CaseLine:
        """What is to be offered is; the only case."""
        await self.app.offering.look()
        await self.rest()
        (case,) = await self.app.handoffs.lines(status="waiting")
        return case

    async def later(self, seconds: int) -> CaseLine:
        self.clock.now += seconds * 1000
        await self.ring()
        return await self.offers()


@asynccontextmanager
async def floor(tmp_path: Path, clock: VirtualClock | None = None) -> AsyncIterator[Floor]:
    folder = tmp_path / "flows" / "shop"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "flow.yaml").write_text(FLOW)
    (tmp_path / "wabox.toml").write_text(SETTINGS)
    settings = load(tmp_path)
    clock, messenger = clock or VirtualClock(), FakeMessenger()
    app = await build(settings, load_bot(folder, manners=settings.manners), clock=clock, messenger=messenger)
    await app.start()
    if not await app.accounts.lines():
        for one in SKILLED:
            await app.accounts.add(NewAgent(id=one, name=one.title(), skills=["es"], password="long enough 1!"))
        await app.accounts.add(NewAgent(id="dan", name="Dan", password="long enough 1!"))
    try:
        yield Floor(app, messenger, clock)
    finally:
        await app.stop()


async def waits(desk: Floor) -> None:
    await desk.write("hi")
    await desk.write("a person please")


async def test_one_after_the_other_then_everybody(tmp_path: Path) -> None:
    """Silence passes it on, so does a no; nobody is asked twice, nor asked without the skills; at last anybody may."""
    async with floor(tmp_path) as desk:
        desk.sits("ana", "ben", "dan")
        await waits(desk)
        first = await desk.offers()
        assert (first.offered, first.offered_name, first.offered_ms) == ("ana", "Ana", 20_000)
        with pytest.raises(NotDone, match="offered to Ana for 20 s more"):
            await desk.act("claim", "ben")
        with pytest.raises(NotDone, match="not offered to you"):
            await desk.act("decline", "ben")
        assert (await desk.later(19)).offered == "ana"
        assert (await desk.later(1)).offered == "ben"
        await desk.act("decline", "ben")
        assert (await desk.offers()).offered is None
        assert (await desk.later(60)).offered is None
        assert (await desk.act("claim", "ana")).case.agent == "ana"


async def test_who_accepts_has_it_and_the_next_case_goes_to_another(tmp_path: Path) -> None:
    """The least loaded is asked, then who was idle for longest; who is full is not; a case waits for who is busy."""
    async with floor(tmp_path) as desk:
        desk.sits("ana", "ben")
        await waits(desk)
        await desk.offers()
        claimed = await desk.act("claim", "ana")
        assert (claimed.case.status, claimed.case.offered) == ("claimed", None)
        await desk.post(
            "messages",
            messages=[desk.element(**{"from": "5215550003333", "from_user_id": "MX.2", "text": {"body": "hi"}})],
        )
        await desk.post(
            "messages",
            messages=[desk.element(**{"from": "5215550003333", "from_user_id": "MX.2", "text": {"body": "human"}})],
        )
        assert (await desk.offers()).offered == "ben"
        assert (await desk.later(20)).offered is None, "Ana has all that she may have: it waits for her"
        await desk.act("close", "ana", case=claimed.case.id)
        assert (await desk.offers()).offered == "ana"


async def test_of_an_answer_and_the_end_of_the_offer_one_is_first(tmp_path: Path) -> None:
    """In the same moment: the case is Ana's, or the next one's; never both, never nobody's."""
    async with floor(tmp_path) as desk:
        desk.sits("ana", "ben")
        await waits(desk)
        await desk.offers()
        desk.clock.now += 20_000
        tries = await asyncio.gather(
            desk.act("claim", "ana"), desk.app.fire(), desk.app.offering.look(), return_exceptions=True
        )
        await desk.rest()
        (case,) = await desk.app.handoffs.lines()
        if isinstance(tries[0], NotDone):
            assert (case.status, case.offered) == ("waiting", "ben")
        else:
            assert (case.status, case.agent, case.offered) == ("claimed", "ana", None)


async def test_a_restart_changes_nothing(tmp_path: Path) -> None:
    """The offer stands, ends when it would have, and the one who passed is not asked again."""
    clock = VirtualClock()
    async with floor(tmp_path, clock) as desk:
        desk.sits("ana", "ben")
        await waits(desk)
        assert (await desk.offers()).offered == "ana"
    clock.now += 5_000
    async with floor(tmp_path, clock) as desk:
        desk.sits("ana", "ben")
        case = await desk.offers()
        assert (case.offered, case.offered_ms) == ("ana", 15_000)
        assert (await desk.later(15)).offered == "ben"
        assert (await desk.later(20)).offered is None
        assert (await desk.act("claim", "ben")).case.agent == "ben"


async def test_a_case_that_comes_back_is_offered_anew(tmp_path: Path) -> None:
    async with floor(tmp_path) as desk:
        desk.sits("ana")
        await waits(desk)
        await desk.offers()
        await desk.act("claim", "ana")
        desk.clock.now += 1
        await desk.act("transfer", "ana", queue="desk")
        assert (await desk.offers()).offered == "ana"


async def test_nobody_is_there(tmp_path: Path) -> None:
    """It is anybody's; whoever comes is asked."""
    async with floor(tmp_path) as desk:
        await waits(desk)
        assert (await desk.offers()).offered is None
        desk.sits("cleo")
        assert (await desk.offers()).offered == "cleo"
