"""Every field of the fact sheet has a typed value; what is new or wrong in one costs nothing but itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.whatsapp.payloads import arrival
from wabox.core.message import OtherChange
from wabox.whatsapp.fields import FIELDS, details
from wabox.whatsapp.fields.account import AccountEvent, AccountUpdate, NumberQuality
from wabox.whatsapp.fields.people import Calls, Change, Errors, Groups, PastChats, UserIds
from wabox.whatsapp.fields.template import TemplateEvent, TemplateStatus
from wabox.whatsapp.fields.word import Part, Word


def kept(field: str, value: Any) -> OtherChange:
    raw = json.dumps({"id": "1", "changes": [{"field": field, "value": value}]}).encode()
    return OtherChange(field=field, number_id=None, raw=raw)


def test_a_template_that_was_rejected() -> None:
    """Who was rejected, and why."""
    found = details(arrival("template_rejected").others[0])
    assert isinstance(found, TemplateStatus)
    assert (found.event, found.message_template_name, found.reason) == (
        TemplateEvent.REJECTED,
        "aviso_cita",
        "INVALID_FORMAT",
    )


def test_what_a_user_id_was_and_is() -> None:
    """A field of older samples: both ids of each kind."""
    value = {"user_id_update": [{"wa_id": "521", "user_id": {"previous": "US.1", "current": "US.2"}}]}
    found = details(kept("user_id_update", value))
    assert isinstance(found, UserIds)
    (one,) = found.user_id_update
    assert (one.wa_id, one.user_id) == ("521", Change(previous="US.1", current="US.2"))


def test_a_new_word_is_a_word() -> None:
    """Meta's newest event is read like the others, and can be told from them."""
    found = details(kept("account_update", {"event": "ACCOUNT_SHRUNK"}))
    assert isinstance(found, AccountUpdate)
    assert found.event == "ACCOUNT_SHRUNK"
    assert isinstance(found.event, AccountEvent)
    assert not found.event.known
    assert found.event.alarming
    assert AccountEvent.PARTNER_ADDED.known
    assert not AccountEvent.PARTNER_ADDED.alarming


def test_a_wrong_member_costs_nobody_else_anything() -> None:
    """One member of the wrong type, one bad item of a list: the rest is read."""
    found = details(
        kept(
            "account_update",
            {
                "event": "DISABLED_UPDATE",
                "country": {"no": "text"},
                "restriction_info": [7, {"restriction_type": "A", "expiration": []}, {"restriction_type": "B"}],
                "ban_info": {"waba_ban_state": "DISABLE", "waba_ban_date": ["?"]},
            },
        )
    )
    assert isinstance(found, AccountUpdate)
    assert found.country is None
    assert [restriction.restriction_type for restriction in found.restriction_info] == ["A", "B"]
    assert found.ban_info is not None
    assert found.ban_info.waba_ban_state == "DISABLE"


def test_ids_and_numbers_in_any_spelling() -> None:
    """An id may be a number, and a number text."""
    found = details(
        kept("phone_number_quality_update", {"event": "UPGRADE", "max_daily_conversations_per_business": -1})
    )
    assert isinstance(found, NumberQuality)
    assert found.max_daily_conversations_per_business == -1


def test_errors_of_a_number() -> None:
    """What Meta complains of beside messages is a sentence for a person."""
    found = details(arrival("number_error").others[0])
    assert isinstance(found, Errors)
    assert found.errors[0].sentence == "130429 Too many messages sent from this phone number"
    plain = details(OtherChange(field="messages.errors", number_id=None, raw=b'[{"code": "1", "error_data": "odd"}]'))
    assert isinstance(plain, Errors)
    assert plain.errors[0].sentence == "1 odd"


def test_past_chats_and_groups() -> None:
    """Lists inside lists."""
    found = details(
        kept(
            "history",
            {"history": [{"metadata": {"phase": 0, "progress": 55}, "threads": [{"id": "1", "messages": [{}]}]}]},
        )
    )
    assert isinstance(found, PastChats)
    assert found.history[0].threads[0].messages == ({},)
    found = details(kept("group_lifecycle_update", {"groups": [{"group_id": "G", "type": "group_create"}]}))
    assert isinstance(found, Groups)
    assert found.groups[0].group_id == "G"


def test_statuses_of_calls() -> None:
    """A part of a change is read like the whole."""
    found = details(
        OtherChange(field="calls.statuses", number_id="1", raw=b'[{"id": "wacid.C2", "status": "RINGING"}]')
    )
    assert isinstance(found, Calls)
    assert found.statuses[0].status == "RINGING"


def test_an_unknown_field_has_no_type() -> None:
    """It is kept as it came."""
    assert details(arrival("field_invented_tomorrow").others[0]) is None


words = st.text(max_size=8)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_every_field_reads_anything(field: str) -> None:
    """Whatever stands in a value, reading it never raises and gives that field's type."""
    names = st.sampled_from([*FIELDS[field].__struct_fields__, "novelty"])

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.dictionaries(names, anything, max_size=6) | anything)
    def read(value: Any) -> None:
        assert type(details(kept(field, value))) is FIELDS[field]

    read()


def test_every_word_is_spelled_as_meta_does() -> None:
    """A member's name may differ from Meta's word; its value may not be empty."""
    for kind in Word.__subclasses__():
        assert all(word.value for word in kind)
    assert all(issubclass(kind, Part) for kind in FIELDS.values())
