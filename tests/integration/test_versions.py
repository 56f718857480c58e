"""Publishing while people are in the middle of it: nobody is stranded in silence, nothing is dropped (P6)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.fakes import NOW, FakeMessenger, VirtualClock
from wabox.app import App, build_published
from wabox.core.changed import changed
from wabox.core.contact import Contact
from wabox.core.message import Arrival, InboundMessage
from wabox.core.version import Choice, Forecast
from wabox.engine.snapshot import Snapshot, decode
from wabox.errors import FlowError, StorageError
from wabox.flowfile import deadline
from wabox.flowfile.bot import Bot
from wabox.flowfile.published import SpoiltCopy, read_files
from wabox.services import draining
from wabox.services.publishing import Refused
from wabox.settings import Settings

HOUR = 3_600_000
FLOW = """
initial: hello
context: {name: nobody, n: 1}
timeouts: {soft: 30m, hard: 23h}
on: {human: people}
states:
  hello:
    ask: {text: "Hello!", buttons: {order: Order}}
    on: {order: confirm}
  confirm:
    entry: mark
    ask: {text: "Shall I order?", buttons: {pay: Pay}}
    on: {pay: {target: done, actions: thank}}
  people:
    handoff: {queue: desk, reason: asked}
    say: "A person will answer."
    on: {handoff.closed: hello}
  done: {type: final, say: "Ordered for {name}, {thanks}."}
"""
ACTIONS = """
from wabox.actions import action


@action
def mark(given):
    return {"name": "Ana"}


@action
def thank(given):
    return {"thanks": "old thanks"}
"""
REVIEW = FLOW.replace("confirm", "review").replace("Shall I order?", "Review it.")
"""Its state ``confirm`` is called ``review``."""
MIGRATED = REVIEW + "migrations: {states: {confirm: review}, context: {rename: {name: who}}}\n"
TOUCHED = FLOW.replace("Shall I order?", "Shall I really order?")


class World:
    """A server, its folder, and customers."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "flows" / "bot"
        self.folder.mkdir(parents=True)
        self.clock, self.messenger = VirtualClock(NOW), FakeMessenger()
        self.app: App
        self.count = 0
        self.said: list[str] = []
        self.write(FLOW)

    def write(self, flow: str, actions: str = ACTIONS) -> None:
        (self.folder / "flow.yaml").write_text(flow, encoding="utf-8")
        (self.folder / "actions.py").write_text(actions, encoding="utf-8")

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        settings = Settings(root=self.root, data=self.root / "data")
        self.app = await build_published(
            settings, self.folder, clock=self.clock, messenger=self.messenger, say=self.said.append
        )
        await self.app.start()
        try:
            yield
        finally:
            await self.app.stop()

    async def publish(self, flow: str, choice: Choice | None = None, actions: str = ACTIONS) -> Forecast:
        self.write(flow, actions)
        publishing = self.app.publishing
        assert publishing is not None
        return await publishing.publish(publishing.shelf.keep(read_files(self.folder)), choice)

    async def hear(self, text: str | None = None, who: str = "ana", **more: Any) -> list[str]:
        """Put one message through the whole loop; what the customer then reads."""
        self.count += 1
        before = len(self.messenger.taken)
        contact = Contact(user_id=f"MX.{who}", wa_id="5215550002222")
        message = InboundMessage(
            message_id=f"wamid.{self.count}",
            number_id="200",
            conversation_id=f"200:MX.{who}",
            timestamp=self.clock(),
            type=more.pop("type", "text"),
            text=text,
            contact=contact,
            **more,
        )
        await self.app.accept(Arrival(messages=(message,)))
        await self.rest()
        return [body(sent.body) for sent in self.messenger.taken[before:]]

    async def tap(self, event: str, who: str = "ana") -> list[str]:
        return await self.hear(event, who, type="button_reply", payload={"id": event, "title": event})

    async def wait(self, hours: float) -> list[str]:
        before = len(self.messenger.taken)
        self.clock.now += round(hours * HOUR)
        await self.app.fire()
        await self.rest()
        return [body(sent.body) for sent in self.messenger.taken[before:]]

    async def rest(self) -> None:
        for _ in range(3000):
            stats = await self.app.store.stats()
            if not (self.app.store.lanes.backlog or stats.inbox or stats.outbox):
                return
            await asyncio.sleep(0.001)  # the writer is a thread: no virtual clock can turn it
        raise AssertionError("it did not come to rest")

    async def snapshot(self, who: str = "ana") -> Snapshot | None:
        session = await self.app.store.open(f"200:MX.{who}")
        return decode(session.snapshot) if session.snapshot else None

    async def cases(self) -> list[str]:
        return [case.reason for case in await self.app.store.handoffs()]


