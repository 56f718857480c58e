"""What a person of yours did, in the transcript: a refused reply is not shown as if it had been said."""

from __future__ import annotations

from typing import Any

from wabox.cli.acts import act_of
from wabox.cli.portrait import page as portrait
from wabox.cli.standing import page
from wabox.core.conversation import Contact, ConversationSummary, Record
from wabox.core.delivery import outbound_id
from wabox.services.desk import SAID


def act(kind: str, text: str, ref: str, **more: Any) -> Record:
    payload = {"agent": "eva", "by": "Eva", **more.pop("payload", {})}
    body = {"channel": "agent", "type": kind, "text": text, "payload": payload, "outcome": "done", **more}
    return Record(at=0, kind="in", ref=ref, body=body)


SPOKEN = act("reply", "It is ready", "r1")
LEFT = Record(at=1, kind="out", ref=outbound_id("r1", SAID), body={"type": "text", "text": {"body": "It is ready"}})
REFUSED = act("reply", "I hate mornings", "r2", outcome="Ana has this case")
NOTED = act("note", "prefers tea", "n1")
GIVEN = act("transfer", "", "t1", payload={"queue": "billing"})
ASKED = Record(at=0, kind="in", ref="m1", body={"channel": "whatsapp", "type": "text", "text": "is it ready?"})
EVERY = [ASKED, SPOKEN, LEFT, REFUSED, NOTED, GIVEN]


def test_the_page_of_a_conversation() -> None:
    one = ConversationSummary(conversation_id="1:2", contact=Contact(), snapshot=None, sequence=0, updated_at=0)
    shown = "\n".join(page(one, EVERY, 0))
    assert shown.count("It is ready") == 1
    assert "Eva: It is ready" in shown
    assert "customer: is it ready?" in shown
    assert "hate" not in shown
    assert "Eva: [reply refused: Ana has this case]" in shown
    assert "Eva: [note] prefers tea" in shown
    assert "Eva: [transfer to billing]" in shown


def test_the_page_for_the_customer() -> None:
    lines = [{"at": one.at, "kind": one.kind, "ref": one.ref, "body": one.body} for one in EVERY]
    person = {"name": "Sam", "handle": "x", "identities": []}
    talk = {"id": "1:2", "transcript": lines, "snapshot": None, "handoffs": []}
    shown = portrait({"person": person, "consents": [], "conversations": [talk]}, {})
    assert shown.count("It is ready") == 1
    assert "<td>they<td>is it ready?" in shown
    assert "hate" not in shown
    assert "<td>Eva<td>[note] prefers tea" in shown


def test_what_is_no_act() -> None:
    assert act_of(ASKED) is None
    assert act_of(LEFT) is None
