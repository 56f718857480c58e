"""Jobs and a clock that somebody sets."""

from __future__ import annotations

from wabox.scheduler import Steps


def test_a_clock_that_is_set_is_noticed_once() -> None:
    """Forward and back; what it is corrected by every day is not worth a word."""
    wall, steady = [1_000_000.0], [50.0]
    steps = Steps(lambda: wall[0], lambda: steady[0])
    said = []
    for passes, set_by in ((1.0, 0.0), (1.0, 7200.0), (1.0, 0.0), (1.0, 0.4), (1.0, -7200.0), (3.0, 0.0)):
        steady[0] += passes
        wall[0] += passes + set_by
        said.append(round(steps.look()))
    assert said == [0, 7200, 0, 0, -7200, 0]
