"""A webhook is opened so that nothing is lost and nothing bad spreads."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.unit.whatsapp import payloads
from tests.unit.whatsapp.payloads import NOW, NUMBER, arrival, body, envelope, text
from wabox.core.delivery import DeliveryStatus, StatusUpdate
from wabox.core.message import Arrival
from wabox.whatsapp import inbound
from wabox.whatsapp.fields import details
from wabox.whatsapp.fields.people import Payment
from wabox.whatsapp.webhook import parse


def count(arrived: Arrival) -> tuple[int, int, int, int]:
    return len(arrived.messages), len(arrived.statuses), len(arrived.others), len(arrived.dead)


PRICING = {"billable": True, "pricing_model": "PMP", "category": "service", "type": "regular"}


@pytest.mark.parametrize(
    ("name", "update"),
    [
        (
            "status_sent",
            StatusUpdate(
                wamid="wamid.OUT1",
                number_id=NUMBER,
                status=DeliveryStatus.SENT,
                timestamp=1_795_300_002_000,
                outbound_id="ob-7781",
                recipient="MX.40000000000000000001",
                pricing=PRICING,
            ),
        ),
        (
            "status_delivered",
            StatusUpdate(
                wamid="wamid.OUT1",
                number_id=NUMBER,
                status=DeliveryStatus.DELIVERED,
                timestamp=1_795_300_003_000,
                recipient="MX.40000000000000000001",
                pricing=PRICING,
            ),
        ),
        (
            "status_read",
            StatusUpdate(
                wamid="wamid.OUT1",
                number_id=NUMBER,
                status=DeliveryStatus.READ,
                timestamp=1_795_300_009_000,
                recipient="MX.40000000000000000001",
            ),
        ),
        (
            "status_played",
            StatusUpdate(
                wamid="wamid.OUT2",
                number_id=NUMBER,
                status=DeliveryStatus.PLAYED,
                timestamp=1_795_300_020_000,
                recipient="5215550002222",
            ),
        ),
        (
            "status_of_a_group",
            StatusUpdate(
                wamid="wamid.G9",
                number_id=NUMBER,
                status=DeliveryStatus.READ,
                timestamp=1_795_300_030_000,
                recipient="HBgLGROUP1",
            ),
        ),
    ],
)
def test_a_status_is_normalised(name: str, update: StatusUpdate) -> None:
    """Each word of Meta's becomes a delivery status, with our own id when Meta brings it back."""
    assert arrival(name) == Arrival(statuses=(update,))


@pytest.mark.parametrize(("name", "code"), [("status_failed", 131047), ("status_failed_with_bare_details", 131026)])
def test_a_failed_status_says_why(name: str, code: int) -> None:
    """The errors are kept as Meta gives them; their details come as an object or as a bare sentence."""
    (update,) = arrival(name).statuses
    assert update.status is DeliveryStatus.FAILED
    assert [error["code"] for error in update.errors] == [code]
    assert (update.code, update.closed, update.again) == (code, code == 131047, None)
    assert update.reason is not None
    assert update.reason.startswith(f"{code}: ")
    assert update.errors[0]["error_data"]


def test_a_status_with_an_unknown_word_is_kept_not_applied() -> None:
    """A word that Meta invents tomorrow must not be taken for one of ours."""
    (other,) = arrival("status_word_invented_tomorrow").others
    assert (other.field, other.number_id) == ("messages.status", NUMBER)
    assert json.loads(other.raw)["status"] == "warned"
    ours = json.dumps({"id": "wamid.1", "status": "queued"})
    assert count(parse(envelope().replace(b'"messages": []', b'"statuses": [%b]' % ours.encode()), NOW)) == (0, 0, 1, 0)


