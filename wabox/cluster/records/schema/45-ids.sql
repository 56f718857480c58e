-- Whose conversation it is, to be found by: whoever writes to several numbers, or under another id, is the same person.
ALTER TABLE conversations ADD COLUMN IF NOT EXISTS user_id text;
ALTER TABLE conversations ADD COLUMN IF NOT EXISTS wa_id text;
UPDATE conversations SET user_id = convert_from(contact, 'UTF8')::json ->> 'user_id', wa_id = convert_from(contact, 'UTF8')::json ->> 'wa_id'
  WHERE contact IS NOT NULL AND user_id IS NULL AND wa_id IS NULL;
CREATE INDEX IF NOT EXISTS conversations_user ON conversations (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS conversations_phone ON conversations (wa_id) WHERE wa_id IS NOT NULL;
