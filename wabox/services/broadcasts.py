"""Broadcasts: planned, entered at their pace, and stopped by what WhatsApp says.

A recipient enters their conversation's queue and is marked as entered in one transaction; so a crash neither loses one nor
writes to one twice, and a restart goes on by itself. How fast: the broadcast's own rate, WhatsApp's limit of people in 24
hours, and not at all while the number is stopped or the server is crowded.

Whoever said STOP between being entered and being sent gets nothing: their turn asks, and what waits in the outbox is recalled.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from wabox.core.broadcast import Broadcast, BroadcastStatus, Problem, Progress, Recipient, due, shut_signal, signal
from wabox.core.consent import NEVER_ASKED, Consent, refusal
from wabox.core.contact import conversation_id
from wabox.core.delivery import Purpose
from wabox.core.message import OtherChange
from wabox.core.phone import spellings
from wabox.core.ports import Clock
from wabox.core.prices import Prices
from wabox.core.template import StoredTemplate
from wabox.errors import WaboxError
from wabox.flowfile.bot import Bot
from wabox.services.planning import SHOWN, BroadcastPlan, BroadcastRequest, Row, checked, duration, estimate, rows_of
from wabox.services.sends import Sends
from wabox.services.sheet import read_sheet
from wabox.whatsapp.fields import details
from wabox.whatsapp.fields.account import AccountUpdate, NumberQuality
from wabox.whatsapp.quality import NumberState

log = structlog.get_logger(__name__)

DAY = 86_400_000
AT_ONCE = 200
"""Recipients entered per step; a step takes the event loop some 10 ms, in slices."""
_BAD_NUMBER = frozenset({"FLAGGED", "DOWNGRADE"})
_BAD_ACCOUNT = ("ACCOUNT_RESTRICTION", "ACCOUNT_VIOLATION", "DISABLED_UPDATE", "ACCOUNT_DELETED")


@dataclass(frozen=True, slots=True, kw_only=True)
class BroadcastReport:
    """For people."""

    broadcast: Broadcast
    progress: Progress


class Store(Protocol):
    """What is asked of storage; see :mod:`wabox.sqlite.outgoing`."""

    async def add_broadcast(self, broadcast: Broadcast, recipients: Sequence[Recipient]) -> bool: ...

    async def broadcasts(self, status: str | None = None) -> Sequence[tuple[int, int, Broadcast]]: ...

    async def broadcast(self, name: str) -> tuple[int, int, Broadcast] | None: ...

    async def change_broadcast(
        self, name: str, wanted: BroadcastStatus, before: Sequence[str], reason: str, daily: int | None = None
    ) -> Broadcast | None: ...

    async def recall_broadcast(self, key: int, now: int) -> None: ...

    async def progress(self, key: int) -> Progress: ...

    async def entered_since(self, since: int) -> int: ...

    async def recognise(self, ids: Sequence[tuple[str, str]]) -> Mapping[str, str]: ...

    async def consents(self, conversation_ids: Sequence[str]) -> Sequence[Consent]: ...

    async def templates(self, name: str | None = None) -> Sequence[StoredTemplate]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What a broadcast depends on besides storage."""

    bot: Callable[[], Bot]
    sends: Sends
    enter: Callable[[int, int], Awaitable[int]]
    """Of a broadcast (its key), so many at most; how many were entered."""
    stopped: Callable[[], Mapping[str, str]]
    """Numbers from which nothing leaves, and why."""
    crowded: Callable[[], bool]
    ask: Callable[[str], Awaitable[NumberState]]
    """What WhatsApp thinks of a number. Raises WaboxError."""
    prices: Prices
    currency: str


