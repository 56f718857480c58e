"""A conversation as one document: what a unit of work, the sender and a delivery status make of it."""

from __future__ import annotations

import pytest

from tests.fakes import NOW
from tests.integration.storage import attempt, contact, conversation, outbound, unit
from wabox.cluster.document import (
    DAY,
    KEPT,
    LASTING,
    Document,
    committed,
    dropped,
    failure,
    folded,
    kept_for,
    pack,
    read,
    rearmed,
    ring,
    settled,
    timer_id,
    unpack,
)
from wabox.core.changed import changed
from wabox.core.consent import Consent
from wabox.core.conversation import Session, Timer
from wabox.core.delivery import DeliveryStatus, StatusUpdate
from wabox.core.handoff import Handoff
from wabox.core.invocation import Invocation

QUEUED, SENDING, SENT = DeliveryStatus.QUEUED, DeliveryStatus.SENDING, DeliveryStatus.SENT
FAILED, UNKNOWN, DELIVERED = DeliveryStatus.FAILED, DeliveryStatus.UNKNOWN, DeliveryStatus.DELIVERED
EMPTY = Document(session=Session(conversation_id=conversation()))


def after(*sends: str, document: Document = EMPTY) -> Document:
    """The document once a message was answered with these."""
    said = unit("in", expected=document.session.sequence, sends=[outbound(id_) for id_ in sends])
    return committed(document, said)[0]


def waits(document: Document) -> list[str]:
    return [row.id for row in document.work.outbox]


def says(status: DeliveryStatus, message_id: str) -> StatusUpdate:
    id_ = outbound(message_id).id
    return StatusUpdate(wamid="wamid.1", number_id="1", status=status, timestamp=NOW, outbound_id=id_)


@pytest.mark.parametrize("snapshot", [b"{}", b"x" * 5000, b"y" * 50_000], ids=["short", "compressed", "large"])
def test_what_is_stored_reads_the_same(snapshot: bytes) -> None:
    document, _ = committed(
        EMPTY, unit("a", snapshot=snapshot, sends=[outbound("a")], arm=[Timer(name="soft", due_at=NOW, armed=1)])
    )
    again = read(conversation(), b"1", pack(document.session), pack(document.work))
    assert again == document
    assert len(pack(document.session)) < 1000


def test_nothing_stored_is_an_empty_conversation() -> None:
    assert read(conversation(), None, None, None) == EMPTY


def test_what_another_program_wrote_is_refused() -> None:
    with pytest.raises(ValueError, match="not written by this wabox"):
        unpack(b"{}")


def test_messages_wait_in_order_and_once() -> None:
    document = after("c", document=after("a", "b"))
    assert waits(document) == [outbound(id_).id for id_ in "abc"]
    assert waits(after("a", document=document)) == waits(document)
    assert (document.version, document.session.sequence) == (2, 2)


def test_a_message_that_is_said_to_leave_waits_where_another_worker_left_something() -> None:
    """Whoever wrote the unit knew of nothing before it."""
    leaving = changed(outbound("b"), status=SENDING)
    alone, _ = committed(EMPTY, unit("in", sends=[leaving, outbound("c")]))
    assert [(row.status, row.attempts) for row in alone.work.outbox] == [(SENDING, 1), (QUEUED, 0)]
    behind, _ = committed(after("a"), unit("in", expected=1, sends=[leaving]))
    assert [row.status for row in behind.work.outbox] == [QUEUED, QUEUED]


def test_what_the_sender_learns_moves_the_version_and_not_the_session() -> None:
    document, marks, late = settled(after("a", "b"), [attempt("a", SENDING)])
    assert [(row.status, row.attempts) for row in document.work.outbox] == [(SENDING, 1), (QUEUED, 0)]
    assert (marks, late, document.version, document.session.sequence) == ([], set(), 2, 1)
    document, marks, late = settled(document, [attempt("a", SENT, wamid="wamid.1"), attempt("b", SENDING)])
    assert waits(document) == [outbound("b").id]
    assert [(mark.status, mark.wamid, mark.attempts) for mark in marks] == [(SENT, "wamid.1", 1)]
    assert late == set()


def test_a_message_that_is_settled_must_not_be_sent() -> None:
    document = settled(after("a"), [attempt("a", SENT)])[0]
    assert settled(document, [attempt("a", SENDING)])[2] == {outbound("a").id}


def test_a_failure_is_told_to_the_flow_until_it_is_handled() -> None:
    document = settled(after("a"), [attempt("a", FAILED, reason="no such number")])[0]
    (row,) = document.work.untold
    assert document.work.unsent == 0, "a sweep must find it"
    told = failure(document.session, row, NOW)
    assert told is not None
    assert (told.type, told.payload["reason"]) == ("delivery.failed", "no such number")
    document, _ = committed(document, unit(told.message_id, expected=1))
    assert document.work.untold == ()
    assert document.work.unsent is None


def test_when_the_first_message_may_leave() -> None:
    later = [outbound("a", due_at=NOW + 5), outbound("b", due_at=NOW + 2)]
    document, _ = committed(EMPTY, unit("in", sends=later))
    assert document.work.unsent == NOW + 2
    assert after("c", document=document).work.unsent == 0
    assert EMPTY.work.unsent is None


def test_a_status_ends_a_doubt_once() -> None:
    document = settled(after("a", "b"), [attempt("a", UNKNOWN)])[0]
    settled_by_status = folded(document, says(DELIVERED, "a"), outbound("a").id)
    assert settled_by_status is not None
    assert waits(settled_by_status) == [outbound("b").id]
    assert folded(settled_by_status, says(DELIVERED, "a"), outbound("a").id) is None, "it may come again"


