"""A turn while it is being made: collects what one message causes, then writes it as a unit of work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from wabox.core import window
from wabox.core.changed import changed
from wabox.core.contact import Contact
from wabox.core.content import Content
from wabox.core.conversation import Amendment, Archive, Record, Session, Timer, UnitOfWork
from wabox.core.delivery import DeliveryStatus, OutboundMessage, outbound_id
from wabox.core.event import Event
from wabox.core.handoff import Outcome
from wabox.core.identity import moved
from wabox.core.intent import Understanding
from wabox.core.kind import Reaction, TemplateMessage
from wabox.core.message import InboundMessage
from wabox.engine import effect as effects
from wabox.engine.rebase import rebase
from wabox.engine.snapshot import Snapshot, decode, encode
from wabox.engine.step import Step, answer, fire, start, step
from wabox.engine.view import active_states, held
from wabox.errors import ConversationError
from wabox.flowfile.bot import Bot
from wabox.services import alerting, closing, deskclock, followup
from wabox.services.awaiting import Lost
from wabox.services.casefile import CaseFile
from wabox.services.moving import Move, settle
from wabox.services.permit import Permit
from wabox.services.records import of_message, of_sends
from wabox.services.replies import Lead, Line, render
from wabox.services.requests import invocation_of
from wabox.whatsapp.payload import request_body


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A unit of work and what led to it."""

    unit: UnitOfWork
    snapshot: Snapshot | None
    """The conversation from now on; ``None`` when it has not begun or is over."""
    said: tuple[Content, ...] = ()
    understanding: Understanding | None = None
    lost: Lost | None = None
    """Set when a language model could be asked about it."""
    events: tuple[str, ...] = ()
    """Every event the engine processed, in order."""
    failures: tuple[effects.Failed, ...] = ()
    steps: tuple[Step, ...] = ()
    """What the engine did, for coverage."""
    outcome: Outcome | None = None
    """What became of a person's act."""

    @property
    def states(self) -> tuple[str, ...]:
        """The active leaf states at the end."""
        return self.snapshot.leaves if self.snapshot else ()


def writable(text: str) -> str:
    """The text without what UTF-8 cannot hold."""
    return text.encode("utf-8", "replace").decode()


