-- Published versions of bots. The copy of the folder lies in published/<bot>/<id>, complete before the row is there.
CREATE TABLE versions (
  bot TEXT NOT NULL,
  id TEXT NOT NULL,                 -- 12 hex digits over the files
  number INTEGER NOT NULL,          -- 1, 2, 3 … in the order of first publication
  charts BLOB NOT NULL,             -- JSON: references of its charts
  live_from INTEGER NOT NULL,
  live_until INTEGER,               -- NULL: the live one
  choice TEXT,                      -- core.version.Choice
  PRIMARY KEY (bot, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX versions_live ON versions (bot) WHERE live_until IS NULL;
