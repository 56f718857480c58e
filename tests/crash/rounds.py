"""Kills, one after the other, on one data folder: at a random moment, at a chosen point, or by a power cut."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.crash import powercut
from tests.crash.entry import Fate
from tests.crash.history import check
from tests.crash.points import DISK, POINTS
from tests.crash.world import World

LONGEST = {**dict.fromkeys(POINTS, 60), "before a checkpoint": 1, "a timer is in the transaction": 2}
"""The so many-th time at most; load enough for it comes within a second."""
LONGEST_ON_DISK = {"wabox.db-wal.write": 400, "wabox.db-wal.sync": 60, "wabox.db.write": 60, "wabox.db.sync": 2}


async def killed(
    folder: Path,
    seed: int,
    kills: int,
    tell: Callable[[str], None] = lambda line: None,
    *,
    world: Callable[[int], World] = World,
    stretch: float = 1.0,
) -> Counter[str]:
    """``kills`` times kill -9 under load, every second time at a chosen point; what the history came to.

    ``world`` is made of the seed; ``stretch``: how much longer than usual a server lives that dies at random.
    """
    people = world(seed)
    try:
        return await _killed(people, folder, kills, tell, stretch)
    finally:
        people.graph.stop()


async def _killed(world: World, folder: Path, kills: int, tell: Callable[[str], None], stretch: float) -> Counter[str]:
    points = [*POINTS, *DISK]
    world.chance.shuffle(points)
    reached: Counter[str] = Counter()
    await world.graph.start()
    for number in range(kills):
        fate = Fate()
        if number % 2:
            point = points[number // 2 % len(points)]
            fate.point, fate.number = point, world.chance.randint(1, (LONGEST | LONGEST_ON_DISK)[point])
        how = await one_kill(world, folder, fate, stretch)
        reached[how] += 1
        tell(f"kill {number + 1}: {how}; {world.acknowledged} acknowledged")
    tell("the last start")
    await world.finish(folder)
    tell("at rest")
    seen = check(world, folder / "data")
    seen["refused"] = world.refused
    seen["points reached"] = sum(count for point, count in reached.items() if point in points)
    seen["kinds of points"] = sum(point in reached for point in points)
    return seen


async def one_kill(world: World, folder: Path, fate: Fate, stretch: float = 1.0) -> str:
    """Where it died: the chosen point, or at random when it was not reached in time, or at the start."""
    try:
        async with world.serving(folder, fate) as (server, pool):
            # A chosen point gets some seconds to be reached; the round is over when it is.
            seconds = world.chance.uniform(0.2, 1.4) * stretch if fate.point is None else 4.0
            await world.crowd(server, pool, seconds)
            return fate.point if fate.point is not None and server.died else "at random"
    except RuntimeError as error:
        # It died on its way up: while it took up what waited, which is a place like any other.
        if fate.point is None or "ended with -9" not in str(error):
            raise
        return fate.point


async def powerless(
    folder: Path,
    seed: int,
    cuts: int,
    tell: Callable[[str], None] = lambda line: None,
    *,
    world: Callable[[int], World] = World,
    weak: bool = False,
) -> Counter[str]:
    """``cuts`` times the power goes under load. ``weak``: with a database that is not synced at each commit."""
    people = world(seed)
    data, base, journal = folder / "data", folder / "base", folder / "journal"
    lost = 0
    await people.graph.start()
    try:
        for number in range(cuts):
            powercut.copy(data, base)
            journal.unlink(missing_ok=True)
            fate = Fate(journal=str(journal), weak=weak)
            if number % 3:  # in the middle of a commit, where most is not synced
                fate.point, fate.number = "wabox.db-wal.sync", people.chance.randint(1, 40)
            await one_kill(people, folder, fate)
            sectors = powercut.cut(base, journal, data, people.chance)
            lost += sectors
            tell(f"power cut {number + 1}: {sectors} sectors lost; {people.acknowledged} acknowledged")
        await people.finish(folder, Fate(weak=weak))
    finally:
        people.graph.stop()
        shutil.rmtree(base, ignore_errors=True)
        journal.unlink(missing_ok=True)
    seen = check(people, data)
    seen["sectors lost"] = lost
    seen["refused"] = people.refused
    return seen
