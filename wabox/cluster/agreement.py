"""What a customer said about being written to holds for the business, not for the number that it was said to (promise P11).

It is carried to their other conversations when it comes over into the records, half a second after it was said, and to a
conversation that begins: each entry, folded into what holds there, so that an opt-in never undoes a stop. It may be done again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from wabox.cluster.records import consents, people
from wabox.cluster.sessions import RedisSessions
from wabox.core.consent import Consent, ConsentEntry, ConsentWhat, fold
from wabox.core.contact import Contact
from wabox.core.conversation import Session, UnitOfWork
from wabox.core.ports import Clock

_OPPOSITE: Final[Mapping[ConsentWhat, ConsentWhat]] = {
    "stop": "start",
    "start": "stop",
    "opt_in": "opt_out",
    "opt_out": "opt_in",
}


class Agreement:
    def __init__(self, sessions: RedisSessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock

    async def spread(self, connection: Any, unit: UnitOfWork) -> None:
        """In the transaction that stores the unit. Raises Unavailable."""
        others = await people.same(connection, unit.contact, unit.conversation_id)
        if not others:
            return
        said = [one for one in unit.consents if not await self._undone(connection, unit, others, one)]
        if unit.expected == 0:
            # A refusal anywhere holds here, too; what was said here comes after it.
            held = fold(said, people.strictest(others.values()))
            await self._write(unit.conversation_id, lambda _: held)
        for id_ in others if said else ():
            await self._write(id_, lambda held: fold(said, held))

    async def _undone(
        self, connection: Any, unit: UnitOfWork, others: Mapping[str, Consent], entry: ConsentEntry
    ) -> bool:
        """Whether they said the opposite later, in any conversation: this one came over late, or again."""
        opposite = _OPPOSITE.get(entry.what)
        ledger = await consents.entries(connection, [unit.conversation_id, *others])
        return any(one.what == opposite and one.at > entry.at for one in ledger)

    async def _write(self, id_: str, change: Callable[[Consent], Consent]) -> None:
        while True:
            session = await self._sessions.open(id_)
            holds = change(session.consent)
            if session.contact is None or holds == session.consent:
                return
            if await self._sessions.commit(noted(session, session.contact, holds, self._clock())) == "committed":
                return


def noted(session: Session, contact: Contact, consent: Consent, now: int) -> UnitOfWork:
    """A unit of work that leaves the conversation as it is, but for what holds about being written to."""
    return UnitOfWork(
        conversation_id=session.conversation_id,
        number_id=session.number_id or session.conversation_id.partition(":")[0],
        contact=contact,
        expected=session.sequence,
        handled=(),
        snapshot=session.snapshot,
        at=session.updated_at or now,  # nobody wrote
        case=session.case,
        opened_at=session.opened_at,
        quiet_until=session.quiet_until,
        consent=consent,
        archive=session.archived,
    )
