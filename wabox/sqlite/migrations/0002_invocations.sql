-- Calls (`invoke`) whose result is awaited. The transaction that stores the result as an inbox row deletes the call.
CREATE TABLE invocations (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,          -- also the idempotency key
  conversation INTEGER NOT NULL,
  chart TEXT NOT NULL,
  name TEXT NOT NULL,               -- the id of the `invoke`
  armed INTEGER NOT NULL,           -- sequence of the snapshot that asked
  request BLOB NOT NULL,            -- JSON; secrets are still placeholders
  timeout INTEGER NOT NULL,         -- ms
  retries INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL         -- tries begun
) STRICT;
CREATE INDEX invocations_conversation ON invocations (conversation);
