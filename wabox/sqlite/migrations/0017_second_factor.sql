-- What agents prove beside their password: a code of the moment, from their phone, or one of those on paper.
CREATE TABLE agent_codes (
  agent INTEGER PRIMARY KEY,        -- agents.key
  secret TEXT NOT NULL,             -- RFC 6238, base32; alone it opens nothing
  last_step INTEGER NOT NULL,       -- of 30 s; no code is good twice
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE agent_recovery_codes (
  agent INTEGER NOT NULL,
  hash BLOB NOT NULL,               -- SHA-256: what is hashed is random
  PRIMARY KEY (agent, hash)
) STRICT, WITHOUT ROWID;
