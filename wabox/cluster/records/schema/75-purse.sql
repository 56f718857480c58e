-- What the language model cost, by day, and of that by conversation; '' is the day's total. Never taken over a cap.
CREATE TABLE IF NOT EXISTS llm_spending (
  key bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  day text NOT NULL,                      -- ISO date, in the bot's time zone
  conversation text NOT NULL,
  micros bigint NOT NULL CHECK (micros >= 0),
  calls bigint NOT NULL,
  PRIMARY KEY (day, conversation)
);
CREATE INDEX IF NOT EXISTS llm_spending_of ON llm_spending (conversation);
-- What it answered, by the question's hash.
CREATE TABLE IF NOT EXISTS llm_answers (
  key bytea PRIMARY KEY,
  at bigint NOT NULL,                     -- ms since the epoch
  tries integer NOT NULL,                 -- without an answer
  body text
);
CREATE INDEX IF NOT EXISTS llm_answers_at ON llm_answers (at);
