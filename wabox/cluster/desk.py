"""A worker's desk: cases from the records, and their clocks, which are timers of the conversations in Redis."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from wabox.cluster.document import clocked
from wabox.cluster.records import transcript
from wabox.cluster.records.database import Database
from wabox.cluster.records.desk import PostgresDesk
from wabox.cluster.sessions import RedisSessions
from wabox.core.conversation import Timer
from wabox.core.handoff import Handoff

EVERY: Final = 100_000
"""More open cases than there are."""


class ClusterDesk(PostgresDesk):
    def __init__(self, database: Database, sessions: RedisSessions, settled: Callable[[], Awaitable[None]]) -> None:
        """``settled``: brings every record over that is there now."""
        super().__init__(database)
        self._sessions = sessions
        self._settled = settled

    async def unclocked(self, waiting: str, claimed: str) -> Sequence[Handoff]:
        """Open cases without the timer of that name that their status asks for, if its time is not over.

        Whether it is over is in the transcript, so the records must have come over. A clock that has just gone off is there
        until its turn is committed.
        """
        await self._settled()
        cases = await self.open_cases(EVERY)
        async with self._database.transaction() as connection:
            over = await transcript.not_taken(connection, [case.conversation_id for case in cases])
        found: list[Handoff] = []
        for known in cases:
            if known.id in over:
                continue
            document = await self._sessions.fresh(known.conversation_id)
            case = document.session.case
            if case is not None and (waiting if case.status == "waiting" else claimed) not in document.work.timers:
                found.append(case)
        return found

    async def set_clocks(self, clocks: Sequence[tuple[Handoff, Timer]]) -> int:
        """Set the timers of those cases that are as they were; how many. Whoever sweeps the partition rings them."""
        done = 0
        for case, timer in clocks:
            done += await self._sessions.change(case.conversation_id, partial(clocked, case=case, timer=timer))
        return done
