CREATE TABLE alerts (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  conversation INTEGER NOT NULL,
  case_id TEXT NOT NULL,
  address TEXT NOT NULL,
  what TEXT NOT NULL,
  body BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  status TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  reason TEXT,
  ref TEXT,
  settled_at INTEGER
) STRICT;
CREATE INDEX alerts_due ON alerts (due_at) WHERE status IN ('waiting', 'sent');
CREATE INDEX alerts_case ON alerts (case_id);
CREATE INDEX alerts_card ON alerts (ref) WHERE ref IS NOT NULL;
