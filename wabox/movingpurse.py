"""Part of :mod:`wabox.moving`: what the language model has cost and answered, from one machine to a cluster and back.

It may be done again. What was spent only grows, but for what is given back when a price is known: of two sums of the same day
the larger one is right, or on the safe side.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from wabox.cluster.records import purse as there
from wabox.cluster.records.database import Database
from wabox.core.llm import KnownAnswer, Sums
from wabox.core.portable import Part, together
from wabox.core.ports import Clock
from wabox.sqlite import purse as here
from wabox.sqlite.portable import Departure
from wabox.sqlite.store import SqliteStore


async def purse_to_cluster(leaving: Departure, database: Database, clock: Clock) -> tuple[Part, ...]:
    """Raises Unavailable."""
    came, answers = leaving.sums(_since(clock)), leaving.answers()
    before, known = await there.sums(database, _since(clock)), await there.answers(database)
    await there.raise_to(database, came)
    await there.keep_all(database, answers)
    return (
        *_spent(came, before, await there.sums(database, _since(clock))),
        *_said(answers, known, await there.answers(database)),
    )


async def purse_to_sqlite(database: Database, target: SqliteStore, clock: Clock) -> tuple[Part, ...]:
    """After the conversations. Raises Unavailable."""
    submit, since = target.writer.submit, partial(here.sums, since=_since(clock))
    answers = await there.answers(database)
    before, known = await submit(since), await submit(here.answers)
    came = await submit(partial(here.raise_to, came=await there.sums(database, _since(clock))))
    await submit(partial(here.keep_all, came=answers))
    return (*_spent(came, before, await submit(since)), *_said(answers, known, await submit(here.answers)))


def _since(clock: Clock) -> str:
    """The day from which on it matters what one conversation has spent: today, wherever the bot is."""
    return (datetime.fromtimestamp(clock() / 1000, UTC) - timedelta(days=1)).date().isoformat()


def _spent(came: Sums, before: Sums, after: Sums) -> tuple[Part, ...]:
    def enough(there: Sums, key: tuple[str, str]) -> bool:
        return key in there and there[key][0] >= came[key][0]

    arrived = [_digest(*key, came[key]) for key in came if enough(after, key)]
    new = sum(not enough(before, key) for key in came)
    return _part("sums spent on the language model", [_digest(*key, n) for key, n in came.items()], arrived, new)


def _said(came: Sequence[KnownAnswer], before: Sequence[KnownAnswer], after: Sequence[KnownAnswer]) -> tuple[Part, ...]:
    known, there = ({one.key: one.at for one in some} for some in (before, after))
    arrived = [_digest(one.key) for one in came if there.get(one.key, -1) >= one.at]
    new = sum(known.get(one.key, -1) < one.at for one in came)
    return _part("answers of the language model", [_digest(one.key) for one in came], arrived, new)


def _digest(*what: object) -> str:
    return hashlib.blake2b(repr(what).encode(), digest_size=16).hexdigest()


def _part(name: str, came: Sequence[str], arrived: Sequence[str], brought: int) -> tuple[Part, ...]:
    if not came:
        return ()
    return (Part(name=name, count=len(came), brought=brought, here=together(came), there=together(arrived)),)
