"""What a load needs: the table of the design, and what must hold for every load."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabox.cli.cluster import _lines
from wabox.core.capacity import plan


@pytest.mark.parametrize(
    ("daily", "one_vm", "web", "workers", "broker", "shards", "partitions", "numbers"),
    [
        (10_000, True, 1, 2, 2, 3, 256, 1),
        (1_000_000, False, 1, 3, 2, 3, 256, 8),
        (10_000_000, False, 7, 19, 8, 28, 512, 73),
    ],
)
def test_the_three_sizes_of_the_design(
    daily: int, one_vm: bool, web: int, workers: int, broker: int, shards: int, partitions: int, numbers: int
) -> None:
    """Source: the capacity model of the cluster's design, worked out by hand."""
    found = plan(daily)
    assert (found.one_vm, found.web, found.workers, found.broker) == (one_vm, web, workers, broker)
    assert (found.shards, found.partitions, found.numbers) == (shards, partitions, numbers)


@given(st.integers(1, 50_000_000), st.integers(1, 50_000_000))
def test_more_needs_no_less(one: int, other: int) -> None:
    """No number shrinks as the load grows, a cluster survives the loss of one of anything, and a line fits a terminal."""
    small, large = plan(min(one, other)), plan(max(one, other))
    for name in ("messages", "statuses", "web", "workers", "broker", "shards", "redis", "sql", "partitions", "numbers"):
        assert getattr(small, name) <= getattr(large, name), name
    assert small.workers >= 2
    assert small.shards >= 3
    assert all(len(line) <= 80 for line in _lines(large))


@given(st.integers(1, 50_000_000))
def test_a_wall_is_where_something_must_grow(daily: int) -> None:
    """The nearest first, none behind; beyond the nearest one the plan is another one."""
    walls = plan(daily).walls
    assert [wall.daily for wall in walls] == sorted(wall.daily for wall in walls)
    assert walls[0].daily >= daily
    here, beyond = plan(daily), plan(round(walls[0].daily * 1.2) + 1)
    parts = ("one_vm", "numbers", "shards", "broker", "partitions")
    assert [getattr(here, part) for part in parts] != [getattr(beyond, part) for part in parts] or daily > 10_000_000
