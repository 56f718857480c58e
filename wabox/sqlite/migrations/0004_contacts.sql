-- Who writes to us, under which ids; and what a conversation must remember of its customer.

CREATE TABLE contacts (
  key INTEGER PRIMARY KEY,
  handle TEXT NOT NULL UNIQUE,
  merged_into INTEGER,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE identities (
  key INTEGER PRIMARY KEY,
  contact INTEGER NOT NULL,
  kind TEXT NOT NULL,
  value TEXT NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  replaced_at INTEGER
) STRICT;
CREATE UNIQUE INDEX identities_current ON identities (value, kind) WHERE replaced_at IS NULL;
CREATE INDEX identities_contact ON identities (contact);

INSERT OR IGNORE INTO contacts (handle, created_at)
  SELECT substr(id, instr(id, ':') + 1), updated_at FROM conversations ORDER BY key;
INSERT OR IGNORE INTO identities (contact, kind, value, first_seen, last_seen)
  SELECT c.key, 'user_id', json_extract(CAST(v.contact AS TEXT), '$.user_id'), v.updated_at, v.updated_at
  FROM conversations v JOIN contacts c ON c.handle = substr(v.id, instr(v.id, ':') + 1)
  WHERE json_extract(CAST(v.contact AS TEXT), '$.user_id') IS NOT NULL ORDER BY v.updated_at DESC;
INSERT OR IGNORE INTO identities (contact, kind, value, first_seen, last_seen)
  SELECT c.key, 'wa_id', json_extract(CAST(v.contact AS TEXT), '$.wa_id'), v.updated_at, v.updated_at
  FROM conversations v JOIN contacts c ON c.handle = substr(v.id, instr(v.id, ':') + 1)
  WHERE json_extract(CAST(v.contact AS TEXT), '$.wa_id') IS NOT NULL ORDER BY v.updated_at DESC;

ALTER TABLE conversations ADD COLUMN opened_at INTEGER;
ALTER TABLE conversations ADD COLUMN quiet_until INTEGER NOT NULL DEFAULT 0;
