-- People who look after conversations, how they prove it, and what they did.
CREATE TABLE agents (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,          -- core.agent.Agent
  name TEXT NOT NULL,
  roles TEXT NOT NULL,              -- JSON arrays
  queues TEXT NOT NULL,
  skills TEXT NOT NULL,
  disabled INTEGER NOT NULL DEFAULT 0,
  password TEXT,                    -- argon2id, encoded with its parameters
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE agent_tokens (
  key INTEGER PRIMARY KEY,
  agent INTEGER NOT NULL,
  label TEXT NOT NULL,
  hash BLOB NOT NULL UNIQUE,        -- SHA-256: what is hashed is random
  created_at INTEGER NOT NULL,
  seen_at INTEGER,
  UNIQUE (agent, label)
) STRICT;

CREATE TABLE sessions (             -- a browser that is signed in, or was
  key INTEGER PRIMARY KEY,
  agent INTEGER NOT NULL,
  hash BLOB NOT NULL UNIQUE,        -- SHA-256 of the cookie
  address TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
CREATE INDEX sessions_of ON sessions (agent, address);

CREATE TABLE refused_logins (       -- under names that exist and names that do not
  name BLOB PRIMARY KEY,            -- hashed with login_key: a password may have been typed there
  times INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE login_key (value BLOB NOT NULL) STRICT;
INSERT INTO login_key (value) VALUES (randomblob(32));

CREATE TABLE audit (                -- core.agent.Act
  key INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  who TEXT NOT NULL,
  what TEXT NOT NULL,
  target TEXT NOT NULL,
  address TEXT NOT NULL,
  outcome TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_remains BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
