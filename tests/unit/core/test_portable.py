"""Whether two sides have the same is told by a digest."""

from __future__ import annotations

import pytest

from tests.fakes import NOW
from wabox.core.alert import Alert
from wabox.core.changed import changed
from wabox.core.conversation import Archive, Session
from wabox.core.delivery import DeliveryStatus, OutboundMessage
from wabox.core.handoff import Handoff
from wabox.core.portable import Card, Portable, digest

CASE = Handoff(id="h1", conversation_id="1:ana", status="closed", at=NOW, opened_at=NOW)
ALERT = Alert(id="a1", conversation_id="1:ana", case="h1", to="console", what="opened", created_at=NOW, due_at=NOW)
SENT = OutboundMessage(
    id="o1", conversation_id="1:ana", number_id="1", body={}, created_at=NOW, status=DeliveryStatus.SENT
)
CARD = Card(message=SENT, wamid="w1")
WHOLE = Portable(session=Session(conversation_id="1:ana"), cases=(CASE,), alerts=(ALERT,), cards=(CARD,))


@pytest.mark.parametrize(
    "more",
    [
        {"cases": ()},
        {"cases": (changed(CASE, rating=5),)},
        {"alerts": ()},
        {"alerts": (changed(ALERT, status="accepted"),)},
        {"cards": ()},
        {"cards": (changed(CARD, wamid=None),)},
    ],
)
def test_what_people_have_to_do_with_counts(more: dict[str, object]) -> None:
    """A case, who was told of it, and the card that told them: none may be missing or otherwise."""
    assert digest(changed(WHOLE, **more)) != digest(WHOLE)


def test_what_does_not_go_on_does_not_count() -> None:
    """An archive is looked at only at rest; how often a card was tried is nobody's business any more."""
    over = changed(WHOLE.session, archived=Archive(at=NOW, reason="done", snapshot=b"{}"))
    tried = Card(message=changed(SENT, attempts=2), wamid="w1")
    assert digest(changed(WHOLE, session=over, cards=(tried,))) == digest(WHOLE)
