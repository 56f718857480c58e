"""What ``wabox doctor`` says of a cluster, where it would say of one machine what its data folder is like."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from wabox.core.checkup import Finding, Notes
from wabox.errors import WaboxError

if TYPE_CHECKING:
    from wabox.cluster.checking import Point
    from wabox.core.version import Version
    from wabox.services.doctor.examination import Elsewhere
    from wabox.settings import Settings

ENGINES: Final = ("PostgreSQL", "RabbitMQ", "Redis")


async def looked_at(settings: Settings) -> Elsewhere:
    """Never raises for what is wrong with the cluster: that is a finding."""
    from wabox.cli.cluster import cluster_of
    from wabox.cluster.checking import look, work
    from wabox.clusterapp import place_of
    from wabox.flowfile.folder import find_bot
    from wabox.services.doctor.examination import Elsewhere

    place = place_of(cluster_of(settings), 0)
    found = engines(await look(place))
    try:
        seen = await work(place)
    except WaboxError as error:
        notes = Notes("messages")
        notes.fail("messages", f"nobody can say how many wait: {_said(str(error))}", "mend the engine above first")
        return Elsewhere(findings=(*found, *notes.made), conversations=0, serves=False)
    try:
        name = find_bot(settings.bot, settings.root).name
    except WaboxError:
        name = ""  # a finding of the bot's
    found += published([row for row in seen.versions if row.bot == name], name)
    notes = Notes("messages")
    notes.ok("conversations", f"{seen.conversations:,}")
    if seen.lanes == 0:
        notes.warn("workers", "none runs: nobody is answered", "start one: wabox serve --role worker")
    elif seen.lanes < seen.partitions:
        lacking = f"{seen.partitions - seen.lanes} of {seen.partitions} lanes have no worker"
        notes.warn(
            "workers", lacking, "that is so for seconds after one stopped; look again, then see the workers' logs"
        )
    else:
        notes.ok("workers", f"all {seen.partitions} lanes have one")
    notes.ok("lanes", f"{seen.waiting:,} messages wait to be handled" if seen.waiting else "nothing waits")
    notes.ok("outbox", f"{seen.outbox:,} messages wait to be sent" if seen.outbox else "nothing waits")
    if seen.dead:
        what = f"{seen.dead:,} parts of webhooks or records could not be read; they are kept"
        notes.warn("dead letters", what, "see them in PostgreSQL, table dead_letters: it says why")
    else:
        notes.ok("dead letters", "everything that came could be read")
    return Elsewhere(findings=(*found, *notes.made), conversations=seen.conversations, serves=seen.lanes > 0)


def engines(points: Sequence[Point]) -> list[Finding]:
    """What is wrong, each for itself; what is right, in one line for each engine."""
    notes = Notes("cluster")
    for engine in ENGINES:
        mine = [point for point in points if point.what.partition(" ")[0] == engine]
        for point in mine:
            if not point.good:
                what = point.what.removeprefix(engine).strip()
                notes.fail(engine, _said(f"{what}: {point.found}" if what else point.found), point.fix)
        if mine and all(point.good for point in mine):
            many = "" if len(mine) == 1 else f", {len(mine)} things looked at (wabox cluster check)"
            notes.ok(engine, f"as it should be{many}")
    return notes.made


def _said(sentence: str) -> str:
    """Without the numbers that systems give to faults."""
    return re.sub(r"\[Errno -?\d+\] ", "", sentence)


def published(rows: Sequence[Version], name: str) -> list[Finding]:
    notes = Notes("bot")
    live = next((row for row in rows if row.live_until is None), None)
    if live is None:
        notes.ok("published", "nothing yet; the first worker publishes its folder")
    else:
        with_model = "with its model" if live.model else "without a model: only exact words are understood"
        notes.ok("published", f"version {live.number} ({live.id}) is live, {with_model}")
    return notes.made
