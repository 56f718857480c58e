"""When the bot says nothing: a person answers from the phone, or the customer may be somebody else.

* An echo of what was typed on the business's own phone counts as a person (promise P7): the bot keeps quiet for a while after
  the last one (``[bot] pause``, four hours), and then goes on where it stood. What it had said and what has not left yet does
  not leave any more. What the customer writes meanwhile is on record and not answered.
* Our own messages come back as echoes too; whoever calls :func:`wabox.services.conversations.advance` tells those apart first.
* A changed number, or a changed identity, closes the conversation: whoever writes next begins anew and sees nothing of it.
* An edit or a deletion changes what the transcript says, and nothing else.
"""

from __future__ import annotations

from typing import Final

from wabox.core.conversation import Amendment, Session
from wabox.core.identity import doubtful
from wabox.core.message import InboundMessage
from wabox.services.turn import Draft

TAKEN_OVER: Final = "a person answered from the phone before it left"


def quiet(session: Session, now: int) -> bool:
    """Whether a person is answering from the phone."""
    return session.quiet_until > now


def keep_quiet(draft: Draft) -> None:
    """Somebody of the business wrote on the phone."""
    if draft.message.type not in ("edited", "deleted", "reaction"):
        since = min(draft.message.timestamp, draft.now)
        draft.quiet_until = max(draft.quiet_until, since + draft.bot.manners.pause)
        draft.withdraw = TAKEN_OVER
    amend(draft)


def amend(draft: Draft) -> None:
    """The message edits or deletes another one: the transcript says so."""
    message = draft.message
    target = message.payload.get("original_message_id")
    if message.type in ("edited", "deleted") and isinstance(target, str) and target:
        deleted = message.type == "deleted"
        draft.amend.append(
            Amendment(ref=target, at=message.timestamp, deleted=deleted, text=None if deleted else message.text)
        )


def closes(message: InboundMessage) -> bool:
    """Whether what the conversation knows may not be shown to whoever writes next."""
    return doubtful(message) or (message.channel == "notice" and message.type == "merged")


def close(draft: Draft) -> None:
    """End the conversation without a word; the next message begins a new one."""
    draft.forget = True
    draft.opened_at = None
    draft.quiet_until = 0
    draft.close_case()
    draft.record("event", {"closed": str(draft.message.payload.get("type") or draft.message.type)})
