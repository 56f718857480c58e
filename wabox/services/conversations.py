"""One turn of a conversation, as a pure function: what we have and what came in; the unit of work out.

``wabox serve``, ``wabox chat``, the tests and the demo all call :func:`advance`, so what works in one works in all (P8).

1. A conversation that has not begun starts with the main chart; so does one whose chart no longer has its states.
2. The message becomes an event: a due timer by its name, a customer's words through the resolver.
3. The engine steps. An event that nobody handles climbs the fallback ladder: the free-text and ``fallback`` events of the
   chart, then our own words with the standing question, then its options spelled out, then a person.
4. Effects become bubbles, timers and cases. A question whose state was left within the same turn is not asked: the customer
   could only answer the wrong one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wabox.core.changed import changed
from wabox.core.content import Content, Option
from wabox.core.conversation import Session
from wabox.core.event import Event
from wabox.core.fit import fit
from wabox.core.intent import Understanding
from wabox.core.llm import Advice
from wabox.core.message import InboundMessage
from wabox.engine.collect import CORRECTED, INVALID
from wabox.engine.invoke import ERROR_INVOKE
from wabox.engine.view import gives_back, held, waits_for_calls
from wabox.engine.wish import PREFIX
from wabox.errors import ConversationError
from wabox.flowfile.bot import Bot
from wabox.flowfile.repairs import CANNOT_HANDLE, CLARIFY
from wabox.nlu.resolver import HOLD, Resolver
from wabox.nlu.wanted import wanted
from wabox.services import alerting, closing, desk, deskclock, followup, hand, pieces, rating, returning
from wabox.services.collecting import corrected, standing, volunteer, wrong
from wabox.services.consent import heard, note
from wabox.services.dispatching import dispatch
from wabox.services.moving import Move
from wabox.services.quiet import amend, close, closes, keep_quiet, quiet
from wabox.services.reading import advised, lost
from wabox.services.replies import Lead
from wabox.services.returning import AWAY, BACK, Away
from wabox.services.ringing import ring
from wabox.services.temper import hear, soothe
from wabox.services.turn import Draft, Turn
from wabox.services.understanding import GO_ON, understand

QUIET = frozenset({"reaction", "system", "edited", "deleted"})
"""Types that ask for no answer: silence is polite, and they open no service window."""
HEARD = 200
"""Characters of a recording that are repeated to whoever sent it."""
PATIENCE = 3
"""Misunderstandings in a row after which a person takes over."""


def advance(
    bot: Bot,
    resolver: Resolver,
    session: Session,
    message: InboundMessage,
    now: int,
    move: Move | None = None,
    advice: Advice | None = None,
) -> Turn:
    """Handle one message. Raises ConversationError when the stored snapshot cannot be read; nothing else by design.

    ``move``: how the conversation comes to ``bot``, when it is stored on another version of it. ``advice``: what a language
    model made of the message, after a turn without it had ``lost`` it.
    """
    draft = Draft(bot, session, message, now, move)
    silent = quiet(session, now)
    note(draft)
    if message.channel == "whatsapp" and message.type not in QUIET:
        draft.file.wait()
    match message.channel:
        case _ if closes(message):
            close(draft)
        case "whatsapp" | "standby" if heard(draft, resolver, silent=silent):
            pass
        case "whatsapp" if rating.given(draft):
            pass
        case "echo":
            keep_quiet(draft)
        case "standby" | "notice":
            amend(draft)
        case "timer" if message.payload.get("name") == closing.NAME:
            closing.fire(draft)
        case "timer" if message.payload.get("name") == followup.NAME:
            followup.fire(draft)
        case "timer" if str(message.payload.get("name")).startswith(deskclock.PREFIX):
            deskclock.fire(draft)
        case "timer":
            if draft.restore():
                _due(draft, resolver, silent=silent)
        case "agent":
            desk.act(draft)
        case "colleague":
            draft.lines.append(Content(text=str(message.payload["answer"])))
        case "action" if message.payload.get("id") == alerting.OLD:
            pass
        case "action":
            _result(draft)
        case "delivery":
            _failed(draft)
        case "api" if message.type in hand.ACTS:
            hand.act(draft)
        case "api":
            dispatch(draft)
        case _ if silent or _with_agent(draft):
            amend(draft)  # a person reads it
        case _:
            amend(draft)
            _hears(draft, resolver, advice)
    if silent and message.channel != "agent":
        draft.hush("a person answers from the phone")
    return draft.finish()


def apologise(bot: Bot, session: Session, message: InboundMessage, now: int, error: Exception) -> Turn:
    """The turn after :func:`advance` failed: a reply, a person, the reason on record (promise P4).

    A snapshot that cannot be read goes into the record and the next message begins anew; any other failure leaves the
    conversation where it was.
    """
    draft = Draft(bot, session, message, now)
    body: dict[str, Any] = {"error": f"{type(error).__name__}: {error}", "message_id": message.message_id}
    unreadable = isinstance(error, ConversationError)
    if unreadable:
        body["snapshot"] = (session.snapshot or b"").decode("utf-8", "replace")
    draft.record("error", body)
    waits = message.channel == "whatsapp" and message.type not in QUIET
    if waits or message.channel == "action":
        draft.say("wabox.trouble")
    if waits or message.channel in ("action", "timer"):
        # Nothing will bring the result or the timer again: without people nobody would ever take this up.
        draft.hand_over("default", f"the bot failed: {type(error).__name__}")
    if quiet(session, now):
        draft.hush("a person answers from the phone")
    return draft.finish(forget=unreadable)


def _with_agent(draft: Draft) -> bool:
    """Whether an agent has the conversation though the flow does not wait for people: the flow stands still meanwhile."""
    if not draft.file.claimed or not draft.restore() or draft.snapshot is None:
        return draft.file.claimed
    return not held(draft.bot.charts, draft.snapshot)


def _result(draft: Draft) -> None:
    """A call came back. When it failed and the chart has no way for that, the customer is not left waiting."""
    if not draft.restore():
        return
    payload, event = draft.message.payload, draft.message.type
    data = payload.get("data") or {}
    minded = draft.answer(str(payload["chart"]), str(payload["id"]), int(payload["armed"]), Event(event, data))
    failed = event.startswith(ERROR_INVOKE)
    if failed:
        draft.record("error", {"where": f"call {payload['id']}", "error": str(data.get("error"))})
    if (failed and not minded) or (draft.failures and not draft.lines):
        draft.say("wabox.trouble")
        draft.hand_over("default", f"the call {payload['id']} failed: {data.get('error')}"[:200])


def _failed(draft: Draft) -> None:
    """A message did not arrive. The chart may mind; whether or not, it is on record."""
    if draft.restore() and not draft.step(Event(draft.message.type, draft.message.payload)):
        draft.record("event", {"not_handled": draft.message.type, "reason": draft.message.payload.get("reason")})


def _due(draft: Draft, resolver: Resolver, *, silent: bool) -> None:
    if not pieces.is_over(draft):
        ring(draft)
        return
    timer, kept = draft.message, pieces.joined(draft)
    if silent or draft.permit.consent.stopped or _with_agent(draft):
        # As with any other message: since it was written a person took over, or the customer said stop.
        draft.record("event", {"pieces": "not answered"})
    elif kept is not None:
        draft.message = kept
        _customer(draft, resolver, "here", None)
        draft.message = timer


def _hears(draft: Draft, resolver: Resolver, advice: Advice | None) -> None:
    """The customer writes: keep it if more may follow; otherwise read what was kept, and then this."""
    away, message = returning.take_up(draft), draft.message
    if away in AWAY:
        draft.record("event", {BACK: away})
    elif pieces.waits_for_more(draft):
        return
    kept = pieces.joined(draft)
    if kept is not None:
        draft.message = kept
        _customer(draft, resolver, away, None)
        draft.message, away = message, "here"
    if draft.snapshot is not None and draft.snapshot.status == "done":
        draft.begin()  # what was kept ended the conversation
    _customer(draft, resolver, away, advice)


def _customer(draft: Draft, resolver: Resolver, away: Away | None, advice: Advice | None) -> None:
    message = draft.message
    begun = away is not None
    if draft.move is not None and draft.move.how == "failed":
        return  # whoever takes over answers
    if not begun:
        if message.type in QUIET:
            return
        draft.begin()
    assert draft.snapshot is not None  # noqa: S101 - it was restored or begun
    found = understand(draft.bot, resolver, draft.snapshot, message, draft.now, asked=begun)
    other = wanted(message.text or "", draft.bot.languages) if message.type == "text" else None
    if other is not None:
        found = changed(found, language=other)
    if other is None and (missed := lost(draft.bot, draft.snapshot, message, found)) is not None:
        if advice is None:
            draft.lost = missed
        else:
            found = advised(found, advice)
    draft.understanding = found
    draft.language = found.language
    draft.keep(language=found.language)
    event = Event(found.event, {**message.payload, **found.data}, customer=True)
    before = standing(draft) if begun else None
    angry = hear(draft, found)
    charts, snapshot = draft.bot.charts, draft.snapshot
    if begun and held(charts, snapshot) and not gives_back(charts, snapshot, found.event):
        # A person has the conversation and will read this: the bot keeps quiet (P7), unless the chart itself minds.
        if draft.file.case is None:
            draft.hand_over("default", "writes after the case was closed")  # the flow stayed with people: so do we
        draft.step(Event("fallback", event.data, customer=True))
    elif away in AWAY and found.intent == "greet" and returning.ask(draft, found):
        pass  # "hello" after a long time is no answer to anything
    elif angry is not None and soothe(draft, angry, event):
        draft.keep(misses=0)
    elif not begun and found.intent in (None, "greet"):
        # The first message usually only says hello: what the chart says on starting answers it. Only a clear intent goes
        # further, so that "where is my order" is not met with "hello" alone.
        draft.events.append(found.event)
        volunteer(draft, resolver, None)
    elif found.event == GO_ON or (other is not None and found.tier not in ("rules", "structured")):
        # To be asked in another language is no answer, and nothing was misunderstood.
        draft.lines.append(Lead(""))
        draft.keep(misses=0)
    elif found.event == INVALID:
        # Whoever comes back with what is no answer is asked whether to go on, not told that it was wrong.
        if away not in AWAY or not returning.ask(draft, changed(found, event="fallback")):
            wrong(draft, found, event)
    elif found.event == CORRECTED:
        corrected(draft, event)
    elif found.event == HOLD and not draft.step(event):
        draft.say("wabox.hold")
        draft.keep(misses=0)
    elif found.ask and begun and not snapshot.misses:
        _clarify(draft, found, event)
    elif draft.step(event):
        draft.keep(misses=0)
        if found.tier in ("rules", "classifier"):
            volunteer(draft, resolver, before)
    elif begun and not draft.failures:
        # Otherwise it may be the failure that kept it from being handled: no word about the customer's, then.
        _not_handled(draft, found, event, away)
    if draft.failures and not draft.lines:
        # A guard or action broke, and the chart has no words for that.
        draft.say("wabox.trouble")
        draft.hand_over("default", f"the flow failed in {draft.failures[0].where}")


def _clarify(draft: Draft, found: Understanding, event: Event) -> None:
    """Between sure and lost: one question whose buttons are the intents, once; a state that takes any text takes it first."""
    if draft.step(Event("message.text", event.data, customer=True)):
        draft.keep(misses=0)
        return
    draft.keep(misses=1)
    own = PREFIX + CLARIFY
    if own in draft.bot.charts.live and own not in draft.bot.borrowed:
        named = [{"event": name, "title": draft.bot.intent_title(name, draft.language)} for name in found.ask]
        if draft.step(Event(CLARIFY, {**event.data, "options": named}, customer=True)):
            return
    draft.events.append(found.event)
    options = tuple(Option(event=name, title=draft.bot.intent_title(name, draft.language)) for name in found.ask)
    draft.lines.append(fit(Content(text=draft.bot.text("wabox.clarify", draft.language), buttons=options)))


def _not_handled(draft: Draft, found: Understanding, event: Event, away: Away | None) -> None:
    """The fallback ladder."""
    kind = draft.message.type
    if kind in QUIET:
        return
    if found.tier == "structured":
        # A button of an earlier question: nothing is wrong with the customer's words, so it is no miss.
        draft.lines.append(Lead("wabox.old_button"))
        return
    if kind == "text" and draft.step(Event("message.text", event.data, customer=True)):
        draft.keep(misses=0)
        return
    if away in AWAY and kind == "text" and returning.ask(draft, found):
        return
    calling = draft.snapshot is not None and waits_for_calls(draft.bot.charts, draft.snapshot)
    if found.intent == "greet" and found.event == "greet" and not calling:
        draft.lines.append(Lead(""))  # it was understood: the question again, and nothing counts as missed
        return
    if draft.step(Event("fallback", event.data, customer=True)):
        return
    if calling:
        # "Hello?" while we look something up: nothing was asked, so nothing was misunderstood.
        draft.say("wabox.moment")
        return
    if kind != "text":
        heard = draft.message.payload.get("heard")
        if isinstance(heard, Mapping) and heard.get("text"):
            # A voice message of which the words are anybody's guess: say what was heard, so that it can be put right.
            draft.lines.append(Lead("wabox.misheard", values={"heard": str(heard["text"])[:HEARD]}))
            return
        draft.lines.append(Lead(draft.bot.cannot_read(kind)))
        return
    misses = draft.snapshot.misses + 1 if draft.snapshot else 1
    draft.keep(misses=misses % PATIENCE)
    if PREFIX + CANNOT_HANDLE in draft.bot.charts.live:
        data = {**event.data, "misses": misses}
        if misses >= PATIENCE:
            draft.why = "third misunderstanding"
        if draft.step(Event(CANNOT_HANDLE, data, customer=True)):
            return
    if misses == 1:
        draft.lines.append(Lead("wabox.rephrase", own_words=True))
    elif misses < PATIENCE:
        draft.lines.append(Lead("wabox.buttons_hint", numbered=True))
    else:
        draft.why = "third misunderstanding"
        if not draft.step(Event("human", event.data, customer=True)):
            draft.say("wabox.handoff")
            draft.hand_over("default", draft.why)
