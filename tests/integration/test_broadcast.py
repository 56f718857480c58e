"""``wabox broadcast``: whom it writes to, how fast, when it stops by itself, and that nobody gets it twice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from tests.fakes import FakeMessenger, VirtualClock
from tests.integration.meta import NUMBER, agrees, bot_folder, hear, town
from wabox.app import App, build
from wabox.cli.main import app as commands
from wabox.core.broadcast import Broadcast, Progress
from wabox.core.delivery import DeliveryStatus, StatusUpdate
from wabox.core.message import Arrival, OtherChange
from wabox.core.ports import SendResult
from wabox.demo.customer import CUSTOMERS
from wabox.errors import WaboxError
from wabox.flowfile.bot import load_bot
from wabox.services.people import forget
from wabox.services.planning import BroadcastRequest
from wabox.settings import Secret, Settings, WhatsAppSettings

DAY = 86_400_000
PHONES = [f"+3460011{number:04}" for number in range(400)]


@dataclass
class World:
    """A wabox without a network, and a clock that only the test turns."""

    root: Path
    clock: VirtualClock
    messenger: FakeMessenger
    app: App

    async def tick(self, seconds: int = 1) -> None:
        """As the scheduler does."""
        for _ in range(seconds):
            self.clock.now += 1000
            await self.app.outward.broadcasts.advance()
            await self.rest()

    async def rest(self) -> None:
        """Until what was entered has been handled and sent."""
        for _ in range(2000):
            store = self.app.store
            if store.lanes.backlog == 0 and not self.app._outbox._chains and not store._marks.waiting:
                return
            await asyncio.sleep(0.001)

    @property
    def reached(self) -> list[str]:
        """Who got the template, in order."""
        return [str(one.body["to"]) for one in self.messenger.taken if one.body["type"] == "template"]

    async def broadcast(self, name: str = "spring") -> tuple[Broadcast, Progress]:
        report = await self.app.outward.broadcasts.report(name)
        return report.broadcast, report.progress

    async def failed(self, code: int, count: int) -> None:
        """WhatsApp reports that the last messages were not delivered."""
        updates = [
            StatusUpdate(
                wamid=f"wamid.OUT-{message.id}",
                number_id=NUMBER,
                status=DeliveryStatus.FAILED,
                timestamp=self.clock.now,
                outbound_id=message.id,
                code=code,
                reason=f"{code}: no",
            )
            for message in self.messenger.taken[-count:]
        ]
        await self.app.accept(Arrival(statuses=tuple(updates)))


async def opened(root: Path, clock: VirtualClock, messenger: FakeMessenger) -> App:
    secret = Secret("x" * 20)
    whatsapp = WhatsAppSettings(
        app_secrets=(secret,), verify_token=secret, access_token=secret, api_url="http://127.0.0.1:1/v26.0"
    )
    settings = Settings(root=root, data=root / "data", whatsapp=whatsapp, number_id=NUMBER, rate=0, hold=0)
    app = await build(settings, load_bot(bot_folder(root), published=True), clock=clock, messenger=messenger)
    await app.start()
    return app


@asynccontextmanager
async def world(root: Path) -> AsyncIterator[World]:
    clock, messenger = VirtualClock(), FakeMessenger()
    found = World(root, clock, messenger, await opened(root, clock, messenger))
    yield found
    await found.app.stop()


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as found:
        yield found


def csv(phones: Sequence[str], names: Callable[[int], str] = lambda place: f"N{place}") -> str:
    return "phone,1,2\n" + "".join(f"{phone},{names(place)},Monday\n" for place, phone in enumerate(phones))


def reminder(count: int, **changes: Any) -> BroadcastRequest:
    wanted: dict[str, Any] = {"name": "spring", "csv": csv(PHONES[:count]), "template": "visit_reminder", "rate": 600.0}
    return BroadcastRequest(**{**wanted, **changes})


async def test_everybody_once_at_its_pace(there: World) -> None:
    """Ten a second at 600 a minute, in the order of the file, each once, and then it is done."""
    plan = await there.app.outward.broadcasts.start(reminder(25))
    assert (plan.started, plan.recipients, plan.problems) == (True, 25, 0)
    assert plan.example == "Hello N0, your visit is on Monday."
    seen = []
    for _ in range(5):
        await there.tick()
        seen.append(len(there.reached))
    assert seen[0] <= 14
    assert there.reached == PHONES[:25]
    assert {message.purpose for message in there.messenger.taken} == {"service"}
    assert (await there.broadcast())[0].status == "done"
    with pytest.raises(WaboxError, match="already"):
        await there.app.outward.broadcasts.start(reminder(25))


async def test_a_restart_in_the_middle(tmp_path: Path) -> None:
    """It goes on by itself, and nobody is written to twice; also where the server died with messages on their way."""
    async with world(tmp_path) as there:
        await there.app.outward.broadcasts.start(reminder(30))
        await there.tick()
        before = list(there.reached)
        there.messenger.gate.clear()
        there.clock.now += 1000
        await there.app.outward.broadcasts.advance()
        await asyncio.sleep(0.05)
        tried = {str(message.body["to"]) for message in there.messenger.tried} - set(before)
    again = VirtualClock(there.clock.now)
    messenger = FakeMessenger()
    after = World(tmp_path, again, messenger, await opened(tmp_path, again, messenger))
    for _ in range(8):
        await after.tick()
    twice = [phone for phone in after.reached if phone in before]
    assert twice == []
    assert len(after.reached) == len(set(after.reached))
    assert set(before) | set(after.reached) | tried == set(PHONES[:30])
    await after.app.stop()


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("phone,1\n+34600110000,Ana\n", [(2, "needs a value for 2")]),
        ("phone,1,2\nnobody,Ana,x\n+3460011,Ana,x\n", [(2, "neither a phone number"), (3, "too many or too few")]),
        ("phone,1,2\n+34600110000,Ana,x\n+34 600 11 00 00,Ana,x\n", [(3, "same customer as in line 2")]),
        ("phone,1,2\n+525550002222,A,x\n+5215550002222,A,x\n", [(3, "same customer as in line 2")]),
        ('phone,1,2\n"+34600110000","A\nB",x\n+34600110001,,x\n', [(4, "needs a value for 1")]),
        ("phone;1;2\n+34600110000;A\n", [(2, "more or fewer cells")]),
        ("phone\t1\t2\tlanguage\n+34600110000\tA\tx\tfr\n", [(2, "is not in 'fr'")]),
    ],
)
async def test_bad_rows(there: World, text: str, problems: list[tuple[int, str]]) -> None:
    """Each is named with its line; nothing is sent before all are good."""
    plan = await there.app.outward.broadcasts.start(reminder(0, csv=text))
    assert [line for line, _ in plan.shown] == [line for line, _ in problems]
    for (_, said), (_, wanted) in zip(plan.shown, problems, strict=True):
        assert wanted in said
    assert not plan.started
    await there.tick(2)
    assert there.reached == []
    assert await there.app.outward.broadcasts.reports() == []


async def test_bad_rows_may_be_skipped(there: World) -> None:
    """The others get theirs."""
    text = csv(["+34600110000", "nobody", "+34600110001"])
    plan = await there.app.outward.broadcasts.start(reminder(0, csv=text, skip_bad=True))
    assert (plan.started, plan.recipients, plan.problems) == (True, 2, 1)
    await there.tick(3)
    assert there.reached == ["+34600110000", "+34600110001"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"csv": ""}, "the file is empty"),
        ({"csv": "phone,1\n"}, "no rows"),
        ({"csv": "who,1\nx,y\n"}, "no column has phone numbers"),
        ({"csv": "phone,phone\nx,y\n"}, "two columns"),
        ({"csv": 'phone,1\n"x,y\n'}, "cannot be read"),
        ({"columns": {"1": "first"}}, "no column 'first'"),
        ({"columns": {"9": "phone"}}, "no variable 9"),
        ({"template": "nothing"}, "no template 'nothing'"),
        ({"rate": 0.0}, "rate"),
        ({"name": "a/b"}, "name"),
    ],
)
async def test_what_is_wrong_with_all_of_it(there: World, changes: dict[str, Any], sentence: str) -> None:
    """It is refused in a sentence."""
    with pytest.raises(WaboxError, match=sentence):
        await there.app.outward.broadcasts.start(reminder(3, **changes))


async def test_columns_by_name_language_and_words_for_all(there: World) -> None:
    """A column fills the variable of its name or the one that is mapped, a fixed value fills all, a row has its language."""
    text = "Phone,first,language\n+34600110000,Ana,es\n+34600110001,Bea,\n"
    request = reminder(0, csv=text, columns={"1": "first"}, fixed={"2": "lunes"}, language="en")
    await there.app.outward.broadcasts.start(request)
    await there.tick(2)
    languages = [message.body["template"]["language"]["code"] for message in there.messenger.taken]
    values = [message.body["template"]["components"][0]["parameters"] for message in there.messenger.taken]
    assert languages == ["es", "en"]
    assert [[one["text"] for one in each] for each in values] == [["Ana", "lunes"], ["Bea", "lunes"]]


async def test_marketing_goes_to_those_who_agreed(there: World) -> None:
    """Never asked, said no, said STOP: each is a bad row with the reason."""
    await agrees(there.app, PHONES[0], "opt_in")
    await agrees(there.app, PHONES[1], "opt_out")
    await agrees(there.app, PHONES[2], "opt_in")
    await hear(there.app, PHONES[2], "STOP")
    request = reminder(
        0, csv="phone,1\n" + "".join(f"{one},A\n" for one in PHONES[:4]), template="spring", skip_bad=True
    )
    plan = await there.app.outward.broadcasts.start(request)
    assert plan.broadcast.purpose == "marketing"
    assert [(line, said.split()[-1]) for line, said in plan.shown] == [(3, "messages"), (4, "stop"), (5, "messages")]
    await there.tick(3)
    assert there.reached == [PHONES[0]]


async def test_stop_between_planning_and_sending(there: World) -> None:
    """Who says STOP while it runs gets nothing any more, and counts as skipped, not as failed."""
    for phone in PHONES[:3]:
        await agrees(there.app, phone, "opt_in")
    text = "phone,1\n" + "".join(f"{one},A\n" for one in PHONES[:3])
    await there.app.outward.broadcasts.start(reminder(0, csv=text, template="spring"))
    await hear(there.app, PHONES[1], "STOP")
    await there.tick(3)
    assert there.reached == [PHONES[0], PHONES[2]]
    broadcast, progress = await there.broadcast()
    assert progress.statuses == {"sent": 2, "skipped": 1}
    assert broadcast.status == "done"


async def test_stop_while_it_waits_in_the_outbox(there: World) -> None:
    """The number is stopped, so messages wait; who says STOP then is not written to when it opens."""
    for phone in PHONES[:2]:
        await agrees(there.app, phone, "opt_in")
    text = "phone,1\n" + "".join(f"{one},A\n" for one in PHONES[:2])
    there.messenger.gate.clear()
    paused = SendResult(verdict="retry", reason="132069: throttled", code=132069, wait=600.0, later=True, tries=4)
    there.messenger.results = [paused, paused]
    await there.app.outward.broadcasts.start(reminder(0, csv=text, template="spring"))
    there.clock.now += 1000
    await there.app.outward.broadcasts.advance()
    there.messenger.gate.set()
    await there.rest()
    assert (await there.broadcast())[1].statuses == {"queued": 2}
    await hear(there.app, PHONES[0], "STOP")
    there.clock.now += 700_000
    await there.app.fire()
    await there.rest()
    assert there.reached == [PHONES[1]]
    assert (await there.broadcast())[1].statuses == {"sent": 1, "skipped": 1}


@pytest.mark.parametrize(
    ("code", "count", "status"),
    [(131048, 1, "paused"), (368, 1, "paused"), (131049, 2, "running"), (131049, 3, "paused"), (131026, 2, "running")],
)
async def test_what_whatsapp_reports(there: World, code: int, count: int, status: str) -> None:
    """A block pauses it at once, spared customers when there are several, a number without WhatsApp not."""
    await there.app.outward.broadcasts.start(reminder(60))
    await there.tick(2)
    await there.failed(code, count)
    reached = len(there.reached)
    await there.tick(1)
    broadcast, _ = await there.broadcast()
    assert broadcast.status == status
    if status == "paused":
        assert broadcast.reason.startswith(str(code))
        assert len(there.reached) == reached


async def test_too_many_failures(there: World) -> None:
    """It pauses when a larger share fails than was allowed; resumed, it goes on until it meets more."""
    await there.app.outward.broadcasts.start(reminder(100, max_failures=20.0))
    await there.tick(2)
    await there.failed(131026, 10)
    await there.tick(1)
    broadcast, _ = await there.broadcast()
    assert broadcast.status == "paused"
    assert "more than 20 %" in broadcast.reason


async def test_a_number_that_whatsapp_stops(there: World) -> None:
    """A refusal for reports pauses it, and nobody more is entered; one for an expired token makes it wait."""
    there.messenger.results = [
        SendResult(verdict="retry", reason="190: expired", code=190, wait=300.0, scope="number", alert=True)
    ]
    await there.app.outward.broadcasts.start(reminder(40, rate=60.0))
    there.clock.now += 1000
    await there.app.outward.broadcasts.advance()
    for _ in range(200):
        await asyncio.sleep(0.001)
    entered = (await there.broadcast())[1].waiting
    there.clock.now += 1000
    await there.app.outward.broadcasts.advance()
    assert (await there.broadcast())[1].waiting == entered
    assert (await there.broadcast())[0].status == "running"


@pytest.mark.parametrize(
    ("field", "value", "paused"),
    [
        ("phone_number_quality_update", {"event": "FLAGGED", "current_limit": "TIER_1K"}, True),
        ("phone_number_quality_update", {"event": "UPGRADE", "current_limit": "TIER_1K"}, False),
        ("account_update", {"event": "ACCOUNT_RESTRICTION"}, True),
        ("account_update", {"event": "PARTNER_ADDED"}, False),
        (
            "message_template_status_update",
            {"event": "PAUSED", "message_template_name": "visit_reminder", "message_template_language": "en"},
            True,
        ),
    ],
)
async def test_what_webhooks_say(there: World, field: str, value: dict[str, Any], paused: bool) -> None:
    """Bad news about the number, the account or the template pauses it; good news does not."""
    await there.app.outward.broadcasts.start(reminder(60))
    await there.tick(1)
    raw = json.dumps({"id": "1", "changes": [{"field": field, "value": value}]}).encode()
    await there.app.accept(Arrival(others=(OtherChange(field=field, number_id=None, raw=raw),)))
    await there.tick(1)
    assert (await there.broadcast())[0].status == ("paused" if paused else "running")


async def test_people_in_24_hours(there: World) -> None:
    """It waits at the limit, says so, and goes on the next day."""
    await there.app.outward.broadcasts.start(reminder(25, daily=10))
    await there.tick(3)
    assert len(there.reached) == 10
    broadcast, _ = await there.broadcast()
    assert broadcast.status == "running"
    assert "10 people in 24 hours" in broadcast.reason
    there.clock.now += DAY
    await there.tick(2)
    assert len(there.reached) == 20


async def test_by_hand(there: World) -> None:
    """Paused, resumed and stopped; what is over cannot be resumed."""
    broadcasts = there.app.outward.broadcasts
    await broadcasts.start(reminder(60))
    await there.tick(1)
    await broadcasts.pause("spring")
    reached = len(there.reached)
    await there.tick(3)
    assert len(there.reached) == reached
    await broadcasts.resume("spring")
    await there.tick(1)
    assert len(there.reached) > reached
    stopped = await broadcasts.stop("spring")
    assert stopped.broadcast.status == "stopped"
    reached = len(there.reached)
    await there.tick(3)
    assert len(there.reached) == reached
    with pytest.raises(WaboxError, match="is stopped"):
        await broadcasts.resume("spring")
    with pytest.raises(WaboxError, match="no broadcast 'x'"):
        await broadcasts.pause("x")


async def test_a_person_has_the_conversation(there: World) -> None:
    """Marketing skips a customer whom somebody answers from the phone just now."""
    await agrees(there.app, PHONES[0], "opt_in")
    await hear(there.app, PHONES[0], "I will call you", "echo")
    await there.rest()
    await there.app.outward.broadcasts.start(reminder(0, csv=f"phone,1\n{PHONES[0]},A\n", template="spring"))
    await there.tick(2)
    assert there.reached == []
    assert (await there.broadcast())[1].statuses == {"skipped": 1}


async def test_what_it_costs(there: World) -> None:
    """The prices that are known, the others counted as unknown; marketing to the United States is not delivered."""
    text = "phone,1,2\n+34600110000,A,x\n+525550002222,A,x\n+4915112345678,A,x\n"
    cost = (await there.app.outward.broadcasts.plan(reminder(0, csv=text))).cost
    assert (cost.amount, cost.currency, cost.unknown) == (0.0285, "USD", 1)
    text = "phone,1\n+12025550123,A\n"
    plan = await there.app.outward.broadcasts.plan(reminder(0, csv=text, template="spring"))
    assert "United States" in plan.shown[0][1]


async def test_a_file_that_was_not_read_to_the_end(there: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server died while it took the rows: nothing was sent, and saying it again begins it."""
    change = there.app.store.outgoing.change_broadcast

    async def die(*_: Any, **__: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(there.app.store.outgoing, "change_broadcast", die, raising=False)
    with pytest.raises(RuntimeError):
        await there.app.outward.broadcasts.start(reminder(5))
    monkeypatch.setattr(there.app.store.outgoing, "change_broadcast", change, raising=False)
    await there.tick(2)
    assert there.reached == []
    await there.app.outward.broadcasts.start(reminder(5))
    await there.tick(2)
    assert there.reached == PHONES[:5]


async def test_who_was_written_to_is_forgotten(there: World) -> None:
    """A person who is erased is in no broadcast any more; what is past its keep names nobody, and still counts."""
    await there.app.outward.broadcasts.start(reminder(3))
    await there.tick(3)
    row = await there.app.store.outgoing.broadcast("spring")
    assert row is not None
    key, _, broadcast = row
    await forget(there.app.store.register, PHONES[0])
    left = await there.app.store.outgoing.recipients(key, 10)
    assert ["+" + one.to for one in left] == PHONES[1:3]
    there.clock.now += 40 * DAY
    await there.app.prune()
    left = await there.app.store.outgoing.recipients(key, 10)
    assert [(one.to, one.status) for one in left] == [("", "sent"), ("", "sent")]
    assert broadcast.status == "done"


# -- the command -------------------------------------------------------------------------------------------------------


def run(*args: str) -> Result:
    return CliRunner().invoke(commands, list(args))


async def wabox(*args: str) -> Result:
    return await asyncio.to_thread(run, *args)


async def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dry run says what it would be; then it is sent, and everything about it can be read, line by line."""
    monkeypatch.chdir(tmp_path)
    people = [one for one in CUSTOMERS if one.wa_id]
    rows = [f"+{one.wa_id},{one.name},Monday" for one in people]
    (tmp_path / "spring.csv").write_text("\n".join(["phone,1,2", *rows, "nobody,x,y"]), encoding="utf-8")
    async with town(tmp_path) as there:
        dry = await wabox("broadcast", "spring.csv", "visit_reminder", "--dry-run")
        assert dry.exit_code == 1
        assert f"line {len(rows) + 2}: 'nobody' is neither a phone number nor a user id" in dry.stdout
        assert "2,000 people in 24 hours" in dry.stdout
        assert "Nothing was sent" in dry.stdout
        begun = await wabox("broadcast", "spring.csv", "visit_reminder", "--skip-bad", "--yes", "--detach")
        assert begun.exit_code == 0, begun.output
        await there.app.outward.broadcasts.advance()
        body = (await there.cloud.until(people[0].key, 1))[0]
        assert body["template"]["name"] == "visit_reminder"
        paused = await wabox("broadcast", "pause", "spring")
        assert "paused by hand" in paused.stdout
        resumed = await wabox("broadcast", "resume", "spring")
        assert resumed.exit_code == 0, resumed.output
        shown = await wabox("broadcast", "show", "spring", "--json")
        lines = [json.loads(line)["line"] for line in shown.stdout.splitlines()]
        assert lines == [*range(2, len(rows) + 2)]
        there.cloud.quality = "RED"
        refused = await wabox("broadcast", "spring.csv", "visit_reminder", "--name", "other", "--skip-bad", "--yes")
        assert "low quality" in str(refused.exception)
        stopped = await wabox("broadcast", "stop", "spring")
        assert "stopped" in stopped.stdout
    listed = await wabox("broadcast", "list")
    assert "spring  stopped" in listed.stdout
    dry = await wabox(
        "broadcast", "spring.csv", "visit_reminder", "--name", "x", "--dry-run", "--from", NUMBER, "--json"
    )
    assert dry.exit_code == 1, dry.output
    assert json.loads(dry.stdout)["recipients"] == len(rows)
