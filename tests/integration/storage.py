"""What the storage tests say in one word: messages, units of work, a clock, and the adapters that the contract holds for."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from tests.fakes import NOW, VirtualClock
from tests.integration import clustered
from wabox.core.contact import Contact, conversation_id
from wabox.core.conversation import Record, Timer, UnitOfWork
from wabox.core.delivery import Attempt, DeliveryStatus, OutboundMessage, StatusUpdate, outbound_id
from wabox.core.handoff import Handoff
from wabox.core.message import Arrival, InboundMessage
from wabox.core.ports import Ingress, Lanes, Records, Sessions, Timers, Versions
from wabox.sqlite.admission import Limits
from wabox.sqlite.store import SqliteStore, open_store

NUMBER = "200000000000002"
DAY = 86_400_000


def contact(name: str = "ana") -> Contact:
    return Contact(user_id=f"MX.{name}", wa_id="5215550002222", name=name.title())


def conversation(name: str = "ana") -> str:
    return conversation_id(NUMBER, contact(name))


def message(
    message_id: str, name: str = "ana", *, at: int = NOW, text: str = "hola", number_id: str = NUMBER
) -> InboundMessage:
    who = contact(name)
    return InboundMessage(
        message_id=message_id,
        number_id=number_id,
        conversation_id=conversation_id(number_id, who),
        timestamp=at,
        type="text",
        text=text,
        contact=who,
        raw={"id": message_id, "type": "text", "text": {"body": text}},
    )


def arrival(*messages: InboundMessage) -> Arrival:
    return Arrival(messages=messages)


def outbound(message_id: str, index: int = 0, name: str = "ana", **changes: Any) -> OutboundMessage:
    return OutboundMessage(
        id=outbound_id(message_id, index),
        conversation_id=conversation(name),
        number_id=NUMBER,
        body={"type": "text", "text": {"body": f"{message_id} {index}"}},
        created_at=NOW,
        **changes,
    )


def unit(
    *handled: str,
    name: str = "ana",
    expected: int = 0,
    snapshot: bytes | None = b"{}",
    at: int = NOW,
    sends: Sequence[OutboundMessage] = (),
    arm: Sequence[Timer] = (),
    disarm: Sequence[str] = (),
    handoffs: Sequence[Handoff] = (),
    case: Handoff | None = None,
    records: Sequence[Record] = (),
) -> UnitOfWork:
    return UnitOfWork(
        conversation_id=conversation(name),
        number_id=NUMBER,
        contact=contact(name),
        expected=expected,
        handled=handled,
        snapshot=snapshot,
        at=at,
        sends=tuple(sends),
        arm=tuple(arm),
        disarm=tuple(disarm),
        handoffs=tuple(handoffs),
        case=case,
        records=tuple(records),
    )


def attempt(message_id: str, status: DeliveryStatus, index: int = 0, **changes: Any) -> Attempt:
    return Attempt(outbound_id=outbound_id(message_id, index), status=status, at=NOW, **changes)


def status(wamid: str, said: DeliveryStatus, message_id: str | None = None, **changes: Any) -> Arrival:
    update = StatusUpdate(
        wamid=wamid,
        number_id=NUMBER,
        status=said,
        timestamp=NOW,
        outbound_id=None if message_id is None else outbound_id(message_id, 0),
        **changes,
    )
    return Arrival(statuses=(update,))


class Storage(Ingress, Sessions, Timers, Records, Versions, Protocol):
    """All storage ports, as one adapter offers them."""

    @property
    def lanes(self) -> Lanes: ...

    async def close(self) -> None: ...


class Adapter(Protocol):
    """One kind of storage that the contract is tested on."""

    clock: VirtualClock
    """Also what the storage sleeps on."""
    accepts_alone: bool
    """What takes messages in goes on while nothing else can be written."""

    async def open(self, *, backlog: int = 2000) -> Storage:
        """The storage as the last close or crash left it."""

    async def crash(self) -> Storage:
        """Lose the process between two of its steps, and start another on what was durable."""

    async def fail(self) -> None:
        """From now on nothing can be written."""

    async def mend(self) -> None:
        """Writing works again."""

    async def aclose(self) -> None: ...


class SqliteAdapter:
    accepts_alone = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._copies = itertools.count(1)
        self._data = folder / "data"
        self._opened: list[SqliteStore] = []
        self.clock = VirtualClock()

    async def open(self, *, backlog: int = 2000) -> SqliteStore:
        # No limit on age: this machine may be slow, and what that means is tested where the time is virtual.
        store = await open_store(
            self._data, self.clock, limits=Limits(age=1e9, backlog=backlog), sleep=self.clock.sleep
        )
        self._opened.append(store)
        return store

    async def crash(self) -> SqliteStore:
        # What a dead process leaves is its files as they are: the database and its log, without a last checkpoint. (A
        # process is really killed in test_sqlite_crash.py.)
        after = self._folder / f"after-crash-{next(self._copies)}"
        after.mkdir()
        for name in ("wabox.db", "wabox.db-wal"):
            shutil.copy(self._data / name, after / name)
        await self._opened.pop().close()
        self._data = after
        return await self.open()

    async def fail(self) -> None:
        # The real engine's own way to a full disk: it may not take one more page than it has.
        await self._opened[-1].writer.submit(
            lambda connection: connection.execute("PRAGMA max_page_count = 1").fetchall()
        )

    async def mend(self) -> None:
        await self._opened[-1].writer.submit(
            lambda connection: connection.execute("PRAGMA max_page_count = 1073741823").fetchall()
        )

    async def aclose(self) -> None:
        for store in self._opened:
            await store.close()


ADAPTERS: dict[str, Callable[[Path], Any]] = {"sqlite": SqliteAdapter}
if clustered.FOLDER is not None:
    ADAPTERS["cluster"] = clustered.ClusterAdapter


class Handler:
    """Handles messages as the services do: one unit each, whose snapshot lists what was handled so far."""

    def __init__(self, storage: Storage, before: Callable[[InboundMessage], Awaitable[None]] | None = None) -> None:
        self._storage = storage
        self._before = before
        self.handled: list[str] = []
        self._progress = asyncio.Event()

    async def __call__(self, arrived: InboundMessage) -> None:
        if self._before is not None:
            await self._before(arrived)
        session = await self._storage.open(arrived.conversation_id)
        so_far = (session.snapshot or b"").decode().split()
        work = UnitOfWork(
            conversation_id=arrived.conversation_id,
            number_id=arrived.number_id,
            contact=arrived.contact,
            expected=session.sequence,
            handled=(arrived.message_id,),
            snapshot=" ".join([*so_far, arrived.message_id]).encode(),
            at=arrived.timestamp,
        )
        if await self._storage.commit(work) == "committed":
            self.handled.append(arrived.message_id)
            self._progress.set()

    async def until(self, count: int) -> list[str]:
        """What was handled, once there are ``count`` of them."""
        while len(self.handled) < count:
            await self._progress.wait()
            self._progress.clear()
        return self.handled
