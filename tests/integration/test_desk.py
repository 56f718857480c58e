"""People work on cases: one holder, races, and what the customer sees (promises P2, P3, P7)."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import FakeMessenger, VirtualClock
from tests.integration.world import CONVERSATION, World
from wabox.app import App, build
from wabox.core.act import Act
from wabox.core.delivery import words
from wabox.core.handoff import HandoffAct
from wabox.core.invocation import Invocation, Outcome
from wabox.core.message import Arrival
from wabox.flowfile.bot import load_bot
from wabox.services.cases import CaseReport
from wabox.services.handoffs import NoCase, NotDone
from wabox.services.waiting import Waiting
from wabox.settings import Settings, load

HOUR = 3_600_000
FLOW = """
initial: hello
timeouts: {soft: 30m, hard: 20h}
on: {human: people}
states:
  people: {handoff: {queue: desk}, ask: "A person will answer.", on: {handoff.closed: hello, shop: shop}}
  quiet_desk: {handoff: {queue: desk}, on: {handoff.text: {}, handoff.closed: rest}}
  rest: {on: {shop: shop}}
  hello:
    ask: {text: "Hello!", buttons: {shop: Shop, silent: Silent}}
    on: {shop: shop, silent: quiet_desk}
  shop:
    ask: {text: "Which size?", buttons: {small: S}}
    on: {small: over}
  over: {type: final, say: "Done."}
"""


class Desk(World):
    """A world with people in it."""

    async def act(self, kind: HandoffAct, who: str = "marta", text: str | None = None, **more: Any) -> CaseReport:
        case, id_ = more.pop("case", None) or (await self.case_id()), more.pop("id", None)
        self._count += 1
        id_ = id_ or f"act-{self._count}"
        found = await self.app.handoffs.act(
            Act(id=id_, kind=kind, case=case, agent=who, by=who.title(), text=text, more=more)
        )
        await self.rest()
        return found

    async def case_id(self) -> str:
        (case,) = await self.app.handoffs.lines()
        return case.id

    async def ring(self) -> None:
        """What is due comes."""
        await self.app.fire()
        await self.rest()
        await self.told()

    async def told(self) -> None:
        """Whoever is to be told now is."""
        await self.app.alarms.look()
        await self.app.alarms.settled()
        await self.rest()

    @property
    def left(self) -> list[str]:
        return [words(sent.body) for sent in self.messenger.taken]


def wired(tmp_path: Path, clock: VirtualClock, messenger: FakeMessenger) -> Any:
    folder = tmp_path / "flows" / "shop"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "flow.yaml").write_text(FLOW)
    settings = Settings(root=tmp_path, data=tmp_path / "data")
    return build(settings, load_bot(folder), clock=clock, messenger=messenger)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    clock, messenger = VirtualClock(), FakeMessenger()
    app: App = await wired(tmp_path, clock, messenger)
    await app.start()
    yield Desk(app, messenger, clock)
    await app.stop()


async def test_claim_reply_close(desk: Desk) -> None:
    """The customer gets the agent's words; after the close the flow goes on at its declared state, at once."""
    await desk.write("hi")
    assert await desk.write("a person please") == ["A person will answer."]
    claimed = await desk.act("claim")
    assert (claimed.case.status, claimed.case.agent_name, claimed.holder) == ("claimed", "Marta", "agent")
    replied = await desk.act("reply", text="Good morning, Marta here")
    assert desk.left[-1] == "Good morning, Marta here"
    assert replied.transcript[-1].who == "agent"
    assert replied.transcript[-1].by == "Marta"
    assert replied.case.waiting_ms is None
    assert await desk.write("where is my parcel?") == []
    desk.clock.now += 60_000
    assert (await desk.app.handoffs.case(replied.case.id)).case.waiting_ms == 60_000
    closed = await desk.act("close", text="told where it is")
    assert (closed.case.status, closed.case.outcome, closed.states) == ("closed", "told where it is", ["hello"])
    assert desk.left[-1] == "Hello!"
    assert await desk.tap("shop") == ["interactive"]


