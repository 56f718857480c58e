"""One conversation with a simulated clock.

The same :func:`~wabox.services.conversations.advance` and the same renderer as ``wabox serve``; the session, the timers and
the clock live in memory, so ten minutes pass in a microsecond and nothing touches the network.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from wabox.core.contact import Contact
from wabox.core.conversation import Session, Timer, after
from wabox.core.delivery import DeliveryStatus, words
from wabox.core.duration import parse_duration
from wabox.core.limits import breaches
from wabox.core.message import Arrival, InboundMessage
from wabox.engine.effect import Failed
from wabox.engine.invoke import DONE_INVOKE, ERROR_INVOKE
from wabox.engine.snapshot import Snapshot, decode, encode
from wabox.engine.view import question
from wabox.errors import WaboxError
from wabox.flowfile.bot import Bot
from wabox.nlu.resolver import Resolver
from wabox.services.advising import asked_of
from wabox.services.conversations import advance, apologise
from wabox.services.turn import Turn
from wabox.services.verdict import entities, why
from wabox.simulator.stubs import Stubs
from wabox.whatsapp.webhook import parse

NUMBER = "200000000000002"
CUSTOMER = Contact(user_id="US.10000000000000000001", wa_id="15550002222", name="Customer")
INPUTS = ("user", "tap", "message", "wait", "agent", "close", "stub")
AGENT = {"agent": "agent", "by": "an agent", "take": True}
"""Who answers when a script says ``agent``: one who may step into any conversation."""
BEGINS_AT = 1_795_255_200_000
"""When the simulated clock starts, ms since the epoch, unless told otherwise: Saturday, 21 November 2026, 10:00 UTC:
reminders come by day."""


MOST_CALLS = 50
"""Results played after one input."""


MOST_TURNS = 1000
"""Timers that go off in one wait: one that begins anew each second would otherwise take for ever in a week."""


class InputError(WaboxError):
    """An input line is none of those that :meth:`Simulator.play` takes."""


class Simulator:
    """One conversation."""

    def __init__(
        self,
        bot: Bot,
        *,
        clock_start_ms: int = BEGINS_AT,
        contact: Contact = CUSTOMER,
        stubs: Mapping[str, Any] | None = None,
        resolver: Resolver | None = None,
        snapshot: Snapshot | None = None,
    ) -> None:
        """``stubs`` are results by the name of what is called; ``resolver`` saves making the bot's anew for each conversation;
        ``snapshot`` is where to begin, if not at the beginning."""
        self._bot = bot
        self._resolver = resolver or Resolver(bot.intents, bot.languages)
        self._contact = contact
        self._id = f"{NUMBER}:{contact.key}"
        self._session = Session(conversation_id=self._id)
        self._timers: dict[str, Timer] = {}
        self._titles: dict[str, str] = {}
        self._offered: set[str] = set()
        self._awaited: list[tuple[str, str, int]] = []
        self._count = 0
        self.now = clock_start_ms
        self.stubs = Stubs(stubs)
        if snapshot is not None:
            self._take_up(snapshot)

    def _take_up(self, snapshot: Snapshot) -> None:
        self._session = Session(conversation_id=self._id, sequence=snapshot.seq, snapshot=encode(snapshot))
        for name, (due_at, armed) in snapshot.timers.items():
            self._timers[name] = Timer(name=name, due_at=due_at, armed=armed)
        asked = question(self._bot.charts, snapshot)
        for template in asked[1] if asked else ():
            language = snapshot.language or self._bot.default_language
            choices = self._bot.choices(template, snapshot.context, language)
            self._titles.update((choice.event, choice.title) for choice in choices)
        self._offered.update(self._titles)
        chart = snapshot.chart.partition("@")[0]
        self._awaited = [(chart, name, armed) for name, armed in snapshot.invokes.items()]

    @property
    def snapshot(self) -> Snapshot | None:
        """Where the conversation stands; None before it begins and after it is over."""
        return decode(self._session.snapshot) if self._session.snapshot else None

    @property
    def due(self) -> tuple[Timer, ...]:
        """The timers that run, the next one first."""
        return tuple(sorted(self._timers.values(), key=lambda timer: timer.due_at))

    @property
    def titles(self) -> Mapping[str, str]:
        """Options of the newest bubble that had any: event → title."""
        return self._titles

    @property
    def offered(self) -> Set[str]:
        """The events of every option that the customer was ever shown."""
        return self._offered

    def play(self, line: Mapping[str, Any]) -> dict[str, Any]:
        """One input, one output, both JSON objects (SPEC section 9). Raises InputError for any other input."""
        return self.output(self.turns(line))

    def turns(self, line: Mapping[str, Any]) -> list[Turn]:
        """What one input leads to: a turn; none or several for time that passes. Raises InputError."""
        if len(line) != 1 or not line.keys() <= set(INPUTS):
            raise InputError(
                f"{json.dumps(line, ensure_ascii=False)[:200]}: each line is one of "
                '{"user": text}, {"tap": event}, {"message": {…}}, {"wait": "31m"}, {"agent": text}, {"close": true}, '
                '{"stub": {name: result}}'
            )
        [(kind, value)] = line.items()
        return [*(self._begun() if kind != "stub" else ()), *self._played(line, kind, value)]

    def _begun(self) -> list[Turn]:
        """What the calls bring that the conversation waited for where it was taken up; there has been time for stubs."""
        calls, self._awaited = self._awaited, []
        return [turn for chart, name, armed in calls for turn in self._turns(self._result(chart, name, armed))]

    def _played(self, line: Mapping[str, Any], kind: str, value: Any) -> list[Turn]:
        match kind, value:
            case "wait", str() | int():
                try:
                    return self._wait(parse_duration(value))
                except ValueError as error:
                    raise InputError(str(error)) from error
            case "user", str():
                return self._hear({"type": "text", "text": {"body": value}})
            case "tap", str():
                reply = {"id": value, "title": self._titles.get(value, value)}
                return self._hear(
                    {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": reply}}
                )
            case "message", dict():
                return self._hear(value)
            case "agent", str():
                return self._turns(self._own("agent", "reply", text=value, payload={**AGENT, "claim": True}))
            case "close", True:
                return self._turns(self._own("agent", "close", payload=AGENT))
            case "stub", dict():
                self.stubs.update(value)
                return []
            case _:
                raise InputError(f"{json.dumps(line, ensure_ascii=False)[:200]}: {kind} does not take this value")

    def _wait(self, ms: int) -> list[Turn]:
        until = self.now + ms
        turns: list[Turn] = []
        while due := [timer for timer in self._timers.values() if timer.due_at <= until]:
            timer = min(due, key=lambda timer: timer.due_at)
            del self._timers[timer.name]
            self.now = max(self.now, timer.due_at)
            payload = {"name": timer.name, "armed": timer.armed, "due_at": timer.due_at}
            turns += self._turns(self._own("timer", "timer", payload=payload))
            if len(turns) > MOST_TURNS:
                raise InputError(f"more than {MOST_TURNS} timers went off in this time; the last was {timer.name}")
        self.now = until
        return turns

    def _hear(self, message: Mapping[str, Any]) -> list[Turn]:
        """A Cloud API message object goes the way of a webhook: parsed, not trusted."""
        whole = {
            "from": self._contact.wa_id,
            "from_user_id": self._contact.user_id,
            "id": self._message_id(),
            "timestamp": str(self.now // 1000),
            **message,
        }
        contact = {
            "profile": {"name": self._contact.name},
            "wa_id": self._contact.wa_id,
            "user_id": self._contact.user_id,
        }
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "15550001111", "phone_number_id": NUMBER},
            "contacts": [contact],
            "messages": [whole],
        }
        envelope = {
            "object": "whatsapp_business_account",
            "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}],
        }
        arrival: Arrival = parse(json.dumps(envelope).encode(), self.now)
        if len(arrival.messages) != 1:
            reason = (
                arrival.dead[0].reason
                if arrival.dead
                else "it is no message that starts or goes on with a conversation"
            )
            raise InputError(f"wabox would keep this and not answer: {reason}")
        return self._turns(arrival.messages[0])

    def _own(
        self, channel: Any, type_: str, *, text: str | None = None, payload: Mapping[str, Any] | None = None
    ) -> InboundMessage:
        return InboundMessage(
            message_id=self._message_id(),
            number_id=NUMBER,
            conversation_id=self._id,
            timestamp=self.now,
            channel=channel,
            type=type_,
            text=text,
            payload=payload or {},
            contact=self._contact,
        )

    def _message_id(self) -> str:
        self._count += 1
        return f"wamid.SIM{self._count}"

    def _turns(self, message: InboundMessage) -> list[Turn]:
        """The turn of a message, and those of the results of the calls that it led to: they come at once."""
        turns = [self._turn(message)]
        outcome = turns[0].outcome
        if outcome is not None and outcome.refusal is not None:
            raise InputError(outcome.refusal)
        waiting = [call for call in turns[0].unit.invoke if call.chart]  # an alert is for people
        turns += self._failures(turns[0])
        while waiting:
            call = waiting.pop(0)
            turns.append(self._turn(self._result(call.chart, call.name, call.armed)))
            waiting += [call for call in turns[-1].unit.invoke if call.chart]
            turns += self._failures(turns[-1])
            if len(turns) > MOST_CALLS:
                raise InputError(
                    f"more than {MOST_CALLS} calls after one message: {call.chart}, {call.name} goes round"
                )
        return turns

    def _failures(self, turn: Turn) -> list[Turn]:
        """The turns of what was refused because the service window is closed."""
        failed = (send for send in turn.unit.sends if send.status is DeliveryStatus.FAILED and send.tells)
        return [
            self._turn(
                self._own(
                    "delivery",
                    "delivery.failed",
                    payload={"id": send.id, "code": send.code, "reason": send.reason, "text": words(send.body)},
                )
            )
            for send in failed
        ]

    def _result(self, chart: str, name: str, armed: int) -> InboundMessage:
        outcome = self.stubs.outcome(self._bot, chart, name)
        event = (DONE_INVOKE if outcome.error is None else ERROR_INVOKE) + name
        payload = {"chart": chart, "id": name, "armed": armed, "data": outcome.data}
        return self._own("action", event, payload=payload)

    def _turn(self, message: InboundMessage) -> Turn:
        try:
            turn = advance(self._bot, self._resolver, self._session, message, self.now)
            if (lost := turn.lost) is not None:
                advice = self.stubs.advice(lambda: asked_of(self._bot, self._resolver, lost, message.text or ""))
                if advice is not None:
                    turn = advance(self._bot, self._resolver, self._session, message, self.now, advice=advice)
        except Exception as error:  # noqa: BLE001 - as in wabox serve, a turn that fails ends in an apology
            turn = apologise(self._bot, self._session, message, self.now, error)
            turn = replace(turn, failures=(Failed("this turn", f"{type(error).__name__}: {error}"),))
        unit = turn.unit
        self._session = after(unit)
        for timer in unit.arm:
            self._timers[timer.name] = timer
        for name in unit.disarm:
            self._timers.pop(name, None)
        if unit.snapshot is None:
            self._timers = {name: timer for name, timer in self._timers.items() if name.startswith("desk:")}
        for content in turn.said:
            # Meta would refuse it: so do we, before anybody publishes it (P8).
            for breach in breaches(content):
                raise InputError(f"WhatsApp would refuse this bubble: {breach.sentence} {breach.fix}")
            if content.options:
                self._titles = {option.event: option.title for option in content.options}
                self._offered.update(self._titles)
        return turn

    def output(self, turns: Sequence[Turn]) -> dict[str, Any]:
        """What scripts and tests see of an input's turns."""
        last = turns[-1] if turns else None
        snapshot = last.snapshot if last else self.snapshot
        found = next((turn.understanding for turn in reversed(turns) if turn.understanding), None)
        return {
            "sent": [
                send.body for turn in turns for send in turn.unit.sends if send.status is not DeliveryStatus.FAILED
            ],
            "states": list(snapshot.leaves) if snapshot else [],
            "stack": [{"chart": frame.chart, "states": list(frame.leaves)} for frame in snapshot.stack]
            if snapshot
            else [],
            "context": dict(snapshot.context) if snapshot else {},
            "intent": found.intent if found else None,
            "confidence": found.confidence if found else None,
            "tier": found.tier if found else None,
            "candidates": [
                {"intent": one.intent, "confidence": round(one.confidence, 4)}
                for one in (found.candidates if found else ())
            ],
            "ms": found.ms if found else None,
            "why": why(found) if found else None,
            "entities": dict(entities(found)) if found else {},
            "language": (found.language if found else None) or (snapshot.language if snapshot else None),
            "events": [event for turn in turns for event in turn.events],
            "handoffs": [
                {"status": handoff.status, "queue": handoff.queue, "reason": handoff.reason}
                if handoff.status == "waiting"
                else {"status": handoff.status}
                for turn in turns
                for handoff in turn.unit.handoffs
            ],
            "failed": [{"where": failure.where, "error": failure.error} for turn in turns for failure in turn.failures],
        }
