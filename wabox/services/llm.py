"""Asking the language model, inside its purse (promise P10).

Asked only about what nobody else understood, before the turn that needs it, while only that conversation's lane waits. In this
order, so that what is cheapest comes first:

1. the same question was answered before: that answer, for nothing;
2. the day's or the conversation's money is used up: not asked. From :data:`CHEAPER` of either on only the event is asked for,
   without documents;
3. the endpoint failed again and again: left alone for a while (:mod:`wabox.services.breaker`); too many at once: not asked;
4. the same question was tried twice within an hour without an answer: not asked again;
5. asked, with what it may cost at most taken out of the purse before it leaves, and put right after.

Whatever happens, the turn goes on: an advice that is none leads to the fallback ladder, as without a model.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from wabox.core.llm import MILLION, Advice, Caps, Completion, LanguageModel, LlmQuestion, Prices, Purse, Spent, micros
from wabox.core.message import InboundMessage
from wabox.core.ports import Clock
from wabox.errors import StorageError
from wabox.flowfile.bot import Bot
from wabox.nlu.resolver import Resolver
from wabox.services.advising import asked_of, judge, messages_of, schema_of
from wabox.services.awaiting import Lost
from wabox.services.breaker import Breaker
from wabox.settings.models import LlmSettings

log = structlog.get_logger(__name__)

CHEAPER = 0.8
SAME = 2
HOUR = 3_600_000
DAY = 24 * HOUR
SHORT = 80
"""Tokens of an answer that has no quotation."""
AT_ONCE = 8
"""Requests under way; more would only wait for each other until their deadlines."""
PAUSE = 0.2
"""s before the first repetition."""
BYTES_A_TOKEN = 2
"""Fewer than any tokeniser takes together in any script, so that what is taken from the purse is enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    prices: Prices
    caps: Caps
    deadline: float
    """s for everything about one message."""
    retries: int
    max_tokens: int
    keep: int
    """ms that an answer is kept; 0: not at all."""

    @classmethod
    def of(cls, settings: LlmSettings) -> Limits:
        """What the owner says."""
        return cls(
            prices=Prices(read=micros(settings.price_in), written=micros(settings.price_out)),
            caps=Caps(
                turn=micros(settings.max_turn),
                conversation=micros(settings.max_conversation),
                day=micros(settings.max_day),
            ),
            deadline=settings.deadline,
            retries=settings.retries,
            max_tokens=settings.max_tokens,
            keep=round(settings.keep * DAY),
        )


@dataclass(slots=True)
class _Bill:
    """What one turn cost so far."""

    micros: int = 0
    tries: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cached: bool = False


