"""Changes and answers that all processes of a cluster share.

Whoever looks at a console is connected to one process, and what they look at happens in others. So each tells the others, by
notes (:mod:`wabox.cluster.bus`): ``changed``, which whoever brings records to PostgreSQL says; ``answer``, what became of a
person's act; ``there``, whose console is open where. Notes may be lost, so each is worth little: after a gap consoles read
everything again, who is there is said every few seconds, and whoever waits for an answer waits for a while only.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final, Protocol, TypeVar, get_args

import msgspec
import structlog

from wabox.core.change import Changed, joined, read, written
from wabox.core.delivery import DeliveryStatus
from wabox.core.handoff import HandoffAct, Outcome
from wabox.core.message import InboundMessage
from wabox.core.ports import Clock
from wabox.errors import StorageError
from wabox.services.answers import Answers
from wabox.services.changes import Changes

log = structlog.get_logger(__name__)

FRESH: Final = 10_000
"""ms for which it is believed who is there; said again three times meanwhile."""
EVERY: Final = FRESH / 3000
"""s."""
TOGETHER: Final = 0.25
"""s of delivery statuses that are told as one."""
PIECE: Final = 7000
"""Bytes of a note."""
NAMES: Final = 100
"""Of agents, in one note."""
LONGEST: Final = 2000
"""Characters of a refusal that is told."""
ACTS: Final = frozenset(get_args(HandoffAct))
"""What somebody waits for; the rest of what the desk says to a conversation nobody does."""

T = TypeVar("T")
_encode = msgspec.json.Encoder().encode


class Bus(Protocol):
    """See :class:`wabox.cluster.bus.Bus`."""

    def hear(self, kind: str, callback: Callable[[bytes], None]) -> None: ...

    def missed(self, callback: Callable[[], None]) -> None: ...

    async def tell(self, kind: str, body: bytes = b"") -> None: ...


class Saying:
    """What is said beside everything else: nobody waits for it, and while the store is away it stays unsaid."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[None]] = set()

    def say(self, call: Callable[..., Awaitable[None]], *arguments: Any) -> None:
        task = asyncio.get_running_loop().create_task(_said(call, *arguments))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def settled(self) -> None:
        """Wait for what is under way."""
        while self._under_way:
            await asyncio.gather(*self._under_way, return_exceptions=True)

    async def stop(self) -> None:
        for task in self._under_way:
            task.cancel()
        await self.settled()


async def _said(call: Callable[..., Awaitable[None]], *arguments: Any) -> None:
    try:
        await call(*arguments)
    except StorageError as error:
        log.info("note.unsaid", reason=str(error))
    except Exception as error:  # nobody else would say so
        log.error("note.unsaid", exc_info=error)


