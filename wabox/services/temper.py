"""How the customer sounds, over the messages of a conversation, and what is done when that is angry.

Clear anger, or anger in two messages, is the event ``angry``; where no state handles it, a person is called (unless the flow
says ``anger: off``). Once a conversation: who was called for it knows.
"""

from __future__ import annotations

from zlib import crc32

from wabox.core.changed import changed
from wabox.core.event import Event
from wabox.core.intent import Understanding
from wabox.nlu.anger import ANGRY, CALM, CLEAR, Tone, anger
from wabox.nlu.utterances import tokens
from wabox.services.turn import Draft

ANGER = "angry"
_CALM = (0, 0, 0, 0)
_SHORTEST = 2
"""Words of a message that says something when it is repeated; "ok" does not."""


def hear(draft: Draft, found: Understanding) -> Tone | None:
    """Notes how the message sounds; the tone, when it is time to do something about it."""
    message, snapshot = draft.message, draft.snapshot
    if message.type != "text" or not message.text or snapshot is None:
        return None
    before, last, times, called = snapshot.temper if len(snapshot.temper) == len(_CALM) else _CALM
    tone = anger().tone(message.text)
    said, again = 0, 0
    if tone.points or found.tier == "fallback":
        # Only of what displeases: "one more mug" said twice is an order, not a complaint.
        words = tokens(message.text)
        said = crc32(" ".join(words).encode("utf-8", "replace")) if len(words) >= _SHORTEST else 0
        again = times + 1 if said and said == last else 0
        if again:
            tone = anger().tone(message.text, again)
    if tone != CALM:
        draft.understanding = changed(found, tone=(tone.points, tone.why))
    due = not called and (tone.points >= CLEAR or (tone.points >= ANGRY and before >= ANGRY))
    temper = (max(tone.points, before // 2), said, again, 1 if due or called else 0)
    if temper != snapshot.temper and (snapshot.temper or any(temper)):
        draft.keep(temper=temper if any(temper) else ())
    return tone if due else None


def soothe(draft: Draft, tone: Tone, event: Event) -> bool:
    """Give the anger to the chart, or else to people; whether that was done."""
    draft.why = f"angry: {tone.why}"
    data = {**event.data, "why": tone.why, "points": tone.points}
    if draft.step(Event(ANGER, data, customer=True)):
        return True
    if draft.bot.charts.live[draft.bot.main].versioning.calm:
        draft.why = None
        return False
    if not draft.step(Event("human", event.data, customer=True)):
        draft.say("wabox.handoff")
        draft.hand_over("default", draft.why)
    return True
