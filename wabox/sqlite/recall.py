"""What was written before a customer said stop does not leave after it (promise P11).

What waits fails at once, with the reason. What is being sent just now may have left: it is marked, and if it did not leave
after all it is not tried again (:func:`wabox.sqlite.outbox.mark`). What had left and comes back as not delivered
asks :func:`wabox.sqlite.consents.refused` before it is put back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from wabox.core.consent import Consent, refusal
from wabox.core.conversation import Record
from wabox.core.delivery import DeliveryStatus
from wabox.sqlite import transcript


def recall(connection: sqlite3.Connection, handles: Iterable[str], consent: Consent, now: int) -> int:
    """Take out what this consent does not allow; how many messages that were. ``handles`` name the conversations."""
    rows = [
        row
        for handle in handles
        for row in connection.execute(
            "SELECT o.key, o.id, o.conversation, o.status, o.purpose FROM conversations c"
            " JOIN outbox o ON o.conversation = c.key AND o.pending = 1"
            " WHERE substr(c.id, instr(c.id, ':') + 1) = ?",
            (handle,),
        )
    ]
    taken = 0
    for key, id_, conversation, status, purpose in rows:
        reason = refusal(consent, purpose)
        if reason is None:
            connection.execute("UPDATE outbox SET recalled = NULL WHERE key = ? AND recalled IS NOT NULL", (key,))
        elif status == DeliveryStatus.QUEUED:
            taken += 1
            connection.execute(
                "UPDATE outbox SET status = 'failed', pending = 0, due_at = NULL, reason = ?, tell = 0 WHERE key = ?",
                (reason, key),
            )
            body = {"status": DeliveryStatus.FAILED.value, "reason": reason}
            transcript.add(connection, conversation, [Record(at=now, kind="status", ref=id_, body=body)])
        else:
            connection.execute("UPDATE outbox SET recalled = ? WHERE key = ?", (reason, key))
    return taken
