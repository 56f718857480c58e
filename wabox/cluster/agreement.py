"""What a customer said about being written to holds for the business, not for the number that it was said to (promise P11).

It is carried to their other conversations when it comes over into the records, half a second after it was said, and to a
conversation that begins. It may be done again: what is older than a conversation's own last word changes nothing there.
"""

from __future__ import annotations

from typing import Any

from wabox.cluster.records import people
from wabox.cluster.sessions import RedisSessions
from wabox.core.consent import NEVER_ASKED, Consent
from wabox.core.contact import Contact
from wabox.core.conversation import Session, UnitOfWork
from wabox.core.ports import Clock


class Agreement:
    def __init__(self, sessions: RedisSessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock

    async def spread(self, connection: Any, unit: UnitOfWork) -> None:
        """In the transaction that stores the unit. Raises Unavailable."""
        if unit.expected == 0 and unit.consent == NEVER_ASKED:
            held = await people.consents_of(connection, unit.contact, unit.conversation_id)
            newest = max(held, key=lambda one: one.since or 0, default=NEVER_ASKED)
            if newest != NEVER_ASKED:
                await self._hold(unit.conversation_id, unit.contact, newest)
        if unit.consents:
            for id_ in await people.same(connection, unit.contact, unit.conversation_id):
                await self._hold(id_, None, unit.consent)

    async def _hold(self, id_: str, contact: Contact | None, consent: Consent) -> None:
        while True:
            session = await self._sessions.open(id_)
            contact = session.contact or contact
            older = (consent.since or 0) < (session.consent.since or 0)
            if contact is None or older or session.consent == consent:
                return
            if await self._sessions.commit(noted(session, contact, consent, self._clock())) == "committed":
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
