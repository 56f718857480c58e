-- Ids that customers had before, in conversations that go on under another: kept by PostgreSQL itself, whoever writes.
CREATE TABLE IF NOT EXISTS earlier_ids (
  key bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  conversation text NOT NULL,
  kind text NOT NULL,                     -- core.person.Identity
  value text NOT NULL,
  replaced_at bigint NOT NULL,            -- ms since the epoch: when last
  PRIMARY KEY (conversation, kind, value)
);
CREATE INDEX IF NOT EXISTS earlier_ids_value ON earlier_ids (value);
CREATE OR REPLACE FUNCTION keep_earlier_ids() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO earlier_ids (conversation, kind, value, replaced_at)
    SELECT OLD.id, ids.kind, ids.before, NEW.updated_at
      FROM (VALUES ('user_id', OLD.user_id, NEW.user_id), ('wa_id', OLD.wa_id, NEW.wa_id)) ids (kind, before, after)
      WHERE ids.before IS NOT NULL AND ids.before IS DISTINCT FROM ids.after
    ON CONFLICT (conversation, kind, value) DO UPDATE SET replaced_at = excluded.replaced_at;
  RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS conversations_ids ON conversations;
CREATE TRIGGER conversations_ids AFTER UPDATE OF user_id, wa_id ON conversations FOR EACH ROW
  WHEN (OLD.user_id IS DISTINCT FROM NEW.user_id OR OLD.wa_id IS DISTINCT FROM NEW.wa_id)
  EXECUTE FUNCTION keep_earlier_ids();