@pytest.mark.parametrize("word", ["captured", "pending", "failed"])
def test_a_payment_is_no_delivery(word: str) -> None:
    """The order was delivered, and its payment failed: the status has the words and the id of a message's."""
    said = {"id": "wamid.OUT1", "type": "payment", "status": word, "payment": {"reference_id": "order-1"}}
    arrived = parse(envelope(statuses=[said, {"id": "wamid.OUT1", "type": "message", "status": "read"}]), NOW)
    assert [(other.field, other.number_id) for other in arrived.others] == [("messages.payment", NUMBER)]
    assert [update.status for update in arrived.statuses] == [DeliveryStatus.READ]
    found = details(arrived.others[0])
    assert isinstance(found, Payment)
    assert (found.status, found.payment) == (word, {"reference_id": "order-1"})


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "sent",
        {},
        {"id": "wamid.1"},
        {"status": "sent"},
        {"id": 7, "status": "sent"},
        {"id": "wamid.1", "status": ["sent"]},
        {"id": "wamid.1", "status": "failed", "errors": {"code": 1}},
        {"id": "wamid.1", "status": "failed", "errors": ["131047"]},
        {"id": "wamid.1", "status": "sent", "pricing": "free"},
        {"id": "wamid.1", "status": "sent", "biz_opaque_callback_data": 7},
    ],
)
def test_a_bad_status_is_put_aside(bad: Any) -> None:
    """Its neighbours are applied, and so are the messages beside it."""
    good = {"id": "wamid.OUT1", "status": "read", "timestamp": "1795300009"}
    arrived = parse(envelope(text(), statuses=[good, bad, good]), NOW)
    assert count(arrived) == (1, 2, 0, 1)
    assert json.loads(arrived.dead[0].raw) == bad


@pytest.mark.parametrize(
    ("name", "field", "number_id"),
    [
        ("template_rejected", "message_template_status_update", None),
        ("account_restricted", "account_update", None),
        ("field_invented_tomorrow", "telepathy", None),
    ],
)
def test_another_field_is_kept_whole(name: str, field: str, number_id: str | None) -> None:
    """It is stored as an entry of its own, with the account and the time that only the entry says."""
    arrived = arrival(name)
    assert count(arrived) == (0, 0, 1, 0)
    (other,) = arrived.others
    assert (other.field, other.number_id) == (field, number_id)
    assert json.loads(other.raw) == json.loads(body(name))["entry"][0]


def test_a_group_message_is_kept_and_not_answered() -> None:
    """An answer to one member would go to all of them."""
    arrived = arrival("text_in_group")
    assert count(arrived) == (0, 0, 1, 0)
    assert (arrived.others[0].field, json.loads(arrived.others[0].raw)["id"]) == (
        "messages.group",
        "wamid.TEXT_IN_GROUP",
    )


def test_errors_of_a_number_are_kept() -> None:
    """A value may hold nothing but errors."""
    (other,) = arrival("number_error").others
    assert (other.field, other.number_id) == ("messages.errors", NUMBER)
    assert json.loads(other.raw)[0]["code"] == 130429


def test_an_error_beside_a_message_costs_neither() -> None:
    """What the customer did cannot be expressed: the message is unsupported, the error is kept."""
    arrived = arrival("interactive_without_body")
    assert count(arrived) == (1, 0, 1, 0)
    assert (arrived.messages[0].type, arrived.messages[0].payload) == ("unsupported", {"type": "interactive"})


def test_a_part_that_meta_adds_tomorrow_is_kept() -> None:
    """An unknown part of a value beside the messages is kept under its name."""
    arrived = parse(envelope(text(), conversation_context={"type": "summary"}), NOW)
    assert [other.field for other in arrived.others] == ["messages.conversation_context"]
    assert len(arrived.messages) == 1


def test_a_value_with_nothing_known_in_it_is_kept() -> None:
    """Not even an empty change disappears."""
    raw = b'{"entry":[{"id":"1","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"2"}}}]}]}'
    arrived = parse(raw, NOW)
    assert [(other.field, other.number_id) for other in arrived.others] == [("messages", "2")]


def test_one_post_with_everything_in_it() -> None:
    """Two accounts, two numbers, messages, statuses, another field; one bad element in each list, and each list goes on."""
    arrived = arrival("batch")
    assert [(found.message_id, found.number_id, found.contact.name) for found in arrived.messages] == [
        ("wamid.B1", NUMBER, "Ana Prueba"),
        ("wamid.B3", NUMBER, "Bob"),
        ("wamid.B4", "200000000000009", "Ana Prueba"),
    ]
    assert [update.wamid for update in arrived.statuses] == ["wamid.OUT1"]
    assert [other.field for other in arrived.others] == ["account_update"]
    assert [letter.reason for letter in arrived.dead] == [
        f"message to number {NUMBER}: from is not text",
        f"status from number {NUMBER}: status is not text",
        "change: no field in it",
        "entry: not the JSON expected here: Expected `object`, got `str`",
    ]