def body(sent: Any) -> str:
    text: str = (sent.get("text") or sent["interactive"]).get("body")
    return text["text"] if isinstance(text, dict) else text


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    async with world.serving():
        await world.hear("hi")
        await world.tap("order")
        snapshot = await world.snapshot()
        assert snapshot is not None
        assert snapshot.leaves == ("confirm",)
        yield world


async def test_the_first_start_publishes_the_folder(tmp_path: Path) -> None:
    """A bot that was never published is version 1; the next start serves that, and says when the folder has changed."""
    world = World(tmp_path)
    async with world.serving():
        assert "as version 1" in world.said[-1]
        assert await world.hear("hi") == ["Hello!"]
    async with world.serving():
        assert len(world.said) == 1
    world.write(FLOW.replace("Hello!", "Good day!"))
    async with world.serving():
        assert "has changed since" in world.said[-1]
        assert await world.hear("hi", "bea") == ["Hello!"]
    world.write("states: [")
    async with world.serving():
        assert await world.hear("hi", "eva") == ["Hello!"]


async def test_what_fits_moves_with_its_next_message(world: World) -> None:
    """Where everything a conversation uses is still there, it goes on in the new version."""
    forecast = await world.publish(TOUCHED)
    assert (forecast.stay, forecast.move, forecast.stranded, forecast.published) == (0, 1, 0, True)
    assert "really" in (await world.hear("what?"))[-1]
    assert await world.tap("pay") == ["Ordered for Ana, old thanks."]


async def test_stranded_without_a_choice_is_refused(world: World) -> None:
    """Publishing names the removed states and does nothing."""
    with pytest.raises(Refused, match="1 conversation would be stranded .removed: confirm.") as refused:
        await world.publish(REVIEW)
    assert refused.value.forecast is not None
    assert [one.gone for one in refused.value.forecast.standings] == [("confirm",)]
    assert await world.hear("hi", "bea") == ["Hello!"]
    assert world.app.versions.live.version is not None
    assert world.app.versions.live.version.number == 1


RENAMED = ACTIONS.replace("def thank(", "def thank_you(").replace("old thanks", "new thanks")
REVIEW_RENAMED = REVIEW.replace("actions: thank}", "actions: thank_you}")


async def test_keep(world: World) -> None:
    """Who is stranded goes on with the words, states and actions of their own version; new customers meet the new one."""
    await world.publish(REVIEW_RENAMED, "keep", RENAMED)
    await world.hear("hi", "bea")
    assert await world.tap("order", "bea") == ["Review it."]
    assert await world.tap("pay", "bea") == ["Ordered for Ana, new thanks."]
    assert "Shall I order?" in (await world.hear("what?"))[-1]
    assert await world.tap("pay") == ["Ordered for Ana, old thanks."]
    assert await world.hear("hi") == ["Hello!"]
    await world.tap("order")
    assert (await world.snapshot()).leaves == ("review",)  # type: ignore[union-attr]


async def test_old_versions_are_there_after_a_restart(tmp_path: Path) -> None:
    """A conversation that stayed on its version finds it again, with its own actions.py."""
    world = World(tmp_path)
    async with world.serving():
        await world.hear("hi")
        await world.tap("order")
        await world.publish(REVIEW_RENAMED, "keep", RENAMED)
    async with world.serving():
        assert [one.version.number for one in world.app.versions.older if one.version] == [1]
        assert await world.tap("pay") == ["Ordered for Ana, old thanks."]
    async with world.serving():
        assert world.app.versions.older == ()