class Advisor:
    """Asks for advice about messages that nobody understood."""

    def __init__(
        self,
        model: LanguageModel,
        purse: Purse,
        clock: Clock,
        limits: Limits,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._model = model
        self._purse = purse
        self._clock = clock
        self._limits = limits
        self._monotonic = monotonic
        self._sleep = sleep
        self._breaker = Breaker()
        self._under_way = 0
        self._told: set[tuple[str, str]] = set()

    async def aclose(self) -> None:
        await self._model.aclose()

    async def advise(self, bot: Bot, resolver: Resolver, lost: Lost, message: InboundMessage) -> Advice:
        """What the message may mean; never raises."""
        began = self._monotonic()
        bill = _Bill()
        try:
            advice = await self._advise(bot, resolver, lost, message, bill, began)
        except asyncio.CancelledError:
            self._breaker.leave()
            raise
        except StorageError as error:
            self._breaker.leave()
            log.warning("llm.not_asked", conversation=message.conversation_id, reason=str(error))
            advice = _saved("what it costs cannot be counted now")
        except Exception as error:
            log.error("llm.failed", conversation=message.conversation_id, exc_info=error)
            advice = Advice(outcome="failed", why=f"asking failed: {type(error).__name__}")
        ms = round((self._monotonic() - began) * 1000, 1)
        trace: dict[str, Any] = {
            "outcome": advice.outcome,
            "why": advice.why,
            "model": self._model.model,
            "tokens": [bill.tokens_in, bill.tokens_out],
            "money": bill.micros / MILLION,
            "tries": bill.tries,
            "cached": bill.cached,
            "ms": ms,
        }
        log.info("llm", conversation=message.conversation_id, **trace)
        return replace(advice, trace=trace)

    async def _advise(
        self, bot: Bot, resolver: Resolver, lost: Lost, message: InboundMessage, bill: _Bill, began: float
    ) -> Advice:
        conversation, text, limits = message.conversation_id, message.text or "", self._limits
        now = self._clock()
        day = datetime.fromtimestamp(now / 1000, ZoneInfo(bot.manners.timezone)).date().isoformat()
        max_tokens = limits.max_tokens
        asked = asked_of(bot, resolver, lost, text)
        if (known := await self._known(asked, bill, now)) is not None:
            return known
        spent = await self._purse.spent(conversation, day)
        share = self._share(spent)
        if share >= 1:
            self._tell(day, "llm.money_used_up", spent)
            return _saved("the money for today is used up")
        if share >= CHEAPER:
            self._tell(day, "llm.money_nearly_used_up", spent)
            asked, max_tokens = asked_of(bot, resolver, lost, text, short=True), min(SHORT, max_tokens)
            if (known := await self._known(asked, bill, now)) is not None:
                return known
        if not asked.options and not asked.passages:
            return _saved("there is nothing to choose from")
        if self._under_way >= AT_ONCE:
            return _saved("too many questions are under way")
        if not self._breaker.allows(now):
            return _saved("the endpoint failed several times in a row and is left alone for a while")
        if await self._purse.tries(self._key(asked), now, now - HOUR) > SAME:
            self._breaker.leave()
            return _saved(f"the same was asked {SAME} times within an hour without an answer")
        self._under_way += 1
        try:
            return await self._asked(asked, max_tokens, conversation, day, bill, began + limits.deadline)
        finally:
            self._under_way -= 1

    async def _asked(
        self, asked: LlmQuestion, max_tokens: int, conversation: str, day: str, bill: _Bill, until: float
    ) -> Advice:
        completion = await self._bought(
            messages_of(asked), schema_of(asked), max_tokens, conversation, day, bill, until
        )
        if isinstance(completion, str):
            return _saved(completion)
        if completion.text is None:
            return Advice(outcome="failed", why=completion.error or "no answer")
        advice = judge(asked, completion.text)
        if advice.outcome != "failed":
            await self._purse.keep(self._key(asked), completion.text, self._clock())
        return advice

    async def write(
        self, conversation: str, timezone: str, messages: Sequence[Mapping[str, str]], schema: Mapping[str, Any]
    ) -> str | None:
        """An answer for our own people, out of the same purse; None: there is no money, or none came. Nobody waits for it."""
        now, bill, until = self._clock(), _Bill(), self._monotonic() + self._limits.deadline
        day = datetime.fromtimestamp(now / 1000, ZoneInfo(timezone)).date().isoformat()
        if self._share(await self._purse.spent(conversation, day)) >= CHEAPER:
            return None  # what is left is for customers
        if self._under_way >= AT_ONCE or not self._breaker.allows(now):
            return None
        self._under_way += 1
        try:
            found = await self._bought(messages, schema, self._limits.max_tokens, conversation, day, bill, until)
        except BaseException:
            self._breaker.leave()
            raise
        finally:
            self._under_way -= 1
        money = bill.micros / MILLION
        log.info("llm.brief", conversation=conversation, money=money, tries=bill.tries, done=not isinstance(found, str))
        return None if isinstance(found, str) else found.text

    async def _bought(
        self,
        messages: Sequence[Mapping[str, str]],
        schema: Mapping[str, Any],
        max_tokens: int,
        conversation: str,
        day: str,
        bill: _Bill,
        until: float,
    ) -> Completion | str:
        """What the endpoint said; or why it was not asked."""
        limits = self._limits
        size = len(json.dumps([messages, schema], ensure_ascii=False).encode())
        dearest = limits.prices.of(size // BYTES_A_TOKEN, max_tokens)
        completion = Completion(error="there was no time to ask", free=True)
        for attempt in range(limits.retries + 1):
            if attempt:
                await self._sleep(min(PAUSE * 2 ** (attempt - 1), max(0.0, until - self._monotonic())))
            left = until - self._monotonic()
            if left <= 0:
                break
            if bill.micros + dearest > limits.caps.turn:
                self._breaker.leave()
                return f"one turn may not cost up to {(bill.micros + dearest) / MILLION:.4f}"
            if not await self._purse.take(conversation, day, dearest, limits.caps):
                self._breaker.leave()
                return f"another {dearest / MILLION:.4f} would be more than may be spent today"
            bill.tries += 1
            completion = await self._model.complete(messages, schema, max_tokens, left)
            await self._charge(completion, conversation, day, dearest, bill)
            if self._breaker.went(not completion.sick, self._clock()):
                log.error("llm.left_alone", error=completion.error)
            if completion.text is not None or not completion.again or not self._breaker.allows(self._clock()):
                break
        return completion

    async def _charge(self, completion: Completion, conversation: str, day: str, dearest: int, bill: _Bill) -> None:
        """What is not known to be cheaper costs what it may have cost."""
        if completion.free:
            real = 0
        elif not completion.tokens_in or not completion.tokens_out:
            # Not told, or told that words cost nothing: the purse does not take its word for it.
            real = dearest
        else:
            real = self._limits.prices.of(completion.tokens_in, completion.tokens_out)
            bill.tokens_in += completion.tokens_in
            bill.tokens_out += completion.tokens_out
        bill.micros += real
        if real != dearest:
            await self._purse.settle(conversation, day, dearest, real)

    async def _known(self, asked: LlmQuestion, bill: _Bill, now: int) -> Advice | None:
        if not self._limits.keep:
            return None
        said = await self._purse.known(self._key(asked), now - self._limits.keep)
        if said is None:
            return None
        bill.cached = True
        return judge(asked, said)

    def _key(self, asked: LlmQuestion) -> bytes:
        whole = json.dumps([self._model.model, messages_of(asked), schema_of(asked)], ensure_ascii=False)
        return hashlib.blake2b(whole.encode("utf-8", "replace"), digest_size=16).digest()

    def _share(self, spent: Spent) -> float:
        """How much of the money is gone, of whichever purse is emptier."""
        caps = self._limits.caps
        parts = ((spent.day, caps.day), (spent.conversation, caps.conversation))
        return max((gone / cap if cap else float(gone > 0)) for gone, cap in parts)

    def _tell(self, day: str, what: str, spent: Spent) -> None:
        """The operator hears of it once a day; of a single conversation's purse nobody needs to."""
        if (day, what) in self._told or spent.day < CHEAPER * self._limits.caps.day:
            return
        self._told = {told for told in self._told if told[0] == day} | {(day, what)}
        log.error(what, day=day, spent=spent.day / MILLION, cap=self._limits.caps.day / MILLION)


def _saved(why: str) -> Advice:
    return Advice(outcome="saved", why=why)