def test_a_thousand_messages_in_one_post() -> None:
    """Meta's largest batch, with two bad ones in it."""
    messages: list[Any] = [text(f"número {i}", f"wamid.{i}") for i in range(1000)]
    messages[3] = {"no": "id"}
    messages[500] = 7
    arrived = parse(envelope(*messages), NOW)
    assert count(arrived) == (998, 0, 0, 2)
    assert arrived.messages[-1].text == "número 999"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"hola",
        b"[]",
        b"null",
        b"7",
        b'"x"',
        b"{}",
        b'{"entry":null}',
        b'{"entry":{}}',
        b"\xff\xfe",
        b'{"a":"\\q"}',
        b"[" * 100_000,
        b'{"entry":[' + b"[" * 100_000,
        b'{"entry":[{"changes":[{"field":"messages"',
        b"\x00",
    ],
)
def test_what_is_no_webhook_is_one_dead_letter(raw: bytes) -> None:
    """The bytes are kept as they came; somebody signed them."""
    arrived = parse(raw, NOW)
    assert count(arrived) == (0, 0, 0, 1)
    assert arrived.dead[0].raw == raw
    assert arrived.dead[0].reason


@pytest.mark.parametrize(
    "change",
    [
        {"field": "messages"},
        {"field": "messages", "value": None},
        {"field": "messages", "value": []},
        {"field": "messages", "value": {"messages": [text()]}},
        {"field": "messages", "value": {"metadata": None, "messages": [text()]}},
        {"field": "messages", "value": {"metadata": {"phone_number_id": 7}, "messages": [text()]}},
        {"field": "messages", "value": {"metadata": {"phone_number_id": ""}, "messages": [text()]}},
        {"field": "", "value": {}},
        {"field": 7, "value": {}},
        {},
        "messages",
    ],
)
def test_a_broken_change_is_put_aside_whole(change: Any) -> None:
    """Nobody can say whose its elements are; the next change is read."""
    good = json.loads(envelope(text()))["entry"][0]["changes"][0]
    raw = json.dumps({"entry": [{"id": "1", "changes": [change, good]}]}).encode()
    arrived = parse(raw, NOW)
    assert count(arrived) == (1, 0, 0, 1)
    assert json.loads(arrived.dead[0].raw) == change


@pytest.mark.parametrize("part", ["messages", "statuses"])
@pytest.mark.parametrize("bad", [{}, "hola", 7, True])
def test_a_list_that_is_none_is_put_aside(part: str, bad: Any) -> None:
    """The other list of the same value is read."""
    other, good = ("statuses", {"id": "wamid.1", "status": "sent"}) if part == "messages" else ("messages", text())
    value = {"metadata": {"phone_number_id": NUMBER}, part: bad, other: [good]}
    raw = json.dumps({"entry": [{"changes": [{"field": "messages", "value": value}]}]}).encode()
    messages, statuses, others, dead = count(parse(raw, NOW))
    assert (messages + statuses, others, dead) == (1, 0, 1)


def test_lists_may_be_null() -> None:
    """Null is nothing, not an error."""
    arrived = parse(envelope(text(), statuses=None, errors=None, contacts=None), NOW)
    assert count(arrived) == (1, 0, 0, 0)


def test_nul_is_stripped_everywhere() -> None:
    """U+0000 cuts strings in C and PostgreSQL refuses it; it disappears from text, payload, names and raw."""
    raw = envelope(
        text("ho\0la", context={"id": "wamid.\0q"}),
        {**text(), "type": "location", "location": {"latitude": 1, "longitude": 2, "name": "Tien\0da"}},
        contacts=[{"wa_id": "5215550002222", "profile": {"name": "An\0a"}}],
    )
    assert rb"\u0000" in raw
    first, second = parse(raw, NOW).messages
    assert (first.text, first.contact.name, second.payload["name"]) == ("hola", "Ana", "Tienda")
    assert b"\\u0000" not in msgspec.json.encode([first, second])


