"""What people do about a case, as turns of its conversation: claim, reply, note, transfer, close.

1. Whoever acts names the case they see; if the conversation has moved on since, nothing is done and they are told.
2. Only the holder replies. Of two who claim at once the first has it: acts wait in the conversation's own queue, and the second
   turn sees what the first has committed.
3. A claim takes back what the bot had said and what has not left yet. What a person says leaves whatever the bot's consent is,
   but free words need an open service window: the agent is told at once, so no failed row is kept.
4. After a close the flow goes on at its declared state, at once; if it has no words of its own, the bot says that it is back.
"""

from __future__ import annotations

from typing import Any, Final

from wabox.core import consent, window
from wabox.core.content import Content
from wabox.core.delivery import OutboundMessage, outbound_id
from wabox.core.dispatch import is_template
from wabox.core.event import Event
from wabox.core.handoff import DONE, Handoff, Outcome
from wabox.services import alerting, followup, rating
from wabox.services.deskclock import queue_of
from wabox.services.replies import Lead
from wabox.services.turn import Draft
from wabox.whatsapp.payload import address

SAID: Final = 900
"""The index of a person's own message among those of its turn."""
TAKEN: Final = "an agent took the conversation before it left"
TAKEN_OVER: Final = "default"
"""The queue of a conversation that an agent stepped into."""
AGAIN: Final = 5 * 60_000
"""ms in which a wait is not told twice."""
GONE: Final = "this case is closed: the customer is with the bot, or has a new case"


def act(draft: Draft) -> None:
    """Do it, or say why not."""
    message, case = draft.message, draft.file.case
    if case is None and message.payload.get("take") is True and message.type in ("claim", "reply"):
        # An agent who steps into a conversation that nobody gave them.
        draft.file.open(TAKEN_OVER, "taken over", 0)
        case = draft.file.case
    elif message.type == "note":
        draft.outcome = DONE  # the line of the transcript is all there is to it
        return
    elif case is None or message.payload.get("case") not in (case.id, None):
        draft.outcome = Outcome(refusal=GONE)
        return
    assert case is not None  # noqa: S101 - it was found or opened
    draft.restore()
    if message.type == "tell":
        _tell(draft, case)
        return
    if message.type == "unheard":
        alerting.unheard(draft)
        return
    if message.type == "brief":
        if case.brief is None:
            draft.file.brief(str(message.payload["words"]))
        return
    if message.type == "offer":
        _offer(draft, case)
        return
    draft.outcome = _act(draft, case)


def _act(draft: Draft, case: Handoff) -> Outcome:
    match draft.message.type:
        case "claim":
            return _claim(draft, case)
        case "decline":
            return _decline(draft, case)
        case "reply":
            return _reply(draft, case)
        case "transfer":
            return _transfer(draft, case)
        case "close":
            return _close(draft, case)
        case other:
            return Outcome(refusal=f"there is no act {other!r}")


def _tell(draft: Draft, case: Handoff) -> None:
    """The customer's place and wait, if they wait still and can be written to in free words."""
    payload, closes_at = draft.message.payload, window.closes(draft.session.opened_at)
    if case.status != "waiting" or closes_at is None or draft.now >= closes_at:
        return
    if case.told is not None and draft.now - int(case.told.rpartition(":")[2]) < AGAIN:
        return  # two looks before the first was told
    values = {name: str(payload[name]) for name in ("place", "least", "most")}
    draft.file.tell(str(payload["told"]))
    draft.lines.append(Content(text=draft.bot.words("wabox.desk.place", draft.language, values)))


def _who(draft: Draft) -> tuple[str, str]:
    agent = str(draft.message.payload.get("agent") or "agent")
    return agent, str(draft.message.payload.get("by") or agent)


def _has(draft: Draft, case: Handoff) -> bool:
    return case.status == "claimed" and case.agent == _who(draft)[0]


def _other(case: Handoff) -> Outcome:
    return Outcome(
        refusal=f"{case.agent_name or case.agent} has this case: wait, ask for a transfer, or take it over (claim with take)"
    )


def _offer(draft: Draft, case: Handoff) -> None:
    """To one agent, or to everybody, if it is as it was when that was decided."""
    payload = draft.message.payload
    if case.status != "waiting" or case.offered is not None or case.passed != payload["passed"]:
        return
    to = payload.get("to")
    if to is None:
        draft.file.pass_on()
    else:
        draft.file.offer(str(to), str(payload["name"]), draft.now + queue_of(draft, case).offer)


