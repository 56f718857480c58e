"""From a stored message to a committed unit of work (promises P2, P3, P4).

The lanes call :meth:`Messages.handle` with one message of a conversation at a time. A turn that fails, because a flow's own
Python is wrong or the snapshot does not fit, still ends in a commit: the customer gets a reply, the case goes to people,
and the reason is on record. Only a store that does not answer makes the lane try again.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from wabox.core.change import changed_by
from wabox.core.changed import changed
from wabox.core.conversation import Session
from wabox.core.delivery import DeliveryStatus
from wabox.core.measures import Measures
from wabox.core.message import Arrival, InboundMessage
from wabox.core.ports import Clock, Ingress, Sessions
from wabox.engine.snapshot import decode
from wabox.engine.view import held
from wabox.errors import ConversationError, StorageError
from wabox.flowfile.bot import Bot
from wabox.services.alarms import Alarms
from wabox.services.answers import Answers
from wabox.services.briefs import Briefs
from wabox.services.changes import Changes
from wabox.services.colleagues import Colleagues
from wabox.services.conversations import advance, apologise
from wabox.services.hearing import Hearing
from wabox.services.invocations import Invocations
from wabox.services.llm import Advisor
from wabox.services.outbox import Outbox
from wabox.services.passage import noted, traced, turned
from wabox.services.presence import Presence
from wabox.services.turn import Turn
from wabox.services.versions import Strange, Versions, has

log = structlog.get_logger(__name__)


UNDER_WAY = 20
"""Messages looked through for one that may be on its way."""


def _says(body: Mapping[str, Any]) -> Any:
    """What tells one message from another: the words, and of what has none the type."""
    kind = body.get("type")
    content = body.get(kind) if isinstance(kind, str) else None
    return kind, content.get("body") if isinstance(content, Mapping) else None


def speaks(session: Session, now: int) -> bool:
    """Whether the bot is about to answer: no person has the conversation, and the customer did not say stop."""
    claimed = session.case is not None and session.case.status == "claimed"
    return session.quiet_until <= now and not claimed and not session.consent.stopped


def _written_at(message: InboundMessage) -> int:
    return message.timestamp


class Messages:
    """Accepts what webhooks bring and moves conversations on."""

    def __init__(
        self,
        *,
        versions: Versions,
        ingress: Ingress,
        sessions: Sessions,
        outbox: Outbox,
        invocations: Invocations,
        presence: Presence,
        clock: Clock,
        hearing: Hearing | None = None,
        advisor: Advisor | None = None,
        measures: Measures | None = None,
        slow: float = 0.0,
        monotonic: Callable[[], float] = time.perf_counter,
        answers: Answers | None = None,
        changes: Changes | None = None,
    ) -> None:
        """``advisor``: asks a language model about what nobody understands; None: there is none. A turn that takes longer than
        ``slow`` seconds is in the log with what it did; 0: none is."""
        self._versions = versions
        self._ingress = ingress
        self._sessions = sessions
        self._outbox = outbox
        self._invocations = invocations
        self._presence = presence
        self._clock = clock
        self._hearing = hearing
        self.advisor = advisor
        self._measures = measures or Measures()
        self._slow = slow
        self._monotonic = monotonic
        self.answers = answers or Answers()
        """What became of people's acts."""
        self.alarms: Alarms | None = None
        self.colleagues: Colleagues | None = None
        """Agents who answer on WhatsApp."""
        self.briefs: Briefs | None = None
        """Who writes summaries of cases. All three are set by who wires them: they need what this has."""
        self.changes = changes or Changes()
        """What consoles and shells are told of."""

    @property
    def crowded(self) -> bool:
        """New messages would be refused now."""
        return self._ingress.crowded

    async def aclose(self) -> None:
        """Let go of what was opened to read messages."""
        if self._hearing is not None:
            await self._hearing.aclose()
        if self.briefs is not None:
            await self.briefs.stop()
        if self.advisor is not None:
            await self.advisor.aclose()

    async def accept(self, arrival: Arrival) -> None:
        """Store it; durable when this returns. Raises Unavailable when it was not stored.

        Nothing promises the order of the messages within one webhook, so they are taken in the order of their times.
        """
        if len(arrival.messages) > 1:
            arrival = changed(arrival, messages=tuple(sorted(arrival.messages, key=_written_at)))
        now = self._clock()
        for message in arrival.messages:
            self._measures.arrived(message.message_id, now)
        await self._ingress.put(arrival)
        for message in arrival.messages:
            self._measures.stored(message.message_id)
        if arrival.statuses:
            with contextlib.suppress(
                StorageError
            ):  # it is stored, so it is acknowledged; what follows from it comes later
                await self._outbox.hear(arrival.statuses)
        for letter in arrival.dead:
            log.warning("webhook.dead_letter", reason=letter.reason, bytes=len(letter.raw))
        for other in arrival.others:
            log.info("webhook.other", field=other.field)

    async def handle(self, message: InboundMessage) -> None:
        """Advance the conversation by one message; returns when that is committed."""
        measures, began = self._measures, self._monotonic()
        arrived = measures.begins(message.message_id, self._clock())
        if message.channel == "timer":
            measures.lateness.observe(max(0, self._clock() - message.timestamp) / 1000)
        if message.channel == "echo" and await self._ours(message):
            message = changed(message, channel="notice", type="own_echo", payload={})
        if message.type == "voice" and message.channel == "whatsapp" and self._hearing is not None:
            message = await self._heard(message, self._hearing)
        if self.colleagues is not None:
            message = await self.colleagues.heard(message)
        spoilt: Exception | None = None
        while True:
            session = await self._sessions.open(message.conversation_id)
            now = self._clock()
            if speaks(session, now):
                self._presence.begins(message)
            on = self._versions.live
            try:
                if spoilt is not None:
                    raise spoilt
                on, move = self._versions.take_up(session, message, now)
                turn = advance(on.bot, on.resolver, session, message, now, move)
                if turn.lost is not None and self.advisor is not None:
                    # Only this conversation's lane waits. Nothing was done yet, so nothing is lost if we die here.
                    advice = await self.advisor.advise(on.bot, on.resolver, turn.lost, message)
                    now = self._clock()
                    turn = advance(on.bot, on.resolver, session, message, now, move, advice)
            except Strange as strange:
                # Another process was faster with a new version. Unavailable: the lane tries again; the customer waits, and
                # is not handed to people for that.
                await self._versions.find_out(strange)
                continue
            except Exception as error:
                measures.failures += 1
                log.error(
                    "turn.failed", conversation=message.conversation_id, message=message.message_id, exc_info=error
                )
                turn = apologise(on.bot, session, message, now, error)
            unit = noted(turn, session)
            if (
                unit.sends
                and unit.sends[0].status is DeliveryStatus.QUEUED
                and self._outbox.idle(unit.conversation_id, unit.number_id)
            ):
                # It leaves right after the commit, so the commit can say so: the mark costs nothing.
                first = changed(unit.sends[0], status=DeliveryStatus.SENDING, attempted_at=now)
                unit = changed(unit, sends=(first, *unit.sends[1:]))
            thought = self._monotonic()
            try:
                result = await self._sessions.commit(unit)
                stored = self._monotonic()
            except StorageError:
                raise  # the lane tries again
            except Exception as error:
                if spoilt is not None:
                    raise
                log.error("turn.not_stored", conversation=message.conversation_id, exc_info=error)
                spoilt = error
                continue
            if result == "conflict":
                measures.conflicts += 1
                log.info("turn.conflict", conversation=message.conversation_id)
                continue
            if message.channel == "agent" and result == "committed":
                self.answers.acted(message, turn.outcome)
            if result == "committed":
                tier = "none" if turn.understanding is None else turn.understanding.tier
                took = self._monotonic() - began
                measures.turns[tier].observe(took)
                if 0 < self._slow < took:
                    measures.slow += 1
                    log.warning("turn.slow", **traced(turn, message, took, thought - began, stored - thought))
                self.changes.publish(changed_by(unit))
                if self.briefs is not None:
                    self.briefs.opened(session.case, unit.handoffs)
                leaving = [send for send in unit.sends if send.status is not DeliveryStatus.FAILED]
                if arrived is not None and message.channel == "whatsapp":
                    for send in leaving:
                        measures.leaves(send.id, arrived)
                if measures.traces is not None:
                    told = turned(turn, message, took, thought - began, stored - thought, leaving)
                    measures.traces.turned(message.message_id, told)
                self._outbox.deliver(unit.conversation_id, leaving)
                if len(leaving) < len(unit.sends):
                    await self._outbox.look()
                self._invocations.run(unit.invoke)
                if unit.alerts and self.alarms is not None:
                    self.alarms.wake()
                self._show(on.bot, turn, message)
                self._report(turn, message)
            return

    async def _heard(self, message: InboundMessage, hearing: Hearing) -> InboundMessage:
        """The message with the words of a recording."""
        session = await self._sessions.open(message.conversation_id)
        if speaks(session, self._clock()):
            self._presence.begins(message)
        snapshot = None
        if session.snapshot is not None:
            with contextlib.suppress(ConversationError):  # whoever reads it next says so
                snapshot = decode(session.snapshot)
        on = (self._versions.find(snapshot) if snapshot is not None else None) or self._versions.live
        if snapshot is not None and not has(on.bot, snapshot.charts):
            snapshot = None
        return await hearing.heard(message, on.bot, snapshot)

    async def _ours(self, message: InboundMessage) -> bool:
        """Whether an echo is of a message that the bot sent: by its id, or, while nobody knows that id yet, by what it says."""
        if await self._sessions.ours(message.message_id):
            return True
        under_way = await self._sessions.pending(message.conversation_id, UNDER_WAY)
        return any(
            sent.status is not DeliveryStatus.QUEUED and _says(sent.body) == _says(message.raw) for sent in under_way
        )

    def _show(self, bot: Bot, turn: Turn, message: InboundMessage) -> None:
        """Whoever got an answer waits for none; whoever waits for a call's goes on waiting, unless people answer."""
        snapshot, presence = turn.snapshot, self._presence
        waits = not turn.unit.sends and snapshot is not None and bool(snapshot.invokes)
        if not waits:
            presence.ends(message.conversation_id)
        if waits or presence.reads:
            theirs = turn.unit.quiet_until > turn.unit.at or (snapshot is not None and held(bot.charts, snapshot))
            if theirs:
                presence.ends(message.conversation_id)
            elif presence.reads:
                presence.handled(message)

    def _report(self, turn: Turn, message: InboundMessage) -> None:
        understanding = turn.understanding
        log.info(
            "turn",
            conversation=message.conversation_id,
            type=message.type,
            intent=understanding.intent if understanding else None,
            tier=understanding.tier if understanding else None,
            events=turn.events,
            states=turn.states,
            sends=len(turn.unit.sends),
        )
