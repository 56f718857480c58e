-- What our own side begins: templates as WhatsApp has them, what messages cost, broadcasts.
CREATE TABLE IF NOT EXISTS templates (
  name text NOT NULL, language text NOT NULL,
  body bytea NOT NULL,                    -- JSON of core.template.StoredTemplate
  PRIMARY KEY (name, language)
);
CREATE TABLE IF NOT EXISTS meter (
  slot bigint NOT NULL,                   -- the half hour: ms since the epoch / 1,800,000
  number_id text NOT NULL, category text NOT NULL, type text NOT NULL, source text NOT NULL, template text NOT NULL,
  delivered bigint NOT NULL,
  PRIMARY KEY (slot, number_id, category, type, source, template)
);
-- A row for each message that was delivered, until the leader adds it to the meter: nobody waits for anybody to count.
CREATE TABLE IF NOT EXISTS meter_news (
  key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  slot bigint NOT NULL, number_id text NOT NULL, category text NOT NULL, type text NOT NULL, source text NOT NULL, template text NOT NULL
);
CREATE TABLE IF NOT EXISTS broadcasts (
  key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE,
  status text NOT NULL,
  reason text NOT NULL,
  next_at bigint NOT NULL DEFAULT 0,      -- when the next one may be entered, ms since the epoch
  body bytea NOT NULL                     -- JSON of core.broadcast.Broadcast
);
-- Each of them: waiting, entered (into the conversation's lane), then what became of the message; or skipped.
CREATE TABLE IF NOT EXISTS recipients (
  key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  broadcast bigint NOT NULL,
  line integer NOT NULL,                  -- of the file
  contact bytea NOT NULL,                 -- JSON
  conversation text,                      -- known when the broadcast was planned
  body bytea NOT NULL,                    -- JSON, the request without addressing
  status text NOT NULL,
  code integer,                           -- Meta's
  reason text,
  outbound_id text,
  entered_at bigint
);
CREATE INDEX IF NOT EXISTS recipients_progress ON recipients (broadcast, status, code);
CREATE INDEX IF NOT EXISTS recipients_waiting ON recipients (broadcast, key) WHERE status = 'waiting';
CREATE INDEX IF NOT EXISTS recipients_entered ON recipients (entered_at) WHERE entered_at IS NOT NULL;
DO $$ BEGIN  -- not where it is there: the lock would wait for everybody who writes
  IF NOT EXISTS (SELECT FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = 'outbox' AND column_name = 'recipient') THEN
    ALTER TABLE outbox ADD COLUMN recipient bigint;
  END IF;
END $$;