async def test_keep_ends_with_a_person_at_the_hard_timeout(world: World) -> None:
    """Who stayed and says nothing is not dropped at the end: a person gets the case, with the reason."""
    await world.publish(REVIEW, "keep")
    assert await world.wait(0.6) != []
    said = await world.wait(23)
    assert said[0].startswith("Something has changed here")
    assert said[1] == "A person will answer."
    assert ["confirm" in case for case in await world.cases()] == [True]
    assert (await world.snapshot()).leaves == ("people",)  # type: ignore[union-attr]


async def test_keep_ends_after_max_pin(world: World) -> None:
    """After max_pin the next message leads to a person, never to an exception."""
    await world.publish(REVIEW + "max_pin: 2h\n", "keep")
    await world.wait(1)
    assert "Shall I order?" in (await world.hear("what?"))[-1]
    world.clock.now += 2 * HOUR
    assert (await world.tap("pay"))[0].startswith("Something has changed here")
    assert len(await world.cases()) == 1


async def test_silence_after_max_pin_leaves_the_old_version_empty(world: World) -> None:
    """Who says nothing for all of max_pin is let go by the hourly clean-up, without a message outside the window."""
    await world.publish(REVIEW, "keep")
    # The sweep of the timers does not come by: the machine was off.
    world.clock.now += 30 * HOUR
    await world.app.prune()
    await world.rest()
    assert (await world.snapshot()).leaves == ("confirm",)  # type: ignore[union-attr]
    world.clock.now += 50 * HOUR
    sent = len(world.messenger.taken)
    await world.app.prune()
    await world.rest()
    assert (await world.snapshot()).leaves == ("people",)  # type: ignore[union-attr]
    assert len(world.messenger.taken) == sent
    assert len(await world.cases()) == 1


@pytest.mark.parametrize(("opened", "told"), [(25.0, False), (23.0, True), (None, True)])
async def test_only_the_customer_opens_the_window(world: World, opened: float | None, told: bool) -> None:
    """Who is let go is told so while the service window is open: timers, notices and agents do not open it again."""
    await world.publish(REVIEW, "keep")
    now = world.clock() + 100 * HOUR
    session = await world.app.store.open("200:MX.ana")
    session = changed(
        session, opened_at=None if opened is None else now - round(opened * HOUR), updated_at=now - HOUR // 2
    )
    message = InboundMessage(
        message_id="pin",
        number_id="200",
        conversation_id="200:MX.ana",
        timestamp=now,
        channel="timer",
        type="timer",
        payload={"name": "max_pin", "armed": 0, "due_at": 0},
        contact=Contact(user_id="MX.ana"),
    )
    move = world.app.versions.take_up(session, message, now)[1]
    assert move is not None
    assert (move.how, move.told) == ("failed", told)


