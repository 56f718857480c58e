"""Who may take which case: the queues and skills of an account, and how many cases one agent may have at once.

What an agent has is counted over all conversations, so it is asked here, before the act enters one of them. Two claims of the
same agent are asked one after the other; so nobody has more than the queue's ``capacity``. An owner takes what they like. A
name without an account (``--as Marta``) has no queues or skills to be asked for, but is counted like everybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from weakref import WeakValueDictionary

from wabox.core.act import Act
from wabox.core.agent import Agent
from wabox.core.handoff import Handoff
from wabox.errors import WaboxError
from wabox.flowfile.bot import Bot
from wabox.settings import QueueSettings

Alone = Callable[[str], AbstractAsyncContextManager[None]]
"""Within it nobody else counts an agent's cases, by id."""


def in_this_process(agent: str) -> AbstractAsyncContextManager[None]:
    """One process serves: its own locks are enough."""
    return nullcontext()


class NoCase(WaboxError):
    """There is no case of that name, or more than one."""


class NotDone(WaboxError):
    """An act was refused; the message says why."""


class Full(NotDone):
    """The agent has as many cases as one may have."""


class Entry:
    def __init__(
        self, account: Callable[[str], Agent | None], bot: Callable[[], Bot], alone: Alone = in_this_process
    ) -> None:
        """``account``: an agent by id, if there is such an account. ``alone``: lets one process of several in at a time."""
        self._account = account
        self._bot = bot
        self._alone = alone
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def agent(self, id_: str, name: str = "") -> Agent:
        """Whoever acts under this id."""
        return self._account(id_) or Agent(id=id_, name=name or id_, roles=())

    @asynccontextmanager
    async def open(
        self, act: Act, case: Handoff, who: Agent | None, cases: Callable[[], Awaitable[Sequence[Handoff]]]
    ) -> AsyncIterator[None]:
        """Let them in, one act of each agent that takes a case at a time. ``cases``: the open ones. Raises NotDone, Full."""
        if who is None or (taker := self._taker(act, case, who)) is None:
            yield
            return
        queue = self._bot().manners.queues.get(case.queue) or QueueSettings(name=case.queue)
        lock = self._locks.setdefault(taker.id, asyncio.Lock())
        async with lock, self._alone(taker.id) if queue.capacity else nullcontext():
            refusal = self._refusal(taker, queue, await cases() if queue.capacity else (), case)
            if refusal is not None and "owner" not in who.roles:
                raise refusal
            yield

    def _taker(self, act: Act, case: Handoff, who: Agent) -> Agent | None:
        """Who has the case after the act, if that is news."""
        if act.kind == "transfer":
            to = act.more.get("to")
            return self.agent(str(to)) if to else None
        takes = act.kind == "claim" or (act.kind == "reply" and (act.more.get("claim") or act.more.get("take")))
        mine = case.status == "claimed" and case.agent == act.agent
        return who if takes and not mine else None

    def _refusal(self, taker: Agent, queue: QueueSettings, cases: Sequence[Handoff], case: Handoff) -> NotDone | None:
        if taker.disabled:
            return NotDone(f"the account of {taker.name} is closed")
        if "owner" in taker.roles:
            return None
        if taker.queues and queue.name not in taker.queues:
            return NotDone(f"{taker.name} does not answer the queue {queue.name}, but {', '.join(taker.queues)}")
        lacking = [skill for skill in queue.skills if skill not in taker.skills] if taker.roles else []
        if lacking:
            return NotDone(f"the queue {queue.name} needs {', '.join(lacking)}, and {taker.name} does not have that")
        has = sum(one.status == "claimed" and one.agent == taker.id and one.id != case.id for one in cases)
        if queue.capacity and has >= queue.capacity:
            return Full(f"{taker.name} has {has} cases, as many as one may have at once: close or transfer one first")
        return None
