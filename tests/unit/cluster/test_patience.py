"""How long a message whose sending is in doubt waits for its status, in a cluster."""

from __future__ import annotations

from typing import Any

import pytest

from wabox.cluster.begun import ABANDONED
from wabox.clusteroutbox import patience
from wabox.core.delivery import DeliveryStatus, OutboundMessage, Policy


class Leases:
    def __init__(self, lives: bool) -> None:
        self._lives = lives

    def doubtful(self, conversation_id: str) -> bool:
        return self._lives


@pytest.mark.parametrize(
    ("lives", "status", "policy", "soon"),
    [
        (False, DeliveryStatus.SENDING, "repeat", True),
        (True, DeliveryStatus.SENDING, "repeat", False),
        (False, DeliveryStatus.SENDING, "once", False),
        (False, DeliveryStatus.UNKNOWN, "repeat", False),
    ],
    ids=["its worker is dead", "it may only be slow", "it must not come twice", "Meta did not answer"],
)
def test_short_only_for_what_a_dead_worker_left(
    lives: bool, status: DeliveryStatus, policy: Policy, soon: bool
) -> None:
    row = OutboundMessage(
        id="o", conversation_id="c", number_id="n", body={}, created_at=0, status=status, policy=policy
    )
    leases: Any = Leases(lives)
    assert patience(leases, row) == (ABANDONED if soon else None)
