"""What concerns a conversation and is not the customer's message to us."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.whatsapp.payloads import NOW, NUMBER, SENT_AT, arrival, text
from wabox.core.contact import Contact
from wabox.core.message import Arrival, InboundMessage
from wabox.whatsapp.webhook import parse

BSUID, PHONE = "MX.40000000000000000001", "5215550002222"


def change(field: str, **value: Any) -> Arrival:
    value = {"metadata": {"phone_number_id": NUMBER}, **value}
    body = {"entry": [{"id": "1", "changes": [{"field": field, "value": value}]}]}
    return parse(json.dumps(body).encode(), NOW)


def only(arrived: Arrival) -> InboundMessage:
    assert (len(arrived.messages), len(arrived.statuses), len(arrived.others), len(arrived.dead)) == (1, 0, 0, 0), (
        arrived
    )
    return arrived.messages[0]


def test_an_echo_is_ours_and_about_the_customer() -> None:
    """What a person typed on the phone belongs to the conversation of the one it was written to."""
    message = only(arrival("echo"))
    assert (message.channel, message.type, message.text) == ("echo", "text", "Ya te atiendo")
    assert message.contact == Contact(user_id=BSUID, wa_id=PHONE)
    assert message.raw["from"] == "15550001111"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (
            {"type": "edit", "edit": {"original_message_id": "wamid.E0", "message": {"type": "text", "text": {}}}},
            "edited",
        ),
        ({"type": "revoke", "revoke": {"original_message_id": "wamid.E0"}}, "deleted"),
        ({"type": "image", "image": {"id": "1"}}, "image"),
        ({"type": "carrier_pigeon", "carrier_pigeon": {"wings": 2}}, "carrier_pigeon"),
    ],
)
def test_an_echo_of_any_type(content: dict[str, Any], kind: str) -> None:
    """Echoes have every type that messages have, and edit and revoke."""
    element = {"id": "wamid.E1", "to": PHONE, "timestamp": "1795300000", **content}
    assert only(change("smb_message_echoes", message_echoes=[element])).type == kind


def test_a_bad_echo_is_put_aside() -> None:
    """The others come through, and what stands beside them is kept."""
    good = text(to=PHONE)
    arrived = change("smb_message_echoes", message_echoes=[good, {"id": 7}, "?", good], novelty={"x": 1})
    assert [message.message_id for message in arrived.messages] == ["wamid.1", "wamid.1"]
    assert [letter.raw for letter in arrived.dead] == [b'{"id": 7}', b'"?"']
    assert [(other.field, other.raw) for other in arrived.others] == [("smb_message_echoes.novelty", b'{"x": 1}')]


def test_standby_is_a_copy() -> None:
    """A message that another partner has must not stand in the way of the same one, should it come to us."""
    message = only(arrival("standby_message"))
    assert (message.channel, message.message_id, message.text) == ("standby", "standby:wamid.S1", "¿abren hoy?")


def test_a_standby_echo_wraps_what_was_sent() -> None:
    """The partner's answer is the body of its request, one level deeper."""
    body = {"to": PHONE, "recipient_type": "individual", "type": "text", "text": {"body": "Sí, hasta las 20 h"}}
    element = {"id": "wamid.S3", "timestamp": "1795300037", "message": body}
    message = only(change("standby", standby={"message_echoes": [element]}))
    assert (message.channel, message.text, message.payload["sent_by"]) == ("standby", "Sí, hasta las 20 h", "partner")
    assert message.contact.wa_id == PHONE


def test_standby_statuses_are_kept() -> None:
    """They are about a partner's messages."""
    arrived = change("standby", standby={"statuses": [{"id": "wamid.S2", "status": "delivered"}], "messages": []})
    assert [other.field for other in arrived.others] == ["standby.statuses"]


def test_a_call() -> None:
    """A call is dated by its own time, told apart by its event, and joined with the card's other id."""
    message = only(arrival("call"))
    assert (message.channel, message.type, message.message_id) == ("notice", "call", "call:wacid.C1:connect")
    assert message.payload["direction"] == "USER_INITIATED"
    assert message.timestamp == SENT_AT + 60_000
    assert message.contact.wa_id == PHONE
    assert message.contact.user_id is not None


def test_a_call_about_nobody_is_kept() -> None:
    """The end of a call may say only which call; one without even that makes no sense."""
    arrived = change("calls", calls=[{"id": "wacid.C1", "event": "terminate"}, {"event": "connect"}], statuses=[{}])
    assert [other.field for other in arrived.others] == ["calls.element", "calls.statuses"]
    assert [letter.reason for letter in arrived.dead] == [f"calls at number {NUMBER}: a call without id"]


def test_our_call_is_about_whom_we_call() -> None:
    """Of a call by the business the customer is at the other end."""
    call = {"id": "c", "event": "connect", "direction": "BUSINESS_INITIATED", "from": "15550001111", "to": PHONE}
    assert only(change("calls", calls=[call])).contact.wa_id == PHONE


def test_the_card_tells_whose_call_it_is() -> None:
    """Some calls have our own number at both ends, or at the wrong one."""
    call = {"id": "c", "event": "connect", "direction": "BUSINESS_INITIATED", "from": "15550002", "to": "15550001"}
    card = {"wa_id": PHONE, "user_id": BSUID}
    assert only(change("calls", calls=[call], contacts=[card])).contact == Contact(user_id=BSUID, wa_id=PHONE)


def test_a_preference_said_twice_is_one() -> None:
    """It has no id of its own: what it says is its id."""
    said = {"user_id": BSUID, "category": "marketing_messages", "value": "stop", "timestamp": 1795300070}
    first, again, other = (
        only(change("user_preferences", user_preferences=[content]))
        for content in (said, dict(reversed(said.items())), {**said, "value": "resume"})
    )
    assert (first.type, first.payload["value"], first.timestamp) == ("preference", "stop", SENT_AT + 70_000)
    assert first.message_id == again.message_id != other.message_id


def test_a_handover() -> None:
    """A thread that changed hands is on record in its conversation."""
    message = only(arrival("handover"))
    assert (message.type, message.payload["type"], message.contact.wa_id) == ("handover", "control_passed", PHONE)


@pytest.mark.parametrize("value", [{"message_echoes": None}, {"message_echoes": []}, {}, {"metadata": 3}])
def test_a_change_without_elements(value: dict[str, Any]) -> None:
    """It is never lost without a trace unless there is nothing in it, and never raises."""
    arrived = change("smb_message_echoes", **value)
    assert not arrived.messages
    assert not arrived.dead
