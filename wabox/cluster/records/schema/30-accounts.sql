-- People who look after conversations, what opens their accounts, and the log of what they did. Times are ms since the epoch.
CREATE TABLE IF NOT EXISTS agents (
  id text PRIMARY KEY,                    -- core.agent.Agent
  name text NOT NULL,
  roles text[] NOT NULL,
  queues text[] NOT NULL,
  skills text[] NOT NULL,
  disabled boolean NOT NULL DEFAULT false,
  password text,                          -- argon2id, encoded with its parameters
  language text,                          -- of the cards that tell them of cases; NULL: the bot's first
  created_at bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS agent_tokens (
  key bigint GENERATED ALWAYS AS IDENTITY,
  agent text NOT NULL,
  label text NOT NULL,
  hash bytea NOT NULL UNIQUE,             -- SHA-256: what is hashed is random
  created_at bigint NOT NULL,
  seen_at bigint,
  PRIMARY KEY (agent, label)
);
CREATE TABLE IF NOT EXISTS sessions (     -- a browser that is signed in, or was
  hash bytea PRIMARY KEY,                 -- SHA-256 of the cookie
  agent text NOT NULL,
  address text NOT NULL,
  created_at bigint NOT NULL,
  seen_at bigint NOT NULL,
  ended_at bigint
);
CREATE INDEX IF NOT EXISTS sessions_of ON sessions (agent, address);
CREATE INDEX IF NOT EXISTS sessions_live ON sessions (seen_at) WHERE ended_at IS NULL;
CREATE TABLE IF NOT EXISTS refused_logins ( -- under names that exist and names that do not
  name bytea PRIMARY KEY,                 -- hashed with login_key: a password may have been typed there
  times integer NOT NULL,
  at bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS login_turns (  -- how often an address may still try, at whatever process
  address bytea PRIMARY KEY,              -- hashed with login_key
  ready bigint NOT NULL                   -- when all that it took will have been given back
);
CREATE INDEX IF NOT EXISTS login_turns_ready ON login_turns (ready);
CREATE TABLE IF NOT EXISTS login_key (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  value bytea NOT NULL
);
-- What agents prove beside their password: a code of the moment, from their phone, or one of those on paper.
CREATE TABLE IF NOT EXISTS agent_codes (
  agent text PRIMARY KEY,
  secret text NOT NULL,                   -- RFC 6238, base32; alone it opens nothing
  last_step bigint NOT NULL,              -- of 30 s; no code is good twice
  created_at bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS agent_recovery_codes (
  agent text NOT NULL,
  hash bytea NOT NULL,                    -- SHA-256: what is hashed is random
  PRIMARY KEY (agent, hash)
);
CREATE TABLE IF NOT EXISTS audit (        -- core.agent.Act
  key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at bigint NOT NULL,
  who text NOT NULL,
  what text NOT NULL,
  target text NOT NULL,
  address text NOT NULL,
  outcome text NOT NULL
);
CREATE INDEX IF NOT EXISTS audit_of ON audit (who, key);
CREATE OR REPLACE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is append-only';
END $$;
-- Looked at first: both statements stop everybody else's, also where there is nothing to do.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'audit'::regclass AND tgname = 'audit_stays') THEN
    CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_stays();
  END IF;
  IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'conversations'::regclass AND attname = 'key') THEN
    -- What the log calls a conversation: a number that says nothing once the customer is forgotten.
    ALTER TABLE conversations ADD COLUMN key bigint GENERATED ALWAYS AS IDENTITY;
  END IF;
END $$;
