"""How fast a number may send, as Meta says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes import VirtualClock
from tests.integration.storage import outbound
from wabox.core.changed import changed
from wabox.core.message import OtherChange
from wabox.errors import WaboxError
from wabox.services.numbers import Numbers
from wabox.services.pace import SHARED_BURST, Pace
from wabox.services.rates import Rates
from wabox.whatsapp.number import told


class Sending:
    numbers = ("1", "2")

    def __init__(self) -> None:
        self.limits: dict[str, float] = {}

    def limit(self, number_id: str, rate: float) -> None:
        self.limits[number_id] = rate


@pytest.mark.parametrize(
    ("number", "rate"),
    [
        ({"throughput": {"level": "STANDARD"}}, 80.0),
        ({"throughput": {"level": "HIGH"}, "is_on_biz_app": False}, 1000.0),
        ({"throughput": {"level": "STANDARD"}, "is_on_biz_app": True}, 20.0),
        ({"throughput": {"level": "NOT_APPLICABLE"}}, None),
        ({"throughput": "HIGH"}, None),
        ({}, None),
    ],
)
def test_what_meta_says(number: dict[str, Any], rate: float | None) -> None:
    """Levels, and the number that a phone uses too; what nobody knows changes nothing."""
    assert told(number) == rate


async def test_each_number_is_asked_about_once_and_again_when_it_changed() -> None:
    """Meta that does not answer is no trouble."""
    sending, asked = Sending(), list[str]()

    async def ask(number_id: str) -> float | None:
        asked.append(number_id)
        if number_id == "1":
            raise WaboxError("no answer")
        return 1000.0

    rates = Rates(ask, sending)
    await rates.look()
    await rates.look()
    assert (asked, sending.limits) == (["1", "2"], {"2": 1000.0})
    change = OtherChange(field="phone_number_quality_update", number_id=None, raw=b"{}")
    rates.hear([change])
    await rates.look()
    assert asked == ["1", "2"] * 2


async def test_an_owner_who_says_how_fast_is_not_overruled() -> None:
    """Nobody is asked, and a number without a pace keeps none."""
    sending = Sending()
    await Rates(None, sending).look()
    assert sending.limits == {}
    numbers = Numbers(VirtualClock(), rate=0, jitter=lambda: 0.0, sleep=VirtualClock().sleep)
    numbers.limit("1", 20.0)
    assert not numbers.far("1")


def test_a_new_limit_counts_at_once_but_not_over_what_meta_refuses() -> None:
    """A number that was slowed down because Meta refused speeds up again bit by bit."""
    pace = Pace(80.0)
    pace.limit(1000.0)
    assert pace.rate == 1000.0
    pace.refused()
    pace.limit(2000.0)
    assert (pace.rate, pace.full) == (500.0, 2000.0)
    pace.limit(20.0)
    assert pace.rate == 20.0


def waits(pace: Pace, share: float, *moments: int) -> list[float]:
    return [pace.take(moment, share) for moment in moments]


def test_a_process_with_a_fourth_of_the_customers_sends_a_fourth_of_the_rate() -> None:
    """20 a second of 80: 50 ms each. What comes in a heap leaves at once, as far as half a second of its share goes."""
    heap = waits(Pace(80.0), 0.25, *[0] * 30)
    assert heap[:10] == [0.0] * 10
    assert heap[10:] == [50.0 * number for number in range(1, 21)]
    assert SHARED_BURST == 500.0


def test_one_message_need_not_wait_however_small_the_share() -> None:
    assert waits(Pace(80.0), 1 / 256, 0, 0) == [0.0, 3200.0]


def test_a_process_alone_is_as_quick_as_before() -> None:
    assert waits(Pace(80.0), 1.0, *[0] * 6) == [0.0, 0.0, 0.0, 0.0, 12.5, 25.0]


def test_the_share_is_asked_for_each_message() -> None:
    """Lanes move while it sends."""
    clock, share = VirtualClock(), [1.0]
    numbers = Numbers(clock, rate=80, jitter=lambda: 0.0, sleep=clock.sleep, share=lambda: share[0])
    first = [numbers.take(changed(outbound(f"a{number}"), conversation_id=f"c{number}")) for number in range(6)]
    assert first[-1] == 0.025
    share[0] = 0.5
    later = [numbers.take(changed(outbound(f"b{number}"), conversation_id=f"d{number}")) for number in range(40)]
    assert later[-1] == pytest.approx((6 * 12.5 + 40 * 25 - 500) / 1000)
