"""Random edits of a flow under conversations in the middle of it: nobody meets an exception, nobody is left without a state."""

from __future__ import annotations

import copy
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.fakes import NOW
from tests.property.charts import ACTIONS, EVENTS, GUARDS, TIMEOUTS, Maker, walk
from wabox.core.contact import Contact
from wabox.core.conversation import Session
from wabox.core.message import InboundMessage
from wabox.core.version import Version
from wabox.engine import Charts, Event, decode, encode, start, step
from wabox.engine.chart import Chart, ChartError, compile_chart
from wabox.engine.configuration import check_history, check_timers, configuration
from wabox.engine.snapshot import Snapshot
from wabox.flowfile.bot import Bot
from wabox.flowfile.texts import Texts
from wabox.services.conversations import advance
from wabox.services.versions import Versions, served

CHOICES = (None, "keep", "move", "restart", "expire")
HOUR = 3_600_000


def chart(name: str, definition: dict[str, Any]) -> Chart:
    return compile_chart(name, definition, guards=GUARDS, actions=ACTIONS)


def bot(main: dict[str, Any], detour: dict[str, Any]) -> Bot:
    texts = Texts.of(("en",), "en", {}, keyed=False)
    charts = Charts([chart("main", main), chart("side", detour)])
    return Bot(name="b", folder=Path("b"), charts=charts, main="main", intents=(), texts=texts)


def edited(chance: Random, definition: dict[str, Any]) -> dict[str, Any]:
    """A few edits as an owner makes them: states renamed, removed, added, of another type; timers and variables changed."""
    new = copy.deepcopy(definition)
    for _ in range(chance.randint(1, 4)):
        places = [(path, state) for path, state in walk(new) if state.get("states")]
        if not places:
            new["states"] = {"only": {}}
            continue
        path, state = chance.choice(places)
        name = chance.choice(list(state["states"]))
        match chance.randrange(9):
            case 0:
                del state["states"][name]
            case 1:
                state["states"] = {(f"new_{key}" if key == name else key): one for key, one in state["states"].items()}
            case 2:
                state["states"][f"extra{chance.randrange(3)}"] = {"after": {"3s": {}}}
            case 3:
                state["type"] = "parallel" if state.get("type") != "parallel" else "compound"
            case 4:
                state["states"][name] = chance.choice(
                    ({"type": "final"}, {"handoff": True}, {"states": {"x": {}, "y": {}}})
                )
            case 5:
                new["context"] = chance.choice(({"n": "none"}, {"n": 0, "trail": {}}, {"n": 1, "more": [1]}, {}))
            case 6:
                new["timeouts"] = chance.choice(TIMEOUTS)
            case 7:
                old = f"{path}.{name}" if path else name
                targets = [id_ for id_, one in walk(new) if id_ and one.get("type") != "history"]
                if targets:
                    entry = {
                        "states": {old: chance.choice(targets)},
                        "context": {"rename": {"n": "m"}, "drop": ["trail"]},
                    }
                    new.setdefault("migrations", []).append(entry)
            case 8:
                new["versions"] = chance.choice(("auto", "drain", "pinned"))
    return whole(new)


def whole(definition: dict[str, Any]) -> dict[str, Any]:
    """Without what names a state that is gone, until the rest compiles."""
    for _ in range(12):
        try:
            chart("main", definition)
        except ChartError as error:
            for problem in error.problems:
                cut(definition, problem.path)
        else:
            return definition
    return {"states": {"a": {}}}


def cut(definition: Any, path: tuple[str | int, ...]) -> None:
    inner = definition
    for step_ in path[:-1]:
        inner = inner.get(step_) if isinstance(inner, dict) else inner[step_] if isinstance(step_, int) else None
        if not isinstance(inner, dict | list):
            return
    if not path:
        definition.pop("type", None)
        definition.setdefault("states", {})["rest"] = {}
    elif isinstance(inner, dict):
        inner.pop(path[-1], None)
        if not inner.get("states", True):
            inner["states"] = {"rest": {}}
    elif isinstance(inner, list) and isinstance(path[-1], int) and path[-1] < len(inner):
        inner[path[-1]] = {}


def stands(charts: Charts, snapshot: Snapshot) -> None:
    """The snapshot fits its charts in every frame."""
    for frame in snapshot.frames:
        one = charts.find(frame.chart)
        configuration(one, frame.leaves)
        check_history(one, frame.history)
        check_timers(one, frame.timers)


