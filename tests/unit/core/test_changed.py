"""A value with other parts, made quickly."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wabox.core.changed import changed
from wabox.core.contact import Contact
from wabox.core.delivery import DeliveryStatus, OutboundMessage

MESSAGE = OutboundMessage(id="a-0", conversation_id="2:MX.1", number_id="2", body={"type": "text"}, created_at=7)


def test_it_is_what_replace_makes() -> None:
    """The given parts are new, all others the same, and the value itself stays as it was."""
    made = changed(MESSAGE, status=DeliveryStatus.SENDING, attempted_at=9)
    assert (made.status, made.attempted_at, made.id) == (DeliveryStatus.SENDING, 9, MESSAGE.id)
    assert MESSAGE.status is DeliveryStatus.QUEUED
    known = Contact(user_id="MX.1", name="Ana")
    assert changed(known, wa_id="1") == replace(known, wa_id="1")


def test_a_part_that_is_none_is_refused() -> None:
    """As by ``replace``: a slip must not be silent."""
    with pytest.raises(TypeError, match="staus"):
        changed(MESSAGE, staus="sent")
    with pytest.raises(TypeError, match="Contact has no nome"):
        changed(Contact(user_id="MX.1"), nome="Ana")


def test_whatever_is_made_like_this_has_nothing_to_do_on_being_made() -> None:
    """A ``__post_init__`` would not be called."""
    assert not hasattr(Contact, "__post_init__")