async def test_of_two_who_claim_at_once_one_has_it(desk: Desk) -> None:
    """Ten agents claim in the same moment: one has it, nine are told who."""
    await desk.write("hi")
    await desk.write("a person please")
    tries = await asyncio.gather(*(desk.act("claim", f"agent{n}") for n in range(10)), return_exceptions=True)
    won = [one for one in tries if isinstance(one, CaseReport)]
    lost = [one for one in tries if isinstance(one, NotDone)]
    assert (len(won), len(lost)) == (1, 9)
    assert all(f"{won[0].case.agent_name} has this case" in str(one) for one in lost)


async def test_only_the_holder_replies(desk: Desk) -> None:
    """Without a claim nobody does; with another's neither; whoever says so takes the case with the reply."""
    await desk.write("hi")
    await desk.write("a person please")
    with pytest.raises(NotDone, match="claim it first"):
        await desk.act("reply", text="Hello?")
    tries = await asyncio.gather(
        *(desk.act("reply", f"agent{n}", text=f"I am {n}", claim=True) for n in range(5)), return_exceptions=True
    )
    assert sum(isinstance(one, NotDone) for one in tries) == 4
    assert sum(text.startswith("I am") for text in desk.left) == 1
    holder = (await desk.app.handoffs.lines())[0].agent
    assert f"I am {str(holder)[-1]}" in desk.left
    await desk.act("claim", "boss", take=True)
    with pytest.raises(NotDone, match="Boss has this case"):
        await desk.act("reply", str(holder), text="still me?")


async def test_the_same_act_twice_is_done_once(desk: Desk, tmp_path: Path) -> None:
    """A repeated click, also after a restart, sends nothing again and says that it is done."""
    await desk.write("hi")
    await desk.write("a person please")
    await desk.act("reply", text="Hello", claim=True, id="one")
    await desk.act("reply", text="Hello", claim=True, id="one")
    case = await desk.case_id()
    await desk.app.stop()
    again: App = await wired(tmp_path, desk.clock, desk.messenger)
    await again.start()
    after = Desk(again, desk.messenger, desk.clock)
    assert (await after.act("reply", text="Hello", case=case, id="one")).case.status == "claimed"
    assert desk.left.count("Hello") == 1
    await again.stop()


async def test_a_restart_in_the_middle(desk: Desk, tmp_path: Path) -> None:
    """An act that was stored and not handled is done by the next server; who has the case is not forgotten."""
    await desk.write("hi")
    await desk.write("a person please")
    case = await desk.case_id()
    await desk.act("claim")
    found = await desk.app.store.desk.find(case)
    assert found is not None
    await desk.app.store.lanes.drain(1)
    act = Act(id="late", kind="reply", case=case, agent="marta", by="Marta", text="One moment")
    await desk.app.store.put(Arrival(messages=(act.message(desk.clock.now, found[1], CONVERSATION, found[2]),)))
    await desk.app.stop()
    assert "One moment" not in desk.left
    again: App = await wired(tmp_path, desk.clock, desk.messenger)
    await again.start()
    after = Desk(again, desk.messenger, desk.clock)
    await after.rest()
    assert desk.left[-1] == "One moment"
    with pytest.raises(NotDone, match="Marta has this case"):
        await after.act("claim", "sam")
    await again.stop()


async def test_the_bot_does_not_talk_over_an_agent(desk: Desk) -> None:
    """Words, taps and timers of a conversation that an agent took: the flow stands still, and goes on after the close."""
    await desk.write("hi")
    await desk.tap("shop")
    await desk.write("a person please")
    await desk.act("claim")
    before = len(desk.left)
    assert await desk.write("hello?") == []
    desk.clock.now += 19 * HOUR
    assert await desk.write("still there?") == []
    await desk.act("reply", text="Yes")
    desk.clock.now += 21 * HOUR
    await desk.ring()
    assert desk.left[before:] == ["Yes"]
    case = await desk.app.handoffs.case(await desk.case_id())
    assert (case.case.status, case.states) == ("claimed", ["people"])