async def test_a_new_version_is_warm_before_it_is_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What its first answers need is loaded before anybody is on it, and not in the loop, where everybody would wait."""
    world = World(tmp_path)
    warmed: list[tuple[Bot, Bot | None, bool]] = []

    def warm(bot: Bot, _: int) -> None:
        live = world.app.bot if hasattr(world, "app") else None
        warmed.append((bot, live, threading.current_thread() is threading.main_thread()))

    monkeypatch.setattr("wabox.app.prepare", warm)
    async with world.serving():
        before = world.app.bot
        warmed.clear()
        await world.publish(TOUCHED)
        assert warmed == [(world.app.bot, before, False)]
        assert world.app.bot is not before


async def test_a_link_in_the_folder_stops_no_server(tmp_path: Path) -> None:
    """What is wrong with the folder is said at the start; what was published is served."""
    world = World(tmp_path)
    async with world.serving():
        pass
    (world.folder / "more").symlink_to(tmp_path)
    async with world.serving():
        assert any("more is a link to a folder" in line for line in world.said)
        assert await world.hear("hello") == ["Hello!"]


async def test_an_old_version_is_emptied_batch_by_batch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """When its pin is over it drains at once, not with the next hourly clean-up, and until when is said truly."""
    monkeypatch.setattr(draining, "RELEASED", 2)
    monkeypatch.setattr("wabox.services.publishing.RELEASED", 2)
    for who in ("bea", "cai", "dan", "eva"):
        await world.hear("hi", who)
        await world.tap("order", who)
    await world.publish(REVIEW, "keep")
    publishing = world.app.publishing
    assert publishing is not None
    began = world.clock()
    world.clock.now += 72 * HOUR - 1
    await world.app.release()
    assert await world.cases() == []
    until = next(one.until for one in await publishing.reports() if one.conversations)
    assert until == began + 72 * HOUR + 3 * draining.EVERY
    world.clock.now += 1
    for gone in (2, 4, 5, 5):
        await world.app.release()
        await world.rest()
        assert len(await world.cases()) == gone


async def test_move(world: World) -> None:
    """With the next message who is stranded goes to a person, who is told why; what they said before is not lost."""
    await world.publish(REVIEW, "move")
    assert await world.wait(0.6) != []
    said = await world.tap("pay")
    assert said == [said[0], "A person will answer."]
    assert said[0].startswith("Something has changed here")
    snapshot = await world.snapshot()
    assert snapshot is not None
    assert snapshot.context["name"] == "Ana"
    assert set(snapshot.timers) == {"soft", "hard"}


async def test_move_ends_with_a_person_at_the_hard_timeout(world: World) -> None:
    """Who says nothing more is not forgotten either."""
    await world.publish(REVIEW, "move")
    await world.wait(24)
    assert (await world.snapshot()).leaves == ("people",)  # type: ignore[union-attr]
    assert len(await world.cases()) == 1


async def test_the_greeting_is_not_said_again(world: World) -> None:
    """Who comes to the failure target is not greeted like a new customer."""
    await world.publish(REVIEW.replace('ask: {text: "Hello!"', 'say: "Welcome!"\n    ask: {text: "Hello!"'), "move")
    said = await world.hear("so?")
    assert said[0].startswith("Something has changed here")
    assert said[1:] == ["A person will answer."]


PAYING = """
  paying:
    ask: "One moment."
    invoke:
      action: charge
      onDone: {target: done, actions: {assign: {thanks: {from: event.output}}}}
      onError: hello
"""
TASK = """
from wabox.actions import task


@task
def charge(given):
    return "old task"
