-- Conversations that are over, as they stood.
CREATE TABLE archives (
  key INTEGER PRIMARY KEY,
  conversation INTEGER NOT NULL,
  at INTEGER NOT NULL,
  reason TEXT NOT NULL,             -- core.conversation.Archive
  snapshot BLOB NOT NULL,           -- the engine's
  UNIQUE (conversation, at)
) STRICT;