class Draft:
    """A turn in the making."""

    def __init__(self, bot: Bot, session: Session, message: InboundMessage, now: int, move: Move | None = None) -> None:
        self.bot = bot
        self.move = move
        """How the conversation comes to this version of the bot, when it is stored on another one."""
        self.forget = False
        """What is stored is over."""
        self.session = session
        self.message = message
        self.now = now
        self.language = bot.default_language
        self.snapshot: Snapshot | None = None
        self.understanding: Understanding | None = None
        self.lost: Lost | None = None
        self.lines: list[Line] = []
        self.records: list[Record] = []
        self.amend: list[Amendment] = []
        """Lines of the transcript that read differently from now on."""
        self.opened_at = window.opened(message, session.opened_at)
        self.quiet_until = session.quiet_until
        self.events: list[str] = []
        self.why: str | None = None
        """Why people are asked, when the chart itself cannot know."""
        self._timers: dict[str, effects.Arm | effects.Disarm] = {}
        self.file = CaseFile(session.case, session.conversation_id, message, now)
        self.rated: tuple[str, int] | None = None
        """The case that the customer rates, and how."""
        self.outcome: Outcome | None = None
        """Of a person's act."""
        self._calls: dict[tuple[str, str], effects.Invoke | None] = {}
        """By chart and id, the last word; None: revoked."""
        self.failures: list[effects.Failed] = []
        self.steps: list[Step] = []
        self.permit = Permit(session.consent)
        self._restored: bool | None = None
        self.withdraw: str | None = None
        """Why what the bot said and what has not left yet must not leave any more."""
        self.dispatched: list[OutboundMessage] = []
        """What our own side says in this turn; after what the bot says."""
        self.over: Literal["done", "expired", "reset"] = "done"
        """Why, if it is over at the end."""

    def restore(self) -> bool:
        """Take up the stored conversation; false when there is none, or none that today's charts could go on with."""
        if self._restored is None:
            self._restored = self._restore()
            self.snapshot = self.permit.tell(self.bot, self.snapshot)
        return self._restored

    def _restore(self) -> bool:
        if self.move is not None:
            return settle(self, self.move)
        if self.session.snapshot is None:
            return False
        self.snapshot = rebase(self.bot.charts, decode(self.session.snapshot))
        if self.snapshot is None:
            self.record("event", {"restarted": "its states are gone from the flow"})
            return False
        self.language = self.snapshot.language or self.language
        return True

    def begin(self) -> None:
        """Start the main chart."""
        self.take(
            start(self.bot.charts, self.bot.main, self.now, {**self.bot.context, **self.permit.variables(self.bot)})
        )

    def step(self, event: Event) -> bool:
        """Give the event to the engine; whether somebody handled it."""
        if self.snapshot is None:
            return False
        # Handled or not, the customer spoke: the silence that the timers measure begins anew.
        result = step(self.bot.charts, self.snapshot, event, self.now)
        self.take(result)
        return result.handled

    def fire(self, name: str, armed: int, due_at: int) -> None:
        """A timer is due; a stale one does nothing."""
        # Both: a conversation that ended and began again counts ``armed`` from one.
        if self.snapshot is not None and self.snapshot.timers.get(name) == (due_at, armed):
            self.take(fire(self.bot.charts, self.snapshot, name, armed, self.now))

    def answer(self, chart: str, id_: str, armed: int, event: Event) -> bool:
        """A call has its result; whether the chart minds. A stale one does nothing, which is fine."""
        if self.snapshot is None:
            return True
        before = self.snapshot
        result = answer(self.bot.charts, before, (chart, id_, armed), event, self.now)
        self.take(result)
        return result.handled or result.snapshot is before

    def say(self, key: str) -> None:
        """One of our own texts, by its key."""
        self.lines.append(Content(text=self.bot.words(key, self.language)))

    def keep(self, **facts: Any) -> None:
        """Write ``language`` or ``misses`` into the snapshot."""
        if self.snapshot is not None:
            self.snapshot = msgspec.structs.replace(self.snapshot, **facts)

    def record(self, kind: Any, body: dict[str, Any]) -> None:
        # Errors quote what they were given; half a surrogate pair in it could not be stored.
        plain = {key: writable(value) if isinstance(value, str) else value for key, value in body.items()}
        self.records.append(Record(at=self.now, kind=kind, body=plain))

    def hand_over(self, queue: str, reason: str, priority: int = 0) -> None:
        """Give the conversation to people."""
        asked = self.understanding is not None and self.understanding.event == "human"
        self.file.open(queue, writable(self.why or reason or ("asked for a person" if asked else "")), priority)

    def close_case(self) -> None:
        """People need not look at it any more."""
        self.file.close("the conversation is over")

    def hush(self, why: str) -> None:
        """Say nothing of what was to be said, but for a confirmation."""
        kept = [line for line in self.lines if self.permit.is_ours(line)]
        if len(kept) < len(self.lines):
            self.lines = kept
            self.record("event", {"quiet": why})

    def finish(self, *, forget: bool = False) -> Turn:
        """The turn as a value. ``forget`` drops a stored snapshot that nobody can read."""
        snapshot, message = self.snapshot, self.message
        if self.file.claimed and message.channel != "agent":
            self.hush("an agent has the conversation")
        deskclock.nobody(self)
        over = snapshot is not None and snapshot.status == "done"
        stored: bytes | None
        if snapshot is None:
            stored = None if forget or self.forget else self.session.snapshot
        else:
            try:
                stored = None if over else encode(snapshot)
            except ConversationError as error:
                # Not the stored conversation is at fault but this step: it must not cost the customer what is stored.
                raise ValueError(str(error)) from error
        said = render(self.bot, self.lines, snapshot, self._active(), self.language)
        if message.channel != "whatsapp":
            # Nobody wrote just now: there is nothing to react to.
            said = tuple(content for content in said if not isinstance(content.kind, Reaction))
        spoken, said = len(said), self.permit.filter(said)
        if len(said) < spoken:
            self.record("event", {"stopped": f"not said: {spoken - len(said)}, the customer asked us to stop"})
        closes_at = window.closes(self.opened_at)
        source = self.bot.main if snapshot is None else snapshot.chart.partition("@")[0]
        sends = tuple(self._outbound(index, content, closes_at, source) for index, content in enumerate(said))
        sends += tuple(self.dispatched)
        arm, disarm = deskclock.timers(self)
        arm += followup.timers(self)
        unit = UnitOfWork(
            conversation_id=self.session.conversation_id,
            number_id=message.number_id,
            contact=self.contact(),
            expected=self.session.sequence,
            handled=(message.message_id,),
            snapshot=stored,
            at=self.now,
            sends=sends,
            arm=arm if over else (*self._arm(), *closing.timers(self), *arm),
            disarm=disarm if over else (*self._disarm(), *disarm),
            handoffs=tuple(self.file.changes),
            case=self.file.case,
            rated=self.rated,
            alerts=alerting.alerts(self),
            invoke=(
                *(invocation_of(self.bot.charts, call, message, self.now) for call in self._calls.values() if call),
            ),
            revoke=tuple(self._calls),
            amend=tuple(self.amend),
            withdraw=self.withdraw,
            opened_at=self.opened_at,
            quiet_until=self.quiet_until,
            consents=tuple(self.permit.entries),
            consent=self.permit.consent,
            archive=self._archive(stored),
            records=(self._heard(), *self.records, *of_sends(sends, self.now)),
        )
        return Turn(
            unit=unit,
            snapshot=None if over else snapshot,
            said=said,
            understanding=self.understanding,
            lost=self.lost,
            events=tuple(self.events),
            failures=tuple(self.failures),
            steps=tuple(self.steps),
            outcome=self.outcome,
        )

    def _archive(self, stored: bytes | None) -> Archive | None:
        if stored is not None:
            return None
        if self.snapshot is None:
            return self.session.archived  # stored already
        stood = msgspec.structs.replace(self.snapshot, status="active") if self.over == "expired" else self.snapshot
        return Archive(at=self.now, reason=self.over, snapshot=encode(stood))

    def contact(self) -> Contact:
        """The customer from now on: replies go where the newest message came from, and a name once heard is kept."""
        new, old = moved(self.message) or self.message.contact, self.session.contact
        if old is None:
            return new
        if self.message.channel in ("echo", "standby", "notice", "agent"):
            return old  # nobody wrote to us: the address stays
        if self.message.channel == "api":
            # Whoever sends knows one id of the customer's, and not how they call themselves.
            return changed(old, user_id=old.user_id or new.user_id, wa_id=old.wa_id or new.wa_id)
        return changed(new, name=new.name or old.name, username=new.username or old.username)

    # -- effects -------------------------------------------------------------------------------------------------------

    def take(self, result: Step) -> None:
        self.snapshot = result.snapshot
        self.steps.append(result)
        self.events.extend(result.events)
        for effect in result.effects:
            self._effect(effect)
        if any(isinstance(effect, effects.Restart) for effect in result.effects):
            self.begin()
            self.keep(language=self.language)

    def _effect(self, effect: effects.Effect) -> None:
        match effect:
            case effects.Say():
                self.lines.append(effect)
            case effects.Arm() | effects.Disarm():
                self._timers[effect.name] = effect
            case effects.OpenHandoff():
                self.hand_over(effect.queue, effect.reason, effect.priority)
            case effects.CloseHandoff():
                self.file.leave()
            case effects.Invoke():
                self._calls[effect.chart, effect.spec.id] = effect
            case effects.Revoke():
                self._calls[effect.chart, effect.id] = None
            case effects.Resumed():
                self.lines.append(Lead("wabox.resumed"))
                self.keep(offered=True)
            case effects.Ask():
                self.lines.append(Lead(effect.text, numbered=effect.numbered, own_words=effect.own_words))
            case effects.Restart():
                self.say(effect.text)
            case effects.Nudge():
                # Whoever waits for a person is not the one who is silent.
                if self.snapshot is not None and not held(self.bot.charts, self.snapshot):
                    self.lines.append(Lead("wabox.nudge"))
            case effects.Failed():
                self.failures.append(effect)
                self.record("error", {"where": effect.where, "error": effect.error})
            case effects.Agree():
                self.permit.take(effect, self.message, self.now)
            case effects.Log():
                self.record("event", {"log": effect.message, "state": effect.state})
            case effects.Ended():
                self.over = "expired" if effect.expired else self.over

    # -- the unit of work ----------------------------------------------------------------------------------------------

    def _active(self) -> frozenset[str]:
        """The states whose questions may be asked. A suspended chart asks its own again when it is resumed."""
        snapshot = self.snapshot
        if snapshot is None or snapshot.status == "done":
            return frozenset()
        chart = self.bot.charts.find(snapshot.chart)
        return frozenset(state.id for state in active_states(chart, snapshot.leaves))

    def _disarm(self) -> tuple[str, ...]:
        return tuple(name for name, to in self._timers.items() if isinstance(to, effects.Disarm))

    def _arm(self) -> tuple[Timer, ...]:
        arms = (change for change in self._timers.values() if isinstance(change, effects.Arm))
        return tuple(Timer(name=arm.name, due_at=arm.due_at, armed=arm.armed) for arm in arms)

    def _outbound(self, index: int, content: Content, closes_at: int | None, source: str) -> OutboundMessage:
        contact, about = self.message.contact, self.message.message_id
        message = OutboundMessage(
            id=outbound_id(about, index),
            conversation_id=self.session.conversation_id,
            number_id=self.message.number_id,
            # What is no message of the customer's cannot be quoted.
            body=request_body(content, contact, about if self.message.channel == "whatsapp" else ""),
            created_at=self.now,
            tells=self.message.channel != "delivery",
            source=source,
            purpose=self.permit.purpose(content),
            policy="once" if content.once else "repeat",
        )
        if isinstance(content.kind, TemplateMessage):
            return message
        template = None if content.outside is None else request_body(Content(kind=content.outside), contact, about)
        if closes_at is None or self.now < closes_at:
            return changed(message, closes_at=closes_at, otherwise=template)
        if template is not None:
            return changed(message, body=template)
        return changed(message, status=DeliveryStatus.FAILED, reason=window.REASON, code=window.CLOSED)

    def _heard(self) -> Record:
        states = None
        if self.snapshot is not None:
            states = () if self.snapshot.status == "done" else self.snapshot.leaves
        return of_message(self.message, self.understanding, self.events, states, self.now, self.outcome)