async def test_outside_the_window_a_template_only(desk: Desk) -> None:
    """Free words are refused in a sentence, and no failed message is left behind."""
    await desk.write("hi")
    await desk.write("a person please")
    await desk.act("claim")
    desk.clock.now += 25 * HOUR
    with pytest.raises(NotDone, match="only a template"):
        await desk.act("reply", text="Are you there?")
    assert await desk.app.store.deliveries(failed=True) == []
    body = {"type": "template", "template": {"name": "back", "language": {"code": "en"}}}
    await desk.act("reply", text="Your parcel is here", body=body, purpose="person")
    assert desk.left[-1] == "back"


async def test_who_said_stop_is_still_answered_by_a_person(desk: Desk) -> None:
    """STOP silences the bot and marketing; an agent's own words leave."""
    await desk.write("hi")
    await desk.write("a person please")
    await desk.act("claim")
    await desk.write("STOP")
    await desk.act("reply", text="All right, you get nothing more")
    assert desk.left[-1] == "All right, you get nothing more"


async def test_notes_and_transfers(desk: Desk) -> None:
    """A note is for people only; a case goes to another queue, where others can take it."""
    await desk.write("hi")
    await desk.write("a person please")
    before = desk.left
    await desk.act("claim")
    noted = await desk.act("note", "sam", text="VIP")
    assert (noted.transcript[-1].who, noted.transcript[-1].by, noted.transcript[-1].text) == ("note", "Sam", "VIP")
    with pytest.raises(NotDone, match="Marta has this case"):
        await desk.act("transfer", "sam", queue="refunds")
    moved = await desk.act("transfer", queue="refunds", text="wants money back")
    assert (moved.case.status, moved.case.queue, moved.case.agent) == ("waiting", "refunds", None)
    given = await desk.act("transfer", "anybody", to="sam")
    assert (given.case.status, given.case.agent) == ("claimed", "sam")
    assert desk.left == before
    with pytest.raises(NoCase):
        await desk.act("claim", case="h-none")


async def test_a_customer_who_goes_back_to_the_bot(desk: Desk) -> None:
    """The case is closed with it; an agent who replies a moment later is told, and says nothing."""
    await desk.write("hi")
    await desk.write("a person please")
    await desk.act("claim")
    case = await desk.case_id()
    await desk.tap("shop")
    assert await desk.app.handoffs.lines() == []
    with pytest.raises(NotDone, match="this case is closed"):
        await desk.act("reply", text="Hello?", case=case)
    assert desk.left[-1] == "Which size?"


async def test_a_flow_without_words_of_its_own(desk: Desk) -> None:
    """After the close the bot says that it is the one who answers."""
    await desk.write("hi")
    await desk.tap("silent")
    await desk.act("reply", text="Hello", claim=True)
    await desk.act("close")
    assert desk.left[-1] == "You are talking to the bot again."


async def test_whoever_listens_is_told(desk: Desk) -> None:
    """Every act is a change: whose conversation, which case, how it stands."""
    heard = desk.app.changes.listen()
    first = asyncio.ensure_future(anext(heard))
    await asyncio.sleep(0)
    await desk.write("hi")
    assert (await first).kinds == ("message", "state")
    await desk.write("a person please")
    opened = await anext(heard)
    assert (opened.kinds, opened.status, opened.case_id) == (
        ("case", "message", "state"),
        "waiting",
        await desk.case_id(),
    )
    await heard.aclose()


