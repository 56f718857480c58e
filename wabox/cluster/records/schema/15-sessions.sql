-- The rest of a conversation's copy: what people's processes read where Redis is not connected.
ALTER TABLE conversations ADD COLUMN IF NOT EXISTS opened_at bigint;                      -- the service window
ALTER TABLE conversations ADD COLUMN IF NOT EXISTS quiet_until bigint NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN IF NOT EXISTS consent bytea;                         -- JSON; NULL: never asked
