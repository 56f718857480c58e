"""Conversations as they were committed last, in memory: a turn soon after another needs no read.

A read is 50 µs, because each commit empties the reading connection's page cache. What is here holds because this process is
the only one that writes. Bounded by bytes too: a snapshot may have a megabyte, and four thousand of those would be the machine.
"""

from __future__ import annotations

from wabox.core.conversation import Session

MOST = 4096
MOST_BYTES = 16 * 1024 * 1024
EACH = 1024
"""Bytes of one without its snapshots, about."""


class Recent:
    """Those that were kept last."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._sessions: dict[str, Session] = {}
        self._most_bytes = most_bytes
        self._bytes = 0

    def __contains__(self, conversation_id: object) -> bool:
        return conversation_id in self._sessions

    def __len__(self) -> int:
        return len(self._sessions)

    def get(self, conversation_id: str) -> Session | None:
        return self._sessions.get(conversation_id)

    def keep(self, session: Session) -> None:
        """As it is now; those that were kept longest ago make room."""
        self.drop(session.conversation_id)
        self._sessions[session.conversation_id] = session
        self._bytes += _size(session)
        while len(self._sessions) > MOST or self._bytes > self._most_bytes:
            self.drop(next(iter(self._sessions)))

    def drop(self, conversation_id: str) -> None:
        gone = self._sessions.pop(conversation_id, None)
        if gone is not None:
            self._bytes -= _size(gone)

    def clear(self) -> None:
        self._sessions.clear()
        self._bytes = 0


def _size(session: Session) -> int:
    archived = session.archived.snapshot if session.archived is not None else b""
    return EACH + len(session.snapshot or b"") + len(archived)