def test_a_status_that_tells_of_a_failure_reaches_the_flow() -> None:
    document = folded(after("a"), says(FAILED, "a"), outbound("a").id)
    assert document is not None
    assert [row.id for row in document.work.untold] == [outbound("a").id]


def test_what_somebody_took_out_is_marked_as_failed() -> None:
    document, marks = dropped(after("a", "b"), outbound("a").id, NOW, "by hand")
    assert waits(document) == [outbound("b").id]
    assert [(mark.status, mark.reason) for mark in marks] == [(FAILED, "by hand")]
    assert dropped(document, outbound("a").id, NOW, "by hand") == (document, [])


def test_a_person_who_takes_over_withdraws_what_did_not_leave() -> None:
    document = settled(after("a", "b"), [attempt("a", SENDING)])[0]
    taken = changed(unit("claim", expected=1, sends=[outbound("p", purpose="person")]), withdraw="a person answers")
    document, marks = committed(document, taken)
    assert [(row.id, row.policy) for row in document.work.outbox] == [
        (outbound("a").id, "once"),
        (outbound("p").id, "repeat"),
    ]
    assert [mark.id for mark in marks] == [outbound("b").id]


def test_timers_are_set_rung_and_gone() -> None:
    armed, _ = committed(
        EMPTY,
        unit("a", arm=[Timer(name="soft", due_at=NOW + 10, armed=1), Timer(name="hard", due_at=NOW + 20, armed=1)]),
    )
    assert sorted(rearmed(EMPTY.work, armed.work)) == [("hard", NOW + 20), ("soft", NOW + 10)]
    rung = ring(armed.session, "soft", armed.work.timers["soft"])
    assert rung is not None
    assert rung.message_id == timer_id(conversation(), "soft", 1, NOW + 10)
    heard, _ = committed(armed, unit(rung.message_id, expected=1, disarm=["hard"]))
    assert heard.work.timers == {}
    assert sorted(rearmed(armed.work, heard.work)) == [("hard", None), ("soft", None)]


def test_a_timer_that_was_set_anew_is_not_gone_with_the_old_one() -> None:
    armed, _ = committed(EMPTY, unit("a", arm=[Timer(name="soft", due_at=NOW + 10, armed=1)]))
    rung = ring(armed.session, "soft", armed.work.timers["soft"])
    assert rung is not None
    again, _ = committed(armed, unit(rung.message_id, expected=1, arm=[Timer(name="soft", due_at=NOW + 99, armed=2)]))
    assert again.work.timers == {"soft": (NOW + 99, 2)}


def test_the_end_of_a_conversation_leaves_only_what_is_of_a_case() -> None:
    timers = [Timer(name="soft", due_at=NOW + 10, armed=1), Timer(name="desk:expiry", due_at=NOW + 10, armed=1)]
    call = Invocation(
        id="c",
        conversation_id=conversation(),
        chart="main",
        name="look",
        armed=1,
        request={},
        timeout=1,
        retries=0,
        created_at=NOW,
    )
    document, _ = committed(EMPTY, changed(unit("a", arm=timers, sends=[outbound("a")]), invoke=(call,)))
    assert document.work.calls == (call,)
    document, _ = committed(document, unit("b", expected=1, snapshot=None))
    assert list(document.work.timers) == ["desk:expiry"]
    assert document.work.calls == ()
    assert waits(document) == [outbound("a").id], "what was said still leaves"


def test_a_call_is_over_with_its_result_or_when_nobody_waits() -> None:
    calls = tuple(
        Invocation(
            id=id_,
            conversation_id=conversation(),
            chart="main",
            name=f"call-{id_}",
            armed=1,
            request={},
            timeout=1,
            retries=0,
            created_at=NOW,
        )
        for id_ in "xyz"
    )
    document, _ = committed(EMPTY, changed(unit("a"), invoke=calls))
    document, _ = committed(
        document, changed(unit("call:x", expected=1), revoke=(("main", "call-y"),), invoke=calls[2:])
    )
    assert [call.id for call in document.work.calls] == ["z"]


def test_nobody_is_told_whose_contact_is_not_known() -> None:
    assert ring(EMPTY.session, "soft", (NOW, 1)) is None
    assert failure(EMPTY.session, outbound("a"), NOW) is None
    assert contact().name == "Ana"


def test_nobody_is_forgotten_who_must_not_be() -> None:
    """35 days, and as much longer as something is due later; very long where somebody said stop or has a case."""
    at_rest = committed(Document(session=Session(conversation_id=conversation())), unit(sends=[outbound("a")]))[0]
    assert kept_for(at_rest, NOW) == KEPT
    reminder = [Timer(name="after:60d:ask", due_at=NOW + 60 * DAY, armed=1)]
    assert kept_for(committed(at_rest, unit(expected=1, arm=reminder))[0], NOW) == KEPT + 60 * DAY
    later = outbound("b", due_at=NOW + 40 * DAY)
    assert kept_for(committed(at_rest, unit(expected=1, sends=[later]))[0], NOW + DAY) == KEPT + 39 * DAY
    past = [Timer(name="soft", due_at=NOW - DAY, armed=1)]
    assert kept_for(committed(at_rest, unit(expected=1, arm=past))[0], NOW) == KEPT
    stopped = changed(unit(expected=1), consent=Consent(stopped=True, since=NOW))
    assert kept_for(committed(at_rest, stopped)[0], NOW) == LASTING
    case = Handoff(id="h", conversation_id=conversation(), status="waiting", at=NOW, opened_at=NOW)
    assert kept_for(committed(at_rest, unit(expected=1, case=case))[0], NOW) == LASTING
