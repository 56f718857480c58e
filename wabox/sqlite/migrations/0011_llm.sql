CREATE TABLE llm_spending (
  day TEXT NOT NULL,
  conversation_id TEXT NOT NULL,
  micros INTEGER NOT NULL,
  calls INTEGER NOT NULL,
  PRIMARY KEY (day, conversation_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE llm_answers (
  key BLOB PRIMARY KEY,
  at INTEGER NOT NULL,
  tries INTEGER NOT NULL,
  body TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX llm_answers_at ON llm_answers (at);