async def test_an_agent_who_goes_quiet_loses_the_case(desk: Desk) -> None:
    """It returns to its queue once the customer has waited for ``idle``; not while the last word is the agent's."""
    await desk.write("hi")
    await desk.write("a person please")
    await desk.act("reply", text="One moment", claim=True)
    desk.clock.now += 2 * HOUR
    await desk.ring()
    assert (await desk.app.handoffs.lines())[0].agent == "marta"
    await desk.write("well?")
    desk.clock.now += 29 * 60_000
    await desk.ring()
    assert (await desk.app.handoffs.lines())[0].agent == "marta"
    desk.clock.now += 2 * 60_000
    await desk.ring()
    assert (await desk.app.handoffs.lines())[0].status == "waiting"
    with pytest.raises(NotDone, match="claim it first"):
        await desk.act("reply", text="I am back")


async def test_a_claim_ends_after_a_day(desk: Desk) -> None:
    """A customer who does not write again leaves no agent with the case for ever."""
    await desk.write("hi")
    await desk.write("a person please")
    await desk.act("reply", text="Solved, I think", claim=True)
    desk.clock.now += 24 * HOUR + 1000
    await desk.ring()
    assert (await desk.app.handoffs.lines())[0].status == "waiting"


QUEUES = """
[alerts]
webhook = "https://hooks.example/{secret.hook}"
[queues.desk]
hours = {mon-sun = "09:00-18:00"}
max_wait = "10m"
idle = "5m"
"""


TAKEN = Outcome(output={})


async def test_nobody_takes_it(tmp_path: Path) -> None:
    """The alert goes out with the case; after ``max_wait`` it is more urgent, alerted again, and the customer is told."""
    async with _staffed(tmp_path, QUEUES) as (desk, caller):
        await desk.write("hi")
        await desk.write("a person {secret.hook}")
        await desk.write("a person please")
        await desk.told()
        (alert,) = caller.called
        assert alert.request["http"]["url"] == "https://hooks.example/{secret.hook}"
        assert alert.request["http"]["json"]["what"] == "opened"
        desk.clock.now += 10 * 60_000 + 1000
        await desk.ring()
        assert desk.left[-1].startswith("It is taking longer than it should")
        assert [one.request["http"]["json"]["what"] for one in caller.called] == ["opened", "waited too long"]
        (line,) = await desk.app.handoffs.lines()
        assert line.priority == 1
        desk.clock.now += HOUR
        await desk.ring()
        assert len(caller.called) == 2


async def test_a_case_from_before_an_upgrade_gets_its_clock(tmp_path: Path) -> None:
    """It was opened by a release that had no such clock: the first look sets it, and once only what is over."""
    async with _staffed(tmp_path, QUEUES) as (desk, _):
        await desk.write("hi")
        await desk.write("a person please")

        def names(connection: sqlite3.Connection) -> list[str]:
            return [name for (name,) in connection.execute("SELECT name FROM timers WHERE name LIKE 'desk:%'")]

        await desk.app.store.writer.submit(lambda connection: connection.execute("DELETE FROM timers").close())
        await desk.app.waiting.look()
        assert await desk.app.store.writer.submit(names) == ["desk:wait"]
        desk.clock.now += 10 * 60_000 + 1000
        await desk.ring()
        assert (await desk.app.handoffs.lines())[0].priority == 1
        again = Waiting(desk.app.store.desk, desk.app.store.put, lambda: desk.app.bot, desk.clock)
        await again.look()
        assert await desk.app.store.writer.submit(names) == [], "its time is over, and everybody was told"


async def test_an_alert_that_nobody_takes_makes_the_case_urgent(tmp_path: Path) -> None:
    """It is on record, and the list shows it first."""
    async with _staffed(tmp_path, QUEUES, Outcome(error="410 Gone")) as (desk, caller):
        await desk.write("hi")
        await desk.write("a person please")
        await desk.told()
        (line,) = await desk.app.handoffs.lines()
        assert (len(caller.called), line.priority, line.told) == (1, 1, False)


async def test_nobody_is_there(tmp_path: Path) -> None:
    """Outside the hours the customer is told when somebody is back, and that a message is enough."""
    async with _staffed(tmp_path, QUEUES.replace("09:00-18:00", "03:00-04:00")) as (desk, _):
        await desk.write("hi")
        said = await desk.write("a person please")
        assert said[-1].startswith("None of us is here right now; we are back ")
        assert "3:00" in said[-1]


