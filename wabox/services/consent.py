"""What a message says about being written to, and what becomes of a customer who said stop (promise P11).

A stop is confirmed once, with a button to undo it, and then the bot is silent: its flow stands where it stood, timers run out
unheard, and :meth:`wabox.services.permit.Permit` lets out nothing that the consent does not allow. Whoever writes all the
same wants something, and nobody is left in silence without a reason on record (P4):

* the first message is answered once: how to start again;
* from the second on people are asked, because the customer knows by then that the bot will not answer; they may, in words of
  their own;
* "ok", "thanks" and what is read by a person anyway need neither.

A word that may be an answer here ("parar") is one where the question that stands expects it. A universal one never is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wabox.core.consent import LONGEST_WORDS, REFUSED, START, WISHES, ConsentChannel, ConsentEntry, ConsentWhat
from wabox.core.content import Content, Option
from wabox.core.fit import fit
from wabox.core.message import InboundMessage
from wabox.engine.view import expected, held
from wabox.nlu.resolver import Resolver
from wabox.nlu.stopping import Said, Wish, only_polite, tapped
from wabox.nlu.utterances import tokens
from wabox.services.replies import Lead
from wabox.services.turn import Draft
from wabox.services.understanding import understand

QUIET = frozenset({"reaction", "system", "edited", "deleted"})
"""Types that ask for no answer."""
_PREFERENCES: Mapping[str, ConsentWhat] = {"stop": "opt_out", "resume": "opt_in", "signup": "opt_in"}


def note(draft: Draft) -> None:
    """Write down what Meta tells of the customer's wishes: a preference set in WhatsApp, a message refused for one."""
    message, said = draft.message, draft.message.payload
    if message.channel == "delivery" and said.get("code") == REFUSED:
        _enter(draft, "opt_out", "delivery", str(said.get("reason") or REFUSED))
    elif message.channel == "notice" and message.type == "preference":
        value, category = said.get("value"), said.get("category", "marketing_messages")
        what = _PREFERENCES.get(value) if isinstance(value, str) and category == "marketing_messages" else None
        if what is not None:
            _enter(draft, what, "preference", str(said.get("detail") or value))


def heard(draft: Draft, resolver: Resolver, *, silent: bool) -> bool:
    """Take what the customer says about being written to; False when the message is the bot's to answer.

    ``silent``: a person answers from the phone.
    """
    message, stopped = draft.message, draft.permit.consent.stopped
    wish, universal, language = _wish(draft.message, resolver)
    if wish == "start" and not stopped:
        wish = None  # the first word of many who write; the flow greets them
    if wish == "stop" and not universal and not stopped and _is_answer(draft, resolver):
        wish = None
    if wish is None and not stopped:
        return False
    if message.type in QUIET:
        return False  # nobody answers these
    begun = draft.restore()
    if language in draft.bot.languages:
        draft.language = language
    watched = silent or (draft.snapshot is not None and held(draft.bot.charts, draft.snapshot))
    if wish is None:
        _unanswered(draft, resolver, watched=watched)
        return True
    draft.events.append(next(event for event, name in WISHES.items() if name == wish))
    _enter(draft, wish, "message" if message.type == "text" else "button", message.text)
    if message.channel != "whatsapp":
        return True  # another partner has the thread, and confirms
    if wish == "start":
        if begun and not watched:
            draft.lines.append(Lead("wabox.started"))
        else:
            _confirm(draft, Content(text=draft.bot.text("wabox.started", draft.language)))
    elif wish == "stop" and not stopped:
        _confirm(draft, _with_way_back(draft, "wabox.stopped"))
    elif wish == "opt_out" and not stopped:
        _confirm(draft, Content(text=draft.bot.text("wabox.no_marketing", draft.language)))
    else:
        draft.record("event", {"stopped": "confirmed before"})
    return True


def _wish(message: InboundMessage, resolver: Resolver) -> tuple[Wish | None, bool, str | None]:
    """What is asked for, whether universally, and in which language, if that shows."""
    found: Said | None = None
    if message.type in ("button", "button_reply", "list_reply"):
        wish = tapped(message.payload.get("id"))
        if wish is not None:
            return wish, True, None
        if message.type == "button":  # of a template: WhatsApp's own "Stop promotions" has words only
            found = resolver.stopping.said(message.text or "")
    elif message.type == "text":
        found = resolver.stopping.said(message.text or "")
    return (None, False, None) if found is None else (found.wish, found.universal, found.language)


def _is_answer(draft: Draft, resolver: Resolver) -> bool:
    """Whether the question that stands expects just this: one of its options, an intent that its state names."""
    if not draft.restore() or draft.snapshot is None:
        return False
    found = understand(draft.bot, resolver, draft.snapshot, draft.message, draft.now)
    return found.tier == "expected" or found.intent in expected(draft.bot.charts, draft.snapshot)


def _unanswered(draft: Draft, resolver: Resolver, *, watched: bool) -> None:
    """A customer who said stop writes."""
    text = draft.message.text or ""
    polite = draft.message.type == "text" and (only_polite(text) or resolver.yes_or_no(tokens(text)) is not None)
    if draft.message.channel != "whatsapp" or watched or polite:
        draft.record("event", {"stopped": "not answered: " + ("a person reads it" if watched else "nothing was asked")})
    elif not draft.permit.consent.reminded:
        _enter(draft, "reminded", "message", None)
        _confirm(draft, _with_way_back(draft, "wabox.stop_reminder"))
    else:
        draft.record("event", {"stopped": "not answered: people are asked"})
        draft.hand_over("default", "writes although they asked us to stop")


def _confirm(draft: Draft, content: Content) -> None:
    draft.lines.append(draft.permit.confirmation(content))


def _with_way_back(draft: Draft, key: str) -> Content:
    text, title = (draft.bot.text(one, draft.language) for one in (key, "wabox.start_button"))
    return fit(Content(text=text, buttons=(Option(event=START, title=title),)))


def _enter(draft: Draft, what: ConsentWhat, channel: ConsentChannel, words: Any) -> None:
    message = draft.message
    draft.permit.agree(
        ConsentEntry(
            at=draft.now,
            what=what,
            channel=channel,
            words=None if words is None else str(words)[:LONGEST_WORDS],
            number_id=message.number_id,
            ref=message.message_id,
        )
    )