def message(chance: Random, number: int, snapshot: Snapshot | None, now: int) -> InboundMessage:
    kind = chance.randrange(6)
    channel: Any = "timer" if kind == 0 else "agent" if kind == 1 else "whatsapp"
    payload: dict[str, Any] = {"id": chance.choice(EVENTS), "title": "x"} if kind > 3 else {}
    if channel == "timer":
        timers = list(snapshot.timers.items()) if snapshot else []
        name, (due, armed) = chance.choice(timers) if timers else ("max_pin", (0, 0))
        payload = {"name": name, "armed": armed, "due_at": due}
    return InboundMessage(
        message_id=f"m{number}",
        number_id="1",
        conversation_id="1:c",
        timestamp=now,
        channel=channel,
        type="timer" if channel == "timer" else "text" if kind < 4 else "button_reply",
        text=chance.choice(("hello", "e0", "human")),
        payload=payload,
        contact=Contact(user_id="c"),
    )


def calm(definition: dict[str, Any]) -> dict[str, Any]:
    """Without what keeps a random chart from coming to rest: that is another test's matter, and slow."""
    for _, state in walk(definition):
        state.pop("always", None)
        for written in state.get("on", {}).values():
            for transition in written:
                transition["actions"] = [one for one in transition["actions"] if "raise" not in one]
        for side in ("entry", "exit"):
            if side in state:
                state[side] = [one for one in state[side] if "raise" not in one]
    return definition


@pytest.mark.parametrize("hundred", range(10))
def test_an_edit_never_raises_to_the_customer(hundred: int) -> None:
    """1,000 times a few edited flows, one after the other over the same conversation, with every choice: each message is
    handled, and what is stored afterwards fits the version that it names."""
    for seed in range(hundred * 100, hundred * 100 + 100):
        try:
            live_through(seed)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error}") from error


def live_through(seed: int) -> None:
    chance = Random(seed)
    main = calm(Maker(seed, chance.randint(1, 2), ("side",)).chart())
    detour = calm(Maker(seed + 1, 1, ()).chart())
    old = bot(main, detour)
    number, now = 0, NOW
    version = Version(bot="b", id="0" * 12, number=1, charts=(), live_from=NOW)
    versions = Versions(served(old, version))
    snapshot = start(old.charts, "main", now).snapshot
    for _ in range(chance.randrange(6)):
        event = Event(chance.choice(EVENTS), {"k": 1}, customer=True)
        snapshot = step(old.charts, snapshot, event, now).snapshot
    if snapshot.status != "active":
        return
    session = Session(
        conversation_id="1:c", sequence=1, snapshot=encode(snapshot), contact=Contact(user_id="c"), number_id="1"
    )
    for turn in range(chance.randint(1, 3)):
        main, detour = edited(chance, main), edited(chance, detour) if chance.randrange(3) == 0 else detour
        new = bot(main, detour)
        ended = versions.live
        assert ended.version is not None
        row = Version(
            bot="b", id=f"{turn + 1:012}", number=turn + 2, charts=(), live_from=now, choice=chance.choice(CHOICES)
        )
        before = served(ended.bot, Version(bot="b", id="0" * 12, number=1, charts=(), live_from=NOW, live_until=now))
        # Now and then the old copy is lost.
        versions = Versions(served(new, row), () if chance.randrange(5) == 0 else (before, *versions.older))
        for _ in range(chance.randint(1, 4)):
            number, now = number + 1, now + chance.choice((1000, HOUR, 80 * HOUR))
            stored = decode(session.snapshot) if session.snapshot else None
            heard = message(chance, number, stored, now)
            on, move = versions.take_up(session, heard, now)
            turn_made = advance(on.bot, on.resolver, session, heard, now, move)
            unit = turn_made.unit
            # What was refused (a person's words about a case that is closed) leaves it as it was, to be moved by the next one.
            if unit.snapshot is not None and unit.snapshot != session.snapshot:
                after = decode(unit.snapshot)
                home = versions.find(after)
                assert home is not None
                stands(home.bot.charts, after)
            session = Session(
                conversation_id="1:c",
                sequence=unit.expected + 1,
                snapshot=unit.snapshot,
                contact=unit.contact,
                number_id="1",
                updated_at=now,
            )
