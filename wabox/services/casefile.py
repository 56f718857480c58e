"""The case of a conversation during one turn: at most one is open."""

from __future__ import annotations

from dataclasses import replace

from wabox.core.delivery import outbound_id
from wabox.core.handoff import Handoff, claimed, closed, offered, passed, returned
from wabox.core.message import InboundMessage

LEFT = "the conversation went on without a person"


class CaseFile:
    """What a turn does to the case. ``changes`` is how it stands after each step, the last word for each id last."""

    def __init__(self, case: Handoff | None, conversation_id: str, message: InboundMessage, now: int) -> None:
        self.case = case
        """The open one."""
        self.changes: list[Handoff] = []
        self._conversation_id = conversation_id
        self._message_id = message.message_id
        self._now = now
        self.pressed = False
        """Whoever answers is to be told again."""
        self.unheard = False
        """Nobody could be told: others are to be."""
        self.offered = False
        """An agent is to be told that it is theirs to take."""
        self.follow_up = 0
        """ms from now until the flow is to hear of the customer again."""
        self.follow_at: int | None = None
        """It was put off until then, ms since the epoch."""
        self._opened = 0
        self._fresh = False
        self._left: Handoff | None = None

    @property
    def claimed(self) -> bool:
        """An agent has the conversation."""
        return self.case is not None and self.case.status == "claimed"

    def open(self, queue: str, reason: str, priority: int) -> None:
        """People are asked. Who asks again while a case is open waits from when they first did."""
        before = self.case or self._left
        if before is not None:
            urgent = max(before.priority, priority)
            case = replace(before, queue=queue, priority=urgent, reason=reason, at=self._now)
        else:
            case = Handoff(
                id=f"h-{outbound_id(self._message_id, self._opened)}",
                conversation_id=self._conversation_id,
                status="waiting",
                at=self._now,
                opened_at=self._now,
                queue=queue,
                priority=priority,
                reason=reason,
                waiting_since=self._now,
            )
            self._opened += 1
        self._fresh = True
        self._left = None
        self._set(case)

    def leave(self) -> None:
        """The flow goes on without people."""
        if self.case is None or self._fresh:
            return  # it ended in the same breath (a final state): people were promised all the same
        self._left = self.case  # unless the flow asks for people again at once: that is the same case
        self._set(closed(self.case, self._now, LEFT))

    def claim(self, agent: str, name: str) -> None:
        if self.case is not None:
            self._set(claimed(self.case, agent, name, self._now))

    def work(self, *, answered: bool) -> None:
        """Whoever has it did something about it."""
        if self.case is not None:
            since = None if answered else self.case.waiting_since
            self._set(replace(self.case, at=self._now, last_agent_at=self._now, waiting_since=since))

    def wait(self) -> None:
        """The customer wrote to whoever has it."""
        if self.case is not None and self.case.status == "claimed" and self.case.waiting_since is None:
            self._set(replace(self.case, at=self._now, waiting_since=self._now))

    def tell(self, told: str) -> None:
        """The customer learns how long it may take."""
        if self.case is not None:
            self._set(replace(self.case, at=self._now, told=told))

    def keep(self) -> None:
        """As it is."""
        if self.case is not None:
            self._set(self.case)

    def press(self, *, alert: bool = True) -> None:
        """It has waited for too long, or nobody could be told."""
        if self.case is not None:
            self.pressed = alert
            self._set(replace(self.case, at=self._now, priority=self.case.priority + 1))

    def offer(self, agent: str, name: str, until: int) -> None:
        """It is theirs to take until then."""
        if self.case is not None:
            self.offered = True
            self._set(offered(self.case, agent, name, until, self._now))

    def pass_on(self) -> None:
        """Who had it offered did not take it; nobody is left: anybody may."""
        if self.case is not None:
            self._set(passed(self.case, self._now))

    def brief(self, words: str) -> None:
        """What a language model made of the conversation."""
        if self.case is not None:
            self._set(replace(self.case, brief=words))

    def give_back(self, queue: str | None = None) -> None:
        if self.case is not None:
            self._set(returned(self.case, self._now, queue))

    def close(self, outcome: str) -> None:
        """For good: if the flow asks for people again, that is another case."""
        if self.case is not None:
            self._set(closed(self.case, self._now, outcome))

    def _set(self, case: Handoff) -> None:
        self.changes.append(case)
        self.case = case if case.open else None