class SharedChanges(Changes):
    """Of all processes. What this one commits comes back as a note, when PostgreSQL has it."""

    def __init__(self, bus: Bus, process: str, clock: Clock, steady: Clock) -> None:
        """``process``: a name that no other process has; ``steady``: ms of a clock that nobody can set."""
        super().__init__(clock)
        self._bus = bus
        self._process = process
        self._steady = steady
        self._saying = Saying()
        self._elsewhere: dict[str, tuple[frozenset[str], int]] = {}
        """Who is there, by process, and until when that is believed; nobody by name listens where it is empty."""
        self._came: list[Changed] = []
        self._telling: asyncio.TimerHandle | None = None
        self._again: asyncio.TimerHandle | None = None
        self._closed = False
        bus.hear("changed", self._heard)
        bus.hear("there", self._heard_of)
        bus.missed(self._missed)

    @property
    def there(self) -> frozenset[str]:
        """Agents who listen, to any process; ids."""
        found = set(super().there)
        for agents in self._fresh():
            found |= agents
        return frozenset(found)

    def publish(self, change: Changed) -> None:
        """Whoever brings it to PostgreSQL tells it, to this process as well."""

    def came(self, outbound_id: str, status: DeliveryStatus) -> None:
        """What became of one of our messages. Costs nothing while nobody listens anywhere."""
        if self._closed or not (self.listeners or self._fresh()):
            return
        at = self._clock()
        self._came.append(
            Changed(conversation_id="", at=at, kinds=("delivery",), status=status.value, outbound_id=outbound_id)
        )
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(TOGETHER, self._tell)

    def close(self) -> None:
        self._closed = True
        super().close()

    async def stop(self) -> None:
        """Say no more."""
        self.close()
        for handle in (self._telling, self._again):
            if handle is not None:
                handle.cancel()
        await self._saying.stop()

    async def settled(self) -> None:
        """Wait for what is being said."""
        await self._saying.settled()

    def _tell(self) -> None:
        self._telling, came = None, joined(self._came)
        self._came = []
        self._saying.say(self._told, "changed", written(came, PIECE))

    async def _told(self, kind: str, pieces: list[bytes]) -> None:
        for piece in pieces:
            await self._bus.tell(kind, piece)

    def _heard(self, note: bytes) -> None:
        if not self.listeners:
            return
        if not note:
            super().close()  # more changed than a note can hold: they read everything again
            return
        for change in read(note):
            super().publish(change)

    def _missed(self) -> None:
        super().close()
        if self.listeners:
            self._say_there()

    # ---- who is there --------------------------------------------------------------------------------------------------

    def _fresh(self) -> list[frozenset[str]]:
        now = self._steady()
        for process in [process for process, (_, until) in self._elsewhere.items() if until < now]:
            del self._elsewhere[process]
        return [agents for agents, _ in self._elsewhere.values()]

    def _heard_of(self, note: bytes) -> None:
        if not note:
            return
        process, agents, listeners = msgspec.json.decode(note, type=tuple[str, list[str], int])
        if process.rpartition("/")[0] == self._process:
            return  # it knows itself better
        if listeners:
            self._elsewhere[process] = frozenset(agents), self._steady() + FRESH
        else:
            self._elsewhere.pop(process, None)

    def _say_there(self) -> None:
        """Now, and again while somebody listens."""
        if self._closed:
            return
        if self._again is not None:
            self._again.cancel()
            self._again = None
        agents = sorted(super().there)
        parts = [agents[begin : begin + NAMES] for begin in range(0, max(len(agents), 1), NAMES)]
        pieces = [_encode((f"{self._process}/{at}", some, self.listeners)) for at, some in enumerate(parts)]
        self._saying.say(self._told, "there", pieces)
        if self.listeners:
            self._again = asyncio.get_running_loop().call_later(EVERY, self._say_there)

    @contextlib.contextmanager
    def _listening(self, among: set[asyncio.Queue[T]], queue: asyncio.Queue[T], agent: str | None) -> Iterator[None]:
        try:
            with super()._listening(among, queue, agent):
                self._say_there()
                yield
        finally:
            self._say_there()


class SharedAnswers(Answers):
    """What became of an act is told to whoever waits for it, in whatever process, once PostgreSQL has what it did."""

    def __init__(self, bus: Bus, settle: Callable[[str], Awaitable[None]]) -> None:
        """``settle``: bring over what is known of a conversation. Raises StorageError."""
        super().__init__()
        self._bus = bus
        self._settle = settle
        self._saying = Saying()
        bus.hear("answer", self._heard)

    def acted(self, message: InboundMessage, outcome: Outcome | None) -> None:
        if message.type in ACTS:
            self._saying.say(self._done, message, outcome)

    async def stop(self, timeout: float = 0.0) -> None:
        """Say what is done, for ``timeout`` s at most, and no more."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._saying.settled()
        await self._saying.stop()

    async def _done(self, message: InboundMessage, outcome: Outcome | None) -> None:
        await self._settle(message.conversation_id)
        refusal = None if outcome is None or outcome.refusal is None else outcome.refusal[:LONGEST]
        await self._bus.tell("answer", _encode((message.message_id, outcome is not None, refusal)))

    def _heard(self, note: bytes) -> None:
        if note:
            id_, known, refusal = msgspec.json.decode(note, type=tuple[str, bool, str | None])
            self.tell(id_, Outcome(refusal=refusal) if known else None)