def test_an_escaped_backslash_before_u0000_is_text() -> None:
    """A customer who types \\u0000 as six characters keeps them."""
    assert parse(envelope(text("a\\u0000b\0")), NOW).messages[0].text == "a\\u0000b"


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (rb"\ud83d", "\ufffd"),
        (rb"\ude00x", "\ufffdx"),
        (rb"\ud83d\ud83d\ude00", "\ufffd😀"),
        (rb"\ud83d\u0041", "\ufffdA"),
        (rb"\ud83d \ude00", "\ufffd \ufffd"),
        (rb"\uD83D\uDE00", "😀"),
        (rb"\\ud83d", r"\ud83d"),
        (rb"\ud83d\u0000\ude00", "\ufffd\ufffd"),
        (b"\xff", "\ufffd"),
        (b"\xed\xa0\xbd", "\ufffd\ufffd\ufffd"),
        (rb"\u0007\t\"\/\u00e9", '\x07\t"/é'),
    ],
)
def test_half_an_emoji_does_not_cost_the_message(written: bytes, words: str) -> None:
    """Lone surrogates and bytes that are not UTF-8 become U+FFFD; the neighbour and the rest of the text stay as they are."""
    raw = envelope(text("SLOT", "wamid.1"), text("niño 👍", "wamid.2")).replace(b"SLOT", written)
    arrived = parse(raw, NOW)
    assert [found.text for found in arrived.messages] == [words, "niño 👍"]
    assert msgspec.json.decode(msgspec.json.encode(arrived.messages[0]))["text"] == words


def test_a_byte_order_mark_is_ignored() -> None:
    """Some proxy added it; the signature was right all the same."""
    assert count(parse(b"\xef\xbb\xbf" + envelope(text()), NOW)) == (1, 0, 0, 0)


def test_a_number_that_no_machine_holds_costs_its_own_element_only() -> None:
    """1e999 and an integer of 5,000 digits are JSON; the message that has one is put aside."""
    raw = envelope(text(), text(extra="HUGE"), text(extra="LONG"))
    raw = raw.replace(b'"HUGE"', b"1e999").replace(b'"LONG"', b"1" * 5000)
    assert count(parse(raw, NOW)) == (1, 0, 0, 2)


def test_a_message_nested_too_deeply_is_put_aside() -> None:
    """It would decode here and exhaust the stack of whoever writes it down; brackets inside strings do not count."""
    deep: Any = 0
    for _ in range(200):
        deep = [deep]
    arrived = parse(envelope(text("[" * 500), text(extra=deep)), NOW)
    assert count(arrived) == (1, 0, 0, 1)
    assert "nested deeper" in arrived.dead[0].reason


def test_a_form_nested_too_deeply_is_kept_as_text() -> None:
    """The answers of a form come as JSON inside a string, which may be as deep as its sender likes."""
    reply = {"name": "flow", "response_json": "[" * 5000 + "]" * 5000}
    form = {**text(), "type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": reply}}
    assert parse(envelope(form), NOW).messages[0].payload["response"] == reply["response_json"]


def test_a_bug_of_ours_costs_one_element(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that nobody foresaw puts its element aside; Meta must not bring the other 999 again for a week."""
    real = inbound.normalise

    def buggy(message: Any, *rest: Any) -> Any:
        if message["id"] == "wamid.2":
            raise ZeroDivisionError("with the customer's words")
        return real(message, *rest)

    monkeypatch.setattr(inbound, "normalise", buggy)
    arrived = parse(envelope(text(), text("adiós", "wamid.2")), NOW)
    assert count(arrived) == (1, 0, 0, 1)
    assert arrived.dead[0].reason == f"message to number {NUMBER}: ZeroDivisionError"


@pytest.mark.parametrize("name", payloads.NAMES)
def test_every_payload_is_named_in_these_tests_and_opened(name: str) -> None:
    """No file of the collection is dead-lettered but those that are meant to be."""
    expected = {"batch": 4, "text_nobody": 1, "button_reply_without_id": 1}.get(name, 0)
    assert len(arrival(name).dead) == expected


@pytest.mark.parametrize("name", payloads.NAMES)
def test_both_doors_lead_to_the_same_room(name: str) -> None:
    """A webhook that must be opened level by level gives the same messages and statuses as the ordinary one."""
    payload = json.loads(body(name))
    for entry in payload["entry"]:
        if isinstance(entry, dict):
            entry["changes"].append({"field": "telepathy", "value": {}})
    unusual = parse(json.dumps(payload).encode(), NOW)
    ordinary = arrival(name)
    assert (unusual.messages, unusual.statuses, len(unusual.dead)) == (
        ordinary.messages,
        ordinary.statuses,
        len(ordinary.dead),
    )


def test_a_change_without_field() -> None:
    """Messages are recognised where the field is missing; a number that is missing may be given."""
    value = {"messages": [payloads.text()]}
    body = json.dumps({"entry": [{"changes": [{"value": value}]}]}).encode()
    assert parse(body, NOW).dead[0].reason == "change: no metadata.phone_number_id in it"
    (message,) = parse(body, NOW, number_id="77").messages
    assert message.number_id == "77"
