"""One turn of a conversation, as a pure function: what we have and what came in; the unit of work out.

``wabox serve``, ``wabox chat``, the tests and the demo all call :func:`advance`, so what works in one works in all (P8).

1. A conversation that has not begun starts with the main chart; so does one whose chart no longer has its states.
2. The message becomes an event: a due timer by its name, a customer's words through the resolver.
3. The engine steps. An event that nobody handles climbs the fallback ladder: the free-text and ``fallback`` events of the
   chart, then our own words with the standing question, then its options spelled out, then a person.
4. Effects become bubbles, timers and cases. A question whose state was left within the same turn is not asked: the customer
   could only answer the wrong one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wabox.core.content import Content
from wabox.core.conversation import Record, Session, Timer, UnitOfWork
from wabox.core.delivery import OutboundMessage, outbound_id
from wabox.core.handoff import Handoff, HandoffStatus
from wabox.core.intent import Understanding
from wabox.core.message import InboundMessage
from wabox.engine.effect import Arm, CloseHandoff, Disarm, Effect, Ended, Failed, Nudge, OpenHandoff, Resumed, Say
from wabox.engine.event import Event
from wabox.engine.query import active
from wabox.engine.snapshot import Snapshot, decode, encode
from wabox.engine.step import Step, fire, start, step
from wabox.errors import ConversationError
from wabox.flowfile.bot import Bot
from wabox.services.replies import Lead, Line, render
from wabox.services.understanding import understand
from wabox.whatsapp.payload import request_body

QUIET = frozenset({"reaction", "system", "edited", "deleted"})
"""Types that ask for no answer: silence is polite, and they open no service window."""
PLAIN = frozenset({"text", "button_reply", "list_reply"})
"""Types whose record needs no raw object to be read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A unit of work and what led to it."""

    unit: UnitOfWork
    snapshot: Snapshot | None
    said: tuple[Content, ...] = ()
    understanding: Understanding | None = None
    events: tuple[str, ...] = ()
    """Every event the engine processed, in order."""
    states: tuple[str, ...] = ()
    """The active leaf states at the end."""
    failures: tuple[Failed, ...] = ()


def advance(bot: Bot, session: Session, message: InboundMessage, now: int) -> Turn:
    """Handle one message. Raises ConversationError when the stored snapshot cannot be read; nothing else by design."""
    turn = _Turn(bot, session, message, now)
    match message.channel:
        case "timer":
            turn.timer()
        case "agent":
            turn.agent()
        case _:
            turn.customer()
    return turn.finish()


def apologise(bot: Bot, session: Session, message: InboundMessage, now: int, error: Exception) -> Turn:
    """The turn after :func:`advance` failed: a reply, a person, the reason on record.

    A snapshot that cannot be read is put into the record and the next message begins anew; any other failure leaves the
    conversation where it was.
    """
    turn = _Turn(bot, session, message, now)
    body: dict[str, Any] = {"error": f"{type(error).__name__}: {error}", "message_id": message.message_id}
    unreadable = isinstance(error, ConversationError)
    if unreadable:
        body["snapshot"] = (session.snapshot or b"").decode("utf-8", "replace")
    turn.records.append(Record(at=now, kind="error", body=body))
    if message.channel == "whatsapp" and message.type not in QUIET:
        turn.lines.append(Content(text=bot.text("wabox.trouble", turn.language)))
        turn.hand_over("error", f"the bot failed: {type(error).__name__}")
    return turn.finish(keep=not unreadable)


class _Turn:
    """Collects what one message causes."""

    def __init__(self, bot: Bot, session: Session, message: InboundMessage, now: int) -> None:
        self.bot = bot
        self.session = session
        self.message = message
        self.now = now
        self.language = bot.default_language
        self.snapshot: Snapshot | None = None
        self.understanding: Understanding | None = None
        self.lines: list[Line] = []
        self.timers: dict[str, Arm | Disarm] = {}
        self.handoffs: list[Handoff] = []
        self.records: list[Record] = []
        self.events: list[str] = []
        self.failures: list[Failed] = []

    # -- what comes in -------------------------------------------------------------------------------------------------

    def timer(self) -> None:
        snapshot = self._restore()
        if snapshot is None:
            return
        name, armed = str(self.message.payload["name"]), int(self.message.payload["armed"])
        self.snapshot = snapshot
        self._take(fire(self.bot.charts, snapshot, name, armed, self.now))

    def agent(self) -> None:
        self.snapshot = self._restore() or self._begin()
        if self.message.text:
            self.lines.append(Content(text=self.message.text))
        self._step(Event(f"handoff.{self.message.type}"))

    def customer(self) -> None:
        snapshot = self._restore()
        if snapshot is None and self.message.type in QUIET:
            return
        self.snapshot = snapshot or self._begin()
        found = understand(self.bot, self.snapshot, self.message)
        self.understanding = found
        self.language = found.language
        self._keep(language=found.language)
        data = {"type": self.message.type, "text": self.message.text or "", **self.message.payload, **found.data}
        if snapshot is None:
            # The first message usually only says hello: what the chart says on starting answers it. Only a clear intent
            # goes further, so that "where is my order" is not met with "hello" alone.
            if found.intent in (None, "greet") or not self._step(Event(found.event, data, customer=True)):
                self.events.append(found.event)
            return
        if self._step(Event(found.event, data, customer=True)):
            self._keep(misses=0)
        else:
            self._not_handled(found, data)

    # -- the fallback ladder -------------------------------------------------------------------------------------------

    def _not_handled(self, found: Understanding, data: dict[str, Any]) -> None:
        kind = self.message.type
        if kind in QUIET:
            return
        if found.tier == "structured":
            # A button of an earlier question: nothing is wrong with the customer's words, so it is no miss.
            self.lines.append(Lead("wabox.old_button"))
            return
        if kind == "text" and found.event != "message.text" and self._step(Event("message.text", data, customer=True)):
            self._keep(misses=0)
            return
        if self._step(Event("fallback", data, customer=True)):
            return
        if kind != "text":
            self.lines.append(Lead(self.bot.cannot_read(kind)))
            return
        misses = self.snapshot.misses + 1 if self.snapshot else 1
        self._keep(misses=misses)
        if misses == 1:
            self.lines.append(Lead("wabox.rephrase", own_words=True))
        elif misses == 2:
            self.lines.append(Lead("wabox.buttons_hint", numbered=True))
        else:
            self._keep(misses=0)
            if not self._step(Event("human", {**data, "reason": "third misunderstanding"}, customer=True)):
                self.lines.append(Content(text=self.bot.text("wabox.handoff", self.language)))
                self.hand_over("default", "third misunderstanding")

    def hand_over(self, queue: str, reason: str) -> None:
        self._handoff("waiting", queue=queue, reason=reason)

    # -- the engine ----------------------------------------------------------------------------------------------------

    def _restore(self) -> Snapshot | None:
        if self.session.snapshot is None:
            return None
        snapshot = self.bot.charts.rebase(decode(self.session.snapshot))
        if snapshot is None:
            self.records.append(
                Record(at=self.now, kind="event", body={"restarted": "its states are gone from the flow"})
            )
            return None
        self.language = snapshot.language or self.language
        return snapshot

    def _begin(self) -> Snapshot:
        begun = start(self.bot.charts, self.bot.main, self.now, self.bot.context)
        self._take(begun)
        return begun.snapshot

    def _step(self, event: Event) -> bool:
        if self.snapshot is None:
            return False
        result = step(self.bot.charts, self.snapshot, event, self.now)
        if result.handled:
            self._take(result)
        return result.handled

    def _take(self, result: Step) -> None:
        self.snapshot = result.snapshot
        self.events.extend(result.events)
        for effect in result.effects:
            self._effect(effect)

    def _effect(self, effect: Effect) -> None:
        match effect:
            case Say():
                self.lines.append(effect)
            case Arm() | Disarm():
                self.timers[effect.name] = effect
            case OpenHandoff():
                self._handoff("waiting", queue=effect.queue, priority=effect.priority, reason=effect.reason)
            case CloseHandoff():
                self._handoff("closed")
            case Resumed():
                self.lines.append(Lead("wabox.resumed"))
            case Nudge():
                self.lines.append(Lead("wabox.nudge"))
            case Failed():
                self.failures.append(effect)
                self.records.append(
                    Record(at=self.now, kind="error", body={"where": effect.where, "error": effect.error})
                )
            case Ended():
                pass  # the snapshot's status says the same

    def _handoff(self, status: HandoffStatus, *, queue: str = "default", priority: int = 0, reason: str = "") -> None:
        self.handoffs.append(
            Handoff(
                id=f"h-{outbound_id(self.message.message_id, len(self.handoffs))}",
                conversation_id=self.session.conversation_id,
                status=status,
                at=self.now,
                queue=queue,
                priority=priority,
                reason=reason or str(self.events[-1] if self.events else ""),
            )
        )

    def _keep(self, **changes: Any) -> None:
        if self.snapshot is not None:
            self.snapshot = self.snapshot.replace(**changes)

    # -- what goes out -------------------------------------------------------------------------------------------------

    def finish(self, *, keep: bool = True) -> Turn:
        snapshot, message = self.snapshot, self.message
        over = snapshot is not None and snapshot.status == "done"
        alive = None if over else snapshot
        said = render(
            self.bot,
            self.lines,
            snapshot,
            active(self.bot.charts, snapshot) if snapshot else frozenset(),
            self.language,
        )
        sends = tuple(self._outbound(index, content) for index, content in enumerate(said))
        if snapshot is None:
            stored = self.session.snapshot if keep else None
        else:
            stored = encode(alive) if alive else None
        arm, disarm = self._timers(over)
        unit = UnitOfWork(
            conversation_id=self.session.conversation_id,
            number_id=message.number_id,
            contact=message.contact,
            expected=self.session.sequence,
            handled=(message.message_id,),
            snapshot=stored,
            at=self.now,
            sends=sends,
            arm=arm,
            disarm=disarm,
            handoffs=tuple(self.handoffs),
            records=(self._inbound_record(), *self.records, *self._outbound_records(sends)),
        )
        return Turn(
            unit=unit,
            snapshot=alive,
            said=said,
            understanding=self.understanding,
            events=tuple(self.events),
            states=alive.leaves if alive else (),
            failures=tuple(self.failures),
        )

    def _timers(self, over: bool) -> tuple[tuple[Timer, ...], tuple[str, ...]]:
        if over:
            return (), ()  # the store drops the timers of a conversation that is over
        arm = tuple(
            Timer(name=change.name, due_at=change.due_at, armed=change.armed)
            for change in self.timers.values()
            if isinstance(change, Arm)
        )
        return arm, tuple(change.name for change in self.timers.values() if isinstance(change, Disarm))

    def _outbound(self, index: int, content: Content) -> OutboundMessage:
        return OutboundMessage(
            id=outbound_id(self.message.message_id, index),
            conversation_id=self.session.conversation_id,
            number_id=self.message.number_id,
            body=request_body(content, self.message.contact),
            created_at=self.now,
        )

    def _inbound_record(self) -> Record:
        message, found = self.message, self.understanding
        body: dict[str, Any] = {"channel": message.channel, "type": message.type, "text": message.text}
        if message.payload:
            body["payload"] = message.payload
        if message.type not in PLAIN and message.raw:
            body["raw"] = message.raw
        if found is not None:
            body["understood"] = [found.tier, found.intent, round(found.confidence, 3), found.language]
        if self.events:
            body["events"] = self.events
        return Record(at=self.now, kind="in", body=body, ref=message.message_id)

    def _outbound_records(self, sends: Sequence[OutboundMessage]) -> list[Record]:
        return [Record(at=self.now, kind="out", body=send.body, ref=send.id) for send in sends]