"""


async def test_tasks_are_those_of_the_version(tmp_path: Path) -> None:
    """A call asked for by a conversation that stayed is made with the actions.py of its own version."""
    world = World(tmp_path)
    old = (
        FLOW.replace("pay: {target: done, actions: thank}", "pay: paying").replace("entry: mark", "description: x")
        + PAYING
    )
    new = REVIEW.replace("pay: {target: done, actions: thank}", "pay: paying").replace("entry: mark", "description: x")
    world.write(old, TASK)
    async with world.serving():
        await world.hear("hi")
        await world.tap("order")
        await world.publish(
            new + PAYING.replace("charge", "charge_card"), "keep", TASK.replace("charge", "charge_card")
        )
        before = len(world.messenger.taken)
        await world.tap("pay")
        for _ in range(3000):
            if len(world.messenger.taken) >= before + 2:
                break
            await asyncio.sleep(0.001)  # the task runs in a thread
        assert body(world.messenger.taken[-1].body) == "Ordered for nobody, old task."


async def test_the_failure_target_is_declared(world: World) -> None:
    """``migration.failed`` at the root says where stranded conversations go."""
    target = REVIEW.replace("on: {human: people}", "on: {human: people, migration.failed: review}")
    await world.publish(target, "move")
    said = await world.hear("hello?")
    assert said[1:] == ["Review it."]
    assert await world.cases() == []
    assert await world.tap("pay") == ["Ordered for Ana, old thanks."]


async def test_restart(world: World) -> None:
    """The next message begins anew, and says so."""
    await world.publish(REVIEW, "restart")
    said = await world.hear("hm")
    assert said[0].startswith("Something has changed here")
    assert said[1:] == ["Hello!"]


async def test_expire(world: World) -> None:
    """Who is stranded stays, and at the end nothing more is said."""
    await world.publish(REVIEW, "expire")
    assert "Shall I order?" in (await world.hear("what?"))[-1]
    await world.wait(0.6)
    assert await world.wait(23) == []
    assert await world.snapshot() is None
    assert await world.cases() == []


async def test_a_migration_says_where_to(world: World) -> None:
    """A declared migration renames states and variables; timers go on."""
    before = await world.snapshot()
    forecast = await world.publish(MIGRATED)
    assert (forecast.move, forecast.stranded) == (1, 0)
    said = await world.hear("what?")
    assert "Review it." in said[-1]
    after = await world.snapshot()
    assert before is not None
    assert after is not None
    assert after.context["who"] == "Ana"
    assert after.context["name"] == "nobody"
    assert set(after.timers) == set(before.timers)


async def test_who_is_with_a_person_stays(world: World) -> None:
    """Nobody takes a conversation away from the person who has it, whatever was chosen."""
    await world.publish(FLOW.replace("  people:", "  staff:").replace("human: people", "human: staff"))
    await world.hear("hi", "bea")
    # bea asked for a person in version 2; version 3 calls that state something else
    await world.hear("human please", "bea")
    assert (await world.snapshot("bea")).leaves == ("staff",)  # type: ignore[union-attr]
    forecast = await world.publish(FLOW, "restart")
    assert any(one.outcome == "stay" and one.reason.startswith("they are with a person") for one in forecast.standings)
    assert await world.hear("are you there?", "bea") == []
    assert (await world.snapshot("bea")).leaves == ("staff",)  # type: ignore[union-attr]


async def test_auto_and_drain(world: World) -> None:
    """The flow itself may decide: auto hands over what does not fit, drain moves nothing."""
    forecast = await world.publish(TOUCHED + "versions: drain\n")
    assert forecast.stay == 1
    assert "really" not in (await world.hear("what?"))[-1]
    forecast = await world.publish(REVIEW + "versions: auto\n")
    assert forecast.stranded == 1
    assert (await world.hear("what?"))[0].startswith("Something has changed here")


async def test_rollback(world: World) -> None:
    """An earlier version is made live again under its own number, and who stayed on it is at home."""
    first = world.app.versions.live.version
    assert first is not None
    await world.publish(REVIEW, "keep")
    publishing = world.app.publishing
    assert publishing is not None
    done = await publishing.publish(first.id)
    assert (done.number, done.stay, done.stranded) == (1, 1, 0)
    assert await world.tap("pay") == ["Ordered for Ana, old thanks."]
    assert [one.version.number for one in await publishing.reports()] == [2, 1]


async def test_publishing_the_same_changes_nothing(world: World) -> None:
    """The live version is not published again."""
    forecast = await world.publish(FLOW)
    assert not forecast.published
    assert not forecast.changed


async def test_two_at_once(world: World) -> None:
    """Of two who decided on the same forecast the second is refused in words."""
    publishing = world.app.publishing
    assert publishing is not None
    live = world.app.versions.live.version
    assert live is not None
    world.write(TOUCHED)
    one = publishing.shelf.keep(read_files(world.folder))
    world.write(FLOW.replace("Hello!", "Good day!"))
    two = publishing.shelf.keep(read_files(world.folder))
    results = await asyncio.gather(
        publishing.publish(one, expected=live.id), publishing.publish(two, expected=live.id), return_exceptions=True
    )
    assert [type(result) for result in results] == [Forecast, Refused]
    assert "meanwhile" in str(results[1])


@pytest.mark.parametrize("spoil", ["missing", "changed"])
async def test_a_spoilt_copy_is_said_at_the_start(tmp_path: Path, spoil: str) -> None:
    """When the live copy is gone or was edited by hand the start fails with what to do; the same folder repairs it."""
    world = World(tmp_path)
    async with world.serving():
        live = world.app.versions.live.version
        assert live is not None
    copy = tmp_path / "data" / "published" / "bot" / live.id
    if spoil == "missing":
        copy.rename(tmp_path / "elsewhere")
    else:
        (copy / "flow.yaml").chmod(0o644)
        (copy / "flow.yaml").write_text(FLOW.replace("Hello!", "Hacked!"), encoding="utf-8")
    world.write(TOUCHED)
    for _ in range(2):
        with pytest.raises(SpoiltCopy, match=f"version 1 is live and cannot be loaded: .*{spoil}.*wabox publish"):
            async with world.serving():
                pass
    world.write(FLOW)
    async with world.serving():
        assert await world.hear("hi") == ["Hello!"]


async def test_a_lost_old_version_strands_nobody(tmp_path: Path) -> None:
    """When an older copy is gone, its conversations go to a person instead of into an exception."""
    world = World(tmp_path)
    async with world.serving():
        await world.hear("hi")
        await world.tap("order")
        live = world.app.versions.live.version
        assert live is not None
        await world.publish(REVIEW, "keep")
    (tmp_path / "data" / "published" / "bot" / live.id).rename(tmp_path / "elsewhere")
    async with world.serving():
        assert (await world.tap("pay"))[0].startswith("Something has changed here")
        assert len(await world.cases()) == 1


async def test_copies_that_nobody_needs_are_deleted(world: World) -> None:
    """Copies stay while a conversation or a rollback may need them, and go then."""
    published = world.root / "data" / "published" / "bot"
    first = world.app.versions.live.version
    assert first is not None
    await world.publish(REVIEW, "keep")
    for number in range(8):
        await world.publish(REVIEW.replace("Hello!", f"Hello {number}!"), "keep")
        world.clock.now += 2 * HOUR
    # Copies are as old as the virtual clock says.
    for copy in published.iterdir():
        os.utime(copy, (NOW / 1000 - 9 * 3600,) * 2)
    await world.app.prune()
    left = {path.name for path in published.iterdir()}
    assert first.id in left
    assert len(left) == 7
    assert await world.tap("pay") == ["Ordered for Ana, old thanks."]
    await world.app.prune()
    assert first.id not in {path.name for path in published.iterdir()}


async def test_a_failing_copy_is_no_half_version(world: World) -> None:
    """A copy that does not pass the check is not made live."""
    with pytest.raises(Exception, match="cannot be loaded"):
        await world.publish(FLOW.replace("order: confirm", "order: nowhere"))
    assert await world.hear("hi", "bea") == ["Hello!"]
    assert msgspec.json.encode((await world.app.probe())["flow"]) == b"true"


async def test_publishing_needs_the_disk(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is said in words."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        await world.publish(TOUCHED)


HANG = ACTIONS.replace(
    'return {"name"',
    'until = time.monotonic() + 3\n    while time.monotonic() < until:\n        pass\n    return {"name"',
).replace("from wabox", "import time\nfrom wabox")


async def test_a_published_function_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A published bot is loaded in a thread and played in the main one: its functions are interrupted all the same."""
    monkeypatch.setattr(deadline, "LONGEST", 0.05)
    monkeypatch.setattr(deadline, "LOOK", 0.02)
    monkeypatch.setattr(deadline._watch, "ready", False)  # as in a new process
    world = World(tmp_path)
    world.write(FLOW, HANG)
    async with world.serving():
        await world.hear("hi")
        await world.tap("order")
        assert await world.tap("pay") == ["Ordered for nobody, old thanks."]


async def test_a_file_that_hangs_is_not_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Publishing is refused with the reason, nobody waits for the lock, and the live version goes on."""
    monkeypatch.setattr("wabox.flowfile.actions.LOADING", 0.3)
    world = World(tmp_path)
    async with world.serving():
        with pytest.raises(FlowError, match=r"it did not return within 0\.3 s"):
            await world.publish(TOUCHED, actions=ACTIONS + "import time\nwhile True:\n    time.sleep(0.001)\n")
        await world.hear("hi")
        assert await world.tap("order") == ["Shall I order?"]
        assert (await world.publish(TOUCHED)).published
