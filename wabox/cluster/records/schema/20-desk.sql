-- What people's desks read: the rest of a conversation's copy, cases, and who is told of them.
ALTER TABLE conversations ADD COLUMN IF NOT EXISTS archived bytea;  -- msgpack of core.conversation.Archive, the newest one
CREATE INDEX IF NOT EXISTS handoffs_claimed ON handoffs (queue, claimed_at) WHERE claimed_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS alerts (
  key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text NOT NULL UNIQUE,
  conversation text NOT NULL,
  case_id text NOT NULL,
  address text NOT NULL,
  what text NOT NULL,
  body bytea NOT NULL,                    -- core.alert.Alert; JSON
  created_at bigint NOT NULL,
  due_at bigint NOT NULL,
  status text NOT NULL,
  attempts integer NOT NULL,
  reason text,
  ref text,                               -- the outbox's id of the WhatsApp message that it became
  settled_at bigint
);
CREATE INDEX IF NOT EXISTS alerts_due ON alerts (due_at) WHERE status IN ('waiting', 'sent');
CREATE INDEX IF NOT EXISTS alerts_case ON alerts (case_id);
CREATE INDEX IF NOT EXISTS alerts_of ON alerts (conversation);
CREATE INDEX IF NOT EXISTS alerts_card ON alerts (ref) WHERE ref IS NOT NULL;
