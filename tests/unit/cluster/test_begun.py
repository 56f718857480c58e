"""Which messages this process began to send, and which of them it has yet to post."""

from __future__ import annotations

from tests.fakes import NOW
from tests.integration.storage import attempt, outbound
from wabox.cluster.begun import Begun
from wabox.core.changed import changed
from wabox.core.delivery import DeliveryStatus

SENDING, SENT = DeliveryStatus.SENDING, DeliveryStatus.SENT
ROW = changed(outbound("a"), status=SENDING, attempted_at=NOW)


def test_a_message_is_posted_by_whoever_says_first_that_it_leaves_and_once() -> None:
    begun = Begun(lambda: NOW)
    begun.committing([ROW])
    begun.committed([ROW])
    assert begun.ours(ROW)
    assert begun.post(ROW)
    assert not begun.post(ROW)


def test_another_workers_message_is_in_doubt() -> None:
    begun = Begun(lambda: NOW)
    assert not begun.post(ROW)
    assert begun.doubtful([ROW])
    begun.committed([ROW])
    theirs = changed(ROW, attempted_at=NOW + 1)
    assert not begun.post(theirs), "somebody began anew since"


def test_a_unit_that_nobody_heard_of_leaves_its_message_to_us() -> None:
    """Redis did not answer. If it is stored, it is the first try's: the second one found it known."""
    begun = Begun(lambda: NOW)
    begun.committing([ROW])
    again = changed(ROW, attempted_at=NOW + 5)
    begun.refused(begun.committing([again]))
    assert begun.post(ROW)


def test_a_unit_that_was_tried_twice_leaves_its_message_to_us_whichever_try_is_stored() -> None:
    """A shard failed over: the first try is not on the new primary, the second is, and nobody heard of either."""
    begun = Begun(lambda: NOW)
    begun.committing([ROW])
    again = changed(ROW, attempted_at=NOW + 5)
    begun.committing([again])
    begun.refused(begun.committing([changed(ROW, attempted_at=NOW + 9)]))
    assert not begun.doubtful([again])
    assert begun.post(again)
    assert not begun.post(ROW), "it left"


def test_a_mark_that_nobody_heard_of_leaves_its_message_to_us() -> None:
    """It waited for the one before it; whether it is marked as being sent is unknown, that it was not posted is not."""
    begun = Begun(lambda: NOW)
    begun.settling([attempt("a", SENDING)])
    marked = changed(ROW, attempted_at=attempt("a", SENDING).at)
    assert not begun.doubtful([marked])
    assert begun.post(marked)
    assert not begun.post(marked)


def test_a_unit_that_was_refused_leaves_nothing() -> None:
    begun = Begun(lambda: NOW)
    begun.refused(begun.committing([ROW]))
    assert not begun.ours(ROW)
    assert not begun.post(ROW)


def test_what_became_known_need_not_be_posted() -> None:
    begun = Begun(lambda: NOW)
    begun.committed([ROW])
    begun.settled([attempt("a", SENT)], late=())
    assert not begun.post(ROW)