async def test_a_holiday_of_one_number(tmp_path: Path) -> None:
    """Who writes to that number is told that nobody is there; who writes to another one waits as always."""
    today = datetime.fromtimestamp(VirtualClock().now / 1000, UTC).date()
    toml = f'[queues.desk]\nnumber_holidays = {{"200" = ["{today}"]}}\n'
    async with _staffed(tmp_path, toml) as (desk, _):
        await desk.write("hi")
        assert (await desk.write("a person please"))[-1].startswith("None of us is here right now")
        await desk.write("hi", number="300")
        assert await desk.write("a person please", number="300") == ["A person will answer."]


@asynccontextmanager
async def _staffed(tmp_path: Path, toml: str, outcome: Outcome = TAKEN) -> AsyncIterator[tuple[Desk, StubCaller]]:
    (tmp_path / "wabox.toml").write_text(toml)
    folder = tmp_path / "flows" / "shop"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "flow.yaml").write_text(FLOW)
    settings = load(tmp_path, {})
    clock, messenger, caller = VirtualClock(), FakeMessenger(), StubCaller(outcome)
    app = await build(
        settings, load_bot(folder, manners=settings.manners), clock=clock, messenger=messenger, caller=caller
    )
    await app.start()
    yield Desk(app, messenger, clock), caller
    await app.stop()


class StubCaller:
    def __init__(self, outcome: Outcome) -> None:
        self.called: list[Invocation] = []
        self._outcome = outcome

    async def call(self, invocation: Invocation) -> Outcome:
        self.called.append(invocation)
        return self._outcome

    async def aclose(self) -> None:
        pass


async def test_the_place_and_the_wait_are_told(tmp_path: Path) -> None:
    """Nothing without history; with it an honest range, once, and again only when it does not hold any more."""
    async with _staffed(tmp_path, "[queues.desk]\nrating = false\n") as (desk, _):
        await desk.write("hi")
        for _ in range(16):
            await desk.write("a person please")
            await desk.app.waiting.look()
            await desk.rest()
            desk.clock.now += 7 * 60_000
            await desk.act("reply", text="Hello", claim=True)
            await desk.act("close")
        assert not any("in line" in text for text in desk.left)
        desk.clock.now += 2 * HOUR
        await desk.write("a person please")
        for _ in range(3):
            await desk.app.waiting.look()
            await desk.rest()
        assert [text for text in desk.left if "in line" in text] == [
            "You are number 1 in line. It should take 5 to 10 minutes."
        ]
        (queue,) = await desk.app.waiting.reports()
        assert (queue.waiting, queue.least_minutes, queue.most_minutes) == (1, None, None)
        desk.clock.now += 11 * 60_000
        await desk.app.waiting.look()
        await desk.rest()
        assert sum("in line" in text for text in desk.left) == 2
        await desk.act("claim")
        desk.clock.now += 21 * 60_000
        await desk.app.waiting.look()
        await desk.rest()
        assert sum("in line" in text for text in desk.left) == 2


async def test_the_customer_says_how_it_was(tmp_path: Path) -> None:
    """Asked with the close, before the flow goes on; the tap is kept with the case, and the flow's question stands."""
    async with _staffed(tmp_path, "[queues.desk]\n") as (desk, _):
        await desk.write("hi")
        await desk.write("a person please")
        await desk.act("reply", text="Hello", claim=True)
        closed = await desk.act("close")
        assert desk.left[-2:] == ["How was the help you got from us?", "Hello!"]
        await desk.tap(f"desk.rate:5:{closed.case.id}")
        assert desk.left[-1] == "Thank you!"
        assert (await desk.app.handoffs.case(closed.case.id)).case.rating == 5
        await desk.tap("shop")
        assert desk.left[-1] == "Which size?"
        await desk.write("a person please")
        before = await desk.app.handoffs.case(await desk.case_id())
        assert [(one.rating, one.outcome) for one in before.earlier] == [(5, "closed by Marta")]
        await desk.act("close")
        assert desk.left[-1] == "Hello!"
        assert desk.left.count("How was the help you got from us?") == 1