def _decline(draft: Draft, case: Handoff) -> Outcome:
    if case.status != "waiting" or case.offered != _who(draft)[0]:
        return Outcome(refusal="this case is not offered to you any more")
    draft.file.pass_on()
    return DONE


def _claim(draft: Draft, case: Handoff) -> Outcome:
    if _has(draft, case):
        return DONE
    take = draft.message.payload.get("take") is True
    if case.status == "claimed" and not take:
        return _other(case)
    agent, name = _who(draft)
    if case.offered_until is not None and case.offered != agent and not take:
        left = -(-max(0, case.offered_until - draft.now) // 1000)
        return Outcome(refusal=f"it is offered to {case.offered_name} for {left} s more: wait, or take it over")
    draft.file.claim(agent, name)
    draft.withdraw = TAKEN
    draft.step(Event("handoff.claimed", {"agent": agent, "name": name}))
    return DONE


def _reply(draft: Draft, case: Handoff) -> Outcome:
    message = draft.message
    body = message.payload.get("body") or {"type": "text", "text": {"body": message.text or ""}}
    refusal = _unsayable(draft, body)
    if refusal is not None:
        return Outcome(refusal=refusal)
    if not _has(draft, case):
        if case.status == "waiting" and message.payload.get("claim") is not True:
            return Outcome(refusal="nobody has this case: claim it first, then reply")
        outcome = _claim(draft, case)
        if not outcome.done:
            return outcome
    _say(draft, body)
    draft.file.work(answered=True)
    draft.step(Event("handoff.text", {"text": message.text or ""}))
    return DONE


def _unsayable(draft: Draft, body: dict[str, Any]) -> str | None:
    """Why it cannot be said to this customer now."""
    if is_template(body):
        return consent.refusal(draft.session.consent, draft.message.payload.get("purpose") or "person")
    closes_at = window.closes(draft.session.opened_at)
    if closes_at is not None and draft.now < closes_at:
        return None
    if closes_at is None:
        return "the customer has not written yet: only a template may be sent"
    return "the customer last wrote more than 24 hours ago: WhatsApp takes only a template now. Reply with one (--template)"


def _say(draft: Draft, body: dict[str, Any]) -> None:
    """After whatever the bot says in this turn; in doubt it is not repeated: the agent sees it and decides."""
    message, session = draft.message, draft.session
    template = is_template(body)
    draft.dispatched.append(
        OutboundMessage(
            id=outbound_id(message.message_id, SAID),
            conversation_id=session.conversation_id,
            number_id=message.number_id,
            body={
                "messaging_product": "whatsapp",
                "recipient_type": "individual",
                **address(draft.contact()),
                **body,
            },
            created_at=draft.now,
            policy="once",
            closes_at=None if template else window.closes(session.opened_at),
            tells=False,
            source=f"agent:{_who(draft)[0]}",
            purpose=message.payload.get("purpose") or "person",
        )
    )


def _transfer(draft: Draft, case: Handoff) -> Outcome:
    if case.status == "claimed" and not _has(draft, case) and draft.message.payload.get("take") is not True:
        return _other(case)
    to, queue = draft.message.payload.get("to"), draft.message.payload.get("queue")
    if to:
        draft.file.claim(str(to), str(draft.message.payload.get("to_name") or to))
        draft.withdraw = TAKEN
        return DONE
    if not queue:
        return Outcome(refusal="say where to: another queue, or an agent")
    draft.file.give_back(str(queue))
    return DONE


def _close(draft: Draft, case: Handoff) -> Outcome:
    if case.status == "claimed" and not _has(draft, case) and draft.message.payload.get("take") is not True:
        return _other(case)
    agent, name = _who(draft)
    followup.declare(draft)
    draft.file.close((draft.message.text or "").strip() or f"closed by {name}")
    draft.step(Event("handoff.closed", {"agent": agent, "name": name, "outcome": draft.message.text or ""}))
    if not draft.lines:
        draft.lines.append(Lead("wabox.desk.back"))
    rating.ask(draft, case)
    return DONE


def reply_body(text: str, reply_to: str | None = None) -> dict[str, Any]:
    """The Cloud API request for an agent's words, without addressing."""
    body: dict[str, Any] = {"type": "text", "text": {"body": text}}
    return body | {"context": {"message_id": reply_to}} if reply_to else body
