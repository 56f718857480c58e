-- Files that customers and agents sent. The bytes are here once, however many messages brought them.
CREATE TABLE IF NOT EXISTS files (
  sha256 text PRIMARY KEY,                -- hex
  size bigint NOT NULL,
  head bytea NOT NULL,                    -- the first bytes, which tell the type
  at bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS file_parts (
  sha256 text NOT NULL REFERENCES files ON DELETE CASCADE,
  part integer NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (sha256, part)
);
CREATE TABLE IF NOT EXISTS media (
  key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  message_id text NOT NULL UNIQUE,
  conversation text NOT NULL,
  number_id text NOT NULL,
  media_id text NOT NULL,                 -- Meta's; of an agent's file what stands in a message until it is uploaded
  type text NOT NULL,
  mime_type text,
  sha256 text,                            -- Meta's word, then what the file has
  at bigint NOT NULL,
  status text NOT NULL,                   -- waiting, stored, lost
  attempts integer NOT NULL DEFAULT 0,
  content_type text,
  size bigint,
  reason text,
  due_at bigint NOT NULL DEFAULT 0,       -- of the next try; whoever begins one puts it off for the others
  heard text,                             -- what is said in a voice message
  confidence double precision,
  file text REFERENCES files              -- once it is stored
);
CREATE INDEX IF NOT EXISTS media_due ON media (due_at) WHERE status = 'waiting';
CREATE INDEX IF NOT EXISTS media_conversation ON media (conversation);
CREATE INDEX IF NOT EXISTS media_at ON media (at);
CREATE INDEX IF NOT EXISTS media_file ON media (file) WHERE file IS NOT NULL;
CREATE TABLE IF NOT EXISTS uploads (
  number_id text NOT NULL, sha256 text NOT NULL, media_id text NOT NULL, at bigint NOT NULL, PRIMARY KEY (number_id, sha256)
);