async def test_a_rating_that_cannot_be_asked_for_is_counted(tmp_path: Path) -> None:
    """Outside the window free words would not arrive: nothing is sent, and the numbers say so; the claim's time is there."""
    async with _staffed(tmp_path, "[queues.desk]\n") as (desk, _):
        await desk.write("hi")
        await desk.write("a person please")
        desk.clock.now += 3 * 60_000
        await desk.act("reply", text="Hello", claim=True)
        desk.clock.now += 25 * HOUR
        await desk.act("close")
        assert "How was the help you got from us?" not in desk.left
        figures = {(one.name, one.labels): one.value for one in await desk.app.figures.samples()}
        assert figures["handoff_ratings_total", ("skipped",)] == 1
        assert figures["handoff_claim_seconds", ()] == 180


async def test_outside_the_window_a_template_asks(tmp_path: Path) -> None:
    """The queue's own leaves instead of free words; a tap on its button is the mark, and no event of the flow."""
    folder = tmp_path / "flows" / "shop"
    folder.mkdir(parents=True)
    template = "how_was_it:\n  category: utility\n  en: {body: How was it?, buttons: {good: Good, poor: Bad}}\n"
    (folder / "templates.yaml").write_text(template)
    async with _staffed(tmp_path, '[queues.desk]\nrating_template = "how_was_it"\n') as (desk, _):
        await desk.write("hi")
        await desk.write("a person please")
        await desk.act("reply", text="Hello", claim=True)
        desk.clock.now += 25 * HOUR
        closed = await desk.act("close")
        (asked,) = [sent.body["template"] for sent in desk.messenger.taken if sent.body["type"] == "template"]
        assert asked["name"] == "how_was_it"
        taps = [part["parameters"][0]["payload"] for part in asked["components"]]
        assert taps == [f"desk.rate:5:{closed.case.id}", f"desk.rate:1:{closed.case.id}"]
        await desk.hear(type="button", button={"payload": taps[1], "text": "Bad"})
        assert desk.left[-1] == "Thank you!"
        assert (await desk.app.handoffs.case(closed.case.id)).case.rating == 1
        figures = {(one.name, one.labels): one.value for one in await desk.app.figures.samples()}
        assert ("handoff_ratings_total", ("skipped",)) not in figures


async def test_an_agent_steps_into_a_conversation_without_a_case(desk: Desk) -> None:
    """The bot is silent from then on; whoever comes second is told who has it; the close gives it back."""
    await desk.write("hi")
    first = Act(id="t1", kind="claim", case="", agent="marta", by="Marta")
    taken = await desk.app.handoffs.take(CONVERSATION, first)
    await desk.rest()
    assert (taken.case.status, taken.case.agent, taken.case.reason) == ("claimed", "marta", "taken over")
    assert await desk.write("hello?") == []
    with pytest.raises(NotDone, match="Marta has this case"):
        await desk.app.handoffs.take(CONVERSATION, Act(id="t2", kind="claim", case="", agent="sam", by="Sam"))
    with pytest.raises(NoCase):
        await desk.app.handoffs.take("200:nobody", Act(id="t3", kind="claim", case="", agent="sam", by="Sam"))
    await desk.act("close")
    assert await desk.tap("shop") == ["interactive"]


async def test_the_phone_has_it_until_then(desk: Desk) -> None:
    """An echo takes a case over, and the case says until when."""
    await desk.write("hi")
    await desk.write("a person please")
    await desk.echo(text={"body": "I am on it"})
    report = await desk.app.handoffs.case(await desk.case_id())
    assert (report.holder, report.quiet_until) == ("phone", desk.clock.now + 4 * HOUR)
    desk.clock.now += 4 * HOUR + 1
    assert (await desk.app.handoffs.case(report.case.id)).quiet_until is None
