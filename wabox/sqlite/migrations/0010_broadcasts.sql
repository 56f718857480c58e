CREATE TABLE broadcasts (
  key INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL,
  reason TEXT NOT NULL,
  next_at INTEGER NOT NULL,
  body BLOB NOT NULL
) STRICT;


CREATE TABLE recipients (
  key INTEGER PRIMARY KEY,
  broadcast INTEGER NOT NULL,
  line INTEGER NOT NULL,
  contact BLOB NOT NULL,
  body BLOB NOT NULL,
  status TEXT NOT NULL,
  code INTEGER,
  reason TEXT,
  outbound_id TEXT,
  entered_at INTEGER
) STRICT;
CREATE INDEX recipients_progress ON recipients (broadcast, status, code);
CREATE INDEX recipients_entered ON recipients (entered_at) WHERE entered_at IS NOT NULL;

CREATE TRIGGER outbox_recipient AFTER INSERT ON outbox WHEN NEW.recipient IS NOT NULL
BEGIN
  UPDATE recipients SET outbound_id = NEW.id, reason = NEW.reason, code = NEW.code,
    status = CASE WHEN NEW.status = 'failed' THEN 'skipped' ELSE NEW.status END
  WHERE key = NEW.recipient;
END;
CREATE TRIGGER outbox_followed AFTER UPDATE OF status ON outbox WHEN NEW.recipient IS NOT NULL
BEGIN
  UPDATE recipients SET reason = NEW.reason,
    code = CASE WHEN NEW.status = 'queued' OR (NEW.status = 'failed' AND OLD.status <> 'queued') THEN NEW.code END,
    status = CASE WHEN NEW.status = 'failed' AND (NEW.attempts = 0 OR NEW.recalled IS NOT NULL OR OLD.status = 'queued')
      THEN 'skipped' ELSE NEW.status END
  WHERE key = NEW.recipient;
END;
