-- What customers said about being written to: only ever added to. What holds now is in each conversation's `consent`.
CREATE TABLE IF NOT EXISTS consents (       -- core.consent.ConsentEntry
  key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  conversation text NOT NULL,
  at bigint NOT NULL,
  what text NOT NULL,
  channel text NOT NULL,
  words text,
  number_id text,
  ref text,
  "by" text
);
CREATE INDEX IF NOT EXISTS consents_of ON consents (conversation, key);
-- Whoever writes to several numbers of the business has a conversation with each.
CREATE INDEX IF NOT EXISTS conversations_of ON conversations (substr(id, strpos(id, ':') + 1));
