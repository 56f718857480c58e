ALTER TABLE outbox ADD COLUMN otherwise BLOB;
ALTER TABLE outbox ADD COLUMN closes_at INTEGER;
ALTER TABLE outbox ADD COLUMN due_at INTEGER;
ALTER TABLE outbox ADD COLUMN code INTEGER;
ALTER TABLE outbox ADD COLUMN tell INTEGER NOT NULL DEFAULT 1;
CREATE INDEX outbox_due ON outbox (due_at) WHERE due_at IS NOT NULL AND pending = 1;
CREATE INDEX outbox_untold ON outbox (key) WHERE tell = 2;