class Broadcasts:
    def __init__(self, store: Store, around: Around, clock: Clock) -> None:
        self._store = store
        self._around = around
        self._clock = clock

    def price(self, own: Prices, currency: str) -> None:
        """The owner has set them anew."""
        self._around = replace(self._around, prices=own, currency=currency)

    # -- before ---------------------------------------------------------------------------------------------------------

    async def plan(self, request: BroadcastRequest) -> BroadcastPlan:
        """What it would be. Raises WaboxError for what is wrong with all of it."""
        return (await self._planned(request))[0]

    async def start(self, request: BroadcastRequest) -> BroadcastPlan:
        """Begin, if every row is good or bad ones may be skipped; ``started`` says whether. Raises WaboxError."""
        plan, recipients = await self._planned(request)
        if not recipients or (plan.problems and not request.skip_bad):
            return plan
        if not await self._store.add_broadcast(plan.broadcast, recipients):
            raise WaboxError(
                f"there is a broadcast {request.name!r} already: give this one another --name; wabox broadcast show "
                f"{request.name} says what became of it"
            )
        log.info("broadcast.started", broadcast=request.name, recipients=len(recipients), left_out=plan.problems)
        return replace(plan, started=True)

    async def _planned(self, request: BroadcastRequest) -> tuple[BroadcastPlan, list[Recipient]]:
        checked(request)
        bot = self._around.bot()
        number_id = await self._around.sends.number(request.number_id)
        chosen = await self._around.sends.choose(request.template)
        # Of 100,000 rows this takes seconds: not on the loop that answers webhooks.
        sheet = await asyncio.to_thread(read_sheet, request.csv)
        rows, problems, found = await asyncio.to_thread(rows_of, sheet, request, chosen, bot)
        rows, more = await self._wanted(rows, number_id)
        problems = sorted([*problems, *more])
        warnings = sorted(found)
        state = NumberState()
        try:
            state = await self._around.ask(number_id)
        except WaboxError as error:
            warnings.append(f"the number's quality and limit are not known: {error}")
        if state.quality == "RED":
            raise WaboxError(
                f"number {number_id} has low quality at WhatsApp (red): customers block or report it. More of the same would "
                "cost the number; see WhatsApp Manager"
            )
        daily = request.daily if request.daily is not None else state.limit
        categories = {row.category for row in rows} or {chosen.template.category}
        purpose: Purpose = "marketing" if "marketing" in categories else "service"
        broadcast = Broadcast(
            name=request.name,
            number_id=number_id,
            template=request.template,
            purpose=purpose,
            category=", ".join(sorted(categories)),
            rate=request.rate,
            max_failures=request.max_failures,
            created_at=self._clock(),
            daily=daily,
            left_out=len(problems),
        )
        plan = BroadcastPlan(
            broadcast=broadcast,
            recipients=len(rows),
            problems=len(problems),
            shown=problems[:SHOWN],
            example=rows[0].text if rows else "",
            minutes=duration(len(rows), request.rate, daily),
            cost=estimate(rows, self._around.prices, self._around.currency),
            warnings=warnings,
        )
        return plan, [row.content for row in rows]

    async def _wanted(self, rows: Sequence[Row], number_id: str) -> tuple[list[Row], list[Problem]]:
        """Rows of those who may be written to, under the ids that they are known by; and the problems of the others."""
        ids = [("wa_id", one) for row in rows if row.contact.wa_id for one in spellings(row.contact.wa_id)]
        ids += [("user_id", row.contact.user_id) for row in rows if row.contact.user_id]
        handles = await self._store.recognise(ids)
        talks: list[str] = []
        known: list[Row] = []
        for row in rows:
            spelled = (row.contact.key, *spellings(row.contact.wa_id or ""))
            value = next((one for one in spelled if one in handles), None)
            if value is not None and row.contact.wa_id and value != row.contact.wa_id:
                contact = replace(row.contact, wa_id=value)
                row = replace(row, contact=contact, content=replace(row.content, contact=contact))
            known.append(row)
            talk = conversation_id(number_id, row.contact)
            talks.append(talk if value is None else f"{number_id}:{handles[value]}")
        consents = await self._store.consents(talks)
        good: list[Row] = []
        problems: list[Problem] = []
        first: dict[str, int] = {}
        for row, talk, consent in zip(known, talks, consents, strict=True):
            unwanted = refusal(consent or NEVER_ASKED, "marketing" if row.category == "marketing" else "service")
            if unwanted is not None:
                problems.append((row.line, unwanted.removesuffix(". Not sent")))
            elif talk in first:
                problems.append((row.line, f"the same customer as in line {first[talk]}"))
            else:
                first[talk] = row.line
                good.append(replace(row, content=replace(row.content, conversation_id=talk)))
        return good, problems

    # -- under way ------------------------------------------------------------------------------------------------------

    async def advance(self) -> None:
        """Enter whoever is due, and pause what should not go on: once a second."""
        for key, next_at, broadcast in await self._store.broadcasts("running"):
            await self._advance(key, next_at, broadcast)

    async def _advance(self, key: int, next_at: int, broadcast: Broadcast) -> None:
        progress, now = await self._store.progress(key), self._clock()
        shut = self._around.stopped().get(broadcast.number_id)
        trouble = signal(broadcast, progress) or shut_signal(shut) or await self._spoilt(broadcast)
        if trouble is not None:
            await self._pause(broadcast.name, trouble)
        elif progress.done:
            await self._store.change_broadcast(broadcast.name, "done", ("running",), "")
            log.info("broadcast.done", broadcast=broadcast.name, **progress.statuses)
        elif progress.waiting and shut is None and not self._around.crowded():
            at_most = min(AT_ONCE, progress.waiting)
            if due(broadcast.rate, next_at, now, at_most)[0] == 0:
                return
            reason = ""
            if broadcast.daily is not None:
                room = broadcast.daily - await self._store.entered_since(now - DAY)
                at_most = min(at_most, room)
                reason = (
                    "" if room > 0 else f"waits: {broadcast.daily:,} people in 24 hours are WhatsApp's limit for now"
                )
            if reason != broadcast.reason:
                await self._store.change_broadcast(broadcast.name, "running", ("running",), reason)
            if at_most > 0:
                await self._around.enter(key, at_most)

    async def _spoilt(self, broadcast: Broadcast) -> str | None:
        """Whether WhatsApp has taken the template away."""
        for one in await self._store.templates(broadcast.template):
            if not one.sendable:
                return f"the template {one.name} ({one.language}) is {one.status.lower()} at WhatsApp"
        return None

    async def _pause(self, name: str, reason: str) -> None:
        log.error("broadcast.paused", broadcast=name, reason=reason)
        await self._store.change_broadcast(name, "paused", ("running",), reason)

    async def hear(self, others: Sequence[OtherChange]) -> None:
        """Webhooks about the number's quality and the account: bad news pauses everything."""
        for change in others:
            if change.field not in ("phone_number_quality_update", "account_update"):
                continue
            found, reason = details(change), None
            if isinstance(found, NumberQuality) and found.event in _BAD_NUMBER:
                reason = f"WhatsApp says of the number: {str(found.event).lower()}"
            elif isinstance(found, AccountUpdate) and found.event in _BAD_ACCOUNT:
                reason = f"WhatsApp says of the account: {str(found.event).lower().replace('_', ' ')}"
            if reason is not None:
                for _, __, broadcast in await self._store.broadcasts("running"):
                    await self._pause(broadcast.name, reason)

    # -- what people do -------------------------------------------------------------------------------------------------

    async def reports(self) -> list[BroadcastReport]:
        """The newest first."""
        return [
            BroadcastReport(broadcast=one, progress=await self._store.progress(key))
            for key, _, one in await self._store.broadcasts()
        ]

    async def report(self, name: str) -> BroadcastReport:
        """Raises WaboxError."""
        key, _, one = await self._known(name)
        return BroadcastReport(broadcast=one, progress=await self._store.progress(key))

    async def pause(self, name: str) -> BroadcastReport:
        """Nobody more is entered; who is entered already is still written to. Raises WaboxError."""
        return await self._change(name, "paused", ("running",), "paused by hand")

    async def resume(self, name: str) -> BroadcastReport:
        """Go on; what has paused it may pause it again. Raises WaboxError."""
        _, _, broadcast = await self._known(name)
        daily = None
        if broadcast.status == "paused":
            state = NumberState()
            with contextlib.suppress(WaboxError):  # what is not known now may pause it later
                state = await self._around.ask(broadcast.number_id)
            if state.quality == "RED":
                raise WaboxError(
                    f"number {broadcast.number_id} has low quality at WhatsApp (red): see WhatsApp Manager"
                )
            daily = state.limit
        return await self._change(name, "running", ("paused",), "", daily)

    async def stop(self, name: str) -> BroadcastReport:
        """For good: nobody more is written to; what waits in the outbox is taken out. Raises WaboxError."""
        key, _, _ = await self._known(name)
        await self._change(name, "stopped", ("running", "paused"), "stopped by hand")
        await self._store.recall_broadcast(key, self._clock())
        return await self.report(name)

    async def _change(
        self, name: str, wanted: BroadcastStatus, before: Sequence[str], reason: str, daily: int | None = None
    ) -> BroadcastReport:
        await self._known(name)
        found = await self._store.change_broadcast(name, wanted, before, reason, daily)
        if found is None or found.status != wanted:
            state = "gone" if found is None else found.status
            raise WaboxError(f"the broadcast {name!r} is {state}: it cannot be {wanted}")
        log.info("broadcast.changed", broadcast=name, status=wanted)
        return await self.report(name)

    async def _known(self, name: str) -> tuple[int, int, Broadcast]:
        found = await self._store.broadcast(name)
        if found is None:
            raise WaboxError(f"there is no broadcast {name!r}; wabox broadcast list names them")
        return found
