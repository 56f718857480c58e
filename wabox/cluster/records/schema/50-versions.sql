-- What published versions consist of, for every machine that serves them. `versions` itself is of 10-records.
ALTER TABLE versions ADD COLUMN IF NOT EXISTS model text NOT NULL DEFAULT '';  -- 12 hex digits over the model's files
CREATE TABLE IF NOT EXISTS bundles (
  bot text NOT NULL,
  id text NOT NULL,                       -- of the version
  model text NOT NULL,
  sha256 text NOT NULL,                   -- hex, of all parts together: a tar archive
  parts integer NOT NULL,
  made_at bigint NOT NULL,                -- when somebody last wanted it kept; one that no version names goes an hour later
  PRIMARY KEY (bot, id, model)
);
CREATE TABLE IF NOT EXISTS bundle_parts (
  bot text NOT NULL,
  id text NOT NULL,
  model text NOT NULL,
  part integer NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (bot, id, model, part),
  FOREIGN KEY (bot, id, model) REFERENCES bundles ON DELETE CASCADE
);
