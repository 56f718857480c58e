-- Files that customers sent: one row per message, many rows may share a file. The files lie in media/, by hash.
CREATE TABLE media (
  message_id TEXT PRIMARY KEY,
  conversation_id TEXT NOT NULL,
  number_id TEXT NOT NULL,
  media_id TEXT NOT NULL,           -- Meta's
  type TEXT NOT NULL,               -- the message's
  mime_type TEXT,                   -- Meta's word
  sha256 TEXT,                      -- hex; Meta's word until the file is stored
  at INTEGER NOT NULL,              -- when the customer sent it
  status TEXT NOT NULL,             -- core.media.MediaStatus
  attempts INTEGER NOT NULL,
  due_at INTEGER NOT NULL,          -- when to try (again), while it waits
  content_type TEXT,                -- what its first bytes say
  size INTEGER,
  reason TEXT,                      -- why it is not there
  heard TEXT,                       -- what is said in a voice message
  confidence REAL
) STRICT, WITHOUT ROWID;
CREATE INDEX media_waiting ON media (due_at) WHERE status = 'waiting';
CREATE INDEX media_erased ON media (sha256) WHERE status = 'erased';
CREATE INDEX media_file ON media (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX media_conversation ON media (conversation_id);

-- Files of bots that were uploaded to Meta: their ids there. A cache, in the database because each entry spares a transfer of
-- megabytes while a customer waits.
CREATE TABLE uploads (
  number_id TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  media_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (number_id, sha256)
) STRICT, WITHOUT ROWID;
