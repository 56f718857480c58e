-- What customers agreed to and what they asked us to stop: a ledger that is only added to, and what it comes to.

CREATE TABLE consents (
  key INTEGER PRIMARY KEY,
  contact INTEGER NOT NULL,
  at INTEGER NOT NULL,
  what TEXT NOT NULL,
  channel TEXT NOT NULL,
  words TEXT,
  number_id TEXT,
  ref TEXT,
  "by" TEXT
) STRICT;
CREATE INDEX consents_contact ON consents (contact);

ALTER TABLE contacts ADD COLUMN consent BLOB;
CREATE INDEX contacts_merged ON contacts (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX conversations_handle ON conversations (substr(id, instr(id, ':') + 1));

ALTER TABLE outbox ADD COLUMN recalled TEXT;
